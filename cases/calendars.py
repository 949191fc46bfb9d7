"""The city's calendar as rows, as working calendars for its areas, and as versions of which none is forgotten.

Days (holidays, make-up days) are one table for the whole city; working hours and seasons may be an area's own. Every
change makes a new version that keeps all rows, so that a clock counted long ago can still explain itself.
"""

import time as processor
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from cases.models import CalendarDay, CalendarState, CalendarVersion, SeasonSpan, WorkScheduleSpan
from cases.work_calendar import Season, WorkCalendar

FRESH_SECONDS = 10.0  # how old this process's copy of the calendar may be
KNOWN_EVERYWHERE = timedelta(seconds=2 * FRESH_SECONDS)  # after so long every process counts by a changed calendar
KEPT_VERSIONS = 4  # how many older ones a process remembers
KEPT_BUILT = 64  # how many working calendars: most areas share one, and a new version changes few
NEAR_DAYS = 10  # changed days no further apart than this are told as one stretch


class Day(NamedTuple):
    """A day that differs from its weekday; `kind` is a CalendarDay.Kind."""

    date: date
    kind: str
    name: str = ""
    source: str = ""


class Span(NamedTuple):
    """A span of working time; `valid_to` is the first day on which it no longer holds."""

    area_code: str
    valid_from: date
    valid_to: date | None
    opens_at: time
    closes_at: time
    note: str = ""


class SeasonRow(NamedTuple):
    """A season of every year, `begins_on` and `ends_on` as MM-DD, both within it."""

    name: str
    area_code: str
    begins_on: str
    ends_on: str
    valid_from: date
    valid_to: date | None
    note: str = ""


@dataclass(frozen=True)
class Rows:
    """Everything a calendar is made of."""

    official_until: date | None
    days: tuple[Day, ...] = ()
    spans: tuple[Span, ...] = ()
    seasons: tuple[SeasonRow, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the rows as plain lists for a version's column."""
        return {
            "official_until": _said(self.official_until),
            **{name: [[_said(value) for value in row] for row in getattr(self, name)] for name in _TABLES},
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Rows":
        """Read what `as_json` wrote."""
        day, clock = date.fromisoformat, time.fromisoformat
        return cls(
            _maybe(said["official_until"]),
            tuple(Day(day(on), *rest) for on, *rest in said["days"]),
            tuple(
                Span(area, day(begins), _maybe(ends), clock(opens), clock(closes), note)
                for area, begins, ends, opens, closes, note in said["spans"]
            ),
            tuple(
                SeasonRow(name, area, begins, ends, day(valid_from), _maybe(valid_to), note)
                for name, area, begins, ends, valid_from, valid_to, note in said["seasons"]
            ),
        )


_TABLES = ("days", "spans", "seasons")


def _said(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | time) else value


def _maybe(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


def kept_rows() -> Rows:
    """Return the calendar as it stands in the database; four queries."""
    state = CalendarState.objects.first()
    return Rows(
        state.official_until if state else None,
        tuple(Day(*row) for row in CalendarDay.objects.order_by("date").values_list(*Day._fields)),
        tuple(Span(*row) for row in WorkScheduleSpan.objects.order_by(*Span._fields).values_list(*Span._fields)),
        tuple(SeasonRow(*row) for row in SeasonSpan.objects.order_by(*_SEASON).values_list(*_SEASON)),
    )


_SEASON = SeasonRow._fields


class Calendars:
    """One version of the calendar: `of(area code)` is what counts there."""

    def __init__(self, rows: Rows, number: int) -> None:
        self.rows, self.number = rows, number
        self.areas = {row.area_code for row in (*rows.spans, *rows.seasons)}
        self._of_area: dict[str, WorkCalendar] = {}
        self._built: dict[tuple[str, str], WorkCalendar] = {}

    @property
    def version(self) -> str:
        """What a clock notes as counted with."""
        return f"calendar-{self.number}"

    def of(self, area_code: str = "") -> WorkCalendar:
        """Return the working calendar of a place: the hours and seasons of the smallest area that has its own."""
        known = self._of_area.get(area_code)
        if known is None:
            hours = _smallest({span.area_code for span in self.rows.spans}, area_code)
            seasons = _smallest({season.area_code for season in self.rows.seasons}, area_code)
            known = self._built.get((hours, seasons))
            if known is None:
                known = self._built[hours, seasons] = self._build(hours, seasons)
            self._of_area[area_code] = known
        return known

    def _build(self, hours: str, seasons: str) -> WorkCalendar:
        spans = tuple(row for row in self.rows.spans if row.area_code == hours)
        return _built(
            spans, self.rows.days, self.rows.official_until,
            tuple(row for row in self.rows.seasons if row.area_code == seasons),
        )  # fmt: skip


@lru_cache(maxsize=KEPT_BUILT)
def _built(
    spans: tuple[Span, ...], days: tuple[Day, ...], official_until: date | None, seasons: tuple[SeasonRow, ...]
) -> WorkCalendar:
    """Return the working calendar of these rows; sixty years of days are laid out once for the same rows."""
    return WorkCalendar.from_rows(
        spans=[row[1:5] for row in spans],
        holidays=[day.date for day in days if day.kind == CalendarDay.Kind.HOLIDAY],
        make_up_days=[day.date for day in days if day.kind == CalendarDay.Kind.MAKE_UP],
        official_until=official_until,
        planting_seasons=[
            Season(_month_day(row.begins_on), _month_day(row.ends_on), row.valid_from, row.valid_to) for row in seasons
        ],
    )


def _smallest(areas: Iterable[str], area_code: str) -> str:
    return max((area for area in areas if area_code.startswith(area)), key=len, default="")


def _month_day(said: str) -> tuple[int, int]:
    return int(said[:2]), int(said[3:])


# — what this process knows ————————————————————————————————————————————————————————————————————————


class _Known:
    current: Calendars | None = None
    looked_at: float = 0.0
    older: dict[int, Calendars] = {}


def current() -> Calendars:
    """Return the calendars in force; whether there is a newer version is asked at most every ten seconds."""
    now = processor.monotonic()
    if _Known.current is None or now - _Known.looked_at > FRESH_SECONDS:
        state = CalendarState.objects.first()
        number = state.version if state else 0
        if _Known.current is None or _Known.current.number != number:
            _Known.current = Calendars(kept_rows(), number)
        _Known.looked_at = now
    return _Known.current


def of_version(version: str) -> Calendars:
    """Return the calendars that a clock was counted with ("calendar-7"); the present ones where that is not known."""
    here = current()
    if version == here.version or not version.startswith("calendar-"):
        return here
    number = int(version.removeprefix("calendar-"))
    if number not in _Known.older:
        kept = CalendarVersion.objects.filter(number=number).first()
        if len(_Known.older) >= KEPT_VERSIONS:
            _Known.older.clear()
        _Known.older[number] = Calendars(Rows.from_json(kept.rows), number) if kept else here
    return _Known.older[number]


def forget() -> None:
    """Make this process read the calendar anew."""
    _Known.current, _Known.older = None, {}


# — what differs ———————————————————————————————————————————————————————————————————————————————————


class Stretch(NamedTuple):
    """Days, both within it, on which places of an area count otherwise than before."""

    area_code: str
    first: date
    last: date


def differences(before: Calendars, after: Calendars) -> list[Stretch]:
    """Return where two versions count differently, or where one is official and the other is not."""
    found = []
    for area in sorted({"", *before.areas, *after.areas}):
        one, other = before.of(area), after.of(area)
        days = one.differences(other)
        if one.planting is not one or other.planting is not other:
            days = sorted([*days, *one.planting.differences(other.planting)])
        found += [Stretch(area, first, last) for first, last in _joined(days)]
    known = sorted({day for day in (before.rows.official_until, after.rows.official_until) if day})
    if len(known) == 2:
        found.append(Stretch("", known[0] + timedelta(days=1), known[1]))
    return found


def _joined(days: list[tuple[date, date]]) -> list[tuple[date, date]]:
    joined: list[tuple[date, date]] = []
    for first, last in days:
        if joined and (first - joined[-1][1]).days <= NEAR_DAYS:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def keep(rows: Rows, *, by, at: datetime, source: str) -> CalendarVersion:
    """Write the rows over what is kept, as a new version; call it inside a transaction that holds the state's row.

    A day, span or season that is there already is left alone.
    """
    before = Calendars(kept_rows(), 0)
    for model, table, fields in (
        (CalendarDay, "days", Day._fields),
        (WorkScheduleSpan, "spans", Span._fields),
        (SeasonSpan, "seasons", _SEASON),
    ):
        was, now = set(getattr(before.rows, table)), set(getattr(rows, table))
        if gone := was - now:
            kept = {row[1:]: row[0] for row in model.objects.values_list("pk", *fields)}
            model.objects.filter(pk__in=[kept[row] for row in gone]).delete()
        model.objects.bulk_create([model(**dict(zip(fields, row, strict=True))) for row in sorted(now - was, key=str)])
    return note_version(before, by=by, at=at, official_until=rows.official_until, source=source)


def note_version(before: Calendars, *, by, at: datetime, official_until: date | None, source: str) -> CalendarVersion:
    """Count the version up and keep the rows as they stand now, and where they count otherwise than before."""
    state = CalendarState.objects.select_for_update().first() or CalendarState(version=0)
    state.official_until, state.version = official_until, state.version + 1
    state.save()
    after = Calendars(kept_rows(), state.version)
    forget()
    changed = differences(before, after) if before.rows.spans else []  # without hours nothing was counted yet
    return CalendarVersion.objects.create(
        number=state.version, rows=after.rows.as_json(), changed=[[_said(part) for part in one] for one in changed],
        source=source, made_by=by, made_at=at, recounted_at=None if changed else at,
    )  # fmt: skip


def stretches_of(version: CalendarVersion) -> list[Stretch]:
    """Return where a version counts otherwise than the one before it."""
    return [Stretch(area, date.fromisoformat(first), date.fromisoformat(last)) for area, first, last in version.changed]


@dataclass(frozen=True)
class Difference:
    """What distinguishes two calendars, row by row; a changed day as (before, after)."""

    added: list[Day]
    removed: list[Day]
    changed: list[tuple[Day, Day]]
    spans_added: list[Span]
    spans_removed: list[Span]
    seasons_added: list[SeasonRow]
    seasons_removed: list[SeasonRow]

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all would change but, perhaps, until when the calendar is official."""
        return not any(vars(self).values())


def compared(before: Rows, after: Rows) -> Difference:
    """Return what is new, gone and different in another calendar."""
    was, now = {day.date: day for day in before.days}, {day.date: day for day in after.days}
    return Difference(
        [now[on] for on in sorted(now.keys() - was.keys())],
        [was[on] for on in sorted(was.keys() - now.keys())],
        [(was[on], now[on]) for on in sorted(was.keys() & now.keys()) if was[on].kind != now[on].kind],
        [row for row in after.spans if row not in before.spans],
        [row for row in before.spans if row not in after.spans],
        [row for row in after.seasons if row not in before.seasons],
        [row for row in before.seasons if row not in after.seasons],
    )
