"""The way into the practice area: once, within a minute, unchanged, and only in a role that is held."""

import os
import subprocess
import sys

import pytest
import time_machine
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from practice import actions
from practice.models import Entry
from practice.tickets import Ticket, TicketNotValid, make_ticket, read_ticket
from tests.county import County

pytestmark = pytest.mark.django_db
REAL = {"PRACTICE_URL": "https://practice.example.org"}
THERE = {"PRACTICE_OF": "https://city.example.org", "LOGIN_URL": "practice:door"}


@pytest.fixture
def sun_li() -> User:
    return County.build().operator


def ticket_of(user, role: str = "acceptance_operator") -> str:
    return make_ticket(user, role=role, language="zh-hans")


def test_a_ticket_says_who_comes_in_which_role(sun_li):
    read = read_ticket(ticket_of(sun_li))
    assert (read.staff_number, read.name_zh, read.role) == (sun_li.staff_number, "孙丽", "acceptance_operator")


def test_a_ticket_is_good_for_a_minute(sun_li):
    with time_machine.travel("2026-11-18 09:00:00+08:00", tick=False) as clock:
        ticket = ticket_of(sun_li)
        clock.shift(59)
        assert read_ticket(ticket)
        clock.shift(3)
        with pytest.raises(TicketNotValid):
            read_ticket(ticket)


@pytest.mark.parametrize(
    "forged", [lambda t: t[:-1] + ("a" if t[-1] != "a" else "b"), lambda t: "x" + t, lambda t: "", lambda t: "a:b:c"]
)
def test_a_forged_ticket_is_refused(sun_li, forged):
    with pytest.raises(TicketNotValid):
        read_ticket(forged(ticket_of(sun_li)))


def test_a_ticket_of_another_city_is_refused(sun_li):
    with override_settings(PRACTICE_KEY="of somebody else"):
        ticket = ticket_of(sun_li)
    with pytest.raises(TicketNotValid):
        read_ticket(ticket)


def started(database: str, **extra: str) -> subprocess.CompletedProcess:
    """What a process of its own makes of these settings: keys and names, or why it does not start."""
    names = ("SECRET_KEY", "PRACTICE_KEY", "SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "LIVE_STREAM")
    said = f"from django.conf import settings as s; print(*(getattr(s, name) for name in {names}), len(s.GATEWAYS))"
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("PYTEST_VERSION", "CITY_DB_ROLE")},
        "SECRET_KEY": "k" * 48, "DATABASE_URL": f"postgresql:///{database}", "DATABASE_OWNER_URL": "",
        "REDIS_URL": "unix:///none", "DJANGO_SETTINGS_MODULE": "citymgmt.settings", **extra,
    }  # fmt: skip
    return subprocess.run([sys.executable, "-c", said], env=environment, capture_output=True, text=True, check=False)


def test_what_the_practice_area_signs_is_worth_nothing_on_the_real_site(tmp_path):
    """Both processes have one SECRET_KEY in their environment; only the tickets' key is the same afterwards."""
    gateways = tmp_path / "gateways.json"
    gateways.write_text('{"sms": {"kind": "file", "folder": "/tmp"}}')
    real = started("citymgmt", GATEWAYS_FILE=str(gateways)).stdout.split()
    practice = started("citymgmt_practice", PRACTICE_OF="https://x.example", GATEWAYS_FILE=str(gateways)).stdout.split()
    assert len(real) == len(practice) == 6
    assert [one == other for one, other in zip(real, practice, strict=True)] == [False, True, *[False] * 4]
    assert practice[-1] == "0", "nothing leaves the house from there"


@pytest.mark.parametrize(("database", "practice_of"), [("citymgmt", "https://x.example"), ("citymgmt_practice", "")])
def test_neither_site_starts_on_the_other_ones_database(database, practice_of):
    run = started(database, PRACTICE_OF=practice_of)
    assert run.returncode
    assert "_practice" in run.stderr


# --- The door of the real site ---


def test_the_real_site_sends_over_in_a_role_that_is_held(seat, sun_li):
    with override_settings(**REAL):
        answer = seat(sun_li).get(reverse("practice:go"))
    assert answer.status_code == 302
    assert answer["Location"].startswith("https://practice.example.org/practice/door/?ticket=")


def test_going_over_leaves_nothing_behind_on_the_real_site(seat, sun_li):
    browser = seat(sun_li)
    with override_settings(**REAL):
        before = rows_of_all_tables()
        browser.get(reverse("practice:go"))
    assert rows_of_all_tables() == before


def rows_of_all_tables() -> dict[str, int]:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}', count(*) FROM \"{table}\"" for table in tables))
        return dict(cursor.fetchall())


def test_a_role_that_is_not_held_is_refused(seat, sun_li):
    with override_settings(**REAL):
        assert seat(sun_li).get(reverse("practice:go"), {"role": "dispatcher"}).status_code == 403


def test_a_role_without_lessons_reads_so(seat, sun_li):
    leader = User.objects.get(username="shen_hai")
    with override_settings(**REAL):
        answer = seat(leader).get(reverse("practice:go"))
    assert answer.status_code == 409
    assert "没有练习" in answer.content.decode()


def test_without_an_address_there_is_no_practice_area(seat, sun_li):
    assert seat(sun_li).get(reverse("practice:go")).status_code == 404
    assert "practice/go" not in seat(sun_li).get(reverse("guide")).content.decode()


def test_the_guide_leads_there(seat, sun_li):
    with override_settings(**REAL):
        assert "/practice/go/?role=acceptance_operator" in seat(sun_li).get(reverse("guide")).content.decode()


def test_the_pages_of_the_practice_area_are_not_on_the_real_site(seat, sun_li):
    page = seat(sun_li)
    for name in ("practice:lessons", "practice:door", "practice:line"):
        assert page.get(reverse(name)).status_code == 404
    assert page.post(reverse("practice:begin", args=["phone"])).status_code == 404
    with pytest.raises(actions.NotThePracticeArea):
        actions.come_in(read_ticket(ticket_of(sun_li)), at=timezone.now())


# --- The door of the practice area ---


def test_without_a_ticket_the_door_says_how_to_come_in():
    with override_settings(**THERE):
        answer = Client().get(reverse("practice:door"))
    assert answer.status_code == 200
    assert "https://city.example.org/" in answer.content.decode()


def test_nobody_logs_in_with_a_password_there():
    with override_settings(**THERE):
        assert Client().get(reverse("accounts:login"))["Location"] == reverse("practice:door")


def test_a_broken_ticket_is_answered_in_words():
    with override_settings(**THERE):
        answer = Client().get(reverse("practice:door"), {"ticket": "nonsense"})
    assert answer.status_code == 403
    assert "一分钟" in answer.content.decode()


def test_before_the_county_is_built_nobody_comes_in():
    ticket = Ticket("S1", "林晓", "", "zh-hans", "dispatcher", "n")
    with override_settings(**THERE), pytest.raises(actions.NotBuilt):
        actions.come_in(ticket, at=timezone.now())
    assert not Entry.objects.exists()


def test_a_role_without_lessons_does_not_come_in():
    ticket = Ticket("S1", "林晓", "", "zh-hans", "leader", "n")
    with override_settings(**THERE), pytest.raises(actions.NoLessons):
        actions.come_in(ticket, at=timezone.now())
