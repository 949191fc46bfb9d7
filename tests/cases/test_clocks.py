"""The handling clock through the real actions: the worked examples that pause, extend, return and come back."""

from datetime import timedelta

import pytest

from cases import actions, clocks
from cases.models import ClockEntry, StageClock
from cases.workflow import Clock, Stage
from dispatch import actions as dispatch
from tests.county import County, beijing

pytestmark = pytest.mark.django_db
MONDAY_9 = beijing(2025, 3, 3, 9)
FILED = MONDAY_9 - timedelta(minutes=1)


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def stint(county):
    """Litter, four working hours, dispatched on Monday at nine."""
    case = county.case_at(Stage.PENDING_DISPATCH, at=MONDAY_9 - timedelta(minutes=2))
    dispatch.dispatch(case, by=county.dispatcher, at=MONDAY_9, department=county.sanitation_bureau)
    stint = case.stints.get()
    assert stint.due_at == beijing(2025, 3, 3, 15)
    return stint


def due(stint):
    stint.refresh_from_db()
    return stint.due_at


def returned(county, stint):
    half_past_ten = beijing(2025, 3, 3, 10, 30)
    dispatch.ask_return(stint, by=county.sanitation, at=half_past_ten, ground=county.ground, reason="不属于我单位")
    return stint.requests.get(kind="return")


def test_k8_an_extension_of_one_original_limit_is_due_tuesday_at_nine(county, stint):
    dispatch.ask_extension(stint, by=county.sanitation, at=beijing(2025, 3, 3, 10), reason="需要吊车")
    dispatch.grant_extension(stint.requests.get(), by=county.dispatcher, at=beijing(2025, 3, 3, 11))
    assert due(stint) == beijing(2025, 3, 4, 9)


def test_k7_paused_monday_ten_and_resumed_tuesday_half_past_eight_it_is_due_tuesday_half_past_eleven(county, stint):
    dispatch.ask_suspension(
        stint, by=county.sanitation, at=beijing(2025, 3, 3, 9, 30), until=beijing(2025, 3, 20).date(), reason="等材料"
    )
    dispatch.grant_suspension(stint.requests.get(), by=county.dispatcher, at=beijing(2025, 3, 3, 10))
    dispatch.resume(stint, by=county.dispatcher, at=beijing(2025, 3, 4, 8, 30))
    assert due(stint) == beijing(2025, 3, 4, 11, 30)


def test_k10_returned_and_sent_again_to_the_same_department_its_clock_resumes(county, stint):
    request = returned(county, stint)
    four = beijing(2025, 3, 3, 16)
    dispatch.grant_return(request, by=county.dispatcher, at=four)
    dispatch.dispatch(stint.case, by=county.dispatcher, at=four, department=county.sanitation_bureau)
    assert due(stint) == beijing(2025, 3, 4, 8, 30)
    assert stint.case.stints.count() == 1


def test_k11_returned_and_sent_to_another_department_the_clock_restarts(county, stint):
    request = returned(county, stint)
    four = beijing(2025, 3, 3, 16)
    dispatch.grant_return(request, by=county.dispatcher, at=four)
    dispatch.dispatch(stint.case, by=county.dispatcher, at=four, department=county.water_company)
    other = stint.case.stints.get(department=county.water_company)
    assert other.due_at == beijing(2025, 3, 4, 10)


def test_k13_a_refused_return_buys_no_time_and_leaves_its_mark(county, stint):
    request = returned(county, stint)
    dispatch.refuse_return(request, by=county.dispatcher, at=beijing(2025, 3, 3, 11, 30), reason="属于你单位")
    assert due(stint) == beijing(2025, 3, 3, 15)
    assert stint.is_shirked


def test_while_a_return_is_decided_the_dispatchers_clock_runs_and_the_departments_stands(county, stint):
    returned(county, stint)
    clocks_now = dict(StageClock.objects.filter(case=stint.case).exclude(state="stopped").values_list("name", "state"))
    assert clocks_now == {"overall": "running", "handling": "paused", "dispatch": "running"}


def test_a_refused_result_runs_on_to_the_old_deadline(county, stint):
    dispatch.hand_over(
        stint, by=county.sanitation, at=beijing(2025, 3, 3, 10), opinion="已清", files=county.pictures(1)
    )
    dispatch.refuse_hand_over(stint, by=county.dispatcher, at=beijing(2025, 3, 3, 10, 10), reason="照片不清")
    clock = StageClock.objects.get(stint=stint, name=Clock.HANDLING)
    assert (clock.state, clock.due_at, clock.rounds) == ("running", beijing(2025, 3, 3, 15), 2)


def test_the_whole_case_is_due_when_handling_is_plus_what_the_desks_after_it_may_take(county, stint):
    overall = StageClock.objects.get(case=stint.case, name=Clock.OVERALL)
    assert overall.due_at == beijing(2025, 3, 3, 15) + timedelta(minutes=15 + 15 + 30 + 15)


def test_every_change_of_a_deadline_is_an_entry_with_before_and_after(county, stint):
    returned(county, stint)
    dispatch.refuse_return(
        stint.requests.get(), by=county.dispatcher, at=beijing(2025, 3, 3, 11, 30), reason="属于你单位"
    )
    entries = ClockEntry.objects.filter(clock__stint=stint).order_by("id")
    assert [entry.kind for entry in entries] == ["start", "pause", "resume"]
    assert entries[2].due_before == entries[2].due_after == beijing(2025, 3, 3, 15)


def test_a_deadline_explains_itself_over_a_pause(county, stint):
    dispatch.ask_suspension(
        stint, by=county.sanitation, at=beijing(2025, 3, 3, 9, 30), until=beijing(2025, 3, 20).date(), reason="等材料"
    )
    dispatch.grant_suspension(stint.requests.get(), by=county.dispatcher, at=beijing(2025, 3, 3, 10))
    dispatch.resume(stint, by=county.dispatcher, at=beijing(2025, 3, 4, 8, 30))
    clock = StageClock.objects.get(stint=stint, name=Clock.HANDLING)
    explained = clocks.explain(clock, case=stint.case, at=beijing(2025, 3, 4, 9))
    assert [(row.kind, row.begins, row.ends, row.left_seconds, row.is_ahead) for row in explained.rows] == [
        ("work", MONDAY_9, beijing(2025, 3, 3, 10), 3 * 3600, False),
        ("pause", beijing(2025, 3, 3, 10), None, 3 * 3600, False),
        ("resume_from_now", beijing(2025, 3, 4, 8, 30), None, 3 * 3600, False),
        ("work", beijing(2025, 3, 4, 8, 30), beijing(2025, 3, 4, 9), 2.5 * 3600, False),
        ("work", beijing(2025, 3, 4, 9), beijing(2025, 3, 4, 11, 30), 0, True),
    ]


def test_a_case_without_a_limit_gets_no_deadline_and_no_alarm(county):
    county.condition.limit_value, county.condition.limit_unit = None, ""
    county.condition.save()
    from office import settings

    settings.set_value(
        "cases.limit.default_working_hours", 0, by=county.administrator, at=FILED, valid_from=FILED.date()
    )
    case = county.case_at(Stage.PENDING_HANDLE, at=MONDAY_9)
    clock = StageClock.objects.get(case=case, name=Clock.HANDLING)
    assert (clock.due_at, clock.next_look_at, case.due_at) == (None, None, None)
    case = actions.void(case, by=county.duty_leader, at=MONDAY_9 + timedelta(hours=1), reason="误报")
    assert StageClock.objects.get(pk=clock.pk).state == "stopped"
