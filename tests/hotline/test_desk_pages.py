"""The telephone desk's pages: who may open them, what is kept on an error, how a caller's data are opened and noted."""

import re
from datetime import timedelta
from itertools import product
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse

from cases import actions as case_actions
from cases.models import Case
from components.models import Component
from hotline import actions
from hotline.models import Call, CallBack
from office.models import ReadLog
from tests.county import MONDAY, PEOPLE, County

pytestmark = pytest.mark.django_db
NEW = "/hotline/call/new/"
CALLER = {"name": "张桂兰", "phone": "13800138000", "cause": "楼下垃圾", "course": "天天臭，你们管不管"}
SEATS = {"operator", "duty_leader"}
OTHERS = sorted(set(PEOPLE) - SEATS)


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def county() -> County:
    return County.build()


def said(county: County, **changed) -> dict:
    facts = {
        "public_id": str(uuid4()), "received_at": "2026-03-02 08:58:00", "kind": "complaint", "urgency": "0",
        "minor_class": str(county.litter.public_id), "lon": str(county.point.x), "lat": str(county.point.y),
        "place": "桃溪路桥头", "description": "桥头堆放生活垃圾约两方", "near_seen": "yes", "result": "registered",
        **CALLER, **changed,
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value is not None}


def call(county: County, **facts) -> Call:
    facts = {
        "by": county.operator, "at": MONDAY, "kind": "complaint", "minor_class": county.litter, "point": county.point,
        "description": "桥头堆放生活垃圾约两方", "name": "张桂兰", "phone": "13800138000", "words": "天天臭", **facts,
    }  # fmt: skip
    return actions.register_call(**facts)


def pages(county: County) -> list[str]:
    taken = call(county)
    return [
        "/hotline/", NEW, "/hotline/near/", "/hotline/visits/", f"/hotline/call/{taken.public_id}/",
        reverse("hotline:reporter", args=[taken.case.public_id]),
    ]  # fmt: skip


@pytest.mark.parametrize("person", sorted(SEATS))
def test_the_acceptance_desk_opens_every_page_with_few_queries(county, seat, person, django_assert_max_num_queries):
    page = seat(getattr(county, person))
    for address in pages(county):
        with django_assert_max_num_queries(12):
            answer = page.get(address)
        assert answer.status_code == 200
        assert len(answer.content) < 150_000


def test_nobody_else_opens_any_of_them(county, seat):
    addresses = pages(county)
    for person in OTHERS:
        page = seat(getattr(county, person))
        assert {page.get(address).status_code for address in addresses} <= {403, 404}
        assert page.post(NEW, said(county)).status_code == 403


def test_nobody_logged_in_is_sent_to_the_log_in(county, client):
    for address in pages(county):
        assert client.get(address).status_code == 302


# — taking a call


def test_a_registered_call_leads_to_its_own_page_and_the_case_waits_in_the_pool(county, seat):
    answer = seat(county.operator).post(NEW, said(county))
    taken = Call.objects.get()
    assert answer["Location"] == f"/hotline/call/{taken.public_id}/"
    assert taken.case.stage == "reported"
    assert taken.received_at == MONDAY - timedelta(minutes=2)


def test_an_error_keeps_everything_that_was_typed(county, seat):
    page = seat(county.operator).post(NEW, said(county, minor_class=""))
    for typed in (*CALLER.values(), "桃溪路桥头", "桥头堆放生活垃圾约两方"):
        assert typed in page.content.decode()
    assert not Call.objects.exists()


def test_a_fact_sheet_that_names_the_caller_comes_back_with_everything_typed(county, seat):
    page = seat(county.operator).post(NEW, said(county, description="张桂兰说桥头有垃圾"))
    assert page.context["form"].non_field_errors()
    assert "天天臭" in page.content.decode()
    assert not Case.objects.exists()


def test_open_cases_near_by_are_shown_before_another_one_is_registered(county, seat):
    county.report()
    page = seat(county.operator)
    shown = page.post(NEW, said(county, near_seen=None))
    assert [case.pk for case in shown.context["near"]] == [Case.objects.get().pk]
    assert page.post(NEW, said(county)).status_code == 302
    assert Case.objects.count() == 2


def test_a_call_about_an_open_case_joins_it(county, seat):
    case = county.report()
    answer = seat(county.operator).post(NEW, said(county, join=str(case.public_id), result=None, description=""))
    assert answer.status_code == 302
    assert Call.objects.get().case == case
    assert Case.objects.count() == 1


@pytest.mark.parametrize("result", ["answered", "out_of_scope"])
def test_a_call_that_becomes_no_case_needs_an_answer_and_nothing_else(county, seat, result):
    page = seat(county.operator)
    facts = said(county, result=result, minor_class="", lon="", lat="", description="")
    assert "answer" in page.post(NEW, facts).context["form"].errors
    assert page.post(NEW, {**facts, "answer": "垃圾桶归物业管理，请联系物业"}).status_code == 302
    assert Call.objects.get().result == result
    assert not Case.objects.exists()


def test_pressing_register_twice_makes_one_call(county, seat):
    page, facts = seat(county.operator), said(county)
    assert page.post(NEW, facts)["Location"] == page.post(NEW, facts)["Location"]
    assert Call.objects.count() == Case.objects.count() == 1


def test_nonsense_in_any_field_is_an_error_of_the_form_not_of_the_server(county, seat):
    page = seat(county.operator)
    for field, nonsense in product(said(county), ("nan", "\x00", "-1e999")):
        assert page.post(NEW, said(county, **{field: nonsense})).status_code in (200, 302)


# — opening what the vault holds


def test_the_reporters_data_show_only_after_a_click_and_each_look_is_noted(county, seat):
    case = call(county).case
    page, address = seat(county.operator), reverse("hotline:reporter", args=[case.public_id])
    assert "13800138000" not in page.get(address).content.decode()
    assert not ReadLog.objects.exists()
    shown = page.post(address, {"why": "handling"}).content.decode()
    assert "13800138000" in shown
    assert "天天臭" in shown
    looked = ReadLog.objects.get()
    assert (looked.reader, looked.about) == (county.operator, str(case.reporter_ref))
    assert case.number in looked.why


def test_without_a_reason_nothing_is_opened(county, seat):
    case = call(county).case
    answer = seat(county.operator).post(reverse("hotline:reporter", args=[case.public_id]), {"why": "curious"})
    assert answer.status_code == 409
    assert "13800138000" not in answer.content.decode()
    assert not ReadLog.objects.exists()


def test_everybody_who_called_about_a_case_is_shown(county, seat):
    case = call(county).case
    actions.join_call(case, by=county.operator, at=MONDAY, kind="complaint", name="李大力", phone="13900139000")
    address = reverse("hotline:reporter", args=[case.public_id])
    shown = seat(county.duty_leader).post(address, {"why": "telling"}).content.decode()
    assert "张桂兰" in shown
    assert "李大力" in shown
    assert ReadLog.objects.count() == 2


def test_who_asked_a_question_is_opened_from_the_call_itself(county, seat):
    taken = actions.answer_call(
        by=county.operator, at=MONDAY, kind="consultation", answer="每日清运", phone="13600136000"
    )
    address = reverse("hotline:caller", args=[taken.public_id])
    assert "13600136000" in seat(county.operator).post(address, {"why": "question"}).content.decode()
    for person in OTHERS:
        assert seat(getattr(county, person)).post(address, {"why": "question"}).status_code == 403


def test_an_operator_does_not_open_another_ones_calls(county, seat):
    taken = call(county, by=county.duty_leader)
    page = seat(county.operator)
    assert page.get(f"/hotline/call/{taken.public_id}/").status_code == 404
    assert page.post(reverse("hotline:caller", args=[taken.public_id]), {"why": "handling"}).status_code == 404


# — calling back


def test_the_list_of_whom_to_call_back_shrinks_when_they_were_told(county, seat):
    case = case_actions.refuse(call(county).case, by=county.operator, at=MONDAY, reason="物业范围")
    page = seat(county.operator)
    assert case.number in page.get("/hotline/visits/").content.decode()
    assert "13800138000" not in page.get("/hotline/visits/").content.decode()
    page.post(f"/hotline/visits/{case.public_id}/", {"outcome": "told"})
    assert case.number not in page.get("/hotline/visits/").content.decode()
    assert CallBack.objects.get().by == county.operator


def test_many_rows_take_no_more_queries(county, seat, django_assert_max_num_queries):
    for number in range(5):
        taken = call(county, phone=f"1380013800{number}")
        case_actions.refuse(taken.case, by=county.operator, at=MONDAY, reason="物业范围")
    page = seat(county.operator)
    for address in ("/hotline/", "/hotline/visits/"):
        with django_assert_max_num_queries(12):
            page.get(address)


# — the console of a call ——————————————————————————————————————————————————————————————————————————————


def test_one_button_registers_and_accepts_and_leads_to_the_case(seat, county):
    answer = seat(county.operator).post(NEW, said(county, result="accepted"))
    case = Case.objects.get()
    assert (case.stage, answer["Location"]) == ("accepted", reverse("cases:case", args=[case.public_id]))
    assert list(case.events.order_by("sequence").values_list("verb", flat=True)) == ["report", "accept"]
    assert Call.objects.get().result == "registered"


def test_sent_twice_it_is_accepted_once(seat, county):
    facts, browser = said(county, result="accepted"), seat(county.operator)
    browser.post(NEW, facts)
    assert browser.post(NEW, facts).status_code == 302
    assert Case.objects.get().events.filter(verb="accept").count() == 1


def test_the_number_shows_what_it_called_about_before_and_the_look_is_noted(seat, county):
    taken = call(county)
    browser = seat(county.operator)
    page = browser.post("/hotline/history/", {"phone": "138 0013 8000"}).content.decode()
    assert taken.case.number in page
    assert f'name="join" value="{taken.case.public_id}"' in page
    assert "首次来电" in browser.post("/hotline/history/", {"phone": "13900139000"}).content.decode()
    assert ReadLog.objects.filter(what="vault_search", reader=county.operator).count() == 2


def test_a_number_that_is_still_being_typed_is_not_looked_for(seat, county):
    assert seat(county.operator).post("/hotline/history/", {"phone": "1380"}).content.strip() == b""
    assert not ReadLog.objects.filter(what="vault_search").exists()


@pytest.mark.parametrize("who", OTHERS)
def test_nobody_else_learns_what_a_number_called_about(seat, county, who):
    assert seat(getattr(county, who)).post("/hotline/history/", {"phone": "13800138000"}).status_code == 403


def test_before_the_class_is_known_whatever_is_open_near_by_shows(seat, county):
    near = county.report(minor_class=county.cover, at=MONDAY)
    place = {"lon": county.point.x, "lat": county.point.y}
    browser = seat(county.operator)
    any_class = browser.get("/hotline/near/", place).content.decode()
    assert near.number in any_class
    assert "near_seen" not in any_class
    of_the_class = browser.get("/hotline/near/", place | {"minor_class": county.litter.public_id}).content.decode()
    assert near.number not in of_the_class
    assert "near_seen" in of_the_class


def test_the_component_that_was_named_goes_with_the_case_if_it_is_of_the_class(seat, county):
    component = Component.objects.create(
        identifier="99990201001000001", minor_class=county.cover, name_zh="井盖", unit_grid=county.cells[0],
        supervising_authority_name="供水公司", geometry=county.point, initial_date=MONDAY.date(),
    )  # fmt: skip
    browser = seat(county.operator)
    browser.post(NEW, said(county, component=component.identifier, minor_class=str(county.cover.public_id)))
    browser.post(NEW, said(county, component=component.identifier))
    assert [case.component for case in Case.objects.order_by("pk")] == [component, None]


def test_the_classes_of_ones_latest_steps_stand_first(seat, county):
    for minor_class in (county.cover, county.litter, county.cover):
        call(county, minor_class=minor_class)
    page = seat(county.operator).get(NEW).content.decode()
    of_cover, of_litter = (
        re.search(rf'value="{one.public_id}"[^>]*data-usual="(\d)"', page) for one in (county.cover, county.litter)
    )
    assert (of_cover[1], of_litter[1]) == ("1", "2")
    assert "data-usual" not in seat(county.duty_leader).get(NEW).content.decode()
