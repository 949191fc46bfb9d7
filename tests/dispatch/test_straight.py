"""What goes straight through: when, how it is undone, who judges it, and when a class is no longer safe."""

from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases import actions as cases
from cases.actions import NotYours
from cases.models import Case, StageClock
from cases.permissions import open_moves
from cases.workflow import Stage, StintStage
from components.models import FilingCondition
from dispatch import actions, experience, safety, straight, trial
from dispatch.models import SafeClass, StraightDecision
from evaluation import facts as evaluated
from evaluation.periods import PeriodType, period_of
from office import settings
from office.models import Message
from tests.county import LONG_AGO, MONDAY, County, beijing

pytestmark = pytest.mark.django_db

NOW = beijing(2026, 3, 10, 9)
SOON = NOW + timedelta(seconds=5)


def setting(key: str, value) -> None:
    settings.set_value(key, value, by=None, at=MONDAY, valid_from=LONG_AGO)


@pytest.fixture
def county() -> County:
    """Litter goes to the bureau by the table, four times it was right, and is declared safe."""
    county = County.build()
    actions.add_responsibility(
        by=county.administrator, at=MONDAY, minor_class=county.litter, department=county.sanitation_bureau,
        valid_from=LONG_AGO,
    )  # fmt: skip
    for number in range(4):
        case = county.case_at(Stage.PENDING_CLOSE, at=MONDAY + timedelta(hours=number))
        cases.close(case, by=county.duty_leader, at=MONDAY + timedelta(hours=number, minutes=30), met=True)
    experience.learn(at=MONDAY + timedelta(days=1))
    for key, value in (("least_outcomes", 3), ("reports", 3), ("sample_share", 0.0), ("wrong_least", 1)):
        setting(f"dispatch.straight_{key}", value)
    county.safe = straight.declare_safe(by=county.administrator, at=MONDAY, minor_class=county.litter)
    return county


def fresh(county, *, at=NOW, usages=("near", "far"), metres_off: float = 0, **facts) -> Case:
    """A good report of litter, with a picture from near and one from far and an exact position."""
    files = list(zip(county.pictures(len(usages)), usages, strict=True))
    point = Point(county.point.x + metres_off / 95_000, county.point.y, srid=4490)
    return county.report(**{"at": at, "files": files, "accuracy_m": 8, "point": point, **facts})


def let_through(county, **facts) -> Case:
    case = fresh(county, **facts)
    assert straight.go(at=SOON) == 1
    return Case.objects.get(pk=case.pk)


def against(case) -> list[str]:
    return StraightDecision.objects.get(case=case).against


# — the system decides —


def test_a_good_report_of_a_safe_class_is_accepted_filed_and_dispatched_by_the_system_with_its_reasons(county):
    case = let_through(county)
    stint = case.stints.get()
    assert (case.stage, case.filing_condition) == (Stage.PENDING_HANDLE, county.condition)
    assert (stint.department, stint.dispatched_by, stint.proposal_rule) == (county.sanitation_bureau, None, "table")
    events = list(case.events.order_by("sequence"))
    assert [one.verb for one in events] == ["report", "accept", "file", "dispatch"]
    assert [(one.actor, one.side) for one in events[1:]] == [(None, "system")] * 3
    because = events[-1].facts["straight"]
    assert all(one.facts["straight"] == because for one in events[1:])
    assert (because["rule"], because["right"], because["total"]) == ("table", 4, 4)
    assert 900 < because["sure_permille"] < 1000
    assert case.undo_until == SOON + timedelta(minutes=10)
    # Its promise is like any other.
    assert stint.due_at == beijing(2026, 3, 10, 15, 0) + timedelta(seconds=5)


def test_the_system_is_on_no_side_so_everybody_may_still_act_on_his(county):
    case = let_through(county)
    stint = case.stints.get()
    for who, subject in (("duty_leader", case), ("operator", case), ("dispatcher", stint), ("sanitation", stint)):
        verbs = {one.rule.verb for one in open_moves(getattr(county, who), case, at=SOON, stints=[stint])}
        assert verbs, (who, subject)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"usages": ("near",)}, "no_far_picture"),
        ({"usages": ("far",)}, "no_near_picture"),
        ({"accuracy_m": 80}, "position"),
        ({"accuracy_m": None}, "position"),
        ({"urgency": 1}, "urgent"),
        ({"newcomer": True}, "newcomer"),
    ],
)
def test_a_report_that_lacks_something_waits_for_the_desk_and_says_what(county, facts, reason):
    if facts.pop("newcomer", False):
        facts["by"] = county.other_collector
    case = fresh(county, **facts)
    assert straight.go(at=SOON) == 0
    assert Case.objects.get(pk=case.pk).stage == Stage.REPORTED
    assert against(case) == [reason]


def test_an_open_case_of_the_class_near_by_keeps_it_from_going(county):
    fresh(county, usages=("near",))
    second = fresh(county, metres_off=20)
    straight.go(at=SOON)
    assert against(second) == ["near"]
    far_away = fresh(county, metres_off=90)
    assert straight.go(at=SOON) == 1
    assert against(far_away) == []


def test_with_several_conditions_the_one_whose_words_the_report_uses_is_taken(county):
    FilingCondition.objects.create(
        minor_class=county.litter, number=2, condition_zh="积存渣土", close_condition_zh="清除", limit_value=1,
        limit_unit="working_day", valid_from=LONG_AGO,
    )  # fmt: skip
    unclear = fresh(county, description="路边很脏")
    clear = fresh(county, description="路边，积存渣土。", metres_off=90)
    assert straight.go(at=SOON) == 1
    assert against(unclear) == ["condition"]
    assert Case.objects.get(pk=clear.pk).filing_condition.number == 2


def test_with_too_few_or_too_bad_outcomes_people_decide(county):
    setting("dispatch.straight_least_outcomes", 100)
    few = fresh(county)
    straight.go(at=SOON)
    assert against(few) == ["few"]
    setting("dispatch.straight_least_outcomes", 3)
    SafeClass.objects.update(least_sure=0.998)
    unsure = fresh(county, metres_off=90)
    straight.go(at=SOON)
    assert against(unsure) == ["unsure"]


def test_other_sources_and_other_classes_are_not_looked_at(county):
    call = county.report(source="hotline", at=NOW)
    cover = fresh(county, minor_class=county.cover)
    assert straight.go(at=SOON) == 0
    assert not StraightDecision.objects.filter(case__in=[call, cover]).exists()


def test_where_collectors_are_verified_first_nothing_goes_through(county):
    setting("cases.verify_sources", ["collector"])
    case = fresh(county)
    assert straight.go(at=SOON) == 0
    case.refresh_from_db()
    assert (case.stage, case.event_count, against(case)) == (Stage.REPORTED, 1, ["to_verify"])


def test_an_old_report_is_a_persons_already(county):
    fresh(county, at=NOW - timedelta(hours=1))
    assert straight.go(at=SOON) == 0
    assert not StraightDecision.objects.exists()


def test_each_report_is_decided_about_once_and_an_idle_round_costs_one_query(county):
    let_through(county)
    fresh(county, usages=("near",), metres_off=90)
    straight.go(at=SOON)
    assert straight.go(at=SOON + timedelta(seconds=5)) == 0
    assert StraightDecision.objects.count() == 2
    SafeClass.objects.update(switched_off_at=NOW)
    with CaptureQueriesContext(connection) as queries:
        straight.go(at=SOON)
    assert len(queries) == 1


def test_killed_between_two_steps_nothing_is_half_done(county, monkeypatch):
    case = fresh(county)

    class Killed(BaseException):
        pass

    def killed(*_args, **_facts):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(actions, "dispatch", killed)
        with pytest.raises(Killed):
            straight.go(at=SOON)
    case.refresh_from_db()
    assert (case.stage, case.event_count, StraightDecision.objects.count()) == (Stage.REPORTED, 1, 0)
    assert straight.go(at=SOON) == 1


def test_one_broken_case_keeps_no_other_waiting(county, monkeypatch):
    broken, good = fresh(county), fresh(county, metres_off=90)
    look = straight.look

    def breaking(case, safe, *, at):
        if case.pk == broken.pk:
            raise ValueError("broken")
        return look(case, safe, at=at)

    monkeypatch.setattr(straight, "look", breaking)
    assert straight.go(at=SOON) == 1
    assert against(broken) == ["failed"]
    assert Case.objects.get(pk=good.pk).stage == Stage.PENDING_HANDLE


def test_somebody_who_is_quicker_is_left_alone(county):
    case = fresh(county)
    stale = Case.objects.select_related("minor_class").get(pk=case.pk)
    cases.accept(case, by=county.operator, at=SOON)
    assert straight.decide(stale, county.safe, at=SOON) is False
    assert against(case) == ["taken"]


# — undone within minutes —


def test_supervision_undoes_the_filing_and_the_department_never_had_it(county):
    case = let_through(county)
    case = straight.undo_filing(case, by=county.operator, at=SOON + timedelta(minutes=9), verdict="not_a_case")
    assert (case.stage, case.filed_at, case.filing_condition, case.limit_value) == (
        Stage.PENDING_FILING, None, None, None,
    )  # fmt: skip
    stint = case.stints.get()
    assert (stint.stage, stint.is_undone) == (StintStage.WITHDRAWN, True)
    running = StageClock.objects.filter(case=case).exclude(state="stopped")
    assert set(running.values_list("name", flat=True)) == {"overall", "filing"}
    assert case.events.last().facts["verdict"] == "not_a_case"


def test_command_undoes_the_dispatch_and_dispatches_anew_with_a_whole_limit(county):
    case = let_through(county)
    later = SOON + timedelta(minutes=8)
    case = straight.undo_dispatch(case.stints.get(), by=county.dispatcher, at=later)
    assert (case.stage, case.is_system_dispatched) == (Stage.PENDING_DISPATCH, False)
    case = actions.dispatch(case, by=county.dispatcher, at=later, department=county.sanitation_bureau)
    undone, anew = case.stints.order_by("id")
    assert (undone.is_undone, anew.is_undone, anew.dispatched_at) == (True, False, later)
    clock = StageClock.objects.get(stint=anew, name="handling")
    assert (clock.used_seconds, clock.started_at) == (0, later)


def test_what_was_undone_counts_for_no_department(county):
    case = let_through(county)
    straight.undo_dispatch(case.stints.get(), by=county.dispatcher, at=SOON + timedelta(minutes=1))
    period = period_of(PeriodType.DAY, NOW.date())
    window = evaluated.window_of(period, at=NOW + timedelta(hours=8), basis=evaluated.basis_on(NOW.date()))
    assert not [one for one in evaluated.gather(window) if one.department_id == county.sanitation_bureau.pk]


def test_after_the_minutes_nobody_undoes_it(county):
    case = let_through(county)
    late = SOON + timedelta(minutes=10, seconds=1)
    with pytest.raises(straight.TooLateToUndo):
        straight.undo_filing(case, by=county.duty_leader, at=late, verdict="not_a_case")
    with pytest.raises(straight.TooLateToUndo):
        straight.undo_dispatch(case.stints.get(), by=county.dispatcher, at=late)
    verbs = {one.rule.verb for one in open_moves(county.duty_leader, case, at=late)}
    assert "undo_filing" not in verbs


def test_each_centre_undoes_only_what_was_done_in_its_name(county):
    case = let_through(county)
    with pytest.raises(NotYours):
        straight.undo_filing(case, by=county.dispatcher, at=SOON, verdict="not_a_case")
    with pytest.raises(NotYours):
        straight.undo_dispatch(case.stints.get(), by=county.duty_leader, at=SOON)
    with pytest.raises(NotYours):
        straight.undo_dispatch(case.stints.get(), by=county.sanitation, at=SOON)


def test_a_case_that_a_person_filed_is_not_undone(county):
    case = county.case_at(Stage.PENDING_HANDLE, at=NOW)
    with pytest.raises(straight.TooLateToUndo):
        straight.undo_filing(case, by=county.operator, at=NOW + timedelta(minutes=5), verdict="not_a_case")
    with pytest.raises(straight.TooLateToUndo):
        straight.undo_dispatch(case.stints.get(), by=county.dispatcher, at=NOW + timedelta(minutes=5))


def test_a_wrong_department_makes_the_next_proposal_less_sure_a_filing_undone_does_not(county):
    def outcome():
        experience.learn(at=SOON + timedelta(hours=1))
        known = experience.about(fresh(county, at=NOW + timedelta(hours=1)), at=NOW + timedelta(hours=1))
        return known.departments[county.sanitation_bureau.pk].city

    setting("dispatch.straight_wrong_least", 10)
    case = let_through(county)
    straight.undo_filing(case, by=county.operator, at=SOON, verdict="duplicate")
    assert (outcome().right, outcome().wrong) == (4, 0)
    case = let_through(county, metres_off=90)
    straight.undo_dispatch(case.stints.get(), by=county.dispatcher, at=SOON)
    assert (outcome().right, outcome().wrong) == (4, 1)


# — the sample —


def test_nobody_can_choose_whether_a_report_is_in_the_sample():
    numbers = [f"{number:032x}" for number in range(4000)]
    drawn = [number for number in numbers if safety.is_sample(number, share=0.05, key=b"one")]
    assert 150 < len(drawn) < 250
    assert drawn == [number for number in numbers if safety.is_sample(number, share=0.05, key=b"one")]
    assert drawn != [number for number in numbers if safety.is_sample(number, share=0.05, key=b"two")]
    assert not any(safety.is_sample(number, share=0, key=b"one") for number in numbers)
    assert all(safety.is_sample(number, share=1, key=b"one") for number in numbers)


def test_both_centres_judge_the_sample_each_its_own_part(county):
    setting("dispatch.straight_sample_share", 1.0)
    case = let_through(county)
    assert (case.needs_filing_review, case.needs_dispatch_review) == (True, True)
    case = straight.review_filing(case, by=county.duty_leader, at=SOON, verdict="right")
    case = straight.review_dispatch(case, by=county.dispatcher, at=SOON, verdict="right")
    decision = StraightDecision.objects.get()
    assert (decision.filing_verdict, decision.dispatch_verdict) == ("right", "right")
    with pytest.raises(straight.NothingToJudge):
        straight.review_filing(case, by=county.duty_leader, at=SOON, verdict="right")
    with pytest.raises(actions.NothingToConfirm):
        straight.review_dispatch(case, by=county.dispatcher, at=SOON)
    assert StraightDecision.objects.wrong().count() == 0


def test_what_is_not_in_the_sample_asks_nobody(county):
    case = let_through(county)
    assert (case.needs_filing_review, case.needs_dispatch_review) == (False, False)


# — which classes are safe —


def test_a_class_with_too_many_wrong_ones_is_switched_off_and_the_administrators_are_told_once(county):
    case = let_through(county)
    straight.undo_filing(case, by=county.operator, at=SOON, verdict="not_a_case")
    county.safe.refresh_from_db()
    assert county.safe.switched_off_at == SOON
    message = Message.objects.get(code="straight_switched_off")
    assert (message.recipient, message.facts["wrong"], message.facts["total"]) == (county.administrator, 1, 1)
    fresh(county, metres_off=90)
    assert straight.go(at=SOON) == 0
    assert straight.switch_off_unsafe(at=SOON) == 0


def test_one_wrong_of_many_does_not_end_a_class(county):
    assert safety.is_unsafe(wrong=3, total=30, share=0.05, least=3)
    assert not safety.is_unsafe(wrong=2, total=20, share=0.05, least=3)
    assert not safety.is_unsafe(wrong=3, total=60, share=0.05, least=3)


def test_a_return_that_was_granted_counts_as_wrong(county):
    setting("dispatch.straight_wrong_least", 10)
    case = let_through(county)
    stint = case.stints.get()
    actions.ask_return(stint, by=county.sanitation, at=SOON, ground="not_ours", reason="不属于我单位")
    actions.grant_return(stint.requests.get(), by=county.dispatcher, at=SOON)
    assert straight.wrong_and_settled(county.safe, at=SOON) == (1, 1)


def test_only_the_administrator_declares_and_no_class_twice(county):
    with pytest.raises(PermissionDenied):
        straight.declare_safe(by=county.dispatcher, at=NOW, minor_class=county.cover)
    with pytest.raises(straight.DeclaredAlready):
        straight.declare_safe(by=county.administrator, at=NOW, minor_class=county.litter)
    straight.end_safe(county.safe, by=county.administrator, at=NOW, on=NOW.date())
    fresh(county)
    assert straight.go(at=SOON) == 0
    straight.declare_safe(by=county.administrator, at=NOW, minor_class=county.litter)


def test_the_narrower_declaration_holds(county):
    here = straight.declare_safe(
        by=county.administrator, at=NOW, minor_class=county.litter, area_code="999902001", least_sure=0.99
    )
    case = fresh(county)
    straight.go(at=SOON)
    decision = StraightDecision.objects.get(case=case)
    assert (decision.safe_class, decision.against) == (here, ["unsure"])


# — tried on the past —


def test_a_trial_says_what_would_have_gone_and_what_of_it_was_wrong_without_knowing_what_came_later(county):
    files = list(zip(county.pictures(2), ("near", "far"), strict=True))
    good = county.case_at(Stage.PENDING_CLOSE, at=NOW, accuracy_m=8, files=files)
    refused = fresh(county, at=NOW + timedelta(hours=30))
    cases.refuse(refused, by=county.operator, at=NOW + timedelta(hours=31), reason="不属于城管职责")
    plain = fresh(county, at=NOW + timedelta(hours=60), usages=("near",))
    found = trial.try_out(county.litter, since=NOW, until=NOW + timedelta(days=4))
    lines = {line.number: line for line in found.lines}
    assert [line.number for line in found.went] == [good.number, refused.number]
    assert (lines[good.number].verdict, lines[refused.number].verdict) == ("right", "not_a_case")
    assert lines[plain.number].against == ("no_far_picture",)
    assert [line.number for line in found.wrong] == [refused.number]
    nothing_known = trial.try_out(county.litter, since=NOW, until=NOW + timedelta(days=4), learn_until=MONDAY)
    assert not nothing_known.went
    assert dict(nothing_known.against)["few"] == 3


def test_a_trial_decides_as_the_system_does(county):
    case = let_through(county)
    line = trial.try_out(county.litter, since=NOW, until=NOW + timedelta(days=1)).lines[0]
    decision = StraightDecision.objects.get(case=case)
    assert line.went
    assert line.department_code == "sanitation"
    assert line.sure == pytest.approx(decision.sure, abs=0.02)


def test_a_trial_costs_as_many_queries_for_many_reports_as_for_few(county):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            trial.try_out(county.litter, since=MONDAY, until=NOW + timedelta(days=9))
        return len(queries)

    cost()
    few = cost()
    for number in range(6):
        fresh(county, at=NOW + timedelta(hours=number))
    assert cost() == few <= 8
