"""What the command centre and the departments do, with the refusals beside the successes."""

from datetime import date, timedelta

import pytest

from accounts import actions as accounts
from accounts.models import Appointment, Department
from accounts.roles import Role
from cases import actions as cases
from cases.actions import FactMissing, MoveNotAllowed, NotYours, OtherSide
from cases.models import Case, CasePart, HandlingStint, Request
from cases.workflow import Stage, StintStage
from dispatch import actions
from office import settings
from tests.county import LONG_AGO, MONDAY, County, beijing

pytestmark = pytest.mark.django_db

NOON = beijing(2026, 3, 2, 12)
AFTERNOON = beijing(2026, 3, 2, 14, 30)
EVENING = beijing(2026, 3, 2, 17, 30)  # the four working hours from 09:03 on end at 15:03
TUESDAY = beijing(2026, 3, 3, 9)


@pytest.fixture
def county() -> County:
    return County.build()


def handling(county, **facts) -> HandlingStint:
    """A case in the bureau's hands: dispatched Monday 09:03 and received."""
    return county.case_at(Stage.HANDLING, **facts).stints.get()


def asked(stint, kind: str) -> Request:
    return stint.requests.get(kind=kind, stage="pending")


def setting(key: str, value) -> None:
    settings.set_value(key, value, by=None, at=MONDAY, valid_from=LONG_AGO)


# — dispatch —


def test_a_dispatched_case_stands_with_the_department_and_its_clock_runs_from_that_instant(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    case = actions.dispatch(case, by=county.dispatcher, at=NOON, department=county.sanitation_bureau, rule="catalogue")
    stint = case.stints.get()
    assert case.stage == Stage.PENDING_HANDLE
    assert case.holder_department == county.sanitation_bureau
    assert (stint.is_lead, stint.proposal_rule, stint.dispatched_by) == (True, "catalogue", county.dispatcher)
    assert stint.due_at == beijing(2026, 3, 2, 18)
    assert case.events.last().facts["department"] == "sanitation"


def test_a_case_may_have_a_lead_and_an_assisting_department_each_with_its_own_clock(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    case = actions.dispatch(
        case, by=county.dispatcher, at=NOON, department=county.street_office,
        assisting=[county.sanitation_bureau, county.street_office],
    )  # fmt: skip
    assert [(one.department.code, one.is_lead) for one in case.stints.all()] == [
        ("street", True), ("sanitation", False),
    ]  # fmt: skip
    assert case.clocks.filter(name="handling", state="running").count() == 2


def test_a_case_is_done_when_both_departments_are(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    actions.dispatch(
        case, by=county.dispatcher, at=NOON, department=county.street_office, assisting=[county.sanitation_bureau]
    )
    street, sanitation = case.stints.all()
    case = actions.hand_over(street, by=county.street, at=AFTERNOON, opinion="已清")
    case = actions.pass_on(street, by=county.dispatcher, at=AFTERNOON)
    assert case.stage == Stage.PENDING_HANDLE
    actions.hand_over(sanitation, by=county.sanitation, at=EVENING, opinion="已运走")
    case = actions.pass_on(sanitation, by=county.dispatcher, at=EVENING)
    assert case.stage == Stage.PENDING_CHECK


def test_nobody_named_is_refused(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    with pytest.raises(actions.NoDepartment):
        actions.dispatch(case, by=county.dispatcher, at=NOON, department=None)


def test_neither_a_centre_nor_a_department_that_ended_gets_a_case(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    Department.objects.filter(pk=county.water_company.pk).update(valid_to=date(2026, 3, 1))
    county.water_company.refresh_from_db()
    for department in (county.departments["supervision"], county.water_company):
        with pytest.raises(actions.NotADepartment):
            actions.dispatch(case, by=county.dispatcher, at=NOON, department=department)
    assert not case.stints.exists()


def test_a_department_that_has_the_case_does_not_get_it_twice(county):
    stint = handling(county)
    actions.ask_return(stint, by=county.sanitation, at=NOON, ground="not_ours", reason="属街道")
    with pytest.raises(actions.HasItAlready):
        actions.dispatch(stint.case, by=county.dispatcher, at=NOON, department=county.sanitation_bureau)


def test_an_invalid_assisting_department_stops_the_whole_dispatch(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    with pytest.raises(actions.NotADepartment):
        actions.dispatch(
            case, by=county.dispatcher, at=NOON, department=county.street_office,
            assisting=[county.departments["command"]],
        )  # fmt: skip
    assert Case.objects.get().stage == Stage.PENDING_DISPATCH
    assert not HandlingStint.objects.exists()


def test_a_case_that_should_not_have_been_filed_so_goes_back_with_a_reason(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    with pytest.raises(FactMissing):
        actions.back_to_filing(case, by=county.dispatcher, at=NOON, reason="  ")
    case = actions.back_to_filing(case, by=county.dispatcher, at=NOON, reason="类别不对")
    assert case.stage == Stage.PENDING_FILING


def test_a_case_whose_return_is_being_decided_does_not_go_back_to_filing(county):
    stint = handling(county)
    case = actions.ask_return(stint, by=county.sanitation, at=NOON, ground="not_ours", reason="属街道")
    assert case.stage == Stage.PENDING_DISPATCH
    with pytest.raises(actions.StillWithDepartments) as refused:
        actions.back_to_filing(case, by=county.dispatcher, at=NOON, reason="类别不对")
    assert refused.value.facts["departments"] == ["环卫所"]


def test_the_dispatcher_takes_a_case_back_and_gives_it_to_another(county):
    stint = handling(county)
    case = actions.withdraw_dispatch(stint, by=county.dispatcher, at=NOON, reason="派错")
    assert case.stage == Stage.PENDING_DISPATCH
    case = actions.dispatch(case, by=county.dispatcher, at=NOON, department=county.street_office)
    assert case.stints.open().get().department == county.street_office
    assert case.due_at == beijing(2026, 3, 2, 18)  # another department: the clock begins anew


# — the department —


def test_receiving_may_name_who_goes(county):
    stint = county.case_at(Stage.PENDING_HANDLE).stints.get()
    case = actions.receive(stint, by=county.sanitation, at=NOON, handler=county.handler)
    stint.refresh_from_db()
    assert (case.stage, stint.handler, stint.received_at) == (Stage.HANDLING, county.handler, NOON)


def test_only_somebody_who_handles_for_the_department_is_sent(county):
    stint = handling(county)
    with pytest.raises(actions.NotAHandler):
        actions.assign(stint, by=county.sanitation, at=NOON, handler=county.collector)
    actions.assign(stint, by=county.sanitation, at=NOON, handler=county.handler)
    stint.refresh_from_db()
    assert stint.handler == county.handler


def test_the_handler_submits_and_the_department_hands_over(county):
    stint = handling(county)
    with pytest.raises(NotYours):
        actions.submit_result(stint, by=county.handler, at=NOON, opinion="已清")
    actions.assign(stint, by=county.sanitation, at=NOON, handler=county.handler)
    case = actions.submit_result(stint, by=county.handler, at=NOON, opinion="已清")
    assert case.stage == Stage.HANDLING
    case = actions.hand_over(stint, by=county.sanitation, at=AFTERNOON, opinion="已清运")
    stint.refresh_from_db()
    assert case.stage == Stage.HANDED_OVER
    assert (stint.submitted_at, stint.handed_over_at) == (NOON, AFTERNOON)


def test_where_the_city_wants_a_picture_a_result_without_one_is_refused(county):
    setting("dispatch.result_needs_picture", True)
    with pytest.raises(actions.PictureNeeded):
        actions.hand_over(handling(county), by=county.sanitation, at=NOON, opinion="已清")


def test_another_department_has_no_say(county):
    stint = county.case_at(Stage.PENDING_HANDLE).stints.get()
    with pytest.raises(NotYours):
        actions.receive(stint, by=county.water, at=NOON)


def test_a_refused_result_goes_on_to_its_old_deadline(county):
    stint = handling(county)
    due_at = stint.due_at
    actions.hand_over(stint, by=county.sanitation, at=NOON, opinion="已清")
    case = actions.refuse_hand_over(stint, by=county.dispatcher, at=AFTERNOON, reason="没有清干净")
    assert (case.stage, case.due_at) == (Stage.HANDLING, due_at)


# — return —


def test_a_return_needs_a_ground_and_a_reason(county):
    stint = handling(county)
    with pytest.raises(FactMissing):
        actions.ask_return(stint, by=county.sanitation, at=NOON, ground="", reason="属街道")
    with pytest.raises(actions.NotThatGround):
        actions.ask_return(stint, by=county.sanitation, at=NOON, ground="because", reason="属街道")
    with pytest.raises(FactMissing):
        actions.ask_return(stint, by=county.sanitation, at=NOON, ground="not_ours", reason=" ")


def test_an_accepted_return_brings_the_case_back_to_be_dispatched(county):
    stint = handling(county)
    actions.ask_return(stint, by=county.sanitation, at=NOON, ground="not_ours", reason="属街道")
    case = actions.grant_return(asked(stint, "return"), by=county.dispatcher, at=AFTERNOON)
    stint.refresh_from_db()
    assert (case.stage, stint.stage, stint.is_shirked) == (Stage.PENDING_DISPATCH, StintStage.RETURNED, False)
    assert case.due_at == NOON + timedelta(minutes=15)  # the dispatch clock began with the return


def test_a_returned_case_that_comes_again_to_the_same_department_goes_on_with_what_was_left(county):
    stint = handling(county)  # since 09:03, four working hours
    actions.ask_return(stint, by=county.sanitation, at=beijing(2026, 3, 2, 10, 33), ground="wrong_facts", reason="位置")
    actions.grant_return(asked(stint, "return"), by=county.dispatcher, at=NOON)
    case = actions.dispatch(stint.case, by=county.dispatcher, at=TUESDAY, department=county.sanitation_bureau)
    again = case.stints.get()
    assert again.pk == stint.pk
    assert (again.received_at, again.due_at) == (None, beijing(2026, 3, 3, 11, 30))


def test_a_refused_return_buys_no_time_and_is_marked(county):
    stint = handling(county)
    due_at = stint.due_at
    actions.ask_return(stint, by=county.sanitation, at=NOON, ground="not_ours", reason="属街道")
    case = actions.refuse_return(asked(stint, "return"), by=county.dispatcher, at=AFTERNOON, reason="本单位职责")
    stint.refresh_from_db()
    assert (case.stage, stint.stage) == (Stage.HANDLING, StintStage.HANDLING)
    assert (stint.is_shirked, stint.due_at) == (True, due_at)


# — extension —


def test_an_extension_adds_one_original_limit_to_the_deadline(county):
    stint = handling(county)
    assert stint.due_at == beijing(2026, 3, 2, 15, 3)
    actions.ask_extension(stint, by=county.sanitation, at=NOON, reason="需要吊车")
    actions.grant_extension(asked(stint, "extension"), by=county.dispatcher, at=AFTERNOON)
    stint.refresh_from_db()
    assert (stint.extension_count, stint.due_at) == (1, beijing(2026, 3, 3, 9, 3))


def test_the_clock_runs_on_while_an_extension_is_decided_and_a_refusal_leaves_it(county):
    stint = handling(county)
    case = actions.ask_extension(stint, by=county.sanitation, at=NOON, reason="需要吊车")
    assert not case.clock_paused
    actions.refuse_extension(asked(stint, "extension"), by=county.dispatcher, at=AFTERNOON, reason="来得及")
    stint.refresh_from_db()
    assert (stint.extension_count, stint.due_at) == (0, beijing(2026, 3, 2, 15, 3))


def test_after_two_extensions_a_third_is_refused(county):
    stint = handling(county)
    for _time in range(2):
        actions.ask_extension(stint, by=county.sanitation, at=NOON, reason="需要吊车")
        actions.grant_extension(asked(stint, "extension"), by=county.dispatcher, at=NOON)
    with pytest.raises(actions.ExtendedOften) as refused:
        actions.ask_extension(stint, by=county.sanitation, at=NOON, reason="需要吊车")
    assert refused.value.facts == {"limit": 2}


def test_once_overdue_neither_extension_nor_suspension_can_be_asked_for(county):
    stint = handling(county)
    with pytest.raises(actions.OverdueAlready):
        actions.ask_extension(stint, by=county.sanitation, at=EVENING, reason="需要吊车")
    with pytest.raises(actions.OverdueAlready):
        actions.ask_suspension(stint, by=county.sanitation, at=EVENING, until=date(2026, 4, 1), reason="等待雨季")


def test_at_the_very_deadline_it_is_not_overdue(county):
    stint = handling(county)
    actions.ask_extension(stint, by=county.sanitation, at=stint.due_at, reason="需要吊车")
    assert asked(stint, "extension").was_overdue is False


def test_asked_in_time_and_granted_late_the_new_deadline_holds(county):
    stint = handling(county)
    actions.ask_extension(stint, by=county.sanitation, at=NOON, reason="需要吊车")
    actions.grant_extension(asked(stint, "extension"), by=county.dispatcher, at=EVENING)
    stint.refresh_from_db()
    assert stint.due_at == beijing(2026, 3, 3, 9, 3)


def test_a_case_without_a_limit_has_nothing_to_extend(county):
    setting("cases.limit.default_working_hours", 0)
    county.condition.limit_value, county.condition.limit_unit = None, ""
    county.condition.save()
    with pytest.raises(actions.NoDeadline):
        actions.ask_extension(handling(county), by=county.sanitation, at=NOON, reason="需要吊车")


def test_one_request_at_a_time(county):
    stint = handling(county)
    actions.ask_extension(stint, by=county.sanitation, at=NOON, reason="需要吊车")
    with pytest.raises(actions.AskedAlready):
        actions.ask_return(stint, by=county.sanitation, at=NOON, ground="not_ours", reason="属街道")


def test_a_request_still_open_ends_with_the_hand_over(county):
    stint = handling(county)
    actions.ask_extension(stint, by=county.sanitation, at=NOON, reason="需要吊车")
    actions.hand_over(stint, by=county.sanitation, at=NOON, opinion="已清")
    request = stint.requests.get()
    assert request.stage == "withdrawn"
    with pytest.raises(MoveNotAllowed):
        actions.grant_extension(request, by=county.dispatcher, at=NOON)


# — suspension —


def test_a_suspension_stops_the_clock_and_resuming_goes_on_with_what_was_left(county):
    stint = handling(county)  # 2 h 57 min used by noon, 63 min left
    actions.ask_suspension(stint, by=county.sanitation, at=NOON, until=date(2026, 4, 1), reason="等待雨季")
    case = actions.grant_suspension(asked(stint, "suspension"), by=county.dispatcher, at=NOON)
    assert (case.stage, case.clock_paused) == (Stage.SUSPENDED, True)
    with pytest.raises(MoveNotAllowed):
        actions.hand_over(stint, by=county.sanitation, at=AFTERNOON, opinion="已清")
    case = actions.resume(stint, by=county.dispatcher, at=TUESDAY)
    assert (case.stage, case.due_at) == (Stage.HANDLING, beijing(2026, 3, 3, 10, 3))


def test_a_suspension_ends_within_a_year_and_not_today(county):
    stint = handling(county)
    for until in (date(2026, 3, 2), date(2027, 3, 3)):
        with pytest.raises(actions.NotThatDate):
            actions.ask_suspension(stint, by=county.sanitation, at=NOON, until=until, reason="等待雨季")
    actions.ask_suspension(stint, by=county.sanitation, at=NOON, until=date(2027, 3, 2), reason="等待雨季")


def test_a_case_is_suspended_once(county):
    stint = handling(county)
    actions.ask_suspension(stint, by=county.sanitation, at=NOON, until=date(2026, 4, 1), reason="等待雨季")
    actions.grant_suspension(asked(stint, "suspension"), by=county.dispatcher, at=NOON)
    actions.resume(stint, by=county.dispatcher, at=NOON)
    with pytest.raises(actions.SuspendedOften):
        actions.ask_suspension(stint, by=county.sanitation, at=NOON, until=date(2026, 4, 1), reason="等待雨季")


def test_a_suspension_granted_after_the_deadline_stays_overdue(county):
    stint = handling(county)
    actions.ask_suspension(stint, by=county.sanitation, at=NOON, until=date(2026, 4, 1), reason="等待雨季")
    actions.grant_suspension(asked(stint, "suspension"), by=county.dispatcher, at=EVENING)
    stint.refresh_from_db()
    assert stint.suspended_overdue


def test_a_day_that_came_before_the_decision_is_not_granted_any_more(county):
    stint = handling(county)
    actions.ask_suspension(stint, by=county.sanitation, at=NOON, until=date(2026, 3, 3), reason="等待雨季")
    with pytest.raises(actions.NotThatDate):
        actions.grant_suspension(asked(stint, "suspension"), by=county.dispatcher, at=TUESDAY)


# — a merged hall —


@pytest.fixture
def hall(county) -> County:
    """Both centres share one hall: Chen Jing, who files, is also appointed to dispatch, and is alone on duty."""
    setting("office.merged_hall", True)
    Appointment.objects.create(
        user=county.duty_leader, role=Role.DISPATCHER, department=county.departments["command"], valid_from=LONG_AGO
    )
    accounts.sign_on(county.duty_leader, at=MONDAY)
    return county


def test_whoever_filed_a_case_does_not_dispatch_it_and_the_system_does(hall):
    case = hall.case_at(Stage.PENDING_DISPATCH)
    with pytest.raises(OtherSide):
        actions.dispatch(case, by=hall.duty_leader, at=NOON, department=hall.street_office)
    assert actions.dispatch_what_no_seat_may(at=NOON) == 1
    case.refresh_from_db()
    assert case.stage == Stage.PENDING_HANDLE
    assert (case.is_system_dispatched, case.needs_dispatch_review) == (True, True)
    assert case.stints.get().department == hall.street_office
    event = case.events.last()
    assert (event.actor, event.side, event.facts["rule"]) == (None, "system", "street")
    assert not CasePart.objects.filter(case=case, side="command").exists()


def test_the_next_seat_confirms_it_once(hall):
    hall.case_at(Stage.PENDING_DISPATCH)
    actions.dispatch_what_no_seat_may(at=NOON)
    case = Case.objects.get()
    with pytest.raises(OtherSide):
        actions.review_dispatch(case, by=hall.duty_leader, at=AFTERNOON)
    case = actions.review_dispatch(case, by=hall.dispatcher, at=AFTERNOON)
    assert (case.needs_dispatch_review, case.is_system_dispatched) == (False, True)
    with pytest.raises(actions.NothingToConfirm):
        actions.review_dispatch(case, by=hall.dispatcher, at=AFTERNOON)


def test_the_system_leaves_a_case_that_somebody_on_duty_may_dispatch(hall):
    hall.case_at(Stage.PENDING_DISPATCH)
    accounts.sign_on(hall.dispatcher, at=MONDAY)
    assert actions.dispatch_what_no_seat_may(at=NOON) == 0


def test_with_nobody_on_duty_a_case_waits_for_the_next_seat(hall):
    hall.case_at(Stage.PENDING_DISPATCH)
    accounts.sign_off(hall.duty_leader, at=MONDAY + timedelta(minutes=30))
    assert actions.dispatch_what_no_seat_may(at=NOON) == 0


def test_where_the_halls_are_apart_the_system_dispatches_nothing(hall):
    setting("office.merged_hall", False)
    hall.case_at(Stage.PENDING_DISPATCH)
    assert actions.dispatch_what_no_seat_may(at=NOON) == 0


def test_the_system_does_not_send_a_case_back_to_whoever_returned_it(hall):
    hall.case_at(Stage.PENDING_DISPATCH)
    actions.dispatch_what_no_seat_may(at=NOON)
    stint = HandlingStint.objects.get()
    actions.withdraw_dispatch(stint, by=hall.dispatcher, at=AFTERNOON, reason="不是街道的")
    assert actions.dispatch_what_no_seat_may(at=AFTERNOON) == 1
    assert list(HandlingStint.objects.values_list("department__code", "stage")) == [
        ("street", "withdrawn"), ("sanitation", "pending_handle"),
    ]  # fmt: skip


def test_nobody_acts_on_two_sides_of_one_case_even_in_one_hall(hall):
    case = hall.case_at(Stage.PENDING_DISPATCH)
    actions.dispatch(case, by=hall.dispatcher, at=NOON, department=hall.street_office)
    with pytest.raises((OtherSide, NotYours)):
        cases.void(case, by=hall.dispatcher, at=NOON, reason="不是案件")
