"""Whoever guesses passwords or secret addresses is stopped, however he spells himself and wherever he says he is."""

import pytest
from axes.models import AccessAttempt
from django.test import Client

from accounts.roles import Role
from hotline.actions import new_token
from office import settings as office_settings
from tests.county import MONDAY
from tests.factories import LONG_AGO, PASSWORD, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def five_wrong_links(db):
    office_settings.set_value("hotline.wrong_links_per_hour", 5, by=None, at=MONDAY, valid_from=LONG_AGO)


def guess(**environment) -> int:
    return Client(**environment).get(f"/citizen/follow/{new_token()}/").status_code


def test_capitals_and_blanks_in_a_user_name_are_no_new_name_to_guess_at(settings):
    settings.AXES_ENABLED = True
    user = person(Role.DISPATCHER, username="zhibanzhang")
    spelled = ["zhibanzhang", "Zhibanzhang", "ZHIBANZHANG", " zhibanZhang", "zhibanzhanG ", "ｚhibanzhang"]
    statuses = [Client().post("/accounts/login/", {"username": s, "password": "wrong"}).status_code for s in spelled]
    assert statuses[-1] == 429
    right = {"username": user.username, "password": PASSWORD}
    assert Client().post("/accounts/login/", right).status_code == 429


@pytest.mark.parametrize("header", ["HTTP_X_REAL_IP", "HTTP_X_FORWARDED_FOR"])
def test_an_address_that_a_visitor_names_himself_does_not_count(five_wrong_links, header):
    statuses = [guess(REMOTE_ADDR="203.0.113.5", **{header: f"198.51.100.{n}"}) for n in range(6)]
    assert statuses == [404] * 5 + [429]


def test_one_connection_has_many_addresses_of_the_new_kind_and_is_one_visitor(five_wrong_links):
    assert [guess(REMOTE_ADDR=f"2001:db8:1:2::{n}") for n in range(6)] == [404] * 5 + [429]
    assert guess(REMOTE_ADDR="2001:db8:1:3::1") == 404


def test_whoever_found_an_open_desk_cannot_guess_its_password_for_ever(settings, seat):
    settings.AXES_ENABLED = True
    browser = seat(person(Role.DISPATCHER))
    said = {"old": "wrong", "new": "another-long-one-7", "again": "another-long-one-7"}
    statuses = [browser.post("/accounts/password/", said).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    written = AccessAttempt.objects.values_list("post_data", flat=True)
    assert written
    assert not any("another-long-one-7" in one or "=wrong" in one for one in written)
