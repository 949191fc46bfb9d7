"""The side branches on supervision's side: inspection, checks of two levels, reopening, ways of closing, pushing."""

from datetime import timedelta

import pytest

from accounts.models import Appointment, Department, User
from accounts.roles import Role
from cases import actions, alarms, permissions
from cases.models import CasePart, Directive, StageClock
from cases.workflow import Clock, DirectiveStage, Stage, StintStage, Subject
from dispatch import actions as dispatch
from office import settings as office_settings
from office.models import Message
from tests.county import LONG_AGO, MONDAY, County

pytestmark = pytest.mark.django_db
TEN = MONDAY + timedelta(hours=1)


@pytest.fixture
def county() -> County:
    return County.build()


def buttons(user, case, **rows) -> set[str]:
    return {button.rule.verb for button in permissions.open_moves(user, case, at=TEN, **rows)}


# — inspection —


def test_an_inspector_looks_before_a_collector_is_sent(county):
    case = county.case_at(Stage.PENDING_CHECK)
    case = actions.send_inspection(case, by=county.operator, at=TEN, inspector=county.inspector, opinion="看看是否清运")
    assert case.stage == Stage.INSPECTING
    task = case.tasks.get(kind="inspect")
    assert StageClock.objects.get(task=task).name == Clock.INSPECT
    case = actions.inspect(task, by=county.inspector, at=TEN + timedelta(minutes=30), result="pass")
    assert case.stage == Stage.PENDING_CHECK
    assert "send_check" in buttons(county.operator, case)


def test_a_result_that_fails_the_inspection_goes_back_to_the_same_department(county):
    case = county.case_at(Stage.PENDING_CHECK)
    actions.send_inspection(case, by=county.operator, at=TEN, inspector=county.inspector)
    case = actions.inspect(case.tasks.get(kind="inspect"), by=county.inspector, at=TEN, result="fail")
    stint = case.stints.get()
    assert (case.stage, stint.stage, stint.rework_count) == (Stage.HANDLING, StintStage.HANDLING, 1)


def test_only_the_inspector_who_was_sent_answers(county):
    case = county.case_at(Stage.PENDING_CHECK)
    actions.send_inspection(case, by=county.operator, at=TEN, inspector=county.inspector)
    with pytest.raises(actions.NotYours):
        actions.inspect(case.tasks.get(kind="inspect"), by=county.other_collector, at=TEN, result="pass")


def test_a_spot_check_leaves_a_closed_case_closed(county):
    case = county.case_at(Stage.CLOSED)
    case = actions.send_spot_check(case, by=county.duty_leader, at=TEN, inspector=county.inspector)
    task = case.tasks.get(kind="spot")
    assert task.due_at > TEN
    case = actions.spot_check(task, by=county.inspector, at=TEN, result="fail", opinion="仍有残留")
    task.refresh_from_db()
    assert (case.stage, task.result) == (Stage.CLOSED, "fail")
    assert not case.clocks.exclude(state="stopped").exists()
    assert "reopen" in buttons(county.duty_leader, case)


def test_a_closed_case_has_one_spot_check_at_a_time(county):
    case = county.case_at(Stage.CLOSED)
    actions.send_spot_check(case, by=county.duty_leader, at=TEN, inspector=county.inspector)
    with pytest.raises(actions.MoveNotAllowed):
        actions.send_spot_check(case, by=county.duty_leader, at=TEN, inspector=county.inspector)
    actions.spot_check(case.tasks.get(kind="spot"), by=county.inspector, at=TEN, result="pass")
    actions.send_spot_check(case, by=county.duty_leader, at=TEN, inspector=county.inspector)


@pytest.mark.parametrize("said_by", ["desk", "citizen"])
def test_reopening_ends_the_spot_checks_of_the_closed_case(county, said_by):
    case = county.case_at(Stage.CLOSED)
    case = actions.send_spot_check(case, by=county.duty_leader, at=TEN, inspector=county.inspector)
    if said_by == "desk":
        case = actions.reopen(case, by=county.operator, at=TEN, reason="市民说没有清走")
    else:
        case = actions.still_unsolved(case, at=TEN, ground="still_there")
    task = case.tasks.get(kind="spot")
    assert (case.stage, task.stage) == (Stage.PENDING_CHECK, "withdrawn")
    with pytest.raises(actions.MoveNotAllowed):
        actions.spot_check(task, by=county.inspector, at=TEN, result="pass")
    case = actions.send_check(case, by=county.operator, at=TEN, collector=county.third_collector)
    assert case.stage == Stage.CHECKING


# — the check in the same period of the day —


def test_a_problem_of_the_night_is_checked_at_night(county):
    seen = MONDAY + timedelta(hours=12)  # 21:00
    case = county.case_at(Stage.PENDING_CHECK, at=seen)
    morning = seen + timedelta(hours=13)
    actions.send_check(case, by=county.operator, at=morning, collector=county.other_collector, same_period=True)
    task = case.tasks.get(kind="check")
    assert task.not_before == seen + timedelta(hours=23, minutes=30)
    clock = StageClock.objects.get(task=task)
    assert clock.started_at == task.not_before
    assert clock.due_at == task.not_before + timedelta(minutes=30)
    with pytest.raises(actions.TooEarly):
        actions.check(task, by=county.other_collector, at=morning + timedelta(hours=1), result="pass")
    case = actions.check(task, by=county.other_collector, at=task.not_before + timedelta(minutes=5), result="pass")
    assert case.stage == Stage.PENDING_CLOSE


# — two levels of checks —


@pytest.fixture
def two_levels(county):
    """A street's own supervision centre below the county's; the county files, the street checks first."""
    street = Department.objects.create(
        code="street_supervision", name_zh="街道监督站", kind=Department.Kind.SUPERVISION_CENTRE, valid_from=LONG_AGO,
        path="/city/street_supervision/", parent=county.departments["city"], area_code="999902001",
    )  # fmt: skip
    operator = User.objects.create(username="lin_jie", staff_number="T900", name_zh="林街")
    Appointment.objects.create(user=operator, role=Role.ACCEPTANCE_OPERATOR, department=street, valid_from=LONG_AGO)
    for key, value in {"cases.supervision_level": "highest", "cases.check_levels": 2}.items():
        office_settings.set_value(key, value, by=county.administrator, at=MONDAY, valid_from=LONG_AGO)
    return county, street, operator


def test_where_two_levels_check_the_lower_one_checks_first_and_the_upper_one_again(two_levels):
    county, street, operator = two_levels
    case = county.case_at(Stage.PENDING_CHECK)
    assert (case.supervision_centre.code, case.checking_centre) == ("supervision", street)
    assert "send_check" not in buttons(county.operator, case)
    case = actions.send_check(case, by=operator, at=TEN, collector=county.other_collector)
    case = actions.check(case.tasks.get(kind="check"), by=county.other_collector, at=TEN, result="pass")
    assert (case.stage, case.checking_centre) == (Stage.PENDING_CHECK, None)
    case = actions.send_check(case, by=county.operator, at=TEN, collector=county.third_collector)
    task = case.tasks.get(kind="check", stage="sent")
    case = actions.check(task, by=county.third_collector, at=TEN, result="pass")
    assert case.stage == Stage.PENDING_CLOSE
    assert actions.close(case, by=county.duty_leader, at=TEN, met=True).stage == Stage.CLOSED


# — self-handled —


def test_what_a_collector_put_right_himself_is_closed_without_dispatch_and_not_by_him(county):
    case = county.report(is_self_handled=True)
    assert "close_self_handled" in buttons(county.operator, case)
    assert "close_self_handled" not in buttons(county.operator, county.report())
    case = actions.close_self_handled(case, by=county.operator, at=TEN)
    assert (case.stage, case.closed_at) == (Stage.SELF_HANDLED_CLOSED, None)
    assert not case.clocks.exclude(state="stopped").exists()


def test_an_ordinary_report_is_never_closed_as_self_handled(county):
    with pytest.raises(actions.MoveNotAllowed):
        actions.close_self_handled(county.report(), by=county.operator, at=TEN)


# — ways of closing, and opening again —


def test_a_late_hand_over_makes_a_late_close_and_errors_a_provisional_one(county):
    late = county.case_at(Stage.HANDLING)
    tuesday = MONDAY + timedelta(days=1)
    dispatch.hand_over(late.stints.get(), by=county.sanitation, at=tuesday, opinion="清了", files=county.pictures())
    dispatch.pass_on(late.stints.get(), by=county.dispatcher, at=tuesday)
    late.refresh_from_db()
    actions.send_check(late, by=county.operator, at=tuesday, collector=county.other_collector)
    actions.check(late.tasks.get(kind="check"), by=county.other_collector, at=tuesday, result="pass")
    assert actions.close(late, by=county.duty_leader, at=tuesday, met=True).close_type == "overtime"
    good = county.case_at(Stage.PENDING_CLOSE)
    assert actions.close(good, by=county.duty_leader, at=TEN, met=True, errors=1).close_type == "error"
    assert county.case_at(Stage.CLOSED).close_type == "normal"


def test_a_forced_close_ends_whatever_is_open_and_says_why(county):
    case = county.case_at(Stage.HANDLING)
    case = actions.force_close(case, by=county.duty_leader, at=TEN, reason="道路即将改造，一并处理")
    assert (case.stage, case.close_type, case.stints.get().stage) == (Stage.CLOSED, "special", StintStage.WITHDRAWN)
    assert not case.clocks.exclude(state="stopped").exists()


def test_a_citizen_opens_a_closed_case_again_and_another_collector_checks_it(county):
    case = county.case_at(Stage.CLOSED)
    case = actions.still_unsolved(case, at=TEN, ground="still_there")
    assert (case.stage, case.reopened_count, case.closed_at) == (Stage.PENDING_CHECK, 1, None)
    event = case.events.order_by("sequence").last()
    assert (event.side, event.actor) == ("citizen", None)
    with pytest.raises(actions.NotACollector):
        actions.send_check(case, by=county.operator, at=TEN, collector=county.other_collector)
    actions.send_check(case, by=county.operator, at=TEN, collector=county.third_collector)
    task = case.tasks.get(kind="check", stage="sent")
    case = actions.check(task, by=county.third_collector, at=TEN, result="fail")
    assert (case.stage, case.stints.get().rework_count) == (Stage.HANDLING, 1)


def test_after_seven_days_or_twice_a_case_stays_closed(county):
    case = county.case_at(Stage.CLOSED)
    with pytest.raises(actions.TooLateToReopen):
        actions.still_unsolved(case, at=case.closed_at + timedelta(days=7, seconds=1))
    assert actions.may_be_reopened(case, case.closed_at + timedelta(days=7))
    case.reopened_count = 2
    assert not actions.may_be_reopened(case, case.closed_at)


def test_a_citizen_withdraws_before_filing_and_afterwards_it_is_only_noted(county):
    report = county.report(source="web")
    assert actions.withdraw_report(report, at=TEN).stage == Stage.VOIDED
    case = county.case_at(Stage.HANDLING)
    case = actions.note_withdrawal(case, at=TEN)
    assert case.stage == Stage.HANDLING
    with pytest.raises(actions.MoveNotAllowed):
        actions.withdraw_report(case, at=TEN)
    with pytest.raises(actions.MoveNotAllowed):  # said once; a link that is posted to for ever adds nothing
        actions.note_withdrawal(case, at=TEN)
    assert case.events.filter(verb="note_withdrawal").count() == 1


def test_a_citizen_does_not_withdraw_what_others_attached_their_reports_to(county):
    first, other = county.report(source="web"), county.report(source="web")
    actions.attach(other, by=county.operator, at=TEN, first=first)
    with pytest.raises(actions.FirstOfOthers):
        actions.withdraw_report(first, at=TEN)
    assert actions.note_withdrawal(first, at=TEN).stage == Stage.REPORTED


# — emergencies, and whoever pushes —


def test_an_emergency_is_marked_and_taken_back(county):
    case = county.case_at(Stage.HANDLING)
    case = dispatch.transfer_to_emergency(case, by=county.dispatcher, at=TEN, reason="路面塌陷")
    assert (case.emergency_at, case.urgency, case.stage) == (TEN, 2, Stage.HANDLING)
    assert "transfer_to_emergency" not in buttons(county.dispatcher, case)
    case = dispatch.cancel_emergency(case, by=county.dispatcher, at=TEN, reason="已解除")
    assert case.emergency_at is None


def test_pushing_changes_no_stage_and_no_clock_and_binds_nobody(county):
    case = county.case_at(Stage.HANDLING)
    clocks = list(case.clocks.values_list("name", "state", "due_at"))
    for who in (county.leader, county.duty_leader, county.dispatcher):
        actions.urge(case, by=who, at=TEN, opinion="请尽快")
    case.refresh_from_db()
    assert (case.stage, list(case.clocks.values_list("name", "state", "due_at"))) == (Stage.HANDLING, clocks)
    assert not CasePart.objects.filter(case=case, actor=county.leader).exists()


def test_whoever_holds_the_case_is_told_once_of_each_push(county):
    case = county.case_at(Stage.HANDLING)
    actions.urge(case, by=county.leader, at=TEN)
    alarms.sweep(at=TEN + timedelta(seconds=5))
    alarms.sweep(at=TEN + timedelta(seconds=10))
    told = Message.objects.filter(code="push_urge")
    assert [message.recipient for message in told] == [county.sanitation]


def test_a_supervision_that_wants_a_reply_is_open_until_it_is_settled(county):
    case = county.case_at(Stage.HANDLING)
    actions.supervise(
        case, by=county.leader, at=TEN, level=Directive.Level.KEY, demand="今日内办结并说明原因", needs_reply=True
    )
    order = case.directives.get()
    assert (order.stage, order.to_department) == (DirectiveStage.OPEN, county.sanitation_bureau)
    assert buttons(county.sanitation, case, directives=[order]) >= {"reply"}
    assert "reply" not in buttons(county.water, case, directives=[order])
    actions.reply(order, by=county.sanitation, at=TEN, reply="正在清运，16 时前完成")
    alarms.sweep(at=TEN + timedelta(seconds=5))
    assert Message.objects.filter(code="push_replied", recipient=county.leader).count() == 1
    order.refresh_from_db()
    actions.settle(order, by=county.leader, at=TEN)
    order.refresh_from_db()
    assert (order.stage, order.settled_at) == (DirectiveStage.SETTLED, TEN)
    assert Subject.DIRECTIVE in {event.subject for event in case.events.all()}


def test_the_database_binds_the_powers_and_not_the_leader(county):
    case = county.case_at(Stage.HANDLING)
    actions.instruct(case, by=county.leader, at=TEN, demand="请现场协调")
    assert case.events.filter(actor=county.leader, side="none").count() == 1
