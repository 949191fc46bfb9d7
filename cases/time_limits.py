"""Time limits 时限: six units, one way of counting. Pure: no Django.

Continuous units run day and night; working units consume only the minutes of the working calendar. Everything is
counted in whole seconds of the unit's own time, so pausing, resuming and extending are additions. Source: the domain's
rules on time and its worked examples K1–K13.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from cases.work_calendar import WorkCalendar


class Unit(StrEnum):
    """The units of a limit."""

    CONTINUOUS_HOUR = "continuous_hour"  # 紧急工作时
    WORKING_HOUR = "working_hour"  # 工作时
    WORKING_DAY = "working_day"  # 工作日
    CALENDAR_DAY = "calendar_day"  # 自然日
    CONTINUOUS_DAY = "continuous_day"  # 紧急工作日
    PLANTING_DAY = "planting_day"  # 种植季节工作日: a 工作日 that counts only in the planting season


WORKING = frozenset({Unit.WORKING_HOUR, Unit.WORKING_DAY, Unit.PLANTING_DAY})
WHOLE_DAYS = frozenset({Unit.WORKING_DAY, Unit.PLANTING_DAY})
UNIT_SECONDS = {
    Unit.CONTINUOUS_HOUR: 3600,
    Unit.WORKING_HOUR: 3600,
    Unit.CALENDAR_DAY: 86400,
    Unit.CONTINUOUS_DAY: 86400,
}


@dataclass(frozen=True)
class Limit:
    """A promise: so many of a unit."""

    value: Decimal
    unit: Unit


@dataclass(frozen=True)
class Due:
    """A deadline; provisional when it rests on a year whose calendar is not yet official."""

    at: datetime
    provisional: bool = False


def hours(value: int | str | Decimal) -> Limit:
    """Return a limit in 工作时."""
    return Limit(Decimal(value), Unit.WORKING_HOUR)


def days(value: int | str | Decimal) -> Limit:
    """Return a limit in 工作日."""
    return Limit(Decimal(value), Unit.WORKING_DAY)


def continuous_hours(value: int | str | Decimal) -> Limit:
    """Return a limit in 紧急工作时."""
    return Limit(Decimal(value), Unit.CONTINUOUS_HOUR)


def counted(unit: Unit, calendar: WorkCalendar) -> WorkCalendar:
    """Return the calendar whose minutes a working unit consumes."""
    return calendar.planting if unit is Unit.PLANTING_DAY else calendar


def limit_seconds(limit: Limit, calendar: WorkCalendar, *, on: datetime) -> int:
    """Return the seconds a limit is worth, of its own time; a 工作日 is the schedule's day on the day it begins."""
    if limit.unit in WHOLE_DAYS:
        unit = calendar.day_seconds(on.astimezone(calendar.tz).date())
    else:
        unit = UNIT_SECONDS[limit.unit]
    return int((limit.value * unit).quantize(Decimal(1), ROUND_HALF_UP))


def add(start: datetime, seconds: int, unit: Unit, calendar: WorkCalendar) -> Due:
    """Return the instant by which so many seconds of the unit's time have passed since start."""
    if unit not in WORKING:
        return Due((start.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(calendar.tz))
    at = counted(unit, calendar).add(start, seconds)
    return Due(at, calendar.official_until is not None and at.date() > calendar.official_until)


def deadline(start: datetime, limit: Limit, calendar: WorkCalendar) -> Due:
    """Return when a limit that begins at start runs out; done at that very instant is on time."""
    return add(start, limit_seconds(limit, calendar, on=start), limit.unit, calendar)


def used_seconds(start: datetime, end: datetime, unit: Unit, calendar: WorkCalendar) -> int:
    """Return the seconds of the unit's time between two instants; 0 when end is not after start."""
    if unit not in WORKING:
        return max(0, int((end.astimezone(UTC) - start.astimezone(UTC)).total_seconds()))
    return counted(unit, calendar).seconds_between(start, end)


def runs_out(
    stretches: Iterable[tuple[datetime, datetime | None]], seconds: int, unit: Unit, calendar: WorkCalendar
) -> Due | None:
    """Return when a limit of so many seconds was or will be used up by the stretches in which a clock ran.

    A clock that stands still is due as if it ran on from where it stopped. None: it never ran.
    """
    left, due = max(0, seconds), None
    for begins, ends in stretches:
        due = add(begins, left, unit, calendar)
        if ends is None or due.at <= ends:
            return due
        left -= used_seconds(begins, ends, unit, calendar)
        due = add(ends, left, unit, calendar)
    return due


def overdue_factor(used: int, total: int) -> Decimal | None:
    """Return time used ÷ limit, unrounded 超时倍数; None without a limit."""
    return Decimal(used) / Decimal(total) if total else None


class Lamp(StrEnum):
    """What a clock shows: with its own sign, never by colour alone."""

    GREEN = "green"  # ● 正常
    YELLOW = "yellow"  # ◐ 将到期
    RED = "red"  # ▲ 超期
    PAUSED = "paused"  # ‖ 暂停
    NONE = "none"


def lamp(at: datetime, *, yellow_at: datetime | None, due_at: datetime | None, paused: bool = False) -> Lamp:
    """Return the lamp of a clock: yellow from the share of work time on, red after the deadline."""
    if paused:
        return Lamp.PAUSED
    if due_at is None:
        return Lamp.NONE
    if at > due_at:
        return Lamp.RED
    return Lamp.YELLOW if yellow_at is not None and at >= yellow_at else Lamp.GREEN


@dataclass(frozen=True)
class Line:
    """One line of a deadline's explanation: a stretch of time that counted, and what was left of the limit after it."""

    begins: datetime
    ends: datetime
    used_seconds: int
    left_seconds: int


def explain(
    stretches: Iterable[tuple[datetime, datetime | None]], seconds: int, unit: Unit, calendar: WorkCalendar
) -> list[Line]:
    """Return, line by line, how a limit of so many seconds is used up over the stretches in which the clock ran.

    A stretch without an end runs until the limit is used up. Working units give one line for each span worked.
    """
    lines: list[Line] = []
    left = seconds
    for begins, ends in stretches:
        stop = ends if ends is not None else max(begins, add(begins, max(left, 0), unit, calendar).at)
        for piece_begins, piece_ends in _pieces(begins, stop, unit, calendar):
            used = used_seconds(piece_begins, piece_ends, unit, calendar)
            left -= used
            lines.append(Line(piece_begins, piece_ends, used, left))
    return lines


def _pieces(
    begins: datetime, ends: datetime, unit: Unit, calendar: WorkCalendar
) -> Iterable[tuple[datetime, datetime]]:
    if unit not in WORKING:
        if ends > begins:
            yield begins, ends
        return
    calendar = counted(unit, calendar)
    begins, ends = begins.astimezone(calendar.tz), ends.astimezone(calendar.tz)
    day: date = begins.date()
    while day <= ends.date():
        midnight = datetime(day.year, day.month, day.day, tzinfo=calendar.tz)
        for span in calendar.spans(day):
            opens = max(begins, midnight + timedelta(seconds=span.opens))
            closes = min(ends, midnight + timedelta(seconds=span.closes))
            if closes > opens:
                yield opens, closes
        day += timedelta(days=1)
