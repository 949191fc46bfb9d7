"""Thirty days in the county, lived through the real actions at past instants, in the order of time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from cases.models import Directive
from citymgmt.demo import chances
from citymgmt.demo.lives import Life
from citymgmt.demo.people import Town
from citymgmt.demo.tables import rows
from citymgmt.demo.timeline import progress
from citymgmt.demo.world import World
from dispatch import experience

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Left:
    """Cases that are left open: at which stage, how many, reported how many minutes before the end.

    Longer ago than a desk may take shows red, shorter ago yellow and green. `wanted` (source, class, duty grid, people)
    holds for the first half: those are for the people to try the program with.
    """

    stage: str
    count: int
    youngest: int
    oldest: int
    wanted: dict[str, str] = field(default_factory=dict)


# What lies open when it ends, so that every queue has work.
OPEN_TODAY = (
    Left("reported", 6, 2, 40),
    Left("accepted", 4, 5, 30),
    Left("verifying", 5, 10, 50, {"source": "web", "duty_grid": "YX-01", "collector": "caijiyuan"}),
    Left("pending_filing", 5, 6, 35),
    Left("pending_dispatch", 6, 5, 40),
    Left("pending_handle", 6, 12, 150, {"class": "06-050"}),
    Left("handling", 8, 15, 300, {"class": "06-050", "handler": "chuzhi"}),
    Left("handling", 6, 8_000, 14_000, {"class": "02-021", "handler": "chuzhi"}),
    Left("return", 2, 15, 50),
    Left("extension", 2, 20, 120, {"class": "06-051", "handler": "chuzhi"}),
    Left("suspension", 2, 20, 120, {"class": "06-050", "handler": "chuzhi"}),
    Left("suspended", 2, 600, 900, {"class": "06-050", "handler": "chuzhi"}),
    Left("handed_over", 4, 25, 60),
    Left("pending_check", 4, 27, 65),
    Left("inspecting", 3, 29, 80),
    Left("checking", 5, 29, 90, {"source": "video", "duty_grid": "YX-01", "collector": "caijiyuan"}),
    Left("pending_close", 4, 38, 85),
)
ORDINARY_REPORTS = 34
"""So many reports a day leave as many open as the table says; fewer leave fewer, but two at least."""


def live(*, town: Town, start: datetime, end: datetime, reports_a_day: int, say: Callable[[str], None]) -> World:
    """Live from a midnight to `end`. Everything that would happen later is left open."""
    world = World(town)
    lives = [*_everyday(world, start, end, reports_a_day), *_open_today(world, start, end, reports_a_day)]
    for life in lives:
        world.spawn(life.story())
    days = (end - start) / DAY
    began, shown, learnt = time.monotonic(), [start], [start + DAY]

    def after_each(at: datetime) -> None:
        if at >= learnt[0]:
            experience.learn(at=at)
            learnt[0] = at + DAY / 4
        if at >= shown[0]:
            day = (at - start) / DAY
            say(f"{progress(day / days)} day {min(int(day) + 1, round(days))} of {round(days)}, {world.steps} steps")
            shown[0] = at + DAY / 2

    world.run(end, after_each=after_each)
    experience.rebuild(at=end)
    Directive.objects.filter(told_at__isnull=True).update(told_at=end)  # the past rings no bell
    say(f"{progress(1)} {len(lives)} problems, {world.steps} steps in {time.monotonic() - began:.0f} s")
    return world


def _everyday(world: World, start: datetime, end: datetime, reports_a_day: int):
    problems = rows("problems")
    weights = [int(row["weight"]) for row in problems]
    number, day = 0, start
    while day < end:
        chance = Random(f"yunxi/day/{(day - start).days}")
        for _report in range(chances.reports_on(chance, day, reports_a_day)):
            number += 1
            what = chances.weighted(chance, problems, weights)
            at = chances.moment(chance, day, what["hours"])
            source = chances.source(chance, at)
            spot = world.streets.spot(what, chance)
            if at < end:
                life = Life(world=world, number=number, at=at, what=what, source=source, spot=spot)
                yield life
                yield from _seen_again(life, end)
        day += DAY


def _seen_again(life: Life, end: datetime):
    """Some problems are reported a second time while they are open, some come back weeks after they were put right."""
    chance = Random(f"yunxi/again/{life.number}")
    shared = {"world": life.world, "what": life.what, "source": "collector", "spot": life.spot}
    for share, number, first, later in (
        (0.03, TWICE_FROM, life, timedelta(minutes=chance.randint(15, 150))),
        (0.04, BACK_FROM, None, timedelta(days=chance.randint(4, 20))),
    ):
        at = life.at + later
        if chance.random() < share and at < end:
            yield Life(number=number + life.number, at=at, same_as=first, **shared)


TWICE_FROM, BACK_FROM = 500_000, 700_000


def _open_today(world: World, start: datetime, end: datetime, reports_a_day: int):
    problems = [row for row in rows("problems") if int(row["weight"]) > 8]
    number = OPEN_TODAY_FROM
    for left in OPEN_TODAY:
        count = max(2, round(left.count * reports_a_day / ORDINARY_REPORTS))
        for place in range(count):
            number += 1
            chance = Random(f"yunxi/today/{number}")
            wanted = left.wanted if place <= count / 2 else {}
            classes = [row for row in problems if row["class"] == wanted.get("class", row["class"])]
            what = chances.weighted(chance, classes, [int(row["weight"]) for row in classes])
            minutes = left.youngest + (left.oldest - left.youngest) * place / (count - 1)
            yield Life(
                world=world,
                number=number,
                at=max(end - timedelta(minutes=minutes), start),
                what=what,
                source=wanted.get("source") or chance.choice(CITIZENS if left.stage in VERIFIED_FIRST else EYES),
                spot=world.streets.spot(what, chance, in_duty_grid=wanted.get("duty_grid", "")),
                rests_at=left.stage,
                collector=wanted.get("collector", ""),
                handler=wanted.get("handler", ""),
            )


OPEN_TODAY_FROM = 900_000
VERIFIED_FIRST = ("accepted", "verifying")
CITIZENS = ("hotline", "web")
EYES = ("collector", "collector", "collector", "video")
