"""The worked examples K1–K13 of the domain, schedule 08–12 and 14–18, Monday to Friday."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.time_limits import (
    Lamp,
    Limit,
    Unit,
    add,
    continuous_hours,
    days,
    deadline,
    explain,
    hours,
    lamp,
    limit_seconds,
    overdue_factor,
    used_seconds,
)
from cases.work_calendar import BEIJING, Schedule, Span, WorkCalendar
from tests.county import beijing

OFFICE_HOURS = Schedule((Span(8 * 3600, 12 * 3600), Span(14 * 3600, 18 * 3600)))
CALENDAR = WorkCalendar(
    [OFFICE_HOURS],
    holidays=[date(2025, 4, 4), date(2024, 5, 1), date(2024, 5, 2), date(2024, 5, 3)],
    make_up_days=[date(2025, 2, 8)],
    official_until=date(2026, 12, 31),
)
MONDAY_9 = beijing(2025, 3, 3, 9)
FOUR_HOURS = 4 * 3600


@pytest.mark.parametrize(
    ("start", "limit", "due"),
    [
        pytest.param(MONDAY_9, hours(4), beijing(2025, 3, 3, 15), id="K1"),
        pytest.param(beijing(2025, 3, 7, 17, 30), hours(4), beijing(2025, 3, 10, 11, 30), id="K2"),
        pytest.param(beijing(2025, 3, 7, 17, 30), continuous_hours(2), beijing(2025, 3, 7, 19, 30), id="K3"),
        pytest.param(beijing(2025, 3, 8, 10), days(1), beijing(2025, 3, 10, 18), id="K4"),
        pytest.param(beijing(2025, 4, 3, 16), days(1), beijing(2025, 4, 7, 16), id="K5"),
        pytest.param(beijing(2025, 2, 7, 17), hours(4), beijing(2025, 2, 8, 11), id="K6"),
        pytest.param(
            beijing(2025, 3, 7, 17, 30), Limit(days(3).value, Unit.CALENDAR_DAY), beijing(2025, 3, 10, 17, 30), id="K9"
        ),
    ],
)
def test_a_limit_ends_where_the_domain_says(start, limit, due):
    assert deadline(start, limit, CALENDAR).at == due


def test_four_working_hours_from_the_eve_of_labour_day_2024_end_after_the_holiday():
    assert deadline(beijing(2024, 4, 30, 16), hours(4), CALENDAR).at == beijing(2024, 5, 6, 10)


def test_k7_a_pause_never_counts():
    used = used_seconds(MONDAY_9, beijing(2025, 3, 3, 10), Unit.WORKING_HOUR, CALENDAR)
    assert add(beijing(2025, 3, 4, 8, 30), FOUR_HOURS - used, Unit.WORKING_HOUR, CALENDAR).at == beijing(
        2025, 3, 4, 11, 30
    )


def test_k8_an_extension_adds_one_original_limit_to_the_deadline():
    assert add(beijing(2025, 3, 3, 15), FOUR_HOURS, Unit.WORKING_HOUR, CALENDAR).at == beijing(2025, 3, 4, 9)
    assert add(MONDAY_9, 2 * FOUR_HOURS, Unit.WORKING_HOUR, CALENDAR).at == beijing(2025, 3, 4, 9)


def test_k10_returned_and_sent_again_to_the_same_department_the_clock_resumes():
    used = used_seconds(MONDAY_9, beijing(2025, 3, 3, 10, 30), Unit.WORKING_HOUR, CALENDAR)
    again = beijing(2025, 3, 3, 16)
    assert add(again, FOUR_HOURS - used, Unit.WORKING_HOUR, CALENDAR).at == beijing(2025, 3, 4, 8, 30)


def test_k11_returned_and_sent_to_another_department_the_clock_restarts():
    assert deadline(beijing(2025, 3, 3, 16), hours(4), CALENDAR).at == beijing(2025, 3, 4, 10)


def test_k13_a_refused_return_buys_no_time():
    used = used_seconds(MONDAY_9, beijing(2025, 3, 3, 10, 30), Unit.WORKING_HOUR, CALENDAR)
    since_the_pause = beijing(2025, 3, 3, 10, 30)  # the waiting until the refusal at 11:30 counts after all
    assert add(since_the_pause, FOUR_HOURS - used, Unit.WORKING_HOUR, CALENDAR).at == beijing(2025, 3, 3, 15)


def test_k12_the_lamp_turns_yellow_at_80_per_cent_of_work_time_and_red_after_the_deadline():
    yellow = add(MONDAY_9, int(FOUR_HOURS * 0.8), Unit.WORKING_HOUR, CALENDAR).at
    due = beijing(2025, 3, 3, 15)
    assert yellow == beijing(2025, 3, 3, 14, 12)
    assert lamp(yellow - timedelta(seconds=1), yellow_at=yellow, due_at=due) is Lamp.GREEN
    assert lamp(yellow, yellow_at=yellow, due_at=due) is Lamp.YELLOW
    assert lamp(due, yellow_at=yellow, due_at=due) is Lamp.YELLOW
    assert lamp(due + timedelta(seconds=1), yellow_at=yellow, due_at=due) is Lamp.RED
    assert lamp(due, yellow_at=yellow, due_at=due, paused=True) is Lamp.PAUSED


def test_a_deadline_past_the_official_calendar_is_provisional():
    assert deadline(beijing(2026, 12, 31, 17), hours(4), CALENDAR).provisional
    assert not deadline(beijing(2026, 12, 31, 8), hours(4), CALENDAR).provisional


def test_a_deadline_explains_itself_line_by_line():
    lines = explain([(MONDAY_9, None)], FOUR_HOURS, Unit.WORKING_HOUR, CALENDAR)
    assert [(line.begins.hour, line.ends.hour, line.left_seconds) for line in lines] == [(9, 12, 3600), (14, 15, 0)]


def test_a_working_day_is_worth_the_schedule_of_the_day_it_begins_on():
    short = Schedule((Span(9 * 3600, 15 * 3600),), valid_from=date(2025, 6, 1))
    calendar = WorkCalendar([OFFICE_HOURS, short])
    assert limit_seconds(days(1), calendar, on=beijing(2025, 5, 30)) == 8 * 3600
    assert limit_seconds(days(1), calendar, on=beijing(2025, 6, 2)) == 6 * 3600


def test_the_explanation_of_a_paused_clock_leaves_the_pause_out():
    ran_until_10, resumed = beijing(2025, 3, 3, 10), beijing(2025, 3, 4, 8, 30)
    lines = explain([(MONDAY_9, ran_until_10), (resumed, None)], FOUR_HOURS, Unit.WORKING_HOUR, CALENDAR)
    assert [(line.begins, line.ends) for line in lines] == [
        (MONDAY_9, ran_until_10),
        (resumed, beijing(2025, 3, 4, 11, 30)),
    ]
    assert [line.left_seconds for line in lines] == [3 * 3600, 0]


def test_an_overrun_clock_explains_by_how_much():
    lines = explain([(MONDAY_9, beijing(2025, 3, 3, 16))], FOUR_HOURS, Unit.WORKING_HOUR, CALENDAR)
    assert lines[-1].left_seconds == -3600


def test_continuous_time_needs_one_line():
    (line,) = explain([(beijing(2025, 3, 7, 17, 30), None)], 2 * 3600, Unit.CONTINUOUS_HOUR, CALENDAR)
    assert (line.ends, line.used_seconds, line.left_seconds) == (beijing(2025, 3, 7, 19, 30), 7200, 0)


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        (Limit(Decimal("0.25"), Unit.WORKING_HOUR), 900),
        (Limit(Decimal("0.5"), Unit.WORKING_DAY), 4 * 3600),
        (Limit(Decimal(2), Unit.CONTINUOUS_DAY), 2 * 86400),
        (Limit(Decimal("335.999722"), Unit.CONTINUOUS_HOUR), 1_209_599),  # a real promise, in hours
    ],
)
def test_a_limit_is_worth_whole_seconds_to_the_nearest(limit, seconds):
    assert limit_seconds(limit, CALENDAR, on=MONDAY_9) == seconds


def test_twice_the_limit_used_is_an_overdue_factor_of_two():
    assert overdue_factor(8 * 3600, FOUR_HOURS) == 2
    assert overdue_factor(8 * 3600, 0) is None


starts = st.datetimes(datetime(2024, 1, 1), datetime(2026, 6, 30)).map(
    lambda at: at.replace(microsecond=0, tzinfo=BEIJING)
)


@given(start=starts, seconds=st.integers(1, 40 * 8 * 3600), unit=st.sampled_from(Unit))
def test_the_lines_of_an_explanation_add_up_to_the_limit_and_end_at_the_deadline(start, seconds, unit):
    lines = explain([(start, None)], seconds, unit, CALENDAR)
    assert sum(line.used_seconds for line in lines) == seconds
    assert lines[-1].left_seconds == 0
    assert lines[-1].ends == add(start, seconds, unit, CALENDAR).at
    assert all(later.begins >= earlier.ends for earlier, later in pairwise(lines))


@given(
    start=starts,
    unit=st.sampled_from(Unit),
    seconds=st.integers(1, 20 * 8 * 3600),
    pauses=st.lists(st.tuples(st.integers(0, 3 * 86400), st.integers(1, 20 * 86400)), max_size=4),
)
def test_however_often_a_clock_is_paused_it_grants_exactly_its_limit(start, unit, seconds, pauses):
    used, since, ran = 0, start, []
    for running, paused in pauses:
        stops = since + timedelta(seconds=running)
        if used + used_seconds(since, stops, unit, CALENDAR) >= seconds:
            break
        used += used_seconds(since, stops, unit, CALENDAR)
        ran.append((since, stops))
        since = stops + timedelta(seconds=paused)
    due = add(since, seconds - used, unit, CALENDAR).at
    ran.append((since, due))
    assert sum(used_seconds(*stretch, unit, CALENDAR) for stretch in ran) == seconds
