"""A shift is handed over: what is open stands on a sheet, the next one takes it over, and both have signed."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Appointment, HandOver
from accounts.roles import Role
from cases.models import Case
from cases.workflow import Stage
from tests.county import LONG_AGO, PEOPLE, County

pytestmark = pytest.mark.django_db

HAND_OVER = {"duty_leader", "dispatcher", "commander"}
FACTS = {"shift": "", "notes": "和平路井盖已围挡，等候更换"}


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.mark.parametrize("who", PEOPLE)
def test_duty_leaders_and_the_command_desk_hand_over_nobody_else(seat, county, who):
    browser = seat(getattr(county, who))
    assert browser.get("/hand-over/").status_code == (200 if who in HAND_OVER else 403)
    assert browser.post("/hand-over/", FACTS).status_code == (302 if who in HAND_OVER else 403)
    assert HandOver.objects.count() == (who in HAND_OVER)


def test_a_shift_is_handed_over_and_taken_over(seat, county):
    late = county.case_at(Stage.PENDING_DISPATCH, at=timezone.now() - timedelta(hours=3))
    Case.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(hours=1), clock_paused=False)
    giver, taker = seat(county.dispatcher), seat(county.commander)
    assert late.number in giver.get("/hand-over/").content.decode()
    giver.post("/hand-over/", FACTS)
    sheet = HandOver.objects.get()
    assert sheet.figures["counts"]["pressing"] == 1
    assert "call_backs" not in sheet.figures["counts"]
    address = f"/hand-over/{sheet.public_id}/"
    # Nobody takes over from himself, and the other desk neither sees nor takes it.
    giver.post(address)
    assert address not in giver.get("/notices/line/").content.decode()
    assert seat(county.duty_leader).get(address).status_code == 404
    assert seat(county.duty_leader).post(address).status_code == 404
    sheet.refresh_from_db()
    assert sheet.taken_at is None
    assert address in taker.get("/notices/line/").content.decode()
    # What was signed stays, whatever becomes of the case.
    Case.objects.filter(pk=late.pk).update(due_at=timezone.now() + timedelta(days=1))
    page = taker.get(address).content.decode()
    assert late.number in page
    assert FACTS["notes"] in page
    taker.post(address)
    sheet.refresh_from_db()
    assert sheet.taken_by == county.commander
    assert address not in taker.get("/notices/line/").content.decode()
    assert late.number not in taker.get("/hand-over/").content.decode()


def test_only_one_waits_at_a_desk(seat, county):
    seat(county.dispatcher).post("/hand-over/", FACTS)
    assert seat(county.commander).post("/hand-over/", FACTS).status_code == 422
    assert seat(county.duty_leader).post("/hand-over/", FACTS).status_code == 302


def test_the_one_who_took_it_over_keeps_it(seat, county):
    seat(county.dispatcher).post("/hand-over/", FACTS)
    sheet, third = HandOver.objects.get(), county.handler
    Appointment.objects.filter(user=third).delete()
    Appointment.objects.create(
        user=third, role=Role.DISPATCHER, department=county.departments["command"], valid_from=LONG_AGO
    )
    seat(county.commander).post(f"/hand-over/{sheet.public_id}/")
    seat(third).post(f"/hand-over/{sheet.public_id}/")
    sheet.refresh_from_db()
    assert sheet.taken_by == county.commander


def test_the_pages_ask_little(seat, county):
    for hours in range(3):
        county.case_at(Stage.PENDING_FILING, source="web", at=timezone.now() - timedelta(hours=hours + 1))
    browser = seat(county.duty_leader)
    browser.post("/hand-over/", FACTS)
    for address in ("/hand-over/", f"/hand-over/{HandOver.objects.get().public_id}/"):
        browser.get(address)
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(address).status_code == 200
        assert len(asked) <= 12
