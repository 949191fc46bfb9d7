"""Thirty days in the county, lived through the real actions at past instants, in the order of time."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from citymgmt.demo import chances
from citymgmt.demo.lives import Life
from citymgmt.demo.people import Town
from citymgmt.demo.tables import rows
from citymgmt.demo.timeline import progress
from citymgmt.demo.world import World

DAY = timedelta(days=1)

# What lies open when it ends, so that every queue has work: where, how many, and how many minutes ago the youngest and
# the oldest of them was reported. Longer ago than the desk may take shows red, shorter ago yellow and green.
OPEN_TODAY: tuple[tuple[str, int, int, int], ...] = (
    ("reported", 6, 2, 40),
    ("accepted", 4, 5, 30),
    ("verifying", 5, 10, 50),
    ("pending_filing", 5, 6, 35),
    ("pending_dispatch", 6, 5, 40),
    ("pending_handle", 6, 12, 150),
    ("handling", 8, 15, 300),
    ("return", 2, 15, 50),
    ("extension", 2, 20, 120),
    ("suspension", 2, 20, 120),
    ("suspended", 2, 600, 900),
    ("handed_over", 4, 25, 60),
    ("pending_check", 4, 27, 65),
    ("checking", 5, 29, 90),
    ("pending_close", 4, 38, 85),
)
# The first of them are for the people to try the program with: who is sent, who handles, what it is and where.
FOR_TRYING: dict[str, dict[str, str]] = {
    "verifying": {"source": "web", "duty_grid": "YX-01", "collector": "caijiyuan"},
    "checking": {"source": "video", "duty_grid": "YX-01", "collector": "caijiyuan"},
    "pending_handle": {"class": "06-050"},
    "handling": {"class": "06-050", "handler": "chuzhi"},
    "extension": {"class": "06-051", "handler": "chuzhi"},
    "suspension": {"class": "06-050", "handler": "chuzhi"},
    "suspended": {"class": "06-050", "handler": "chuzhi"},
}
ORDINARY_REPORTS = 34
"""So many reports a day leave as many open as the table says; fewer leave fewer, but two at least."""


def live(*, town: Town, start: datetime, end: datetime, reports_a_day: int, say: Callable[[str], None]) -> World:
    """Live from a midnight to `end`. Everything that would happen later is left open."""
    world = World(town)
    lives = [*_everyday(world, start, end, reports_a_day), *_open_today(world, end, reports_a_day)]
    for life in lives:
        world.spawn(life.story())
    days = (end - start) / DAY
    began, shown = time.monotonic(), [start]

    def after_each(at: datetime) -> None:
        if at >= shown[0]:
            day = (at - start) / DAY
            say(f"{progress(day / days)} day {min(int(day) + 1, round(days))} of {round(days)}, {world.steps} steps")
            shown[0] = at + DAY / 2

    world.run(end, after_each=after_each)
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
                yield Life(world=world, number=number, at=at, what=what, source=source, spot=spot)
        day += DAY


def _open_today(world: World, end: datetime, reports_a_day: int):
    problems = [row for row in rows("problems") if int(row["weight"]) > 8]
    number = OPEN_TODAY_FROM
    for stage, ordinary, youngest, oldest in OPEN_TODAY:
        count = max(2, round(ordinary * reports_a_day / ORDINARY_REPORTS))
        for place in range(count):
            number += 1
            chance = Random(f"yunxi/today/{number}")
            wanted = FOR_TRYING.get(stage, {}) if place <= count / 2 else {}
            classes = [row for row in problems if row["class"] == wanted.get("class", row["class"])]
            what = chances.weighted(chance, classes, [int(row["weight"]) for row in classes])
            yield Life(
                world=world,
                number=number,
                at=end - timedelta(minutes=youngest + (oldest - youngest) * place / (count - 1)),
                what=what,
                source=wanted.get("source") or chance.choice(CITIZENS if stage in VERIFIED_FIRST else EYES),
                spot=world.streets.spot(what, chance, in_duty_grid=wanted.get("duty_grid", "")),
                rests_at=stage,
                collector=wanted.get("collector", ""),
                handler=wanted.get("handler", ""),
            )


OPEN_TODAY_FROM = 900_000
VERIFIED_FIRST = ("accepted", "verifying")
CITIZENS = ("hotline", "web")
EYES = ("collector", "collector", "collector", "video")
