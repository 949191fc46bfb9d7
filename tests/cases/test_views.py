"""The desk's pages: who may open what, how often they ask the database, what is kept when something is wrong."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cases import actions
from cases.models import Case
from cases.workflow import Stage
from citymgmt.refusals import sentence
from dispatch import actions as dispatch
from tests.county import PEOPLE, County

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def now():
    return timezone.now()


def page(case: Case) -> str:
    return reverse("cases:case", args=[case.public_id])


def door(case: Case, verb: str, subject=None) -> str:
    kind = "case" if subject is None else "task"
    return reverse("cases:move", args=[case.public_id, kind, (subject or case).public_id, verb])


# Who sees a case that a collector reported and that stands with the sanitation bureau.
SEES_IT_WITH_THE_DEPARTMENT = {
    "operator", "duty_leader", "dispatcher", "commander", "collector", "sanitation", "evaluator", "leader",
}  # fmt: skip
SEES_IT_BEFORE_FILING = {"operator", "duty_leader", "collector", "evaluator", "leader"}


@pytest.mark.parametrize("who", PEOPLE)
def test_who_may_open_a_case(county, seat, who):
    with_department, report = county.case_at(Stage.HANDLING), county.report()
    browser = seat(getattr(county, who))
    opened = {case for case in (with_department, report) if browser.get(page(case)).status_code == 200}
    expected = {with_department} if who in SEES_IT_WITH_THE_DEPARTMENT else set()
    expected |= {report} if who in SEES_IT_BEFORE_FILING else set()
    assert opened == expected


@pytest.mark.parametrize("who", ["operator", "duty_leader", "dispatcher", "sanitation", "leader", "collector"])
def test_a_case_page_asks_the_database_at_most_twelve_times(county, seat, who, now, django_assert_max_num_queries):
    case = county.case_at(Stage.PENDING_CLOSE, at=now - timedelta(hours=1), source="collector")
    browser = seat(getattr(county, who))
    browser.get(page(case))  # settings and calendar are read once by each process
    with django_assert_max_num_queries(MOST_QUERIES):
        assert browser.get(page(case)).status_code == 200


def test_a_queue_asks_the_same_number_of_times_for_one_row_and_for_thirty(
    county, seat, django_assert_max_num_queries, now
):
    browser = seat(county.operator)
    county.report(at=now)
    browser.get("/desk/")
    with django_assert_max_num_queries(MOST_QUERIES) as one:
        browser.get("/desk/?tab=accept")
    for _ in range(29):
        county.report(at=now)
    with django_assert_max_num_queries(MOST_QUERIES) as thirty:
        answer = browser.get("/desk/?tab=accept")
    assert answer.content.count(b"data-row") == 30
    assert len(one) == len(thirty)


def test_the_queue_puts_urgent_and_late_first(county, seat, now):
    late = county.report(at=now - timedelta(minutes=40))
    calm = county.report(at=now)
    urgent = county.report(at=now, urgency=Case.Urgency.URGENT)
    rows = [case.pk for case in seat(county.operator).get("/desk/?tab=accept").context["page"]]
    assert rows == [urgent.pk, late.pk, calm.pk]


@pytest.mark.parametrize(
    ("said", "found"),
    [("q=垃圾", 2), ("q=路灯", 0), ("kind=component", 0), ("source=web", 1), ("lamp=red", 0), ("street=999902001", 2)],
)
def test_filters_of_the_address_narrow_the_queue(county, seat, now, said, found):
    county.report(at=now)
    county.report(at=now, source="web")
    answer = seat(county.operator).get(f"/desk/?tab=accept&{said}")
    assert len(answer.context["page"].object_list) == found


def test_a_number_finds_its_case(county, seat, now):
    case = county.report(at=now)
    county.report(at=now)
    assert list(seat(county.operator).get(f"/desk/?tab=accept&q={case.number}").context["page"]) == [case]


def test_a_shown_button_works_and_a_hidden_one_is_refused(county, seat, now):
    case = county.report(at=now)
    browser = seat(county.operator)
    shown = {button.rule.verb for button, _url in browser.get(page(case)).context["buttons"]}
    assert shown == {"accept", "refuse", "answer_at_once", "describe"}
    assert browser.post(door(case, "accept")).status_code == 302
    case.refresh_from_db()
    assert case.stage == Stage.PENDING_FILING
    answer = browser.post(door(case, "file"), {"condition": county.condition.pk})
    assert answer.status_code == 403
    assert answer.context["sentence"] == sentence(actions.NotYours(number=case.number, verb="File"))


def test_what_was_typed_is_kept_when_something_is_wrong(county, seat, now):
    case = county.case_at(Stage.PENDING_CLOSE, at=now - timedelta(minutes=20))
    browser = seat(county.duty_leader)
    answer = browser.post(door(case, "close"), {"opinion": "现场已恢复原状", "is_duplicate": "no"})
    assert answer.status_code == 422
    assert "现场已恢复原状" in answer.content.decode()


def test_the_second_of_two_people_is_told_who_did_what_and_keeps_his_text(county, seat, now):
    case = county.case_at(Stage.PENDING_FILING, at=now - timedelta(minutes=5))
    browser = seat(county.duty_leader)
    browser.get(door(case, "not_file"))
    actions.file(case, by=county.duty_leader, at=now, condition=county.condition)
    answer = browser.post(door(case, "not_file"), {"reason": "不属于城市管理范围"}).content.decode()
    assert "不属于城市管理范围" in answer
    assert county.duty_leader.name_zh in answer


def test_a_department_sees_facts_and_no_words_of_the_desks(county, seat, now):
    case = county.report(at=now - timedelta(minutes=9), source="web")
    case = actions.accept(case, by=county.operator, at=now - timedelta(minutes=8), opinion="来电人住三单元")
    case = actions.skip_verify(case, by=county.operator, at=now - timedelta(minutes=7), reason="业主群里有人证实")
    case = actions.file(case, by=county.duty_leader, at=now - timedelta(minutes=6), condition=county.condition)
    dispatch.dispatch(case, by=county.dispatcher, at=now, department=county.sanitation_bureau, opinion="请尽快清运")
    said = seat(county.sanitation).get(page(case)).content.decode()
    assert "请尽快清运" in said
    assert "三单元" not in said
    assert "业主群" not in said


def test_originals_of_a_citizens_pictures_stay_with_supervision(county, seat, now):
    case = county.report(at=now - timedelta(minutes=9), source="web", by=None, files=[(county.pictures()[0], "near")])
    case = actions.accept(case, by=county.operator, at=now - timedelta(minutes=8))
    case = actions.skip_verify(case, by=county.operator, at=now - timedelta(minutes=7), reason="照片清楚")
    case = actions.file(case, by=county.duty_leader, at=now - timedelta(minutes=6), condition=county.condition)
    one = case.evidence.get()
    assert one.from_reporter
    answers = {
        who: seat(getattr(county, who)).get(reverse("cases:evidence", args=[one.public_id, "original"])).status_code
        for who in ("operator", "dispatcher", "evaluator", "sanitation")
    }
    assert answers == {"operator": 200, "dispatcher": 404, "evaluator": 404, "sanitation": 404}
