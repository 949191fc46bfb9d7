"""Whoever looks at what is private is written down; a number finds its cases for the desk alone."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import vault
from accounts.models import Appointment, Department, User
from accounts.roles import Role
from hotline import actions as hotline
from office.models import ReadLog
from tests.county import LONG_AGO, MONDAY, County

pytestmark = pytest.mark.django_db

PHONE = "13900001234"


@pytest.fixture
def county():
    return County.build()


@pytest.fixture
def case(county):
    ref = vault.seal(kind="citizen", name="许知远", phone=PHONE, words="井盖没了", at=MONDAY)
    return county.case_at("pending_check", source="web", reporter_ref=ref)


def log() -> list[tuple]:
    return list(ReadLog.objects.order_by("id").values_list("what", "number"))


# — originals —————————————————————————————————————————————————————————————————————————————————————————


def test_a_look_at_an_original_is_noted_once(county, case, seat):
    one = case.evidence.get()
    browser = seat(county.operator)
    assert browser.get(f"/evidence/{one.public_id}/view/").status_code == 200
    assert log() == []
    first = browser.get(f"/evidence/{one.public_id}/original/")
    browser.get(f"/evidence/{one.public_id}/original/")
    assert "no-store" in first["Cache-Control"]
    assert log() == [("original", case.number)]
    looked = ReadLog.objects.get()
    assert (looked.reader, looked.about) == (county.operator, str(one.public_id))


def test_a_look_that_was_refused_is_none(county, case, seat):
    one = case.evidence.get()
    assert seat(county.sanitation).get(f"/evidence/{one.public_id}/original/").status_code == 404
    assert log() == []


# — who looked at this case ———————————————————————————————————————————————————————————————————————————


def test_the_page_of_the_case_says_who_looked(county, case, seat):
    vault.open_record(case.reporter_ref, reader=county.operator, why="核对", at=MONDAY, number=case.number)
    page = seat(county.duty_leader).get(f"/case/{case.public_id}/looks/").content.decode()
    assert county.operator.name_zh in page
    assert "核对" in page
    assert seat(county.sanitation).get(f"/case/{case.public_id}/looks/").status_code == 404
    assert "/looks/" not in seat(county.sanitation).get(f"/case/{case.public_id}/").content.decode()


def test_the_desk_that_opens_the_reporter_leaves_the_number_of_the_case(county, case, seat):
    seat(county.operator).post(f"/hotline/case/{case.public_id}/reporter/", {"why": "handling"})
    assert log() == [("vault", case.number)]


# — the log itself ————————————————————————————————————————————————————————————————————————————————————


def test_the_log_is_searched_and_that_is_noted_too(county, case, seat, django_assert_max_num_queries):
    at = timezone.now() - timedelta(days=2)
    vault.open_record(case.reporter_ref, reader=county.operator, why="核对", at=at, number=case.number)
    browser = seat(county.administrator)
    browser.get("/maintenance/")
    with django_assert_max_num_queries(12):
        page = browser.get("/maintenance/readings/", {"number": case.number, "q": county.operator.name_zh})
    assert "核对" in page.content.decode()
    assert log() == [("vault", case.number), ("read_log", "")]
    assert case.number in ReadLog.objects.get(what="read_log").about
    for nobody in ({"what": "original"}, {"q": "无此人"}, {"last": "2020-01-01"}):
        assert "核对" not in browser.get("/maintenance/readings/", nobody).content.decode()


@pytest.mark.parametrize("who", ["operator", "dispatcher", "sanitation", "collector"])
def test_the_log_is_for_administrators_and_inspectors(county, seat, who):
    assert seat(getattr(county, who)).get("/maintenance/readings/").status_code == 403
    assert log() == []


# — the number ————————————————————————————————————————————————————————————————————————————————————————


@pytest.mark.parametrize("typed", [PHONE, "139 0000 1234", "+86 139-0000-1234", "8613900001234"])
def test_the_desk_finds_the_cases_of_an_exact_number(county, case, seat, typed):
    page = seat(county.operator).get("/search/", {"q": typed}).content.decode()
    assert case.number in page
    assert PHONE not in str(list(ReadLog.objects.values_list()))
    assert log() == [("vault_search", "")]


@pytest.mark.parametrize("typed", ["1390000", "3900001234", "13900001235"])
def test_a_part_of_a_number_finds_nothing(county, case, seat, typed):
    assert case.number not in seat(county.operator).get("/search/", {"q": typed}).content.decode()


@pytest.mark.parametrize("who", ["dispatcher", "sanitation", "collector", "leader", "administrator"])
def test_nobody_else_learns_whether_a_number_is_known(county, case, seat, who):
    browser = seat(getattr(county, who))
    browser.get("/search/", {"q": "13911112222"})

    def asked(number: str) -> tuple[str, list[str]]:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = browser.get("/search/", {"q": number}).content.decode()
        told = [one["sql"] for one in queries.captured_queries if "vault" in one["sql"]]
        return page.replace(number, "N"), [str(len(queries)), *told]

    assert without_tokens(asked(PHONE)) == without_tokens(asked("13911112222"))
    assert log() == []


def without_tokens(answer):
    """The answer without what differs between two drawings of one page: its tokens, and the second it was drawn in."""
    import re

    page, queries = answer
    changing = r'(csrf[^"]*"[^>]*value=|nonce=|csrftoken"?: ?)"[^"]*"|"X-CSRFToken": "[^"]*"|data-now="\d+"'
    return re.sub(changing, "", page), queries


def test_the_desk_of_another_centre_finds_nothing(county, case, seat):
    centre = Department.objects.create(
        code="other", name_zh="另一监督中心", kind=Department.Kind.SUPERVISION_CENTRE, path="/other/",
        area_code="888801", valid_from=LONG_AGO,
    )  # fmt: skip
    stranger = User.objects.create(username="stranger", staff_number="S1", name_zh="外人", must_change_password=False)
    Appointment.objects.create(user=stranger, role=Role.ACCEPTANCE_OPERATOR, department=centre, valid_from=LONG_AGO)
    assert case.number not in seat(stranger).get("/search/", {"q": PHONE}).content.decode()


def test_the_telephone_finds_calls_and_cases_of_a_number(county, case, seat):
    hotline.answer_call(by=county.operator, at=MONDAY, kind="consultation", answer="请到窗口", phone=PHONE)
    page = seat(county.duty_leader).post("/hotline/number/", {"phone": PHONE}).content.decode()
    assert case.number in page
    assert "咨询" in page
    assert log() == [("vault_search", "")]
    assert "没有来电或上报" in seat(county.operator).post("/hotline/number/", {"phone": "1390000"}).content.decode()
    assert seat(county.dispatcher).post("/hotline/number/", {"phone": PHONE}).status_code == 403


def test_a_number_is_still_found_after_the_key_was_changed(county, case, seat, settings):
    keys = settings.VAULT_KEYS
    settings.VAULT_KEYS = {**keys, "current": "new", "keys": {**keys["keys"], "new": b"n" * 32}}
    vault.forget()
    while vault.reseal():
        pass
    assert case.number in seat(county.operator).get("/search/", {"q": PHONE}).content.decode()
