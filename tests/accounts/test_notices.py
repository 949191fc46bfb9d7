"""Notices: who may publish what for whom, who is shown it, until he has read it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Notice, NoticeReading
from accounts.permissions import may_withdraw, notice_reach
from accounts.roles import ROLES, Role, Side
from tests.county import PEOPLE, County

pytestmark = pytest.mark.django_db

KEEPERS = {"administrator": set(Role), "duty_leader": Side.SUPERVISION, "commander": Side.COMMAND}


@pytest.fixture
def county() -> County:
    return County.build()


def notice(county: County, **facts) -> Notice:
    now = timezone.now()
    said = {
        "title": "周五演练",
        "valid_from": now - timedelta(hours=1),
        "made_by": county.administrator,
        "made_at": now,
    }
    return Notice.objects.create(**said | facts)


def facts(**said) -> dict:
    return {"title": "暴雨值守", "body": "请全员到岗", "valid_from": "2026-01-01T08:00", "valid_to": ""} | said


def line(browser) -> str:
    return browser.get("/notices/line/").content.decode()


@pytest.mark.parametrize("who", PEOPLE)
def test_each_role_addresses_those_it_may(county, who):
    reach = notice_reach(getattr(county, who), at=timezone.now())
    if who not in KEEPERS:
        assert reach is None
    else:
        allowed = KEEPERS[who]
        wanted = allowed if isinstance(allowed, set) else {role for role in Role if ROLES[role].side == allowed}
        assert set(reach[0]) == wanted
        assert (reach[1] is None) == (who == "administrator")


@pytest.mark.parametrize("who", PEOPLE)
def test_only_keepers_publish_and_take_back(seat, county, who):
    browser, kept = seat(getattr(county, who)), notice(county)
    assert browser.get("/notices/").status_code == 200
    assert browser.post("/notices/", facts()).status_code == (302 if who in KEEPERS else 403)
    assert Notice.objects.count() == (2 if who in KEEPERS else 1)
    assert browser.post(f"/notices/{kept.public_id}/withdraw/").status_code == (302 if who == "administrator" else 403)
    if who in KEEPERS:
        assert may_withdraw(getattr(county, who), Notice.objects.get(title="暴雨值守"), at=timezone.now())


def test_a_duty_leader_speaks_to_his_own_side_only(seat, county):
    browser = seat(county.duty_leader)
    assert browser.post("/notices/", facts(roles=["dispatcher"])).status_code == 422
    browser.post("/notices/", facts())
    assert "暴雨值守" in line(seat(county.operator))
    assert "暴雨值守" in line(seat(county.collector))
    assert "暴雨值守" not in line(seat(county.dispatcher))
    assert "暴雨值守" not in line(seat(county.sanitation))


def test_a_notice_stands_under_the_bar_until_it_is_read_over_or_taken_back(seat, county):
    kept, browser = notice(county), seat(county.dispatcher)
    assert kept.title in line(browser)
    assert (
        kept.title
        not in browser.post(f"/notices/{kept.public_id}/read/", headers={"HX-Request": "true"}).content.decode()
    )
    browser.post(f"/notices/{kept.public_id}/read/")
    assert NoticeReading.objects.filter(notice=kept, user=county.dispatcher).count() == 1
    assert kept.title in browser.get("/notices/").content.decode()
    other = seat(county.operator)
    assert kept.title in line(other)
    seat(county.administrator).post(f"/notices/{kept.public_id}/withdraw/")
    assert kept.title not in line(other)
    now = timezone.now()
    notice(county, title="已过期", valid_to=now - timedelta(minutes=1))
    notice(county, title="未生效", valid_from=now + timedelta(hours=1))
    assert not line(other).strip()


def test_a_department_hears_what_is_for_it_and_for_those_above(seat, county):
    kept = notice(county, department=county.sanitation_bureau)
    assert kept.title in line(seat(county.sanitation))
    assert kept.title in line(seat(county.handler))
    assert kept.title not in line(seat(county.water))
    assert seat(county.water).post(f"/notices/{kept.public_id}/read/").status_code == 403


def test_the_line_asks_little(seat, county):
    notice(county)
    browser = seat(county.duty_leader)
    line(browser)
    with CaptureQueriesContext(connection) as asked:
        line(browser)
    assert len(asked) <= 5


def test_a_notice_that_ends_before_it_begins_is_sent_back(seat, county):
    answer = seat(county.administrator).post("/notices/", facts(valid_to="2025-12-31T08:00"))
    assert answer.status_code == 422
