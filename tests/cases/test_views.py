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
    "operator", "duty_leader", "inspector", "dispatcher", "commander", "collector", "sanitation", "evaluator", "leader",
}  # fmt: skip
SEES_IT_BEFORE_FILING = {"operator", "duty_leader", "inspector", "collector", "evaluator", "leader"}


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
    assert answer.content.count(b"<tr data-row") == 30
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
    assert shown == {"accept", "refuse", "answer_at_once", "describe", "attach", "urge"}
    assert browser.post(door(case, "accept")).status_code == 302
    case.refresh_from_db()
    assert case.stage == Stage.PENDING_FILING
    answer = browser.post(door(case, "file"), {"condition": county.condition.public_id})
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


# — search, what is near, how a deadline came about


def test_the_search_finds_a_case_in_any_stage_by_its_words(county, seat, now):
    reported, closed = county.report(at=now), county.case_at(Stage.CLOSED, at=now - timedelta(hours=3))
    answer = seat(county.operator).get("/search/?q=垃圾")
    assert set(answer.context["page"]) == {reported, closed}
    assert "没有含" in seat(county.operator).get("/search/?q=月球").content.decode()


def test_a_full_number_opens_its_case_at_once(county, seat, now):
    case = county.report(at=now)
    assert seat(county.operator).get(f"/search/?q={case.number}").url == page(case)


def test_the_search_shows_a_department_its_own_cases_and_not_where_they_came_from(county, seat, now):
    hers = county.case_at(Stage.HANDLING, source="web", at=now - timedelta(hours=2))
    county.report(at=now)
    answer = seat(county.sanitation).get("/search/?q=垃圾")
    assert list(answer.context["page"]) == [hers]
    assert hers.get_source_display() not in answer.content.decode()


def test_the_search_asks_the_database_at_most_twelve_times(county, seat, now, django_assert_max_num_queries):
    for _ in range(5):
        county.report(at=now)
    browser = seat(county.operator)
    browser.get("/desk/")
    with django_assert_max_num_queries(MOST_QUERIES):
        browser.get("/search/?q=垃圾")


def test_beside_a_case_stand_the_same_class_close_by_and_whatever_else_is_open_around(county, seat, now):
    case = county.report(at=now)
    same = county.report(at=now)
    ended = county.case_at(Stage.CLOSED, at=now - timedelta(hours=3))
    days_old = county.report(at=now - timedelta(days=3))
    answer = seat(county.operator).get(reverse("cases:near", args=[case.public_id]))
    assert list(answer.context["rows"]) == [same]
    assert days_old in answer.context["others"]
    assert ended not in answer.context["others"]


def test_stopped_clocks_stand_behind_those_that_run(county, seat, now):
    overdue = county.report(at=now - timedelta(hours=2))
    stopped = county.case_at(Stage.HANDLING, at=now - timedelta(days=2))
    Case.objects.filter(pk=stopped.pk).update(clock_paused=True, due_at=now - timedelta(days=1))
    assert list(Case.objects.filter(pk__in=[overdue.pk, stopped.pk]).by_danger()) == [overdue, stopped]


def test_the_clock_that_runs_is_explained_first(county, seat, now):
    case = county.case_at(Stage.PENDING_CLOSE, at=now - timedelta(hours=1))
    explained = seat(county.duty_leader).get(reverse("cases:deadline", args=[case.public_id])).context["explained"]
    running, *others = explained
    assert running.clock.name == "close"
    assert {one.clock.state for one in others} == {"stopped"}


def test_a_citizen_reads_the_reason_and_the_form_says_so(county, seat, now):
    citizens, ours = county.report(at=now, source="web"), county.report(at=now)
    browser = seat(county.operator)
    assert browser.get(door(citizens, "refuse")).context["form"].fields["reason"].help_text
    assert not browser.get(door(ours, "refuse")).context["form"].fields["reason"].help_text


def test_the_only_condition_is_chosen_already(county, seat, now):
    case = county.case_at(Stage.PENDING_FILING, at=now - timedelta(minutes=5))
    form = seat(county.duty_leader).get(door(case, "file")).context["form"]
    assert form.fields["condition"].initial == county.condition


# — the same problem —


def same(case: Case) -> str:
    return reverse("cases:same", args=[case.public_id])


def test_the_desk_sees_what_may_be_the_same_and_attaches_it_by_its_form(county, seat, now):
    first, second = county.report(at=now), county.report(at=now)
    browser = seat(county.operator)
    beside = browser.get(reverse("cases:near", args=[second.public_id]))
    assert beside.context["rows"] == [first]
    form = browser.get(f"{door(second, 'attach')}?first={first.public_id}").content.decode()
    assert f'value="{first.public_id}"' in form
    assert "checked" in form
    assert browser.post(door(second, "attach"), {"first": str(first.public_id)}).status_code == 302
    assert list(browser.get(reverse("cases:near", args=[first.public_id])).context["attached"]) == [second]
    assert first.number in browser.get(page(second)).content.decode()
    shown = [button.rule.verb for button, _url in browser.get(page(second)).context["buttons"]]
    assert shown == ["detach"]
    assert browser.post(door(second, "detach"), {"reason": "不是同一处"}).status_code == 302
    assert Case.objects.get(pk=second.pk).stage == Stage.REPORTED


def test_a_case_far_away_is_named_by_its_number(county, seat, now):
    first = county.report(at=now - timedelta(days=3))
    second = county.report(at=now)
    answer = seat(county.operator).post(door(second, "attach"), {"number": f" {first.number} "})
    assert answer.status_code == 302
    assert Case.objects.get(pk=second.pk).merged_into == first


@pytest.mark.parametrize(
    "said", [{}, {"first": "x"}, {"number": "999"}, {"first": "00000000-0000-0000-0000-000000000000"}]
)
def test_a_first_case_that_nobody_knows_is_asked_for_again(county, seat, now, said):
    case = county.report(at=now)
    answer = seat(county.operator).post(door(case, "attach"), {**said, "opinion": "同一处"})
    assert answer.status_code == 422
    assert "同一处" in answer.content.decode()


def test_a_refused_attaching_is_said_in_words(county, seat, now):
    over = actions.refuse(county.report(at=now), by=county.operator, at=now, reason="无")
    answer = seat(county.operator).post(door(county.report(at=now), "attach"), {"number": over.number})
    assert answer.status_code == 422
    assert answer.context["form"].non_field_errors() == [sentence(actions.FirstHasEnded(number=over.number))]


@pytest.mark.parametrize("who", sorted(set(PEOPLE) - {"operator", "duty_leader"}))
def test_nobody_else_finds_the_door_or_is_offered_it(county, seat, now, who):
    first, second = county.report(at=now), county.report(at=now)
    browser = seat(getattr(county, who))
    assert browser.post(door(second, "attach"), {"first": str(first.public_id)}).status_code in (403, 404)
    suggestion = browser.get(same(second))
    assert suggestion.status_code == 404 or not suggestion.context["attach_url"]
    assert Case.objects.get(pk=second.pk).stage == Stage.REPORTED


def test_a_collector_is_shown_nothing_beside_his_own_reports(county, seat, now):
    county.report(at=now, by=county.other_collector)
    mine = county.report(at=now, by=county.collector)
    assert seat(county.collector).get(same(mine)).context["rows"] == []


def test_at_filing_and_closing_the_desk_is_told_that_it_came_back(county, seat, now):
    before = county.case_at(Stage.CLOSED, at=now - timedelta(days=2))
    again = county.case_at(Stage.PENDING_FILING, at=now - timedelta(hours=1))
    browser = seat(county.duty_leader)
    shown = browser.get(same(again))
    assert shown.context["earlier"] == [before]
    assert str(county.sanitation_bureau) in shown.content.decode()
    closing = county.case_at(Stage.PENDING_CLOSE, at=now - timedelta(minutes=50))
    answers = browser.get(door(closing, "close")).context["form"].fields
    assert answers["is_duplicate"].initial == "yes"


def test_what_may_be_the_same_is_asked_in_few_queries(county, seat, now, django_assert_max_num_queries):
    county.case_at(Stage.CLOSED, at=now - timedelta(days=2))
    for _ in range(5):
        case = county.report(at=now)
    browser = seat(county.operator)
    browser.get(same(case))
    with django_assert_max_num_queries(MOST_QUERIES):
        assert len(browser.get(same(case)).context["rows"]) == 4
    with django_assert_max_num_queries(MOST_QUERIES):
        browser.get(reverse("cases:near", args=[case.public_id]))
