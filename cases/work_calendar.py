"""Working time 工作时间: which instants count, and how many working seconds lie between two of them. Pure: no Django.

A day is worked when it is a make-up day, or a weekday that is no holiday; on it count the spans of the schedule in
force. The same days seen through a season (`WorkCalendar.planting`) are worked only while the season lasts. Every
question becomes arithmetic on one running total: the working seconds since the first day known, kept per day, so that
adding a limit is a bisection and never a walk.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2060, 12, 31)
DEFAULT_DAY_SECONDS = 480 * 60


class Span(NamedTuple):
    """A stretch of a day that is worked, in seconds after midnight: opens ≤ t < closes."""

    opens: int
    closes: int


@dataclass(frozen=True)
class Schedule:
    """The spans of a working day, with dates of validity; `valid_to` is the first day on which it no longer holds."""

    spans: tuple[Span, ...]
    valid_from: date = FIRST_DAY
    valid_to: date | None = None

    @property
    def day_seconds(self) -> int:
        """Return the working seconds of one working day."""
        return sum(span.closes - span.opens for span in self.spans)


@dataclass(frozen=True)
class Season:
    """A part of every year, from month and day to month and day, both within it; it may reach over New Year."""

    begins: tuple[int, int]
    ends: tuple[int, int]
    valid_from: date = FIRST_DAY
    valid_to: date | None = None

    def contains(self, day: date) -> bool:
        """Whether the day lies in the season and the season's dates are in force on it."""
        if day < self.valid_from or (self.valid_to is not None and day >= self.valid_to):
            return False
        here = (day.month, day.day)
        if self.begins <= self.ends:
            return self.begins <= here <= self.ends
        return here >= self.begins or here <= self.ends


def clock_seconds(of: time) -> int:
    """Return the seconds after midnight."""
    return of.hour * 3600 + of.minute * 60 + of.second


class WorkCalendar:
    """The working calendar of a city. Instants are aware datetimes, results are in its own time zone."""

    def __init__(
        self,
        schedules: Sequence[Schedule],
        *,
        holidays: Iterable[date] = (),
        make_up_days: Iterable[date] = (),
        official_until: date | None = None,
        tz: ZoneInfo = BEIJING,
        planting_seasons: Sequence[Season] = (),
        only_in: Sequence[Season] = (),
    ) -> None:
        """`official_until`: last day of the published calendar; what reaches past it is provisional (None: never).

        `planting_seasons`: when `planting` counts. `only_in`: days outside all of these are not worked (none: all are).
        """
        self.schedules = sorted(schedules, key=lambda schedule: schedule.valid_from)
        self.holidays, self.make_up_days = frozenset(holidays), frozenset(make_up_days)
        self.official_until, self.tz = official_until, tz
        self.planting_seasons, self.only_in = tuple(planting_seasons), tuple(only_in)
        self._first = FIRST_DAY.toordinal()
        self._spans: list[tuple[Span, ...]] = []
        self._totals: list[int] = [0]  # working seconds before day i; one more entry than days
        for ordinal in range(self._first, LAST_DAY.toordinal() + 1):
            spans = self._spans_of(date.fromordinal(ordinal))
            self._spans.append(spans)
            self._totals.append(self._totals[-1] + sum(span.closes - span.opens for span in spans))

    @classmethod
    def from_rows(
        cls,
        *,
        spans: Iterable[tuple[date, date | None, time, time]],
        holidays: Iterable[date],
        make_up_days: Iterable[date],
        official_until: date | None,
        tz: ZoneInfo = BEIJING,
        planting_seasons: Sequence[Season] = (),
    ) -> "WorkCalendar":
        """Build one from rows (valid_from, valid_to, opens, closes): rows of the same validity are one schedule."""
        by_validity: dict[tuple[date, date | None], list[Span]] = {}
        for valid_from, valid_to, opens, closes in spans:
            span = Span(clock_seconds(opens), clock_seconds(closes))
            by_validity.setdefault((valid_from, valid_to), []).append(span)
        schedules = [Schedule(tuple(sorted(found)), *validity) for validity, found in by_validity.items()]
        return cls(
            schedules, holidays=holidays, make_up_days=make_up_days, official_until=official_until, tz=tz,
            planting_seasons=planting_seasons,
        )  # fmt: skip

    @cached_property
    def planting(self) -> "WorkCalendar":
        """The same calendar, worked only in the planting season 种植季节; all year where no season is known."""
        if not self.planting_seasons:
            return self
        return WorkCalendar(
            self.schedules, holidays=self.holidays, make_up_days=self.make_up_days, official_until=self.official_until,
            tz=self.tz, only_in=self.planting_seasons,
        )  # fmt: skip

    def schedule_on(self, day: date) -> Schedule | None:
        """Return the schedule in force on a day: of several the one that began last."""
        for schedule in reversed(self.schedules):
            if schedule.valid_from <= day and (schedule.valid_to is None or day < schedule.valid_to):
                return schedule
        return None

    def is_workday(self, day: date) -> bool:
        """True for a make-up Saturday or Sunday and for every other weekday that is no holiday."""
        return day in self.make_up_days or (day.weekday() < 5 and day not in self.holidays)

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return the spans worked on a day; () on a day off."""
        index = day.toordinal() - self._first
        return self._spans[index] if 0 <= index < len(self._spans) else self._spans_of(day)

    def day_seconds(self, day: date) -> int:
        """Return the seconds of one 工作日 under the schedule in force: 480 minutes where none is known."""
        schedule = self.schedule_on(day)
        return (schedule.day_seconds if schedule else 0) or DEFAULT_DAY_SECONDS

    def seconds_between(self, start: datetime, end: datetime) -> int:
        """Return the working seconds in [start, end), whole seconds; 0 when end is not after start.

        Raises OverflowError outside the years 2000 to 2060.
        """
        return max(0, self.position(end) - self.position(start))

    def add(self, start: datetime, seconds: int) -> datetime:
        """Return the first instant, not before start, by which so many working seconds have passed.

        Raises OverflowError outside the years 2000 to 2060.
        """
        if seconds <= 0:
            return start.astimezone(self.tz)
        target = self.position(start) + seconds
        index = bisect_left(self._totals, target) - 1
        if index >= len(self._spans):
            raise OverflowError("the working calendar ends in 2060")
        left = target - self._totals[index]
        for span in self._spans[index]:
            length = span.closes - span.opens
            if left <= length:
                return self._instant(index, span.opens + left)
            left -= length
        raise AssertionError("a day's total is the sum of its spans")

    def stretches(self, first: date, last: date) -> list[tuple[datetime, datetime]]:
        """Return the spans worked from one day to another, both included, as instants."""
        found = []
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            index = ordinal - self._first
            for span in self.spans(date.fromordinal(ordinal)):
                found.append((self._instant(index, span.opens), self._instant(index, span.closes)))
        return found

    def next_opening(self, at: datetime) -> datetime:
        """Return the instant itself while work is on, otherwise the beginning of the next span."""
        target = self.position(at)
        index = bisect_right(self._totals, target) - 1
        if index >= len(self._spans):
            raise OverflowError("the working calendar ends in 2060")
        left = target - self._totals[index]
        for span in self._spans[index]:
            length = span.closes - span.opens
            if left < length:
                return self._instant(index, span.opens + left)
            left -= length
        raise AssertionError("a day's total is the sum of its spans")

    def differences(self, other: "WorkCalendar") -> list[tuple[date, date]]:
        """Return the stretches (first day, last day) on which the other calendar counts otherwise, in order.

        A day on which nothing is worked either way differs all the same when a 工作日 that begins on it is worth more
        or less. Neighbouring days are one stretch.
        """
        stretches: list[tuple[date, date]] = []
        if self.schedules == other.schedules and self._spans == other._spans:
            return stretches
        for index, (mine, others) in enumerate(zip(self._spans, other._spans, strict=True)):
            day = date.fromordinal(self._first + index)
            if mine == others and self.day_seconds(day) == other.day_seconds(day):
                continue
            if stretches and (day - stretches[-1][1]).days == 1:
                stretches[-1] = (stretches[-1][0], day)
            else:
                stretches.append((day, day))
        return stretches

    def _spans_of(self, day: date) -> tuple[Span, ...]:
        if not self.is_workday(day):
            return ()
        if self.only_in and not any(season.contains(day) for season in self.only_in):
            return ()
        schedule = self.schedule_on(day)
        return schedule.spans if schedule else ()

    def position(self, at: datetime) -> int:
        """Return the working seconds since the first day known: what lies between two instants is a difference."""
        local = at.astimezone(self.tz)
        index = local.toordinal() - self._first
        if not 0 <= index < len(self._spans):
            raise OverflowError("the working calendar knows the years 2000 to 2060")
        second = local.hour * 3600 + local.minute * 60 + local.second
        total = self._totals[index]
        for opens, closes in self._spans[index]:
            if second <= opens:
                break
            total += min(second, closes) - opens
        return total

    def _instant(self, index: int, second: int) -> datetime:
        day = date.fromordinal(self._first + index)
        return datetime.combine(day, time(0), self.tz) + timedelta(seconds=second)
