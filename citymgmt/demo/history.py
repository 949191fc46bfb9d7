"""Thirty days in the county, lived through the real actions at past instants, in the order of time."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from django.db import connection

from citymgmt.demo import chances
from citymgmt.demo.lives import Life
from citymgmt.demo.people import Town
from citymgmt.demo.tables import rows
from citymgmt.demo.world import World

DAY = timedelta(days=1)
STEPS_BETWEEN_CHECKS = 400

# What lies open when it ends, so that every queue has work: where, how many, and how many minutes ago the youngest and
# the oldest of them was reported. Longer ago than the desk may take shows red, shorter ago yellow and green.
OPEN_TODAY: tuple[tuple[str, int, int, int], ...] = (
    ("reported", 6, 2, 40),
    ("accepted", 4, 5, 30),
    ("verifying", 5, 10, 50),
    ("pending_filing", 5, 6, 35),
    ("pending_dispatch", 6, 9, 45),
    ("pending_handle", 6, 12, 150),
    ("handling", 8, 15, 300),
    ("return", 2, 35, 70),
    ("extension", 2, 40, 120),
    ("suspension", 2, 40, 120),
    ("suspended", 2, 600, 900),
    ("handed_over", 4, 40, 70),
    ("pending_check", 4, 43, 75),
    ("checking", 5, 46, 100),
    ("pending_close", 4, 56, 95),
)
# Each of the people to try the program with finds work of his own.
FOR_TRYING: dict[str, dict[str, str]] = {
    "verifying": {"source": "web", "duty_grid": "YX-01"},
    "checking": {"source": "video", "duty_grid": "YX-01"},
    "pending_handle": {"class": "06-013"},
    "handling": {"class": "06-013"},
    "extension": {"class": "06-013"},
    "suspension": {"class": "06-013"},
    "suspended": {"class": "06-050"},
}


def live(*, town: Town, start: datetime, end: datetime, reports_a_day: int, say: Callable[[str], None]) -> World:
    """Live from a midnight to `end`. Everything that would happen later is left open."""
    world = World(town)
    lives = [*_everyday(world, start, end, reports_a_day), *_open_today(world, end)]
    for life in lives:
        world.spawn(life.story())
    days = (end - start) / DAY
    began, shown = time.monotonic(), [start]

    def after_each(at: datetime) -> None:
        if world.steps % STEPS_BETWEEN_CHECKS == 0:
            _check_references()
        if at >= shown[0]:
            day = (at - start) / DAY
            say(f"{progress(day / days)} day {min(int(day) + 1, round(days))} of {round(days)}, {world.steps} steps")
            shown[0] = at + DAY / 2

    world.run(end, after_each=after_each)
    say(f"{progress(1)} {len(lives)} problems, {world.steps} steps in {time.monotonic() - began:.0f} s")
    return world


def progress(share: float) -> str:
    """A bar of twenty characters."""
    full = round(20 * min(share, 1))
    return f"[{'#' * full}{'.' * (20 - full)}]"


def _check_references() -> None:
    """Have the database check its references now; saved up for the end they would fill its memory."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


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
                yield Life(world, number, at=at, what=what, source=source, spot=spot)
        day += DAY


def _open_today(world: World, end: datetime):
    problems = [row for row in rows("problems") if int(row["weight"]) > 8]
    number = OPEN_TODAY_FROM
    for stage, count, youngest, oldest in OPEN_TODAY:
        for place in range(count):
            number += 1
            chance = Random(f"yunxi/today/{number}")
            wanted = FOR_TRYING.get(stage, {}) if place < 3 else {}
            classes = [row for row in problems if row["class"] == wanted.get("class", row["class"])]
            what = chances.weighted(chance, classes, [int(row["weight"]) for row in classes])
            source = wanted.get("source") or chance.choice(CITIZENS if stage in VERIFIED_FIRST else EYES)
            spot = world.streets.spot(what, chance, in_duty_grid=wanted.get("duty_grid", ""))
            minutes = youngest + (oldest - youngest) * place / (count - 1)
            at = end - timedelta(minutes=minutes)
            yield Life(world, number, at=at, what=what, source=source, spot=spot, rests_at=stage)


OPEN_TODAY_FROM = 900_000
VERIFIED_FIRST = ("accepted", "verifying")
CITIZENS = ("hotline", "web")
EYES = ("collector", "collector", "collector", "video")
