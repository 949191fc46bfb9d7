"""The worked examples K1–K13 of the domain, schedule 08–12 and 14–18, Monday to Friday."""

from datetime import date, timedelta

import pytest

from cases.time_limits import Lamp, Limit, Unit, add, continuous_hours, deadline, days, explain, hours, lamp, limit_seconds, used_seconds
from cases.work_calendar import Schedule, Span, WorkCalendar
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
    assert add(beijing(2025, 3, 4, 8, 30), FOUR_HOURS - used, Unit.WORKING_HOUR, CALENDAR).at == beijing(2025, 3, 4, 11, 30)


def test_k8_an_extension_adds_one_original_limit_to_the_deadline():
    assert add(beijing(2025, 3, 3, 15), FOUR_HOURS, Unit.WORKING_HOUR, CALENDAR).at == beijing(2025, 3, 4, 9)
    assert add(MONDAY_9, 2 * FOUR_HOURS, Unit.WORKING_HOUR, CALENDAR).at == beijing(2025, 3, 4, 9)


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
