"""Working time: days, spans, sums; and the whole of 2004–2026 against an independent count minute by minute."""

import csv
import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import chinese_calendar
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.time_limits import Limit, Unit, add, limit_seconds, used_seconds
from cases.work_calendar import BEIJING, Schedule, Season, Span, WorkCalendar

FIXTURES = Path(__file__).parents[2] / "fixtures" / "standards"
FIRST_YEAR, LAST_YEAR = 2004, 2026


def clock(hour: int, minute: int = 0) -> int:
    return hour * 3600 + minute * 60


MORNING_AND_AFTERNOON = (Span(clock(8), clock(12)), Span(clock(14), clock(18)))
SUMMER = (Span(clock(7, 30), clock(11, 30)), Span(clock(15), clock(18, 30)))


def every_day():
    return (
        date(FIRST_YEAR, 1, 1) + timedelta(days=n)
        for n in range((date(LAST_YEAR + 1, 1, 1) - date(FIRST_YEAR, 1, 1)).days)
    )


@cache
def statutory() -> dict[str, frozenset[date]]:
    """Holidays, and weekend days that are worked, as the published arrangements say."""
    return {
        "holidays": frozenset(day for day in every_day() if day in chinese_calendar.constants.holidays),
        "make_up_days": frozenset(day for day in every_day() if day in chinese_calendar.constants.workdays),
    }


@cache
def city_calendar() -> WorkCalendar:
    """08–12 and 14–18; from June to September 7:30–11:30 and 15–18:30."""
    summers = [Schedule(SUMMER, date(year, 6, 1), date(year, 10, 1)) for year in range(FIRST_YEAR, LAST_YEAR + 1)]
    return WorkCalendar(
        [Schedule(MORNING_AND_AFTERNOON), *summers], **statutory(), official_until=date(LAST_YEAR, 12, 31)
    )


def beijing(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BEIJING)


# — days and spans ——————————————————————————————————————————————————————————————————————————————————————


def test_a_make_up_saturday_is_worked_and_a_holiday_is_not():
    calendar = city_calendar()
    assert calendar.is_workday(date(2025, 2, 8)), "the Saturday worked for the Spring Festival of 2025"
    assert not calendar.is_workday(date(2025, 4, 4)), "Tomb-sweeping Day, a Friday"
    assert calendar.is_workday(date(2025, 4, 3))
    assert not calendar.is_workday(date(2025, 3, 8))


def test_workdays_agree_with_the_published_arrangements_of_23_years():
    calendar = city_calendar()
    assert [day for day in every_day() if calendar.is_workday(day) != chinese_calendar.is_workday(day)] == []


def test_the_table_of_holidays_that_is_delivered_says_the_same():
    with (FIXTURES / "holidays.tsv").open(encoding="utf-8") as file:
        rows = [(date.fromisoformat(row["date"]), row["kind"]) for row in csv.DictReader(file, delimiter="\t")]
    delivered = WorkCalendar(
        [Schedule(MORNING_AND_AFTERNOON)],
        holidays=[day for day, kind in rows if kind == "holiday"],
        make_up_days=[day for day, kind in rows if kind == "make_up"],
    )
    assert len(rows) == len({day for day, _kind in rows}), "each day stands once"
    assert [day for day in every_day() if delivered.is_workday(day) != chinese_calendar.is_workday(day)] == []


def test_of_two_schedules_the_one_that_began_last_is_in_force():
    calendar = city_calendar()
    assert calendar.spans(date(2025, 5, 30)) == MORNING_AND_AFTERNOON
    assert calendar.spans(date(2025, 6, 3)) == SUMMER
    assert calendar.spans(date(2025, 10, 9)) == MORNING_AND_AFTERNOON
    assert calendar.spans(date(2025, 6, 1)) == (), "a Sunday"


def test_rows_of_the_same_validity_are_one_schedule():
    day = date(2000, 1, 1)
    calendar = WorkCalendar.from_rows(
        spans=[(day, None, time(14), time(18)), (day, None, time(8), time(12))],
        holidays=[], make_up_days=[], official_until=None,
    )  # fmt: skip
    assert calendar.spans(date(2025, 3, 3)) == MORNING_AND_AFTERNOON


def test_a_city_without_any_schedule_has_working_days_of_eight_hours_but_never_works():
    calendar = WorkCalendar([])
    assert calendar.day_seconds(date(2025, 3, 3)) == 8 * 3600
    assert calendar.seconds_between(beijing(2025, 3, 3), beijing(2025, 4, 3)) == 0
    with pytest.raises(OverflowError):
        calendar.add(beijing(2025, 3, 3), 1)


@pytest.mark.parametrize("instant", [beijing(1999, 12, 31, 23), beijing(2061, 1, 1)])
def test_outside_the_years_it_knows_the_calendar_refuses_rather_than_counts_wrongly(instant):
    with pytest.raises(OverflowError):
        city_calendar().add(instant, 3600)
    with pytest.raises(OverflowError):
        city_calendar().seconds_between(instant, instant + timedelta(days=1))


# — openings ————————————————————————————————————————————————————————————————————————————————————————————


@pytest.mark.parametrize(
    ("at", "opening"),
    [
        (beijing(2025, 3, 3, 7), beijing(2025, 3, 3, 8)),
        (beijing(2025, 3, 3, 9, 30), beijing(2025, 3, 3, 9, 30)),
        (beijing(2025, 3, 3, 12), beijing(2025, 3, 3, 14)),
        (beijing(2025, 3, 7, 18), beijing(2025, 3, 10, 8)),
        (beijing(2025, 2, 7, 19), beijing(2025, 2, 8, 8)),
        (beijing(2025, 4, 3, 18), beijing(2025, 4, 7, 8)),
    ],
)  # fmt: skip
def test_work_opens_at_the_next_span(at, opening):
    assert city_calendar().next_opening(at) == opening


# — sums ————————————————————————————————————————————————————————————————————————————————————————————————

instants = st.datetimes(datetime(2004, 1, 1), datetime(2026, 6, 30)).map(
    lambda at: at.replace(microsecond=0, tzinfo=BEIJING)
)
lengths = st.integers(1, 90 * 8 * 3600)


@given(start=instants, seconds=lengths)
def test_what_is_added_is_what_lies_between_and_the_end_is_the_earliest_possible(start, seconds):
    calendar = city_calendar()
    end = calendar.add(start, seconds)
    assert calendar.seconds_between(start, end) == seconds
    assert calendar.seconds_between(start, end - timedelta(seconds=1)) == seconds - 1


@given(start=instants, first=lengths, second=lengths)
def test_adding_in_two_parts_is_adding_at_once(start, first, second):
    calendar = city_calendar()
    assert calendar.add(calendar.add(start, first), second) == calendar.add(start, first + second)


@given(start=instants, seconds=lengths, later=st.integers(0, 10**7))
def test_who_begins_later_never_ends_earlier(start, seconds, later):
    calendar = city_calendar()
    assert calendar.add(start + timedelta(seconds=later), seconds) >= calendar.add(start, seconds)


@given(first=instants, second=instants, third=instants)
def test_stretches_add_up(first, second, third):
    calendar = city_calendar()
    a, b, c = sorted((first, second, third))
    assert calendar.seconds_between(a, b) + calendar.seconds_between(b, c) == calendar.seconds_between(a, c)
    assert calendar.seconds_between(c, a) == 0 or a == c


@given(start=instants, seconds=lengths)
def test_the_time_zone_an_instant_is_written_in_changes_nothing(start, seconds):
    calendar = city_calendar()
    assert calendar.add(start.astimezone(UTC), seconds) == calendar.add(start, seconds)


def test_in_a_place_with_summer_time_continuous_hours_are_hours_that_pass():
    boston = ZoneInfo("America/New_York")
    saturday = datetime(2011, 3, 12, 20, tzinfo=boston)  # clocks go forward at two in the morning
    calendar = WorkCalendar([Schedule(MORNING_AND_AFTERNOON)], tz=boston)
    due = add(saturday, 12 * 3600, Unit.CONTINUOUS_HOUR, calendar).at
    assert due == datetime(2011, 3, 13, 9, tzinfo=boston)
    assert used_seconds(saturday, due, Unit.CONTINUOUS_HOUR, calendar) == 12 * 3600


# — seasons and differences —————————————————————————————————————————————————————————————————————————————


@pytest.mark.parametrize(
    ("season", "inside", "outside"),
    [
        (Season((3, 1), (4, 30)), [date(2025, 3, 1), date(2025, 4, 30)], [date(2025, 2, 28), date(2025, 5, 1)]),
        (Season((11, 1), (3, 31)), [date(2025, 11, 1), date(2026, 1, 1), date(2025, 3, 31)], [date(2025, 10, 31)]),
        (Season((3, 1), (4, 30), date(2025, 1, 1), date(2025, 4, 1)), [date(2025, 3, 31)], [date(2025, 4, 1)]),
    ],
)
def test_a_season_lasts_from_its_first_to_its_last_day_also_over_new_year(season, inside, outside):
    assert all(season.contains(day) for day in inside)
    assert not any(season.contains(day) for day in outside)


def test_in_the_planting_season_only_its_own_days_are_worked_and_without_one_every_day_is():
    calendar = WorkCalendar([Schedule(MORNING_AND_AFTERNOON)], planting_seasons=[Season((11, 1), (3, 31))])
    assert calendar.planting.add(beijing(2025, 3, 31, 17), 2 * 3600) == beijing(2025, 11, 3, 9)
    assert city_calendar().planting is city_calendar()


def test_two_calendars_differ_on_the_days_that_count_otherwise():
    plain = WorkCalendar([Schedule(MORNING_AND_AFTERNOON)])
    with_holidays = WorkCalendar([Schedule(MORNING_AND_AFTERNOON)], holidays=[date(2025, 4, 4), date(2025, 4, 5)])
    assert plain.differences(with_holidays) == [(date(2025, 4, 4), date(2025, 4, 4))], "the fifth is a Saturday"
    longer = WorkCalendar([
        Schedule(MORNING_AND_AFTERNOON), Schedule((Span(clock(8), clock(18)),), date(2025, 4, 5), date(2025, 4, 8))
    ])  # fmt: skip
    assert plain.differences(longer) == [(date(2025, 4, 5), date(2025, 4, 7))], "a day is worth more on the weekend too"
    assert plain.differences(plain) == []


# — minute by minute ————————————————————————————————————————————————————————————————————————————————————

SEASON = Season((11, 1), (3, 31))
WORKED, IN_SEASON, ALWAYS = "worked", "in season", "always"
COUNTED_BY = {
    Unit.WORKING_HOUR: WORKED, Unit.WORKING_DAY: WORKED, Unit.PLANTING_DAY: IN_SEASON, Unit.CONTINUOUS_HOUR: ALWAYS,
    Unit.CONTINUOUS_DAY: ALWAYS, Unit.CALENDAR_DAY: ALWAYS,
}  # fmt: skip


@cache
def minutes_that_count(how: str) -> np.ndarray:
    """One True for every minute from 2004-01-01 on that counts, made without a line of the program.

    From June to September 7:30–11:30 and 15–18:30, else 8–12 and 14–18, on the days the published arrangements make
    working days; in season: from November to March.
    """
    normal, summer, idle = np.zeros(1440, bool), np.zeros(1440, bool), np.zeros(1440, bool)
    normal[8 * 60 : 12 * 60] = normal[14 * 60 : 18 * 60] = True
    summer[7 * 60 + 30 : 11 * 60 + 30] = summer[15 * 60 : 18 * 60 + 30] = True

    def minutes_of(day: date) -> np.ndarray:
        if how == ALWAYS:
            return np.ones(1440, bool)
        if not chinese_calendar.is_workday(day) or (how == IN_SEASON and 4 <= day.month <= 10):
            return idle
        return summer if 6 <= day.month <= 9 else normal

    return np.concatenate([minutes_of(day) for day in every_day()])


@cache
def seasonal_calendar() -> WorkCalendar:
    known = city_calendar()
    return WorkCalendar(known.schedules, **statutory(), official_until=known.official_until, planting_seasons=[SEASON])


def seconds_of(at: datetime) -> int:
    return int((at - beijing(FIRST_YEAR, 1, 1)).total_seconds())


def independent_day(start: datetime) -> int:
    """The minutes of one working day on the day a limit begins."""
    return 450 if 6 <= start.astimezone(BEIJING).month <= 9 else 480


def count_one(dice: random.Random) -> None:
    """One random start, limit and set of pauses, to the second: the program's deadline must be the array's."""
    calendar, unit = seasonal_calendar(), dice.choice(list(Unit))
    start = beijing(FIRST_YEAR, 1, 1) + timedelta(seconds=dice.randrange(8_000 * 86400))
    days = unit not in (Unit.WORKING_HOUR, Unit.CONTINUOUS_HOUR)
    value = dice.randrange(1, 31) if days else dice.randrange(1, 60)
    worth = {WORKED: independent_day(start), IN_SEASON: independent_day(start), ALWAYS: 1440}[COUNTED_BY[unit]]
    needed = value * (worth if days else 60) * 60
    limit = Limit(Decimal(value), unit)
    assert limit_seconds(limit, calendar, on=start) == needed

    # The program: used so far is carried over each pause, what is left runs on from the resumption.
    used, running_since, pauses = 0, start, []
    for _ in range(dice.choice((0, 0, 1, 2, 3))):
        begins = running_since + timedelta(seconds=dice.randrange(3 * 86400))
        so_far = used + used_seconds(running_since, begins, unit, calendar)
        if so_far >= needed:
            break
        ends = begins + timedelta(seconds=dice.randrange(1, 10 * 86400))
        pauses.append((begins, ends))
        used, running_since = so_far, ends
    due = add(running_since, needed - used, unit, calendar).at

    # The array: the seconds that each minute from the start on has to give, without those of the pauses; the deadline
    # lies in the minute that gives the last one.
    first = seconds_of(start)
    reach = (300 + 30 * (unit is Unit.PLANTING_DAY)) * 1440 if COUNTED_BY[unit] == IN_SEASON else 130 * 1440
    counts = minutes_that_count(COUNTED_BY[unit])[first // 60 : first // 60 + reach]
    gives = counts.astype(np.int64) * 60
    origin = first // 60 * 60

    def take_away(frm: int, to: int) -> None:
        """Nothing between two seconds counts."""
        one, other = frm // 60, to // 60
        if one == other:
            gives[one] -= counts[one] * (to - frm)
            return
        gives[one] -= counts[one] * (60 - frm % 60)
        gives[one + 1 : other] = 0
        gives[other] -= counts[other] * (to % 60)

    take_away(0, first - origin)
    for begins, ends in pauses:
        take_away(seconds_of(begins) - origin, seconds_of(ends) - origin)
    given = np.cumsum(gives)
    last = int(np.searchsorted(given, needed))
    missing = needed - (int(given[last - 1]) if last else 0)
    # Within its minute the last second needed is counted from where the minute begins to count.
    edges = [first, *(seconds_of(ends) for _begins, ends in pauses)]
    begins = max([origin + last * 60, *(edge for edge in edges if edge // 60 == origin // 60 + last)])
    stops = [seconds_of(stop) for stop, _ends in pauses if seconds_of(stop) // 60 == origin // 60 + last]
    if not stops:
        assert seconds_of(due) == begins + missing, f"{start} {limit} {pauses}"
    else:  # a pause begins in the very minute: before it, or after it ended
        assert seconds_of(due) // 60 == origin // 60 + last, f"{start} {limit} {pauses}"


def test_a_sample_of_deadlines_agrees_with_a_count_minute_by_minute():
    dice = random.Random(20260302)
    for _ in range(3_000):
        count_one(dice)


@pytest.mark.prove
def test_100_000_deadlines_agree_with_a_count_minute_by_minute():
    dice = random.Random(30428)
    for _ in range(100_000):
        count_one(dice)
