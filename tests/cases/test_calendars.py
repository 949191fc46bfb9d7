"""The calendar as rows and versions, and how open clocks follow when it changes."""

from datetime import date, time, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cases import actions, alarms, calendars, clocks
from cases.calendars import Day, Rows, Span
from cases.escalation import DUE, STARTED
from cases.models import CalendarVersion, Case, ClockEntry, StageClock
from cases.workflow import Clock, Stage
from dispatch import actions as dispatch
from evaluation import facts
from evaluation.indicators import Basis, Window
from tests.county import LONG_AGO, County, beijing

pytestmark = pytest.mark.django_db
MONDAY_9 = beijing(2025, 3, 3, 9)
AT_TEN = beijing(2025, 3, 3, 10)
TUESDAY, WEDNESDAY = date(2025, 3, 4), date(2025, 3, 5)


@pytest.fixture
def county() -> County:
    return County.build()


def dispatched(county, *, at=MONDAY_9, days=2, **facts):
    """A stint with so many working days, dispatched at that instant."""
    county.condition.limit_value, county.condition.limit_unit = days, "working_day"
    county.condition.save()
    case = county.case_at(Stage.PENDING_DISPATCH, at=at - timedelta(minutes=2), **facts)
    dispatch.dispatch(case, by=county.dispatcher, at=at, department=county.sanitation_bureau)
    return case.stints.get()


def handling(stint) -> StageClock:
    return StageClock.objects.get(stint=stint, name=Clock.HANDLING)


def change(*, days=(), spans=None, until=date(2026, 12, 31), at=AT_TEN):
    """Put other days and hours in the place of the kept ones."""
    rows = calendars.kept_rows()
    with transaction.atomic():
        return calendars.keep(
            Rows(until, tuple(days), rows.spans if spans is None else tuple(spans), rows.seasons),
            by=None, at=at, source="notice",
        )  # fmt: skip


def holiday(day: date) -> Day:
    return Day(day, "holiday", "放假", "notice")


def follow(at=AT_TEN):
    return actions.follow_calendar(at=at)


# — open clocks follow ——————————————————————————————————————————————————————————————————————————————


def test_a_new_holiday_moves_the_deadlines_that_reach_over_it_and_keeps_the_old_ones_in_the_log(county):
    stint = dispatched(county)
    assert stint.due_at == beijing(2025, 3, 5, 9)
    change(days=[holiday(TUESDAY)])
    assert follow() == (1, 1)
    clock, case = handling(stint), Case.objects.get(pk=stint.case_id)
    stint.refresh_from_db()
    assert clock.due_at == stint.due_at == case.due_at == beijing(2025, 3, 6, 9)
    assert clock.yellow_at == case.yellow_at == beijing(2025, 3, 5, 15, 48)
    entry = clock.entries.get(kind="recompute")
    assert (entry.due_before, entry.due_after, entry.at) == (beijing(2025, 3, 5, 9), beijing(2025, 3, 6, 9), AT_TEN)
    assert entry.note == clock.schedule_version == clocks.calendar_version()


def test_the_whole_case_is_due_later_too(county):
    stint = dispatched(county)
    overall = StageClock.objects.get(case=stint.case, name=Clock.OVERALL)
    change(days=[holiday(TUESDAY)])
    follow()
    later = StageClock.objects.get(pk=overall.pk)
    assert later.due_at - overall.due_at == timedelta(days=1)
    assert later.entries.filter(kind="recompute", note=clocks.calendar_version()).count() == 1


def test_only_clocks_that_reach_the_changed_days_are_looked_at(county):
    over_before, reaches = dispatched(county, days=1), dispatched(county, days=3)
    change(days=[holiday(WEDNESDAY)])
    assert follow() == (1, 1)
    assert not handling(over_before).entries.filter(kind="recompute").exists()
    assert handling(reaches).due_at == beijing(2025, 3, 7, 9)


def test_a_clock_in_continuous_time_stays_as_it_is(county):
    county.condition.limit_value, county.condition.limit_unit = 48, "continuous_hour"
    county.condition.save()
    case = county.case_at(Stage.PENDING_HANDLE, at=MONDAY_9)
    before = case.due_at
    change(days=[holiday(TUESDAY)])
    assert follow() == (0, 0)
    assert Case.objects.get(pk=case.pk).due_at == before


def test_a_stopped_clock_keeps_what_it_was_judged_by(county):
    stint = dispatched(county)
    dispatch.hand_over(
        stint, by=county.sanitation, at=beijing(2025, 3, 3, 9, 30), opinion="已清", files=county.pictures()
    )
    change(days=[holiday(TUESDAY)])
    assert follow() == (0, 0)
    assert handling(stint).due_at == beijing(2025, 3, 5, 9)


def test_what_was_used_before_a_pause_is_counted_anew_when_a_past_day_becomes_a_holiday(county):
    stint = dispatched(county)
    dispatch.ask_suspension(
        stint, by=county.sanitation, at=beijing(2025, 3, 4, 9), until=date(2025, 3, 20), reason="等材料"
    )
    dispatch.grant_suspension(stint.requests.get(), by=county.dispatcher, at=beijing(2025, 3, 4, 12))
    assert handling(stint).used_seconds == 11 * 3600
    friday = beijing(2025, 3, 7, 10)
    change(days=[holiday(TUESDAY)], at=friday)
    assert follow(friday) == (1, 1)
    assert handling(stint).used_seconds == 7 * 3600
    dispatch.resume(stint, by=county.dispatcher, at=beijing(2025, 3, 10, 8))
    assert handling(stint).due_at == beijing(2025, 3, 11, 9)


def test_in_evaluation_a_suspended_stint_stays_suspended_when_its_clock_is_counted_anew(county):
    stint = dispatched(county)
    dispatch.ask_suspension(
        stint, by=county.sanitation, at=beijing(2025, 3, 4, 9), until=date(2025, 3, 20), reason="等材料"
    )
    dispatch.grant_suspension(stint.requests.get(), by=county.dispatcher, at=beijing(2025, 3, 4, 12))
    change(days=[holiday(TUESDAY)], at=beijing(2025, 3, 7, 10))
    follow(beijing(2025, 3, 7, 10))
    entries = list(ClockEntry.objects.filter(clock__stint=stint).order_by("id").values_list("kind", flat=True))
    assert entries == ["start", "pause", "recompute"]
    march = Window(beijing(2025, 3, 1), beijing(2025, 4, 1), beijing(2025, 4, 1), Basis.OBLIGATION)
    assert facts.of_the_city(facts.gather(march))["suspended"] == 1


def test_summer_hours_move_the_deadlines_that_reach_into_the_summer(county):
    stint = dispatched(county, at=beijing(2025, 5, 30, 9))
    assert stint.due_at == beijing(2025, 6, 3, 9)
    rows = calendars.kept_rows().spans
    summer = date(2025, 6, 1)
    change(
        spans=[*rows, Span("", summer, date(2025, 10, 1), time(7), time(11)),
               Span("", summer, date(2025, 10, 1), time(15), time(19))],
        at=beijing(2025, 5, 30, 10),
    )  # fmt: skip
    assert follow(beijing(2025, 5, 30, 10)) == (1, 1)
    assert handling(stint).due_at == beijing(2025, 6, 3, 8)


def test_a_district_that_keeps_its_own_hours_moves_alone(county):
    stint = dispatched(county, days=1)
    area = stint.case.area_code[:6]
    rows = calendars.kept_rows().spans
    change(spans=[*rows, Span("999999", LONG_AGO, None, time(10), time(16))])
    assert follow() == (0, 0)
    change(spans=[*rows, Span(area, LONG_AGO, None, time(10), time(16))])
    assert follow() == (1, 1)
    assert handling(stint).due_at == beijing(2025, 3, 3, 16), "a working day has six hours there"


def test_a_clock_that_reaches_past_the_official_calendar_is_provisional_until_the_year_arrives(county):
    last_day = beijing(2026, 12, 31, 16)
    stint = dispatched(county, at=last_day)
    assert handling(stint).is_provisional
    at = last_day + timedelta(hours=1)
    new_year = [holiday(date(2027, 1, day)) for day in (1, 2, 3)] + [Day(date(2027, 1, 9), "make_up", "元旦", "")]
    change(days=[*calendars.kept_rows().days, *new_year], until=date(2027, 12, 31), at=at)
    assert follow(at) == (1, 1)
    clock = handling(stint)
    assert (clock.is_provisional, clock.due_at) == (False, beijing(2027, 1, 5, 16))


def test_a_year_that_brings_no_change_still_makes_the_deadline_final(county):
    stint = dispatched(county, at=beijing(2026, 12, 31, 16), days=1)
    change(until=date(2027, 12, 31), at=beijing(2026, 12, 31, 17))
    assert follow(beijing(2026, 12, 31, 17)) == (1, 0)
    assert not handling(stint).is_provisional
    assert not handling(stint).entries.filter(kind="recompute").exists()


# — alarms ——————————————————————————————————————————————————————————————————————————————————————————


def test_an_alarm_is_told_again_only_for_a_deadline_that_lies_ahead(county):
    stint = dispatched(county, days=1)
    late = beijing(2025, 3, 4, 9, 30)
    alarms.sweep(at=late)
    assert handling(stint).told_level >= DUE
    change(days=[holiday(date(2025, 3, 3))], at=late)
    follow(late)
    clock = handling(stint)
    assert (clock.due_at, clock.told_level) == (beijing(2025, 3, 4, 18), STARTED)
    assert clock.next_look_at == clock.yellow_at
    change(days=[], at=late)
    follow(late)
    clock = handling(stint)
    assert clock.due_at == beijing(2025, 3, 4, 9)
    assert alarms.sweep(at=late + timedelta(minutes=1))[0] == 1
    change(days=[], spans=[Span("", LONG_AGO, None, time(8), time(12))], at=late)
    follow(late)
    assert handling(stint).told_level >= DUE


# — in batches, and over ————————————————————————————————————————————————————————————————————————————


class Killed(BaseException):
    """The process dies at this point."""


def test_killed_in_the_middle_it_goes_on_and_counts_nothing_twice(county, monkeypatch):
    stints = [dispatched(county, at=MONDAY_9 + timedelta(minutes=n)) for n in range(5)]
    change(days=[holiday(TUESDAY)])
    monkeypatch.setattr(actions, "CASES_AT_ONCE", 2)
    real, batches = clocks.follow_calendar, []

    def dies_in_the_second_batch(cases, **given):
        moved = real(cases, **given)
        batches.append(moved)
        if len(batches) == 2:
            raise Killed
        return moved

    with monkeypatch.context() as broken:
        broken.setattr(clocks, "follow_calendar", dies_in_the_second_batch)
        with pytest.raises(Killed):
            follow()
    assert ClockEntry.objects.filter(kind="recompute", clock__name="handling").count() == 2
    assert follow() == (3, 3)
    assert follow() == (0, 0)
    assert ClockEntry.objects.filter(kind="recompute", clock__name="handling").count() == len(stints)
    assert CalendarVersion.objects.latest("number").moved == len(stints)


def test_it_is_over_once_no_process_can_know_the_old_calendar_any_more(county):
    version = change(days=[holiday(TUESDAY)])
    follow()
    version.refresh_from_db()
    assert version.recounted_at is None
    follow(AT_TEN + timedelta(minutes=1))
    version.refresh_from_db()
    assert version.recounted_at == AT_TEN + timedelta(minutes=1)


def test_a_batch_asks_the_same_number_of_questions_however_many_cases_it_holds(county):
    def questions(number: int) -> int:
        for n in range(number):
            dispatched(county, at=MONDAY_9 + timedelta(minutes=n))
        change(days=[holiday(TUESDAY)] if not calendars.kept_rows().days else [])
        with CaptureQueriesContext(connection) as asked:
            follow()
        return len(asked)

    assert questions(1) == questions(6)


def test_without_a_change_it_asks_one_question(county, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert follow() == (0, 0)


# — versions ————————————————————————————————————————————————————————————————————————————————————————


def test_every_version_is_kept_and_can_be_counted_with_again(county):
    before = clocks.calendar_version()
    change(days=[holiday(TUESDAY)])
    assert not clocks.calendar().is_workday(TUESDAY)
    assert calendars.of_version(before).of("").is_workday(TUESDAY)
    assert Rows.from_json(CalendarVersion.objects.latest("number").rows) == calendars.kept_rows()


def test_what_changed_is_told_as_stretches_of_days(county):
    version = change(days=[holiday(TUESDAY), holiday(date(2025, 10, 1)), holiday(date(2025, 10, 2))])
    assert calendars.stretches_of(version) == [
        ("", TUESDAY, TUESDAY), ("", date(2025, 10, 1), date(2025, 10, 2)),
    ]  # fmt: skip


def test_rows_that_stay_are_left_alone(county):
    change(days=[holiday(TUESDAY)])
    kept = list(calendars.CalendarDay.objects.values_list("pk", flat=True))
    change(days=[holiday(TUESDAY), holiday(WEDNESDAY)])
    assert calendars.CalendarDay.objects.filter(pk__in=kept).count() == 1
    change(days=[])
    assert not calendars.CalendarDay.objects.exists()
