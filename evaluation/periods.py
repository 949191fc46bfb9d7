"""Periods 统计周期: day, ten days, week, month, quarter, half-year, year, as half-open windows in local time. Pure.

A month may begin on another day than the first: with `month_starts=26` March runs from 26 February up to and without
26 March; quarters, half-years and years follow. Ten-day periods 旬 and weeks (ISO) do not.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class PeriodType(StrEnum):
    """The kinds of period that are counted."""

    DAY = "day"
    TEN_DAY = "ten_day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


# Internal figures are daily and ten-daily, the ranking that is published is monthly, the assessment yearly.
MONTHS_IN = {PeriodType.MONTH: 1, PeriodType.QUARTER: 3, PeriodType.HALF_YEAR: 6, PeriodType.YEAR: 12}
TEN_DAY_STARTS = (1, 11, 21)


@dataclass(frozen=True)
class Period:
    """The days [first, end) of one kind."""

    type: PeriodType
    first: date
    end: date  # the first day that no longer belongs to it

    def window(self, tz: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the instants [start, end) in a time zone."""
        return datetime.combine(self.first, time(0), tz), datetime.combine(self.end, time(0), tz)


def period_of(kind: PeriodType, day: date, *, month_starts: int = 1) -> Period:
    """Return the period of that kind in which a day lies. Raises ValueError unless 1 ≤ month_starts ≤ 28."""
    if not 1 <= month_starts <= 28:
        raise ValueError("a month begins between the 1st and the 28th")
    if kind is PeriodType.DAY:
        return Period(kind, day, day + timedelta(days=1))
    if kind is PeriodType.WEEK:
        monday = day - timedelta(days=day.weekday())
        return Period(kind, monday, monday + timedelta(days=7))
    if kind is PeriodType.TEN_DAY:
        starts = [*(day.replace(day=first) for first in TEN_DAY_STARTS), _month_start(day.year, day.month + 1, 1)]
        place = max(index for index, start in enumerate(starts) if start <= day)
        return Period(kind, starts[place], starts[place + 1])
    year, month = _named_month(day, month_starts)
    span = MONTHS_IN[kind]
    month = (month - 1) // span * span + 1
    return Period(kind, _month_start(year, month, month_starts), _month_start(year, month + span, month_starts))


def previous(period: Period, *, month_starts: int = 1) -> Period:
    """Return the period of the same kind that ends where this one begins (环比)."""
    return period_of(period.type, period.first - timedelta(days=1), month_starts=month_starts)


def following(period: Period, *, month_starts: int = 1) -> Period:
    """Return the period of the same kind that begins where this one ends."""
    return period_of(period.type, period.end, month_starts=month_starts)


def a_year_before(period: Period, *, month_starts: int = 1) -> Period:
    """Return the same period of the year before (同比); a week is compared with the week 52 weeks earlier."""
    if period.type is PeriodType.WEEK:
        return period_of(period.type, period.first - timedelta(weeks=52))
    day = period.end - timedelta(days=1)
    earlier = day.replace(year=day.year - 1, day=min(day.day, 28))
    if period.type is PeriodType.DAY and (day.month, day.day) != (2, 29):
        earlier = day.replace(year=day.year - 1)
    return period_of(period.type, earlier, month_starts=month_starts)


def named_year_and_month(period: Period, *, month_starts: int = 1) -> tuple[int, int]:
    """Return the year and month by which people call a period: those of its last day's month."""
    return _named_month(period.end - timedelta(days=1), month_starts)


def _named_month(day: date, month_starts: int) -> tuple[int, int]:
    if month_starts == 1 or day.day < month_starts:
        return day.year, day.month
    return (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)


def _month_start(year: int, month: int, month_starts: int) -> date:
    """Return the first day of the month named (year, month); month 13 is January of the next year."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    if month_starts == 1:
        return date(year, month, 1)
    before = date(year, month, 1) - timedelta(days=1)
    return before.replace(day=month_starts)
