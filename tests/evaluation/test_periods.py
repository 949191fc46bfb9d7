"""Periods: every day lies in exactly one of each kind; months may begin on the 26th."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.periods import (
    Period,
    PeriodType,
    a_year_before,
    following,
    named_year_and_month,
    period_of,
    previous,
)

LEAP_DAY = date(2024, 2, 29)


@pytest.mark.parametrize(
    ("kind", "first", "end"),
    [
        (PeriodType.DAY, date(2024, 2, 29), date(2024, 3, 1)),
        (PeriodType.TEN_DAY, date(2024, 2, 21), date(2024, 3, 1)),
        (PeriodType.WEEK, date(2024, 2, 26), date(2024, 3, 4)),
        (PeriodType.MONTH, date(2024, 2, 1), date(2024, 3, 1)),
        (PeriodType.QUARTER, date(2024, 1, 1), date(2024, 4, 1)),
        (PeriodType.HALF_YEAR, date(2024, 1, 1), date(2024, 7, 1)),
        (PeriodType.YEAR, date(2024, 1, 1), date(2025, 1, 1)),
    ],
)
def test_the_periods_of_a_leap_day(kind, first, end):
    assert period_of(kind, LEAP_DAY) == Period(kind, first, end)


@pytest.mark.parametrize(
    ("day", "first", "end"),
    [
        (date(2025, 3, 25), date(2025, 2, 26), date(2025, 3, 26)),
        (date(2025, 3, 26), date(2025, 3, 26), date(2025, 4, 26)),
        (date(2025, 12, 31), date(2025, 12, 26), date(2026, 1, 26)),
    ],
)
def test_a_month_that_begins_on_the_26th_is_called_after_the_one_it_ends_in(day, first, end):
    period = period_of(PeriodType.MONTH, day, month_starts=26)
    assert (period.first, period.end) == (first, end)
    assert named_year_and_month(period, month_starts=26) == (end.year, end.month)


def test_a_year_of_months_from_the_26th():
    period = period_of(PeriodType.YEAR, date(2025, 12, 31), month_starts=26)
    assert (period.first, period.end) == (date(2025, 12, 26), date(2026, 12, 26))


def test_a_month_cannot_begin_on_the_31st():
    with pytest.raises(ValueError, match="28th"):
        period_of(PeriodType.MONTH, LEAP_DAY, month_starts=31)


def test_the_window_of_a_day_runs_from_midnight_to_midnight_in_beijing():
    start, end = period_of(PeriodType.DAY, LEAP_DAY).window(ZoneInfo("Asia/Shanghai"))
    assert start == datetime(2024, 2, 28, 16, tzinfo=ZoneInfo("UTC"))
    assert end - start == timedelta(hours=24)


def test_the_same_period_a_year_before():
    assert a_year_before(period_of(PeriodType.MONTH, LEAP_DAY)).first == date(2023, 2, 1)
    assert a_year_before(period_of(PeriodType.DAY, date(2025, 3, 31))).first == date(2024, 3, 31)
    assert a_year_before(period_of(PeriodType.DAY, LEAP_DAY)).first == date(2023, 2, 28)
    assert a_year_before(period_of(PeriodType.TEN_DAY, date(2025, 3, 31))).first == date(2024, 3, 21)
    assert a_year_before(period_of(PeriodType.WEEK, date(2025, 3, 5))).first == date(2024, 3, 4)


@given(day=st.dates(date(2000, 1, 1), date(2060, 1, 1)), kind=st.sampled_from(PeriodType), starts=st.integers(1, 28))
def test_periods_follow_one_another_without_gap_or_overlap(day, kind, starts):
    period = period_of(kind, day, month_starts=starts)
    assert period.first <= day < period.end
    assert previous(period, month_starts=starts).end == period.first
    assert following(period, month_starts=starts).first == period.end
    assert period_of(kind, period.first, month_starts=starts) == period
    assert period_of(kind, period.end - timedelta(days=1), month_starts=starts) == period
