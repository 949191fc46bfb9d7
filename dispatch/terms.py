"""Which rules hold for what a department asks: the city's rows read for one case and one day.

The rows are few and asked for with every request: each process keeps a copy, at most ten seconds old.
"""

import time as processor
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import in_this_language
from cases import clocks, time_limits
from cases.models import Case, HandlingStint, Request
from cases.time_limits import WORKING, Limit, Unit
from cases.work_calendar import WorkCalendar
from dispatch import approval
from dispatch.models import ApprovalRule, Ground
from office import settings

FRESH_SECONDS = 10.0  # how old this process's copy of the rows may be


@dataclass(frozen=True)
class _Rows:
    read_at: float
    rules: tuple[ApprovalRule, ...]
    grounds: tuple[Ground, ...]


_rows: _Rows | None = None


def _known() -> _Rows:
    global _rows
    if _rows is None or processor.monotonic() - _rows.read_at > FRESH_SECONDS:
        _rows = _Rows(processor.monotonic(), tuple(ApprovalRule.objects.all()), tuple(Ground.objects.all()))
    return _rows


def forget() -> None:
    """Make this process read the rows anew."""
    global _rows
    _rows = None


def _holds(row: ApprovalRule | Ground, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or day < row.valid_to)


# Which setting holds the general number and length where no row says another.
MAX_COUNT = {"extension": "dispatch.extensions", "suspension": "dispatch.suspensions"}
MAX_DAYS = {"suspension": "dispatch.suspension_days"}


def terms_of(
    kind: str, stint: HandlingStint, case: Case, *, at: datetime, ground: str = "", days: int = 0,
    is_custom: bool = False, granted: int | None = None,
) -> approval.Terms:  # fmt: skip
    """Return the terms of a request; one query where `granted` is not told."""
    day = timezone.localdate(at)
    if granted is None:
        granted = stint.requests.filter(kind=kind, stage="granted").count()
    return terms_under(
        _fitting(kind, case, day), kind, stint, case, day=day, ground=ground, days=days, is_custom=is_custom,
        granted=granted,
    )  # fmt: skip


def terms_under(
    rules: Iterable[ApprovalRule], kind: str, stint: HandlingStint, case: Case, *, day: date, ground: str, days: int,
    is_custom: bool, granted: int,
) -> approval.Terms:  # fmt: skip
    """Return the terms of a request under these rules about its kind and class; no query."""
    what = case.minor_class
    asked = approval.Asked(
        kind=kind, ground=ground, class_kind=what.kind, major_code=what.major_code, class_code=what.code,
        area_code=case.area_code, level=level_of(stint), nth=granted + 1, days=days, is_custom=is_custom,
    )  # fmt: skip
    return approval.terms(
        asked,
        [_as_row(row, what.code) for row in rules],
        max_count=_setting(MAX_COUNT, kind, case, day),
        max_days=_setting(MAX_DAYS, kind, case, day),
    )


def _setting(keys: dict[str, str], kind: str, case: Case, day: date) -> int | None:
    return settings.get(keys[kind], on=day, area_code=case.area_code) if kind in keys else None


def _fitting(kind: str, case: Case, day: date) -> list[ApprovalRule]:
    what = case.minor_class
    return [
        row for row in _known().rules if row.kind == kind and row.minor_class_id in (None, what.pk) and _holds(row, day)
    ]


def _as_row(row: ApprovalRule, class_code: str) -> approval.Row:
    return approval.Row(
        kind=row.kind, ground=row.ground, class_kind=row.class_kind, major_code=row.major_code,
        class_code=class_code if row.minor_class_id else "", area_code=row.area_code, level=row.level, nth=row.nth,
        min_days=row.min_days, is_custom=row.is_custom, chain=tuple(row.chain), max_count=row.max_count,
        max_days=row.max_days, grounds=tuple(row.grounds), needs_file=row.needs_file,
    )  # fmt: skip


def level_of(stint: HandlingStint) -> int:
    """Return how many levels below the command centre a stint is: 1, 2, 3."""
    level = 1
    while stint.parent_id:
        stint, level = stint.parent, level + 1
    return level


# — grounds —


@dataclass(frozen=True)
class NamedGround:
    """A ground in force, with its name in the reader's language; `row` is None for a built-in one."""

    kind: str
    code: str
    name: str
    is_wrong_dispatch: bool
    row: Ground | None = None


def grounds(day: date, *, kind: str = "") -> list[NamedGround]:
    """Return the grounds in force on a day: the city's own, and the built-in ones it has not replaced."""
    rows = [row for row in _known().grounds if row.kind == (kind or row.kind)]
    replaced = {(row.kind, row.code) for row in rows if row.valid_from <= day}
    built_in = [
        NamedGround(one.kind, one.code, gettext(one.name), one.is_wrong_dispatch)
        for one in approval.GROUNDS
        if one.kind == (kind or one.kind) and (one.kind, one.code) not in replaced
    ]
    own = [
        NamedGround(row.kind, row.code, in_this_language(row.name_zh, row.name_en), row.is_wrong_dispatch, row)
        for row in rows
        if _holds(row, day)
    ]
    order = {one: number for number, one in enumerate(Request.Kind.values)}
    last = [one for one in built_in if one.code == "other"]
    first = [one for one in built_in if one.code != "other"]
    return sorted([*first, *own, *last], key=lambda one: order[one.kind])


def ground_names(day: date) -> dict[tuple[str, str], str]:
    """Return the name of every ground by kind and code, also of those that hold no longer."""
    names = {(one.kind, one.code): gettext(one.name) for one in approval.GROUNDS}
    names |= {(row.kind, row.code): in_this_language(row.name_zh, row.name_en) for row in _known().grounds}
    return names


# — until when a case may be returned —


def return_until(stint: HandlingStint, case: Case, *, at: datetime) -> datetime | None:
    """Return until when the department may give the case back; None: at any time.

    Over one working day of limit (or none at all): until a set hour of the next working day after the case was sent;
    otherwise within the handling limit.
    """
    day = timezone.localdate(at)
    if not settings.get("dispatch.return_deadline", on=day, area_code=case.area_code):
        return None
    calendar, sent_at = clocks.calendar(case.area_code), stint.sent_at or stint.dispatched_at
    if case.limit_value is not None and not _over_a_day(
        Limit(case.limit_value, Unit(case.limit_unit)), calendar, sent_at
    ):
        return stint.due_at
    hour = settings.get("dispatch.return_hour", on=day, area_code=case.area_code)
    next_day = timezone.localdate(sent_at) + timedelta(days=1)
    while not calendar.is_workday(next_day):
        next_day += timedelta(days=1)
    return datetime.combine(next_day, time(hour), tzinfo=timezone.get_default_timezone())


def _over_a_day(limit: Limit, calendar: WorkCalendar, on: datetime) -> bool:
    seconds = time_limits.limit_seconds(limit, calendar, on=on)
    one_day = Limit(Decimal(1), Unit.WORKING_DAY if limit.unit in WORKING else Unit.CALENDAR_DAY)
    return seconds > time_limits.limit_seconds(one_day, calendar, on=on)
