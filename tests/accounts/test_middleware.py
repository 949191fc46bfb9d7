"""The language of a page, the lock of a desk left alone, the first password."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.conf import settings as installation
from django.test import Client
from django.urls import reverse

from accounts import actions
from accounts.middleware import SEEN_COOKIE, seen_cookie
from accounts.roles import Role
from office import settings
from tests.factories import PASSWORD, person

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
ANY_PAGE = "/messages/"


@pytest.fixture
def operator():
    return person(Role.ACCEPTANCE_OPERATOR)


def lock_page(back: str) -> str:
    return f"{reverse('accounts:lock')}?next={back}"


# --- The lock ---


@pytest.mark.parametrize(("minutes", "status"), [(0, 200), (29, 200), (31, 302)])
def test_a_desk_left_alone_locks_after_half_an_hour(seat, operator, minutes, status):
    with time_machine.travel(AT, tick=False) as clock:
        desk = seat(operator)
        clock.shift(timedelta(minutes=minutes))
        assert desk.get(ANY_PAGE).status_code == status


def test_whoever_works_is_not_locked_out(seat, operator):
    with time_machine.travel(AT, tick=False) as clock:
        desk = seat(operator)
        for _ in range(5):
            clock.shift(timedelta(minutes=20))
            assert desk.get(ANY_PAGE).status_code == 200


def test_watching_the_desk_writes_nothing(seat, operator, django_assert_max_num_queries):
    with time_machine.travel(AT, tick=False) as clock:
        desk = seat(operator)
        clock.shift(timedelta(minutes=20))
        with django_assert_max_num_queries(12) as queries:
            assert SEEN_COOKIE in desk.get(ANY_PAGE).cookies
    assert not [query["sql"] for query in queries if not query["sql"].startswith("SELECT")]


def test_a_page_that_asks_by_itself_does_not_keep_the_desk_awake(seat, operator):
    with time_machine.travel(AT, tick=False) as clock:
        desk = seat(operator)
        clock.shift(timedelta(minutes=20))
        assert SEEN_COOKIE not in desk.get(reverse("live_ticket"), headers={"X-Quiet": "1"}).cookies
        clock.shift(timedelta(minutes=11))
        assert desk.get(ANY_PAGE).status_code == 302


def test_the_city_decides_how_long(seat, operator):
    settings.set_value("accounts.idle_minutes", 5, by=None, at=AT, valid_from=date(2026, 3, 1))
    with time_machine.travel(AT, tick=False) as clock:
        desk = seat(operator)
        clock.shift(timedelta(minutes=6))
        assert desk.get(ANY_PAGE).status_code == 302


def test_a_phone_in_the_street_stays_open_for_a_shift():
    with time_machine.travel(AT, tick=False) as clock:
        phone = Client()
        collector = person(Role.COLLECTOR)
        phone.post(reverse("accounts:login"), {"username": collector.username, "password": PASSWORD})
        clock.shift(timedelta(hours=9))
        assert phone.get(ANY_PAGE).status_code == 200


@pytest.mark.parametrize("cookie", ["", "forged", "session of another"])
def test_without_a_right_cookie_the_desk_is_locked(seat, operator, cookie):
    desk = seat(operator)
    desk.cookies[SEEN_COOKIE] = seen_cookie("another-session") if cookie.startswith("session") else cookie
    response = desk.get(f"{ANY_PAGE}?unread=yes")
    assert response["Location"] == lock_page("%2Fmessages%2F%3Funread%3Dyes")


def test_what_was_being_sent_leads_back_to_the_page_where_it_was_typed(seat, operator):
    desk = seat(operator)
    del desk.cookies[SEEN_COOKIE]
    response = desk.post(reverse("accounts:duty"), headers={"Referer": "http://testserver/desk/?stage=reported"})
    assert response["Location"] == lock_page("%2Fdesk%2F%3Fstage%3Dreported")


def test_a_fragment_leads_the_whole_page_to_the_lock(seat, operator):
    desk = seat(operator)
    del desk.cookies[SEEN_COOKIE]
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/desk/"}
    response = desk.get(ANY_PAGE, headers=headers)
    assert (response.status_code, response["HX-Redirect"]) == (401, lock_page("%2Fdesk%2F"))


def test_a_program_is_told_in_its_own_form(seat, operator):
    desk = seat(operator)
    del desk.cookies[SEEN_COOKIE]
    response = desk.get(ANY_PAGE, headers={"Accept": "application/json"})
    assert (response.status_code, response.json()["code"]) == (401, "locked")


def test_the_password_opens_the_lock_and_leads_back(seat, operator):
    desk = seat(operator)
    del desk.cookies[SEEN_COOKIE]
    wrong = desk.post(reverse("accounts:lock"), {"password": "wrong", "next": "/messages/"})
    assert wrong.status_code == 200
    assert desk.get(ANY_PAGE).status_code == 302
    right = desk.post(reverse("accounts:lock"), {"password": PASSWORD, "next": "/messages/"})
    assert right["Location"] == "/messages/"
    assert desk.get(ANY_PAGE).status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_lock_never_leads_out_of_the_house(seat, operator, elsewhere):
    response = seat(operator).post(reverse("accounts:lock"), {"password": PASSWORD, "next": elsewhere})
    assert response["Location"] == "/"


def test_a_locked_desk_can_be_logged_out(seat, operator):
    desk = seat(operator)
    del desk.cookies[SEEN_COOKIE]
    assert desk.post(reverse("accounts:logout"))["Location"] == reverse("accounts:login")


# --- The first password ---


@pytest.fixture
def newcomer():
    return person(Role.DISPATCHER, must_change_password=True)


def test_whoever_was_given_a_password_chooses_his_own_first(seat, newcomer):
    desk = seat(newcomer)
    assert desk.get(ANY_PAGE)["Location"] == reverse("accounts:password")
    assert desk.get(ANY_PAGE, headers={"HX-Request": "true"})["HX-Redirect"] == reverse("accounts:password")
    assert desk.get(ANY_PAGE, headers={"Accept": "application/json"}).json()["code"] == "first_password"
    typed = {"old": PASSWORD, "new": "san-shan-wu-yue", "again": "san-shan-wu-yue"}
    assert desk.post(reverse("accounts:password"), typed).status_code == 302
    assert desk.get(ANY_PAGE).status_code == 200


def test_the_public_pages_ask_for_no_first_password(seat, newcomer):
    assert seat(newcomer).get(reverse("health")).status_code == 200


# --- Log-out everywhere ---


def test_log_out_everywhere_ends_the_sessions_on_all_devices(seat, operator):
    desk, phone = seat(operator), seat(operator)
    assert phone.get(ANY_PAGE).status_code == 200
    desk.post(reverse("accounts:logout_everywhere"))
    assert phone.get(ANY_PAGE)["Location"].startswith(reverse("accounts:login"))


def test_whoever_is_no_longer_active_is_out_at_once(seat, operator):
    desk = seat(operator)
    actions.change_person(operator, by=None, at=AT, is_active=False)
    assert desk.get(ANY_PAGE)["Location"].startswith(reverse("accounts:login"))


# --- Language ---


def language_of(client, page=ANY_PAGE) -> str:
    return client.get(page)["Content-Language"]


def test_chinese_is_spoken_whatever_the_browser_wishes(seat, operator):
    assert language_of(Client(headers={"Accept-Language": "en-GB,en"}), reverse("accounts:login")) == "zh-hans"
    desk = seat(operator)
    assert desk.get(ANY_PAGE, headers={"Accept-Language": "fr"})["Content-Language"] == "zh-hans"


def test_a_visitor_chooses_for_his_browser():
    visitor = Client()
    response = visitor.post(reverse("set_language"), {"language": "en", "next": "/accounts/login/"})
    assert response["Location"] == "/accounts/login/"
    assert language_of(visitor, reverse("accounts:login")) == "en"


def test_a_person_chooses_for_all_his_devices(seat, operator):
    seat(operator).post(reverse("set_language"), {"language": "en"})
    assert language_of(seat(operator)) == "en"


def test_a_persons_language_comes_before_the_browsers(seat, operator):
    desk = seat(operator)
    desk.post(reverse("set_language"), {"language": "en"})
    desk.cookies[installation.LANGUAGE_COOKIE_NAME] = "zh-hans"
    assert language_of(desk) == "en"


def test_a_language_nobody_speaks_here_changes_nothing(seat, operator):
    desk = seat(operator)
    desk.post(reverse("set_language"), {"language": "tlh"})
    assert language_of(desk) == "zh-hans"
