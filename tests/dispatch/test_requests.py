"""What departments ask, who must agree, and what becomes of the clock meanwhile."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Department
from cases.actions import MoveNotAllowed, NotYours
from cases.models import Adjustment, Case, Request, StageClock
from cases.workflow import Stage, StintStage
from dispatch import actions, facts, requests
from dispatch.models import ApprovalRule, Ground, ResponsibilityRule
from office import settings
from office.models import Message
from tests.county import LONG_AGO, MONDAY, County, beijing

pytestmark = pytest.mark.django_db

TEN = beijing(2026, 3, 2, 10)
HALF_PAST_TEN = beijing(2026, 3, 2, 10, 30)
HALF_PAST_ELEVEN = beijing(2026, 3, 2, 11, 30)
FOUR = beijing(2026, 3, 2, 16)
TUESDAY = beijing(2026, 3, 3, 9)


@pytest.fixture
def county() -> County:
    return County.build()


def at_nine(county):
    """A case with four working hours, dispatched at 09:00 sharp: due at 15:00."""
    case = county.case_at(Stage.PENDING_DISPATCH, at=MONDAY - timedelta(minutes=3))
    case = actions.dispatch(case, by=county.dispatcher, at=MONDAY, department=county.sanitation_bureau)
    return case.stints.get()


def setting(key: str, value) -> None:
    settings.set_value(key, value, by=None, at=MONDAY, valid_from=LONG_AGO)


def rule(kind: str, chain: list[str], **facts) -> ApprovalRule:
    return ApprovalRule.objects.create(kind=kind, chain=chain, valid_from=LONG_AGO, **facts)


def due(stint):
    stint.refresh_from_db()
    return stint.due_at


def ask_return(stint, county, *, at, ground="not_ours"):
    actions.ask_return(stint, by=county.sanitation, at=at, ground=ground, reason="属街道")
    return stint.requests.get(stage="pending")


# — returns and the clock: the worked examples —


def test_k10_the_same_department_again_goes_on_with_what_was_left(county):
    stint = at_nine(county)
    request = ask_return(stint, county, at=HALF_PAST_TEN, ground="wrong_facts")
    case = actions.grant_return(request, by=county.dispatcher, at=HALF_PAST_ELEVEN)
    actions.dispatch(case, by=county.dispatcher, at=FOUR, department=county.sanitation_bureau)
    assert due(stint) == beijing(2026, 3, 3, 8, 30)
    assert stint.stage == StintStage.PENDING_HANDLE


def test_k11_another_department_begins_anew(county):
    stint = at_nine(county)
    request = ask_return(stint, county, at=HALF_PAST_TEN)
    case = actions.grant_return(request, by=county.dispatcher, at=HALF_PAST_ELEVEN)
    actions.dispatch(case, by=county.dispatcher, at=FOUR, department=county.street_office)
    assert due(case.stints.open().get()) == beijing(2026, 3, 3, 10)


def test_k13_a_refused_return_leaves_the_deadline_as_it_was(county):
    stint = at_nine(county)
    request = ask_return(stint, county, at=HALF_PAST_TEN)
    actions.refuse_return(request, by=county.dispatcher, at=HALF_PAST_ELEVEN, reason="属你单位")
    assert due(stint) == beijing(2026, 3, 2, 15)
    assert stint.is_shirked


def test_a_return_starts_a_dispatch_clock_anew_and_pauses_the_handling(county):
    stint = at_nine(county)
    request = ask_return(stint, county, at=HALF_PAST_TEN)
    states = dict(StageClock.objects.filter(case=stint.case_id).exclude(state="stopped").values_list("name", "state"))
    assert (states["dispatch"], states["handling"]) == ("running", "paused")
    assert Case.objects.get().due_at == HALF_PAST_TEN + timedelta(minutes=15)
    assert request.chain == ["dispatcher"]


def test_a_short_case_is_given_back_within_its_limit_only(county):
    stint = at_nine(county)
    with pytest.raises(actions.ReturnTooLate) as refused:
        ask_return(stint, county, at=beijing(2026, 3, 2, 15, 1))
    assert refused.value.facts["until"] == beijing(2026, 3, 2, 15)


def test_a_long_case_is_given_back_until_nine_on_the_next_working_day(county):
    county.condition.limit_value, county.condition.limit_unit = 3, "working_day"
    county.condition.save()
    friday = beijing(2026, 3, 6, 16)
    case = county.case_at(Stage.PENDING_HANDLE, at=friday)
    with pytest.raises(actions.ReturnTooLate):
        ask_return(case.stints.get(), county, at=beijing(2026, 3, 9, 9, 1))
    ask_return(case.stints.get(), county, at=beijing(2026, 3, 9, 9))


def test_a_city_may_let_cases_come_back_at_any_time(county):
    setting("dispatch.return_deadline", False)
    assert ask_return(at_nine(county), county, at=FOUR).stage == "pending"


def test_an_assignment_is_revoked_before_the_case_is_given_back(county):
    stint = county.case_at(Stage.HANDLING).stints.get()
    actions.assign(stint, by=county.sanitation, at=TEN, handler=county.handler)
    with pytest.raises(actions.AssignmentFirst):
        ask_return(stint, county, at=TEN)


def test_no_need_to_handle_takes_two_people(county):
    request = ask_return(at_nine(county), county, at=HALF_PAST_TEN, ground="no_need")
    with pytest.raises(NotYours):
        actions.grant_return(request, by=county.dispatcher, at=HALF_PAST_ELEVEN)
    requests.approve(request, by=county.dispatcher, at=HALF_PAST_ELEVEN, opinion="情况属实")
    request.refresh_from_db()
    case = actions.grant_return(request, by=county.commander, at=HALF_PAST_ELEVEN)
    assert case.stage == Stage.PENDING_DISPATCH
    said = [(one.role, one.by, one.is_granted) for one in request.approvals.all()]
    assert said == [("dispatcher", county.dispatcher, True), ("commander", county.commander, True)]


def test_any_refusal_on_the_way_ends_a_return_and_the_waiting_counts(county):
    stint = at_nine(county)
    request = ask_return(stint, county, at=HALF_PAST_TEN, ground="no_need")
    requests.reject(request, by=county.dispatcher, at=HALF_PAST_ELEVEN, reason="需要处置")
    request.refresh_from_db()
    assert (request.stage, due(stint), stint.stage) == ("refused", beijing(2026, 3, 2, 15), StintStage.HANDLING)
    assert stint.is_shirked


def test_a_withdrawn_return_buys_no_time(county):
    stint = at_nine(county)
    request = ask_return(stint, county, at=HALF_PAST_TEN)
    requests.withdraw_request(request, by=county.sanitation, at=HALF_PAST_ELEVEN, reason="误报")
    assert due(stint) == beijing(2026, 3, 2, 15)
    assert not stint.is_shirked


# — grounds and rules of the city —


def test_a_city_replaces_ends_and_adds_grounds(county):
    Ground.objects.create(kind="return", code="other", name_zh="其他", valid_from=LONG_AGO, valid_to=MONDAY.date())
    Ground.objects.create(kind="return", code="private", name_zh="私人物业", valid_from=LONG_AGO)
    stint = at_nine(county)
    with pytest.raises(actions.NotThatGround):
        ask_return(stint, county, at=TEN, ground="other")
    assert ask_return(stint, county, at=TEN, ground="private").ground == "private"


def test_a_chain_of_both_centres_goes_from_one_to_the_next(county):
    rule("extension", ["duty_leader", "dispatcher"], minor_class=county.litter)
    stint = at_nine(county)
    actions.ask_extension(stint, by=county.sanitation, at=TEN, reason="需要吊车")
    request = stint.requests.get()
    requests.consent(request, by=county.duty_leader, at=TEN, opinion="同意")
    request.refresh_from_db()
    actions.grant_extension(request, by=county.dispatcher, at=TEN)
    assert due(stint) == beijing(2026, 3, 3, 9)


def test_supervision_may_say_no_on_the_way(county):
    rule("extension", ["duty_leader", "dispatcher"])
    stint = at_nine(county)
    actions.ask_extension(stint, by=county.sanitation, at=TEN, reason="需要吊车")
    requests.decline(stint.requests.get(), by=county.duty_leader, at=TEN, reason="不具备延期条件")
    assert (stint.requests.get().stage, due(stint)) == ("refused", beijing(2026, 3, 2, 15))


def test_the_second_extension_may_take_another_chain_than_the_first(county):
    rule("extension", ["dispatcher", "commander"], nth=2)
    stint = at_nine(county)
    actions.ask_extension(stint, by=county.sanitation, at=TEN, reason="需要吊车")
    actions.grant_extension(stint.requests.get(), by=county.dispatcher, at=TEN)
    stint.refresh_from_db()
    actions.ask_extension(stint, by=county.sanitation, at=TEN, reason="吊车未到")
    assert stint.requests.get(stage="pending").chain == ["dispatcher", "commander"]


def test_another_length_needs_its_paper_and_is_added_as_asked(county):
    stint = at_nine(county)
    with pytest.raises(actions.PaperNeeded):
        actions.ask_extension(stint, by=county.sanitation, at=TEN, reason="工程", length=Decimal(8))
    actions.ask_extension(
        stint, by=county.sanitation, at=TEN, reason="工程", ground="engineering", length=Decimal(8),
        files=county.pictures(),
    )  # fmt: skip
    actions.grant_extension(stint.requests.get(), by=county.dispatcher, at=TEN)
    assert due(stint) == beijing(2026, 3, 3, 15)


def test_a_rule_bounds_number_length_grounds_and_paper(county):
    rule("extension", ["dispatcher"], max_count=0)
    rule("suspension", ["dispatcher"], max_days=30, grounds=["season"])
    stint = at_nine(county)
    with pytest.raises(actions.ExtendedOften):
        actions.ask_extension(stint, by=county.sanitation, at=TEN, reason="需要吊车")
    with pytest.raises(actions.NotThatDate):
        actions.ask_suspension(
            stint, by=county.sanitation, at=TEN, until=beijing(2026, 4, 30).date(), reason="待栽植", ground="season"
        )
    with pytest.raises(actions.NotThatGround):
        actions.ask_suspension(
            stint, by=county.sanitation, at=TEN, until=beijing(2026, 3, 20).date(), reason="待栽植", ground="conditions"
        )


# — voiding —


def test_a_department_asks_and_the_duty_leader_voids(county):
    stint = at_nine(county)
    case = requests.ask_voiding(stint, by=county.sanitation, at=TEN, reason="不属于城市管理事项", ground="no_case")
    assert case.stage == Stage.PENDING_HANDLE
    request = stint.requests.get()
    with pytest.raises(NotYours):
        requests.grant_voiding(request, by=county.dispatcher, at=TEN, reason="同意")
    case = requests.grant_voiding(request, by=county.duty_leader, at=TEN, reason="不是案件")
    request.refresh_from_db()
    assert (case.stage, request.stage, due(stint) is not None) == (Stage.VOIDED, "granted", True)
    assert stint.stage == StintStage.WITHDRAWN


# — disputes —


def disputed(county) -> tuple[Case, Request]:
    stint = at_nine(county)
    case = requests.open_dispute(stint, by=county.sanitation, at=HALF_PAST_TEN, reason="绿化带内，属街道")
    return case, stint.requests.get(kind="dispute")


def decide(county, request, department, **more) -> Case:
    facts = {"meets_at": HALF_PAST_ELEVEN, "place": "现场", "participants": "环卫所、街道办"}
    requests.call_meeting(request, by=county.commander, at=HALF_PAST_TEN, **facts)
    return requests.decide_dispute(
        request, by=county.commander, at=HALF_PAST_ELEVEN, department=department, reason="现场确权", **more
    )


def test_a_dispute_pauses_the_handling_and_runs_a_clock_of_its_own(county):
    case, _request = disputed(county)
    open_clocks = dict(StageClock.objects.filter(case=case).exclude(state="stopped").values_list("name", "state"))
    assert (case.stage, case.holder_department) == (Stage.DISPUTED, county.departments["command"])
    assert open_clocks == {"overall": "running", "dispute": "running", "handling": "paused"}


def test_it_is_decided_after_the_meeting_by_the_commander(county):
    _case, request = disputed(county)
    with pytest.raises(requests.MeetingFirst):
        requests.decide_dispute(
            request, by=county.commander, at=TEN, department=county.street_office, reason="归街道"
        )  # fmt: skip
    with pytest.raises(NotYours):
        requests.decide_dispute(
            request, by=county.dispatcher, at=TEN, department=county.street_office, reason="归街道"
        )  # fmt: skip


def test_the_decision_sends_the_case_on_and_as_a_precedent_changes_the_routing(county):
    _case, request = disputed(county)
    case = decide(county, request, county.street_office, is_precedent=True)
    there, before = case.stints.open().get(), case.stints.get(department=county.sanitation_bureau)
    assert (there.department, there.is_lead, case.stage) == (county.street_office, True, Stage.PENDING_HANDLE)
    assert (before.stage, before.is_shirked) == (StintStage.RETURNED, False)
    assert there.due_at == beijing(2026, 3, 2, 17, 30)
    row = ResponsibilityRule.objects.get()
    assert (row.origin, row.case_number, row.minor_class) == ("precedent", case.number, county.litter)
    again = county.case_at(Stage.PENDING_DISPATCH, at=FOUR)
    assert facts.suggestions(again, at=FOUR)[0].department == county.street_office


def test_who_disputed_his_own_duty_gains_no_time(county):
    _case, request = disputed(county)
    case = decide(county, request, county.sanitation_bureau)
    stint = case.stints.get()
    assert (stint.stage, stint.is_shirked) == (StintStage.HANDLING, True)
    assert stint.due_at == beijing(2026, 3, 2, 15)


def test_a_dispatcher_puts_an_undecided_return_up_for_a_joint_decision(county):
    stint = at_nine(county)
    ask_return(stint, county, at=HALF_PAST_TEN)
    stint.refresh_from_db()
    case = requests.raise_dispute(stint, by=county.dispatcher, at=HALF_PAST_ELEVEN, reason="再次推诿")
    assert dict(stint.requests.values_list("kind", "stage")) == {"return": "withdrawn", "dispute": "pending"}
    assert case.stage == Stage.DISPUTED


# — deferral and stock —


def test_a_deferred_case_enters_the_stock_list_after_sixty_days_and_leaves_it_when_done(county):
    stint = at_nine(county)
    requests.ask_deferral(stint, by=county.sanitation, at=TEN, reason="历史遗留")
    with pytest.raises(NotYours):
        requests.grant_deferral(stint.requests.get(), by=county.dispatcher, at=TEN)
    requests.grant_deferral(stint.requests.get(), by=county.commander, at=TEN)
    assert requests.fill_stock(at=TEN + timedelta(days=59)) == 0
    entered = TEN + timedelta(days=60)
    assert [requests.fill_stock(at=entered), requests.fill_stock(at=entered)] == [1, 0]
    stint.refresh_from_db()
    assert (stint.stock_at, stint.left_stock_at) == (entered, None)
    told = set(Message.objects.filter(code="entered_stock").values_list("recipient", flat=True))
    assert told == {county.commander.pk, county.sanitation.pk}
    actions.hand_over(stint, by=county.sanitation, at=entered, opinion="已解决")
    actions.pass_on(stint, by=county.dispatcher, at=entered + timedelta(hours=1))
    stint.refresh_from_db()
    assert stint.left_stock_at == entered + timedelta(hours=1)


# — appeals —


def closed_late(county):
    case = county.case_at(Stage.HANDLING)
    stint = case.stints.get()
    actions.hand_over(stint, by=county.sanitation, at=FOUR, opinion="已清运")
    actions.pass_on(stint, by=county.dispatcher, at=FOUR)
    from cases import actions as cases

    case = cases.send_check(case, by=county.operator, at=FOUR, collector=county.other_collector)
    cases.check(case.tasks.get(), by=county.other_collector, at=FOUR, result="pass")
    cases.close(case, by=county.duty_leader, at=FOUR, met=True)
    stint.refresh_from_db()
    return stint


def test_an_upheld_appeal_leaves_the_overrun_and_adds_an_adjustment(county):
    stint = closed_late(county)
    requests.ask_appeal(stint, by=county.sanitation, at=TUESDAY, reason="平台故障", ground="platform")
    request = stint.requests.get()
    requests.approve(request, by=county.dispatcher, at=TUESDAY, opinion="情况属实")
    request.refresh_from_db()
    case = requests.grant_appeal(request, by=county.duty_leader, at=TUESDAY, reason="成立")
    assert Adjustment.objects.get().stint == stint
    stint.refresh_from_db()
    assert stint.handed_over_at > stint.due_at
    assert (case.stage, case.closed_at) == (Stage.CLOSED, FOUR)
    with pytest.raises(actions.AskedOften):
        requests.ask_appeal(stint, by=county.sanitation, at=TUESDAY, reason="再次申诉")


def test_an_appeal_is_for_overruns_and_for_some_days_only(county):
    in_time = county.case_at(Stage.CLOSED).stints.get()
    with pytest.raises(requests.NotOverdue):
        requests.ask_appeal(in_time, by=county.sanitation, at=TEN, reason="申诉")
    late = closed_late(county)
    with pytest.raises(requests.AppealTooLate):
        requests.ask_appeal(late, by=county.sanitation, at=beijing(2026, 3, 5, 16, 1), reason="申诉")
    with pytest.raises(MoveNotAllowed):
        requests.ask_appeal(at_nine(county), by=county.sanitation, at=FOUR, reason="申诉")


# — who was dispatched to wrongly —


def test_the_duty_leader_judges_a_dispatch_that_came_back(county):
    stint = at_nine(county)
    actions.grant_return(ask_return(stint, county, at=TEN), by=county.dispatcher, at=TEN)
    actions.wrong_dispatch(stint, by=county.duty_leader, at=TEN, reason="应派街道")
    stint.refresh_from_db()
    assert stint.dispatch_verdict == "wrong"
    actions.confirm_dispatch(stint, by=county.duty_leader, at=TEN)
    stint.refresh_from_db()
    assert stint.dispatch_verdict == "accurate"


def test_a_wrong_dispatch_in_hand_is_to_be_dispatched_anew_at_once(county):
    stint = at_nine(county)
    case = actions.recall_wrong_dispatch(stint, by=county.duty_leader, at=TEN, reason="应派街道")
    stint.refresh_from_db()
    assert (case.stage, stint.stage, stint.dispatch_verdict) == (Stage.PENDING_DISPATCH, "withdrawn", "wrong")
    assert case.due_at == TEN + timedelta(minutes=15)


# — several departments, proxies, ownerless things —


def test_departments_are_added_and_the_lead_changes(county):
    stint = at_nine(county)
    actions.add_assisting(stint.case, by=county.dispatcher, at=TEN, department=county.street_office, is_optional=True)
    street = stint.case.stints.get(department=county.street_office)
    with pytest.raises(actions.IsTheLead):
        actions.set_required(stint, by=county.dispatcher, at=TEN, required=False, reason="改为协助")
    actions.make_lead(street, by=county.dispatcher, at=TEN, reason="街道牵头")
    leads = dict(stint.case.stints.values_list("department__code", "is_lead"))
    assert leads == {"sanitation": False, "street": True}
    street.refresh_from_db()
    assert street.is_required


def test_an_optional_department_holds_up_nothing_and_ends_with_the_case(county):
    case = county.case_at(Stage.HANDLING)
    stint = case.stints.get()
    actions.add_assisting(case, by=county.dispatcher, at=TEN, department=county.street_office, is_optional=True)
    actions.hand_over(stint, by=county.sanitation, at=TEN, opinion="已清运")
    case = actions.pass_on(stint, by=county.dispatcher, at=TEN)
    assert case.stage == Stage.PENDING_CHECK
    from cases import actions as cases

    cases.send_check(case, by=county.operator, at=TEN, collector=county.other_collector)
    cases.check(case.tasks.get(), by=county.other_collector, at=TEN, result="pass")
    case = cases.close(case, by=county.duty_leader, at=TEN, met=True)
    assert case.stints.get(department=county.street_office).stage == StintStage.WITHDRAWN
    assert not case.clocks.exclude(state="stopped").exists()


def test_an_owner_is_marked_for_whom_another_does_the_work(county):
    stint = at_nine(county)
    with pytest.raises(actions.OwnWork):
        actions.set_proxy(stint, by=county.dispatcher, at=TEN, owner=county.sanitation_bureau, reason="代处置")
    actions.set_proxy(stint, by=county.dispatcher, at=TEN, owner=county.water_company, reason="产权单位未到场")
    stint.refresh_from_db()
    assert stint.on_behalf_of == county.water_company


def test_an_ownerless_case_is_proposed_to_the_street_of_the_place_first(county):
    Department.objects.filter(pk=county.street_office.pk).update(sort=900)
    case = county.case_at(Stage.PENDING_DISPATCH)
    case = actions.mark_ownerless(case, by=county.dispatcher, at=TEN, reason="查无权属单位")
    assert case.is_ownerless
    assert facts.suggestions(case, at=TEN)[0].department == county.street_office
