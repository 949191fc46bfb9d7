"""Facts out of cases that were really lived: every number against what happened, also at an earlier cut-off."""

from collections import Counter
from datetime import date, timedelta

import pytest

from cases import actions as cases
from cases.models import Adjustment, Case, HandlingStint, Request
from cases.workflow import Source, Stage
from dispatch import actions as dispatch
from dispatch import teams
from evaluation import facts
from evaluation.facts import Kind
from evaluation.indicators import Basis, Window
from evaluation.scoring import ObjectType
from tests.county import MONDAY, County, beijing

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MARCH_START, MARCH_END = beijing(2026, 3, 1, 0), beijing(2026, 4, 1, 0)
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def county() -> County:
    return County.build()


def march(cutoff=MARCH_END, basis=Basis.OBLIGATION) -> Window:
    return Window(MARCH_START, MARCH_END, cutoff, basis)


def counts_of(found, object_type: ObjectType, day=date(2026, 3, 31)) -> dict[str, Counter]:
    """The counts by Chinese name."""
    objects = facts.judged(object_type, day)
    counts = facts.tally(objects, found)
    return {one.name_zh: counts[one.key] for one in objects}


def stint_of(case: Case):
    return case.stints.get()


def test_a_closed_case_is_counted_at_the_department_the_street_and_in_the_city(county):
    county.case_at(Stage.CLOSED)
    found = facts.gather(march())
    office = counts_of(found, ObjectType.DEPARTMENT)["环卫所"]
    for name in ("filed", "need_handle", "handled", "handled_on_time", "need_close", "closed", "closed_on_time"):
        assert office[name] == 1, name
    street = counts_of(found, ObjectType.AREA)["桃溪街道"]
    assert (street["filed"], street["closed_on_time"], street["grids"]) == (1, 1, 4)
    assert street["patrolled"] == 2, "one collector reported, another checked"
    city = facts.of_the_city(found)
    assert (city["reported"], city["accepted"], city["filed"], city["need_handle"], city["closed"]) == (1, 1, 1, 1, 1)


def test_each_post_is_counted_for_what_it_did(county):
    county.case_at(Stage.CLOSED)
    found = facts.gather(march())
    operator = counts_of(found, ObjectType.ACCEPTANCE_OPERATOR)["孙丽"]
    assert (operator["accepted"], operator["sent_check_on_time"], operator["need_send_verify"]) == (1, 1, 0)
    leader = counts_of(found, ObjectType.DUTY_LEADER)["陈静"]
    assert (leader["filed_on_time"], leader["filed_accurately"], leader["closed_on_time"]) == (1, 1, 1)
    dispatcher = counts_of(found, ObjectType.DISPATCHER)["王伟"]
    assert (dispatcher["dispatched_on_time"], dispatcher["dispatched_accurately"]) == (1, 1)
    collectors = counts_of(found, ObjectType.COLLECTOR)
    assert (collectors["赵敏"]["reported"], collectors["赵敏"]["valid_reported"]) == (1, 1)
    assert collectors["钱野"]["checked_on_time"] == 1


def test_what_happened_after_the_cut_off_is_not_known(county):
    case = county.case_at(Stage.CLOSED)
    handed_over = stint_of(case).handed_over_at
    before = counts_of(facts.gather(march(cutoff=handed_over - MINUTE)), ObjectType.DEPARTMENT)["环卫所"]
    assert before == Counter({"filed": 1, "to_handle_not_due": 1})
    at_it = counts_of(facts.gather(march(cutoff=handed_over)), ObjectType.DEPARTMENT)["环卫所"]
    assert (at_it["handled_on_time"], at_it["closed"], at_it["to_close"]) == (1, 0, 1)
    assert facts.of_the_city(facts.gather(march(cutoff=case.reported_at)))["to_accept"] == 1


def test_an_open_case_past_its_deadline_is_overdue_this_month_and_left_over_the_next(county):
    county.case_at(Stage.HANDLING)
    office = counts_of(facts.gather(march()), ObjectType.DEPARTMENT)["环卫所"]
    assert (office["need_handle"], office["overdue_to_handle"], office["to_close"]) == (1, 1, 1)
    april = Window(MARCH_END, beijing(2026, 5, 1, 0), beijing(2026, 5, 1, 0))
    assert counts_of(facts.gather(april), ObjectType.DEPARTMENT)["环卫所"] == Counter({"legacy_to_handle": 1})


def test_rework_is_one_obligation_judged_at_the_last_hand_over(county):
    case = county.case_at(Stage.CHECKING)
    cases.check(case.tasks.get(kind="check"), by=county.other_collector, at=MONDAY + HOUR, result="fail")
    failed = counts_of(facts.gather(march(cutoff=MONDAY + HOUR)), ObjectType.DEPARTMENT)["环卫所"]
    assert failed == Counter({"filed": 1, "to_handle_not_due": 1}), "back with the department, its deadline not reached"
    dispatch.hand_over(stint_of(case), by=county.sanitation, at=TUESDAY, opinion="再次清运")
    office = counts_of(facts.gather(march()), ObjectType.DEPARTMENT)["环卫所"]
    assert (office["handled"], office["handled_overdue"], office["reworked"], office["rework_times"]) == (1, 1, 1, 1)
    assert office["need_handle"] == 1


def test_a_refused_result_is_no_rework(county):
    case = county.case_at(Stage.HANDED_OVER)
    dispatch.refuse_hand_over(stint_of(case), by=county.dispatcher, at=MONDAY + HOUR, reason="照片看不清")
    dispatch.hand_over(stint_of(case), by=county.sanitation, at=MONDAY + 2 * HOUR, opinion="补拍照片")
    office = counts_of(facts.gather(march()), ObjectType.DEPARTMENT)["环卫所"]
    assert (office["handled_on_time"], office["reworked"]) == (1, 0)


def test_an_accepted_return_leaves_the_department_and_marks_the_dispatch(county):
    case = county.case_at(Stage.HANDLING)
    dispatch.ask_return(stint_of(case), by=county.sanitation, at=MONDAY + HOUR, ground="not_ours", reason="非职责")
    asked = counts_of(facts.gather(march(cutoff=MONDAY + HOUR)), ObjectType.DEPARTMENT)["环卫所"]
    assert asked["to_handle_not_due"] == 1, "asking buys nothing while it is being decided"
    dispatch.grant_return(case.requests.get(), by=county.dispatcher, at=MONDAY + 2 * HOUR)
    dispatch.dispatch(Case.objects.get(), by=county.dispatcher, at=MONDAY + 2 * HOUR + MINUTE,
                      department=county.water_company)  # fmt: skip
    found = facts.gather(march())
    departments = counts_of(found, ObjectType.DEPARTMENT)
    assert departments["环卫所"] == Counter({"dispatched_wrongly": 1})
    assert departments["供水公司"]["overdue_to_handle"] == 1
    person = counts_of(found, ObjectType.DISPATCHER)["王伟"]
    assert (person["dispatched"], person["dispatched_wrongly"], person["dispatched_accurately"]) == (2, 1, 1)
    assert facts.of_the_city(found)["need_handle"] == 1


def test_a_refused_return_is_shirking_and_the_clock_ran_on(county):
    case = county.case_at(Stage.HANDLING)
    dispatch.ask_return(stint_of(case), by=county.sanitation, at=MONDAY + HOUR, ground="not_ours", reason="非职责")
    dispatch.refuse_return(case.requests.get(), by=county.dispatcher, at=TUESDAY, reason="职责清单已明确")
    dispatch.hand_over(stint_of(case), by=county.sanitation, at=TUESDAY + MINUTE, opinion="已清运")
    office = counts_of(facts.gather(march()), ObjectType.DEPARTMENT)["环卫所"]
    assert (office["handled_overdue"], office["shirked"]) == (1, 1)


def test_an_extension_granted_in_time_moves_the_verdict(county):
    case = county.case_at(Stage.HANDLING)
    dispatch.ask_extension(stint_of(case), by=county.sanitation, at=MONDAY + HOUR, reason="等待机械")
    dispatch.grant_extension(case.requests.get(), by=county.dispatcher, at=MONDAY + 2 * HOUR)
    dispatch.hand_over(stint_of(case), by=county.sanitation, at=MONDAY + 8 * HOUR, opinion="已清运")
    office = counts_of(facts.gather(march()), ObjectType.DEPARTMENT)["环卫所"]
    assert (office["handled_on_time"], office["extended"]) == (1, 1)


def test_a_suspended_case_leaves_the_counts_until_it_resumes(county):
    case = county.case_at(Stage.HANDLING)
    dispatch.ask_suspension(
        stint_of(case), by=county.sanitation, at=MONDAY + HOUR, until=date(2026, 6, 1), reason="等待种植季节"
    )
    dispatch.grant_suspension(case.requests.get(), by=county.dispatcher, at=MONDAY + 2 * HOUR)
    found = facts.gather(march())
    assert counts_of(found, ObjectType.DEPARTMENT)["环卫所"] == Counter({"filed": 1, "suspended": 1})
    assert facts.of_the_city(found)["suspended"] == 1


@pytest.mark.parametrize(("voided_at", "stays"), [(MONDAY + HOUR, 0), (TUESDAY, 1)])
def test_voiding_an_overdue_case_does_not_make_it_vanish(county, voided_at, stays):
    case = county.case_at(Stage.HANDLING)
    cases.void(case, by=county.duty_leader, at=voided_at, reason="重复上报")
    found = facts.gather(march())
    office = counts_of(found, ObjectType.DEPARTMENT)["环卫所"]
    assert (office["voided"], office["overdue_to_handle"]) == (1, stays)
    person = counts_of(found, ObjectType.DUTY_LEADER)["陈静"]
    assert (person["filed"], person["filed_wrongly"]) == (1, 1)
    city = facts.of_the_city(found)
    assert (city["filed"], city["voided_after_filing"]) == (0, 1)


def test_a_verified_report_of_a_citizen_is_a_public_one(county):
    county.case_at(Stage.PENDING_DISPATCH, source=Source.WEB)
    found = facts.gather(march())
    city = facts.of_the_city(found)
    assert (city["public_reported"], city["public_verified"], city["collector_reported"]) == (1, 1, 0)
    assert counts_of(found, ObjectType.COLLECTOR)["赵敏"]["verified_on_time"] == 1
    assert counts_of(found, ObjectType.ACCEPTANCE_OPERATOR)["孙丽"]["sent_verify_on_time"] == 1


def test_a_report_that_was_refused_or_waits_stands_in_its_cohort(county):
    cases.refuse(county.report(), by=county.operator, at=MONDAY + MINUTE, reason="不属于受理范围")
    county.report(at=MONDAY + HOUR)
    city = facts.of_the_city(facts.gather(march()))
    assert (city["reported"], city["not_accepted"], city["to_accept"], city["filed"]) == (2, 1, 1, 0)


def test_a_check_that_nobody_answers_stays_with_the_collector(county):
    county.case_at(Stage.CHECKING)
    sent = counts_of(facts.gather(march()), ObjectType.COLLECTOR)["钱野"]
    assert (sent["need_check"], sent["overdue_to_check"]) == (1, 1)


def test_two_departments_are_two_obligations_and_one_case(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    dispatch.dispatch(case, by=county.dispatcher, at=MONDAY + HOUR, department=county.sanitation_bureau,
                      assisting=[county.water_company])  # fmt: skip
    lead, assisting = case.stints.order_by("id")
    dispatch.hand_over(lead, by=county.sanitation, at=MONDAY + 2 * HOUR, opinion="已清运")
    dispatch.hand_over(assisting, by=county.water, at=TUESDAY + HOUR, opinion="已冲洗")
    found = facts.gather(march())
    departments = counts_of(found, ObjectType.DEPARTMENT)
    assert departments["环卫所"]["handled_on_time"] == departments["供水公司"]["handled_overdue"] == 1
    city = facts.of_the_city(found)
    assert (city["need_handle"], city["handled_overdue"]) == (1, 1), "the case is on time only if both are"


def test_practice_is_not_counted(county):
    case = county.case_at(Stage.CLOSED)
    Case.objects.filter(pk=case.pk).update(is_practice=True)
    assert facts.gather(march()) == []


def test_a_team_counts_for_the_evaluated_body_above_it(county):
    team = county._department("team", "环卫一队", "department", "sanitation", is_evaluated=False)
    case = county.case_at(Stage.PENDING_DISPATCH)
    dispatch.dispatch(case, by=county.dispatcher, at=MONDAY + HOUR, department=team)
    assert counts_of(facts.gather(march()), ObjectType.DEPARTMENT)["环卫所"]["overdue_to_handle"] == 1


def test_several_windows_cost_as_many_queries_as_one(county, django_assert_num_queries):
    county.case_at(Stage.CLOSED)
    earlier = Window(beijing(2026, 2, 1, 0), MARCH_START, MARCH_START)
    with django_assert_num_queries(3):
        now, before = facts.gather_all([march(), earlier])
    assert [fact.kind for fact in before] == []
    assert now == facts.gather(march())


def test_counted_again_the_facts_have_the_same_fingerprint(county):
    county.case_at(Stage.CLOSED)
    county.case_at(Stage.HANDLING, at=TUESDAY)
    once, again = facts.gather(march()), facts.gather(march())
    assert facts.fingerprint(once) == facts.fingerprint(reversed(again))
    assert facts.fingerprint(once) != facts.fingerprint(once[1:])


def test_kinds_of_facts_are_what_they_say(county):
    county.case_at(Stage.CLOSED)
    kinds = Counter(fact.kind for fact in facts.gather(march()))
    assert kinds == {Kind.REPORT: 1, Kind.CASE: 1, Kind.STINT: 1, Kind.TASK: 6}
    assert Kind.TASK not in {fact.kind for fact in facts.gather(march(), tasks=False)}


def test_an_upheld_appeal_counts_as_on_time_from_the_decision_on(county):
    stint = stint_of(county.case_at(Stage.HANDLING))
    evening = beijing(2026, 3, 2, 17, 30)
    dispatch.hand_over(stint, by=county.sanitation, at=evening, opinion="已清运")
    case = dispatch.pass_on(stint, by=county.dispatcher, at=evening)
    assert counts_of(facts.gather(march()), ObjectType.DEPARTMENT)["环卫所"]["handled_on_time"] == 0
    request = Request.objects.create(
        case=case, stint=stint, kind="appeal", stage="granted", asked_by=county.sanitation, asked_at=evening,
        decided_at=evening,
    )  # fmt: skip
    Adjustment.objects.create(case=case, stint=stint, request=request, at=evening)
    assert counts_of(facts.gather(march()), ObjectType.DEPARTMENT)["环卫所"]["handled_on_time"] == 1


def test_work_by_proxy_is_counted_for_the_owner(county):
    stint = stint_of(county.case_at(Stage.CLOSED))
    HandlingStint.objects.filter(pk=stint.pk).update(on_behalf_of=county.water_company)
    counts = counts_of(facts.gather(march()), ObjectType.DEPARTMENT)
    assert (counts["环卫所"]["handled"], counts["供水公司"]["handled"]) == (0, 1)


def test_a_squad_that_is_not_evaluated_adds_no_second_obligation(county):
    county.add_teams()
    stint = stint_of(county.case_at(Stage.HANDLING))
    teams.sub_dispatch(stint, by=county.sanitation, at=beijing(2026, 3, 2, 10), department_below=county.squad)
    assert counts_of(facts.gather(march()), ObjectType.DEPARTMENT)["环卫所"]["need_handle"] == 1
