"""Refusals and failures in words, the state of the house, tickets, the rights of the application's role."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as installation
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import translation
from django_htmx.middleware import HtmxDetails
from redis.exceptions import RedisError

from accounts.models import User
from accounts.roles import Role
from citymgmt.errors import Refusal
from citymgmt.live_publish import read_ticket
from citymgmt.management.commands import grant_app_role
from citymgmt.middleware import RefusalMiddleware
from citymgmt.refusals import GENERAL, SENTENCES, sentence
from citymgmt.wording import shown, worded
from office import health
from tests.factories import person

AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


class NoSuchThing(Refusal):
    code = "no_such_code"


class TooMany(Refusal):
    code = "too_many_files"


# --- Refusals in words ---


@pytest.mark.parametrize("code", SENTENCES)
def test_every_sentence_can_be_said_even_when_a_fact_is_missing(code):
    assert "%(" not in worded(SENTENCES[code], {})


def test_a_refusal_nobody_has_words_for_is_still_answered_calmly():
    assert sentence(NoSuchThing()) == GENERAL


def test_the_facts_stand_in_the_sentence():
    with translation.override("en"):
        assert sentence(TooMany(number=12, limit=9)).startswith("12 files are too many: at most 9 at a time.")


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (AT, "2026-03-02 09:30"),
        (AT.date(), "2026-03-02"),
        (12345, "12345"),
        (["春秋路", "梅河路"], "春秋路, 梅河路"),
        ("春秋路", "春秋路"),
        ("", "—"),
        (None, "—"),
    ],
)
def test_facts_are_worded_for_a_reader(fact, words):
    with translation.override("en"):
        assert shown(fact) == words


def refused(refusal, *, htmx=False, **headers) -> HttpResponse:
    request = RequestFactory(headers={"HX-Request": "true"} if htmx else {}).get("/desk/", headers=headers)
    request.htmx = HtmxDetails(request)
    return RefusalMiddleware(lambda request: None).process_exception(request, refusal)


def test_a_refusal_becomes_a_page_a_fragment_or_a_problem():
    refusal = TooMany(number=12, limit=9)
    page, fragment = refused(refusal), refused(refusal, htmx=True)
    problem = refused(refusal, Accept="application/json")
    assert page.status_code == fragment.status_code == problem.status_code == 409
    assert "<html" in page.content.decode()
    assert "<html" not in fragment.content.decode()
    assert problem["Content-Type"] == "application/problem+json"


def test_other_mistakes_are_not_swallowed():
    assert RefusalMiddleware(lambda request: None).process_exception(RequestFactory().get("/"), KeyError("x")) is None


# --- Pages for what failed ---


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("page", "status"), [("/maintenance/settings/", 403), ("/there/is/nothing/", 404), ("/messages/not-a-number/", 404)]
)
def test_a_page_that_is_not_there_or_not_yours_says_so(seat, page, status):
    browser = seat(person(Role.COLLECTOR))
    assert browser.get(page).status_code == status
    assert "<html" not in browser.get(page, headers={"HX-Request": "true"}).content.decode()
    problem = browser.get(page, headers={"Accept": "application/json"})
    assert (problem.status_code, problem.json()["status"]) == (status, status)


# --- The state of the house ---


class Silent:
    @classmethod
    def from_url(cls, *args, **kwargs):
        raise RedisError("silent")


@pytest.fixture
def redis_answers(monkeypatch):
    class Redis:
        def __enter__(self):
            return self

        def __exit__(self, *args):
            pass

        def ping(self):
            return True

    monkeypatch.setattr(health, "Redis", type("R", (), {"from_url": staticmethod(lambda *a, **k: Redis())}))


@pytest.mark.django_db
def test_all_is_well(redis_answers):
    health.beat(at=AT)
    assert {check.name: check.ok for check in health.checks(at=AT)} == {
        "database": True,
        "redis": True,
        "worker": True,
        "disk": True,
        "history": True,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(("silence", "ok"), [(timedelta(seconds=119), True), (timedelta(minutes=5), False)])
def test_a_worker_that_is_silent_for_two_minutes_is_missed(redis_answers, silence, ok):
    health.beat(at=AT)
    checks = {check.name: check for check in health.checks(at=AT + silence)}
    assert checks["worker"].ok is ok


@pytest.mark.django_db
def test_a_silent_redis_is_said_and_breaks_nothing(monkeypatch):
    monkeypatch.setattr(health, "Redis", Silent)
    response = Client().get("/health/?format=json")
    assert response.status_code == 200
    assert response.json()["ok"] is False
    assert response.json()["checks"]["redis"] is False


@pytest.mark.django_db
def test_without_the_database_the_house_is_closed(monkeypatch, redis_answers):
    def silent():
        raise DatabaseError

    monkeypatch.setattr(connection, "cursor", silent)
    response = Client().get("/health/")
    assert response.status_code == 503
    assert "database: FAILED" in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "warned"), [(Role.ADMINISTRATOR, True), (Role.DISPATCHER, False)])
def test_only_the_administrator_is_warned_of_trouble(seat, monkeypatch, role, warned):
    monkeypatch.setattr(health, "Redis", Silent)
    context = seat(person(role)).get("/messages/").context
    assert bool([check.name for check in context["troubles"]]) is warned


@pytest.mark.django_db
def test_trouble_is_looked_for_once_in_a_while_not_on_every_page(seat, monkeypatch):
    asked = []
    monkeypatch.setattr(health, "checks", lambda *, at: asked.append(at) or [])
    browser = seat(person(Role.ADMINISTRATOR))
    for _ in range(5):
        assert list(browser.get("/messages/").context["troubles"]) == []
    assert len(asked) == 1


# --- The technical pages ---


@pytest.mark.django_db
def test_the_technical_pages_are_for_the_technical_people_and_have_no_door_of_their_own(seat):
    assert Client().get("/admin/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert seat(person(Role.ADMINISTRATOR)).get("/admin/", follow=True).status_code == 403
    technician = seat(person(Role.ADMINISTRATOR, is_staff=True, is_superuser=True))
    assert technician.get("/admin/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("model", ["office/readlog", "office/message", "office/setting", "office/storedfile"])
def test_what_the_office_keeps_is_looked_at_and_not_changed(seat, model):
    technician = seat(person(Role.ADMINISTRATOR, is_staff=True, is_superuser=True))
    assert technician.get(f"/admin/{model}/").status_code == 200
    assert technician.get(f"/admin/{model}/add/").status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("model", ["department", "user", "appointment", "duty"])
def test_people_are_looked_at_here_and_changed_on_their_pages(seat, model):
    technician = seat(person(Role.ADMINISTRATOR, is_staff=True, is_superuser=True))
    assert technician.get(f"/admin/accounts/{model}/").status_code == 200
    assert technician.get(f"/admin/accounts/{model}/add/").status_code == 403
    user = User.objects.get()
    assert user.password not in technician.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()


# --- Tickets ---


@pytest.mark.django_db
def test_a_ticket_holds_what_this_person_may_hear(seat):
    operator = person(Role.DISPATCHER)
    department = operator.appointments.get().department_id
    user_id, topics, _made_at = read_ticket(seat(operator).get(reverse("live_ticket")).json()["ticket"])
    assert user_id == operator.pk
    assert topics == {f"user:{operator.pk}", f"centre:{department}"}


# --- The database's own rights ---


def rights(role: str, table: str) -> set[str]:
    wanted = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wanted FROM unnest(%s) AS wanted WHERE has_table_privilege(%s, %s, wanted)",
            [list(wanted), role, table],
        )
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db
def test_the_application_may_add_to_history_and_never_rewrite_it():
    role = grant_app_role.role_of(installation.DATABASE_URL)
    if role == grant_app_role.role_of(installation.DATABASE_OWNER_URL):
        pytest.skip("this database knows one role only")
    grant_app_role.Command().handle()
    grant_app_role.Command().handle()
    tables = set(connection.introspection.table_names())
    history = tables & set(grant_app_role.APPEND_ONLY)
    assert {"cases_caseevent", "cases_clockentry", "office_readlog"} <= history
    ours = {table for table in tables if table.split("_")[0] in {"office", "accounts", "cases", "django"}}
    assert {frozenset(rights(role, table)) for table in history} == {frozenset({"SELECT", "INSERT"})}
    assert {frozenset(rights(role, table)) for table in ours - history} == {
        frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
    }


def test_one_role_for_everything_needs_no_grant(settings, capsys):
    settings.DATABASE_OWNER_URL = settings.DATABASE_URL
    grant_app_role.Command().handle()
    assert "no role to grant to" in capsys.readouterr().out


def test_the_heartbeat_is_a_task_in_the_schedule():
    from citymgmt.celery import SCHEDULE, app

    assert SCHEDULE["heartbeat"][0] == "office.tasks.heartbeat"
    cache.delete(health.HEARTBEAT_KEY)
    app.loader.import_default_modules()
    app.tasks["office.tasks.heartbeat"]()
    assert cache.get(health.HEARTBEAT_KEY)


def test_the_clock_of_the_worker_names_only_tasks_that_exist():
    from citymgmt.celery import SCHEDULE, app

    app.loader.import_default_modules()
    assert {task for task, _when in SCHEDULE.values()} <= set(app.tasks)


def test_pages_are_spoken_in_the_languages_of_the_installation():
    assert [code for code, _name in installation.LANGUAGES] == ["zh-hans", "en"]
