"""The desks as people use them: who may open what, what is shown, what is kept when something is refused."""

from datetime import date

import pytest
import time_machine
from django.urls import reverse

from accounts.models import Appointment
from cases.workflow import Stage
from dispatch import actions, querysets, requests
from dispatch.models import ApprovalRule, ResponsibilityRule
from tests.county import LONG_AGO, County, beijing

pytestmark = pytest.mark.django_db

NOON = beijing(2026, 3, 2, 12)
EVERYBODY = (
    "operator", "duty_leader", "dispatcher", "commander", "collector", "sanitation", "handler", "water", "evaluator",
    "leader", "administrator",
)  # fmt: skip


@pytest.fixture(autouse=True)
def monday():
    """It is Monday, ten o'clock."""
    with time_machine.travel(beijing(2026, 3, 2, 10), tick=False):
        yield


@pytest.fixture
def county() -> County:
    return County.build()


def text(answer) -> str:
    return answer.content.decode()


def door(verb: str, case, subject, kind: str) -> str:
    return reverse("dispatch:move", args=[case.public_id, kind, subject.public_id, verb])


def dispatch_door(case) -> str:
    return door("dispatch", case, case, "case")


# — who may open what —


READERS = {
    "dispatch:desk": {"dispatcher", "commander"},
    "dispatch:department": {"sanitation", "handler", "water"},
    "dispatch:responsibilities": {"administrator"},
    "dispatch:rules": {"administrator"},
    "dispatch:lists": {"operator", "duty_leader", "dispatcher", "commander", "sanitation", "water", "leader"},
    "dispatch:straight": {"administrator"},
}


def test_each_desk_opens_for_its_own_people_and_is_refused_to_others_in_words(county, seat):
    for who in EVERYBODY:
        page = seat(getattr(county, who))
        for name, readers in READERS.items():
            answer = page.get(reverse(name))
            assert answer.status_code == (200 if who in readers else 403), (who, name)
            assert who in readers or "centre" in text(answer) or "中心" in text(answer)


def test_a_stranger_is_led_to_the_log_in(county, client):
    for page in ("dispatch:desk", "dispatch:department"):
        assert client.get(reverse(page)).status_code == 302


# — the dispatch desk —


def test_the_desk_shows_what_waits_and_counts_it(county, seat):
    case = county.case_at(Stage.PENDING_DISPATCH)
    county.case_at(Stage.HANDLING)
    page = text(seat(county.dispatcher).get(reverse("dispatch:desk")))
    assert case.number in page
    assert page.count("<tr data-row") == 1


def test_every_list_holds_its_own(county, seat):
    for stage in (Stage.PENDING_DISPATCH, Stage.HANDLING, Stage.HANDED_OVER, Stage.PENDING_CHECK, Stage.CLOSED):
        county.case_at(stage)
    returned = county.case_at(Stage.HANDLING).stints.get()
    actions.ask_return(returned, by=county.sanitation, at=NOON, ground="not_ours", reason="属街道")
    dispatcher = seat(county.dispatcher)
    rows = {
        tab.name: text(dispatcher.get(reverse("dispatch:desk"), {"tab": tab.name})).count("<tr data-row")
        for tab in querysets.DESK_TABS
    }
    assert rows == {
        "to_dispatch": 1, "requests": 1, "returned": 1, "disputes": 0, "results": 1, "review": 0, "working": 2,
        "directives": 0, "overdue": 2, "suspended": 0, "later": 1, "void": 0, "done": 1,
    }  # fmt: skip


def test_the_desk_of_another_centre_shows_nothing(county, seat):
    Appointment.objects.filter(user=county.dispatcher).update(department=county.departments["supervision"])
    county.case_at(Stage.PENDING_DISPATCH)
    assert "<tr data-row" not in text(seat(county.dispatcher).get(reverse("dispatch:desk"), {"tab": "to_dispatch"}))


def test_the_pane_proposes_departments_with_reason_confidence_and_keys(county, seat):
    case = county.case_at(Stage.PENDING_DISPATCH)
    pane = text(seat(county.dispatcher).get(reverse("dispatch:pane", args=[case.public_id])))
    assert pane.index("桃溪街道办") < pane.index("环卫所")
    assert 'data-key="1"' in pane
    assert "65%" in pane  # the street, where the catalogue names somebody else and nothing is known yet
    assert str(county.departments["command"].public_id) not in pane


def test_the_pane_shows_what_a_department_asks_and_the_buttons_to_decide(county, seat):
    stint = county.case_at(Stage.HANDLING).stints.get()
    case = actions.ask_return(stint, by=county.sanitation, at=NOON, ground="not_ours", reason="此处归街道管")
    pane = text(seat(county.dispatcher).get(reverse("dispatch:pane", args=[case.public_id])))
    assert "此处归街道管" in pane
    request = stint.requests.get()
    assert door("grant_return", case, request, "request") in pane
    assert door("refuse_return", case, request, "request") in pane


def test_dispatching_by_the_form_records_the_rule_of_the_proposal(county, seat):
    case = county.case_at(Stage.PENDING_DISPATCH)
    answer = seat(county.dispatcher).post(
        dispatch_door(case), {"department": str(county.sanitation_bureau.public_id), "opinion": "请尽快清运"}
    )
    assert answer.status_code == 302
    stint = case.stints.get()
    assert (stint.department, stint.proposal_rule) == (county.sanitation_bureau, "catalogue")


def test_what_is_chosen_in_the_list_of_others_counts_and_is_noted_as_by_hand(county, seat):
    case = county.case_at(Stage.PENDING_DISPATCH)
    seat(county.dispatcher).post(
        dispatch_door(case),
        {
            "department": str(county.street_office.public_id),
            "department_other": str(county.water_company.public_id),
            "assisting": [str(county.street_office.public_id)],
        },
    )
    assert [(one.department.code, one.is_lead, one.proposal_rule) for one in case.stints.all()] == [
        ("water", True, "by_hand"), ("street", False, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("sent", ["", "nobody", "00000000-0000-4000-8000-000000000000", "supervision"])
def test_a_dispatch_to_nobody_is_refused_and_keeps_the_words(county, seat, sent):
    case = county.case_at(Stage.PENDING_DISPATCH)
    if sent in county.departments:
        sent = str(county.departments[sent].public_id)
    answer = seat(county.dispatcher).post(dispatch_door(case), {"department": sent, "opinion": "请尽快清运"})
    assert answer.status_code == 422
    assert "请尽快清运" in text(answer)
    assert not case.stints.exists()


def test_two_dispatchers_at_once_the_second_reads_who_was_first(county, seat):
    case = county.case_at(Stage.PENDING_DISPATCH)
    page = seat(county.dispatcher)
    sent = {"department": str(county.sanitation_bureau.public_id), "opinion": "我的话"}
    assert page.post(dispatch_door(case), sent).status_code == 302
    again = page.post(dispatch_door(case), sent)
    assert again.status_code == 422
    assert "我的话" in text(again)
    assert case.stints.count() == 1


def test_somebody_without_the_role_is_refused_in_words(county, seat):
    case = county.case_at(Stage.PENDING_DISPATCH)
    answer = seat(county.operator).post(dispatch_door(case), {"department": str(county.sanitation_bureau.public_id)})
    assert answer.status_code == 403
    assert case.number in text(answer)
    assert not case.stints.exists()


def test_what_may_not_be_seen_does_not_exist(county, seat):
    case = county.case_at(Stage.PENDING_DISPATCH)
    answer = seat(county.water).post(dispatch_door(case), {"department": str(county.water_company.public_id)})
    assert answer.status_code == 404


# — a department's desk —


def test_a_department_sees_its_own_and_not_its_neighbours(county, seat):
    case = county.case_at(Stage.PENDING_HANDLE)
    assert case.number in text(seat(county.sanitation).get(reverse("dispatch:department")))
    assert case.number not in text(seat(county.water).get(reverse("dispatch:department")))


def test_a_handler_sees_only_what_was_assigned_to_him(county, seat):
    mine, other = county.case_at(Stage.HANDLING), county.case_at(Stage.HANDLING)
    actions.assign(mine.stints.get(), by=county.sanitation, at=NOON, handler=county.handler)
    page = text(seat(county.handler).get(reverse("dispatch:department"), {"tab": "in_hand"}))
    assert mine.number in page
    assert other.number not in page


def test_the_search_finds_a_case_by_its_number_and_place(county, seat):
    one = county.case_at(Stage.PENDING_HANDLE, address="春秋路12号")
    other = county.case_at(Stage.PENDING_HANDLE, address="梅河路3号")
    page = text(seat(county.sanitation).get(reverse("dispatch:department"), {"tab": "to_receive", "q": "春秋"}))
    assert one.number in page
    assert other.number not in page


def test_the_department_receives_names_a_handler_and_hands_over(county, seat):
    case = county.case_at(Stage.PENDING_HANDLE)
    stint, desk = case.stints.get(), seat(county.sanitation)
    form = text(desk.get(door("receive", case, stint, "stint")))
    assert "吴磊" in form
    assert "钱野" not in form
    desk.post(door("receive", case, stint, "stint"), {"handler": str(county.handler.public_id)})
    handler = seat(county.handler)
    handler.post(door("submit_result", case, stint, "stint"), {"opinion": "已清"})
    assert desk.post(door("hand_over", case, stint, "stint"), {"opinion": "已清运"}).status_code == 302
    stint.refresh_from_db()
    assert (stint.stage, stint.handler) == ("handed_over", county.handler)
    assert stint.submitted_at is not None


def test_a_suspension_is_asked_for_with_a_day_and_granted(county, seat):
    case = county.case_at(Stage.HANDLING)
    stint, desk = case.stints.get(), seat(county.sanitation)
    asking = door("ask_suspension", case, stint, "stint")
    assert 'min="2026-03-03"' in text(desk.get(asking))
    refused = desk.post(asking, {"until": "2028-01-01", "reason": "等待雨季"})
    assert refused.status_code == 422
    assert "等待雨季" in text(refused)
    desk.post(asking, {"until": "2026-04-01", "reason": "等待雨季"})
    request = stint.requests.get()
    seat(county.dispatcher).post(door("grant_suspension", case, request, "request"), {})
    stint.refresh_from_db()
    assert (stint.stage, stint.suspended_until) == ("suspended", beijing(2026, 4, 1, 0))


def test_the_departments_pane_says_what_is_due_and_whom_to_ring(county, seat):
    county.departments["command"].phone = "0564-8620000"
    county.departments["command"].save()
    case = county.case_at(Stage.HANDLING)
    pane = text(seat(county.sanitation).get(reverse("dispatch:department_pane", args=[case.public_id])))
    assert "2026-03-02 13" not in pane
    assert "2026-03-02 15:03" in pane
    assert "0564-8620000" in pane


def test_a_department_never_reads_the_reporter_nor_the_desks_words(county, seat):
    case = county.case_at(Stage.HANDLING, source="web")
    desk = seat(county.sanitation)
    for page in (
        reverse("dispatch:department"),
        reverse("dispatch:department_pane", args=[case.public_id]),
        reverse("cases:case", args=[case.public_id]),
    ):
        shown = text(desk.get(page))
        assert "孙丽" not in shown  # who accepted it
        assert "hotline" not in shown


# — queries and size —


@pytest.mark.parametrize(
    ("who", "page", "args"),
    [
        ("dispatcher", "dispatch:desk", "?tab=working"),
        ("sanitation", "dispatch:department", "?tab=in_hand"),
        ("handler", "dispatch:department", ""),
    ],
)
def test_a_list_asks_no_more_for_many_rows_than_for_one(county, seat, django_assert_max_num_queries, who, page, args):
    for _case in range(6):
        stint = county.case_at(Stage.HANDLING).stints.get()
        actions.assign(stint, by=county.sanitation, at=NOON, handler=county.handler)
    desk = seat(getattr(county, who))
    with django_assert_max_num_queries(12):
        answer = desk.get(reverse(page) + args)
    assert text(answer).count("<tr data-row") == 6


def test_no_pane_and_no_form_asks_more_than_twelve_questions(county, seat, django_assert_max_num_queries):
    stint = county.case_at(Stage.HANDLING).stints.get()
    asked = actions.ask_return(stint, by=county.sanitation, at=NOON, ground="not_ours", reason="属街道")
    waiting = county.case_at(Stage.PENDING_DISPATCH)
    dispatcher, department = seat(county.dispatcher), seat(county.sanitation)
    for desk, url in (
        (dispatcher, reverse("dispatch:pane", args=[asked.public_id])),
        (dispatcher, reverse("dispatch:pane", args=[waiting.public_id])),
        (dispatcher, dispatch_door(waiting)),
        (department, reverse("dispatch:department_pane", args=[asked.public_id])),
    ):
        with django_assert_max_num_queries(12):
            assert desk.get(url).status_code == 200


# — the responsibility table —


def test_the_administrator_writes_and_ends_a_row_and_the_routing_follows(county, seat):
    page = seat(county.administrator)
    answer = page.post(
        reverse("dispatch:responsibilities"),
        {
            "minor_class": county.litter.pk, "kind": "", "major_code": "", "area_code": "", "road_class": "",
            "owner": "", "department": county.water_company.pk, "valid_from": "2026-03-01", "note": "",
        },
    )  # fmt: skip
    assert answer.status_code == 302
    row = ResponsibilityRule.objects.get()
    case = county.case_at(Stage.PENDING_DISPATCH)
    pane = reverse("dispatch:pane", args=[case.public_id])
    dispatcher = seat(county.dispatcher)
    shown = text(dispatcher.get(pane))
    assert shown.index("供水公司") < shown.index("桃溪街道办")
    page.post(reverse("dispatch:end_responsibility", args=[row.public_id]), {"on": "2026-03-02"})
    row.refresh_from_db()
    assert row.valid_to == date(2026, 3, 2)
    assert text(dispatcher.get(pane)).index("桃溪街道办") < text(dispatcher.get(pane)).index("供水公司")


def test_only_the_administrator_ends_a_row(county, seat):
    row = ResponsibilityRule.objects.create(department=county.water_company, valid_from=LONG_AGO)
    answer = seat(county.dispatcher).post(
        reverse("dispatch:end_responsibility", args=[row.public_id]), {"on": "2026-03-02"}
    )
    assert answer.status_code == 403
    row.refresh_from_db()
    assert row.valid_to is None


def test_a_row_names_its_class_in_one_way_only(county, seat):
    answer = seat(county.administrator).post(
        reverse("dispatch:responsibilities"),
        {
            "minor_class": county.litter.pk, "kind": "event", "major_code": "06",
            "department": county.water_company.pk, "valid_from": "2026-03-01",
        },
    )  # fmt: skip
    assert answer.status_code == 422
    assert not ResponsibilityRule.objects.exists()


# — requests, lists, rules —


def test_the_list_of_requests_says_whose_turn_it_is(county, seat, django_assert_max_num_queries):
    stint = county.case_at(Stage.HANDLING).stints.get()
    actions.ask_return(stint, by=county.sanitation, at=NOON, ground="no_need", reason="无需处置")
    for who, number in (("dispatcher", 1), ("duty_leader", 1), ("sanitation", 1), ("water", 0)):
        desk = seat(getattr(county, who))
        with django_assert_max_num_queries(12):
            page = text(desk.get(reverse("dispatch:lists")))
        assert page.count("<tr data-row") == number, who
    assert "派遣员" in text(seat(county.dispatcher).get(reverse("dispatch:lists")))


def test_every_list_opens(county, seat):
    for tab in ("returned", "stock", "left_stock", "ownerless"):
        assert seat(county.duty_leader).get(reverse("dispatch:lists"), {"tab": tab}).status_code == 200


def test_the_administrator_writes_a_rule_that_holds_and_ends_it(county, seat):
    page = seat(county.administrator)
    facts = {"what": "rule", "kind": "extension", "step_1": "dispatcher", "step_2": "commander", "level": 0, "nth": 0,
             "min_days": 0, "is_custom": "unknown", "valid_from": "2026-03-01"}  # fmt: skip
    assert page.post(reverse("dispatch:rules"), {**facts, "step_2": "duty_leader"}).status_code == 422
    assert page.post(reverse("dispatch:rules"), facts).status_code == 302
    stint = county.case_at(Stage.HANDLING).stints.get()
    actions.ask_extension(stint, by=county.sanitation, at=beijing(2026, 3, 2, 10), reason="需要吊车")
    assert stint.requests.get().chain == ["dispatcher", "commander"]
    row = ApprovalRule.objects.get()
    page.post(reverse("dispatch:end_rule", args=["rule", row.public_id]), {"on": "2026-04-01"})
    row.refresh_from_db()
    assert row.valid_to == date(2026, 4, 1)


def test_the_forms_of_the_new_steps_open(county, seat):
    county.add_teams()
    stint = county.case_at(Stage.HANDLING).stints.get()
    forms = {
        "sanitation": ("sub_dispatch", "ask_return", "ask_extension", "ask_suspension", "ask_voiding", "open_dispute"),
        "dispatcher": ("set_proxy", "set_required", "make_lead", "raise_dispute"),
        "duty_leader": ("recall_wrong_dispatch",),
    }
    for who, verbs in forms.items():
        for verb in verbs:
            answer = seat(getattr(county, who)).get(door(verb, stint.case, stint, "stint"))
            assert (answer.status_code, verb) == (200, verb)
            assert "<form" in text(answer)


def test_a_joint_meeting_is_called_and_decided_in_the_browser(county, seat):
    stint = county.case_at(Stage.HANDLING).stints.get()
    case = requests.open_dispute(stint, by=county.sanitation, at=beijing(2026, 3, 2, 10), reason="属街道")
    request, page = stint.requests.get(), seat(county.commander)
    called = {"meets_at": "2026-03-02T11:00", "place": "现场", "participants": "环卫所、街道办"}
    assert page.post(door("call_meeting", case, request, "request"), called).status_code == 302
    decided = {"department": county.street_office.public_id, "reason": "现场确权", "is_precedent": "on"}
    assert page.post(door("decide_dispute", case, request, "request"), decided).status_code == 302
    assert case.stints.open().get().department == county.street_office
    assert ResponsibilityRule.objects.get().origin == "precedent"
