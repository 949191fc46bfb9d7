"""Builds the demonstration: the ground with its people, then the days they lived; each whole or not at all."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Department
from cases.models import Case
from citymgmt.demo import ground, history, people
from citymgmt.demo.people import CODE, DIVISION, Town
from citymgmt.live_publish import in_silence
from evaluation import actions as evaluation
from office import settings

INVENTED = "9999"
"""Division codes that begin like this belong to no real place."""

CENTRE = "云溪县城市管理监督指挥中心"

Say = Callable[[str], None]


class InUse(Exception):
    """There are departments in the database that nobody invented: it is somebody's."""


def build(*, at: datetime, days: int, reports_a_day: int, share: float, say: Say) -> None:
    """Build what is missing of the demonstration so that it ends at `at`; what is finished is left alone.

    Ground and history are a transaction each: interrupted, they leave nothing behind and are begun anew. `share` is the
    part of the 20,000 components to write. Raises InUse.
    """
    start = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    build_ground(start=start, at=at, share=share, say=say)
    live(start=start, at=at, reports_a_day=reports_a_day, say=say)
    say("counting what is over")
    evaluation.run(at=at)


def build_ground(*, start: datetime, at: datetime, share: float, say: Say) -> None:
    """Build place and people as they are from the day of `start` on, unless they stand already. Raises InUse."""
    with transaction.atomic():
        _take_turn()
        if _has_ground():
            return
        _refuse_foreign()
        settings.set_value("office.is_demo", True, by=None, at=at, valid_from=start.date())
        settings.set_value("office.centre_name", CENTRE, by=None, at=at, valid_from=start.date())
        say("drawing the county")
        drawing = ground.draw()
        town = people.Town.found(at=start)
        duty_grids = ground.lay(drawing, at=start)
        people.assign_duty_grids(town, duty_grids, at=start)
        people.divide_responsibilities(town, at=start)
        say("building roads")
        ground.build_roads(drawing, at=start)
        ground.build_places(drawing, at=start)
        ground.build_cameras(drawing, by=town.people["guanli"], at=start)
        people.hire_crews(town, at=start)
        say("surveying components")
        ground.build_components(drawing, town.departments, at=start, share=share)


def live(*, start: datetime, at: datetime, reports_a_day: int, say: Say) -> None:
    """Let the days from `start` to `at` happen, unless they did; at the end everybody sits at work."""
    with in_silence(), transaction.atomic():
        _take_turn()
        if _has_history():
            return
        town = Town.remember()
        history.live(town=town, start=start, end=at, reports_a_day=reports_a_day, say=say)
        people.take_seats(town, at=at)


def is_finished() -> bool:
    """True once the county stands and has its history."""
    return _has_ground() and _has_history()


def _has_ground() -> bool:
    return Department.objects.filter(code=CODE).exists()


def _has_history() -> bool:
    return Case.objects.filter(area_code__startswith=DIVISION).exists()


def _refuse_foreign() -> None:
    if Department.objects.exclude(area_code="").exclude(area_code__startswith=INVENTED).exists():
        raise InUse


def _take_turn() -> None:
    """Wait until nobody else builds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('demo_county', 0))")
