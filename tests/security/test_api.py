"""The API asks who is there, opens what the pages open and no more, and says no in one form in both languages."""

import json
from datetime import timedelta
from logging.config import DictConfigurator
from uuid import uuid4

import pytest
from django.conf import settings as installation
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import actions
from accounts.middleware import SEEN_COOKIE
from accounts.models import ApiToken, Appointment, User
from cases import api
from cases.workflow import Stage
from hotline import actions as hotline
from office import settings as office_settings
from office.models import KeptAnswer, ReadLog
from tests.county import PEOPLE, County
from tests.factories import LONG_AGO
from tests.test_architecture import all_patterns

pytestmark = pytest.mark.django_db
JSON = "application/json"
PROBLEM = "application/problem+json"
EVERYBODY = set(PEOPLE)
ONE_OF_EACH_ROLE = {role: who for who, (_username, _name, role, _place) in reversed(PEOPLE.items())}.values()
COLLECTORS = {"collector", "other_collector", "third_collector"}
SUPERVISION = {"operator", "duty_leader"}
COMMAND = {"dispatcher", "commander"}
DEPARTMENTS = {"sanitation", "handler", "water", "street"}
RANKED = {"evaluator", "leader", "duty_leader", "commander", "dispatcher", "sanitation", "water", "street"}


@pytest.fixture
def county() -> County:
    return County.build()


# Whom each list opens for; everybody else reads 403.
LISTS = {
    "me/": EVERYBODY,
    "messages/": EVERYBODY,
    "cases/": EVERYBODY,
    "queues/": SUPERVISION | {"inspector", "evaluator", "leader"},
    "dispatch/queues/": COMMAND,
    "dispatch/cases/": COMMAND,
    "department/queues/": DEPARTMENTS,
    "department/stints/": DEPARTMENTS,
    "tasks/": COLLECTORS,
    "field/reports/": COLLECTORS,
    "field/near/": COLLECTORS,
    "calls/": SUPERVISION,
    "calls/near/": SUPERVISION,
    "visits/": SUPERVISION,
    "visits/owed/": SUPERVISION,
    "patrols/": {"duty_leader", "administrator", "leader", "commander"},
    "departments/": EVERYBODY - COLLECTORS - {"handler"},
    "people/": {"administrator", "leader", "duty_leader", "commander"},
    "classes/": EVERYBODY,
    "components/": EVERYBODY,
    "areas/": EVERYBODY,
    "duty-grids/": EVERYBODY,
    "roads/": EVERYBODY,
    "locate/?lon=117.0003&lat=31.0003": EVERYBODY,
    "rankings/": RANKED,
    "rankings/figures/": {"evaluator", "leader"},
}


@pytest.mark.parametrize("who", ONE_OF_EACH_ROLE)
def test_whom_each_list_opens_for(county, program, who):
    robot = program(getattr(county, who))
    opened = {address: robot.get(f"/api/v1/{address}").status_code for address in LISTS}
    assert opened == {address: 200 if who in readers else 403 for address, readers in LISTS.items()}


# What may be done beside the steps of the table, on a case of the hotline that has ended; 422: the door is open, and
# what is sent is not enough.
WRITES = {
    "cases/": (SUPERVISION | {"inspector"}, 422),
    "calls/": (SUPERVISION, 422),
    "field/reports/": (COLLECTORS, 422),
    "patrols/": ({"duty_leader", "administrator"}, 422),
    "rankings/freeze/": ({"evaluator"}, 422),
    "files/": (EVERYBODY, 422),
    "messages/read/": (EVERYBODY, 200),
}


@pytest.mark.parametrize("who", ONE_OF_EACH_ROLE)
def test_who_may_write_where(county, program, who):
    robot = program(getattr(county, who))
    for address, (writers, status) in WRITES.items():
        sent = {} if address == "files/" else {"content_type": JSON}
        answer = robot.post(f"/api/v1/{address}", {}, **sent)
        assert answer.status_code == (status if who in writers else 403), (address, answer.content.decode())


def test_every_address_is_closed_to_strangers():
    """Not one answers whoever brings neither a session nor a token; no other is left out of this."""
    known, stranger = 0, Client()
    for name, pattern in all_patterns():
        if not hasattr(pattern.callback, "cls") or name.startswith("admin:"):
            continue
        asked = {argument: str(uuid4()) for argument in pattern.pattern.converters}
        asked |= {name: value for name, value in (("variant", "view"), ("kind", "check")) if name in asked}
        address = reverse(name, kwargs=asked)
        method = "post" if hasattr(pattern.callback.cls, "post") else "get"
        answer = getattr(stranger, method)(address)
        assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM), (method, address)
        known += 1
    assert known > 70


# — tokens ———————————————————————————————————————————————————————————————————————————————————————————


def test_a_token_opens_what_its_person_may_see_at_that_moment(county, program):
    county.report(at=timezone.now())
    robot = program(county.operator)
    assert len(robot.get("/api/v1/cases/").json()["results"]) == 1
    Appointment.objects.filter(user=county.operator).update(valid_to=timezone.localdate())
    assert robot.get("/api/v1/cases/").json()["results"] == []
    assert robot.get("/api/v1/queues/").status_code == 403


def end_by_revoking(user, at):
    actions.revoke_token(ApiToken.objects.get(user=user), by=user, at=at)


def end_by_age(user, at):
    ApiToken.objects.filter(user=user).update(created_at=at - timedelta(days=9), expires_at=at)


def end_by_leaving(user, at):
    User.objects.filter(pk=user.pk).update(is_active=False)


def end_by_logging_out_everywhere(user, at):
    actions.log_out_everywhere(user, by=user, at=at)


@pytest.mark.parametrize(
    "end", [end_by_revoking, end_by_age, end_by_leaving, end_by_logging_out_everywhere], ids=lambda end: end.__name__
)
def test_a_token_that_ended_opens_nothing(county, program, end):
    robot = program(county.operator)
    assert robot.get("/api/v1/me/").status_code == 200
    end(county.operator, timezone.now())
    answer = robot.get("/api/v1/me/")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")


def test_whoever_guesses_tokens_is_stopped_and_others_behind_the_address_work_on(county, program):
    guess = Client(headers={"authorization": f"Bearer city_{'x' * 43}"})
    statuses = [guess.get("/api/v1/me/").status_code for _ in range(installation.AXES_FAILURE_LIMIT + 1)]
    assert statuses == [401] * installation.AXES_FAILURE_LIMIT + [429]
    assert program(county.operator).get("/api/v1/me/").status_code == 200


def test_a_token_is_kept_as_a_hash_and_stands_in_no_log(county, seat, caplog):
    page = seat(county.operator).post("/accounts/tokens/", {"purpose": "看板", "days": "30"})
    secret = page.context["new_token"]
    assert secret in page.content.decode()
    assert secret not in seat(county.operator).get("/accounts/profile/").content.decode()
    token = ApiToken.objects.get()
    assert secret not in json.dumps([str(value) for value in vars(token).values()])
    Client(headers={"authorization": f"Bearer {secret}"}).get(f"/api/v1/nothing/{secret}/")
    line = DictConfigurator({}).configure_formatter(dict(installation.LOGGING["formatters"]["line"]))
    assert caplog.records
    assert not [record for record in caplog.records if secret in line.format(record)]


@pytest.mark.parametrize("keeper", ["operator", "dispatcher"])
def test_only_whoever_keeps_accounts_ends_somebody_elses_token(county, seat, program, keeper):
    program(county.sanitation)
    token = ApiToken.objects.get()
    address = f"/accounts/tokens/{token.public_id}/revoke/"
    assert seat(getattr(county, keeper)).post(address).status_code == 403
    assert seat(county.administrator).post(address).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_a_token_lives_no_longer_than_the_city_allows(county, seat):
    office_settings.set_value("accounts.token_days", 10, by=None, at=timezone.now(), valid_from=LONG_AGO)
    seat(county.operator).post("/accounts/tokens/", {"purpose": "看板", "days": "11"})
    assert not ApiToken.objects.exists()


# — sessions —————————————————————————————————————————————————————————————————————————————————————————


def test_a_page_writes_only_with_its_own_mark(county, seat):
    browser = seat(county.operator)
    browser.handler.enforce_csrf_checks = True
    answer = browser.post("/api/v1/messages/read/")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    mark = "a" * 32
    browser.cookies[installation.CSRF_COOKIE_NAME] = mark
    assert browser.post("/api/v1/messages/read/", headers={"X-CSRFToken": mark}).status_code == 200


def test_a_desk_left_alone_is_locked_for_programs_of_the_page_too(county, seat):
    browser = seat(county.operator)
    del browser.cookies[SEEN_COOKIE]
    answer = browser.get("/api/v1/me/")
    assert (answer.status_code, answer.json()["code"]) == (401, "locked")


@pytest.mark.parametrize("door", ["seat", "program"])
def test_a_first_password_is_changed_before_anything_else(county, seat, program, door):
    client = {"seat": seat, "program": program}[door](county.operator)
    User.objects.filter(pk=county.operator.pk).update(must_change_password=True)
    answer = client.get("/api/v1/me/")
    assert (answer.status_code, answer.json()["code"]) == (403, "first_password")


# — how often ————————————————————————————————————————————————————————————————————————————————————————


def test_one_person_asks_so_often_and_no_more(county, program):
    office_settings.set_value("office.api_requests_a_minute", 10, by=None, at=timezone.now(), valid_from=LONG_AGO)
    robot, other = program(county.operator), program(county.duty_leader)
    statuses = {robot.get("/api/v1/me/").status_code for _ in range(22)}  # at least one whole minute's worth
    assert statuses == {200, 429}
    answer = robot.get("/api/v1/me/")
    assert int(answer["Retry-After"]) <= 61
    assert other.get("/api/v1/me/").status_code == 200


# — whoever reported —————————————————————————————————————————————————————————————————————————————————


def test_who_called_is_opened_by_the_desk_alone_noted_and_kept_nowhere(county, program):
    call = hotline.register_call(
        by=county.operator, at=timezone.now(), kind="complaint", minor_class=county.litter, point=county.point,
        description="垃圾堆放", name="林小姐", phone="13800000000",
    )  # fmt: skip
    address = f"/api/v1/cases/{call.case.public_id}/reporter/"
    key = {"Idempotency-Key": "look"}
    for who in EVERYBODY - SUPERVISION:
        answer = program(getattr(county, who)).post(address, {"why": "handling"}, content_type=JSON)
        assert answer.status_code in (403, 404), who
    robot = program(county.operator)
    assert robot.post(address, {}, content_type=JSON).status_code == 422
    assert robot.post(address, {"why": "handling"}, content_type=JSON, headers=key).json()[0]["phone"] == "13800000000"
    assert ReadLog.objects.filter(reader=county.operator).count() == 1
    assert not KeptAnswer.objects.exists()


# — one form of error in two languages ———————————————————————————————————————————————————————————————


def ask(robot: Client, county: County, status: int, **headers):
    """Return an answer of this status."""
    case = county.report(at=timezone.now())
    refuse = f"/api/v1/cases/{case.public_id}/refuse/"
    huge = "x" * (installation.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    return {
        400: lambda: robot.post(refuse, "{", content_type=JSON, headers=headers),
        401: lambda: Client().get("/api/v1/me/", headers=headers),
        403: lambda: robot.get("/api/v1/tasks/", headers=headers),
        404: lambda: robot.get(f"/api/v1/cases/{uuid4()}/", headers=headers),
        405: lambda: robot.delete("/api/v1/cases/", headers=headers),
        406: lambda: robot.get("/api/v1/me/", headers={**headers, "Accept": "text/csv"}),
        409: lambda: robot.post(refuse.replace("refuse", "skip_verify"), {"reason": "x"}, content_type=JSON,
                                headers=headers),
        413: lambda: robot.post(refuse, json.dumps({"reason": huge}), content_type=JSON, headers=headers),
        415: lambda: robot.post(refuse, "reason=x", content_type="text/plain", headers=headers),
        422: lambda: robot.post(refuse, {}, content_type=JSON, headers=headers),
    }[status]()  # fmt: skip


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 409, 413, 415, 422])
def test_every_error_is_a_problem_in_the_language_that_is_asked_for(county, program, status):
    robot, said = program(county.operator), {}
    for language in ("en", "zh-CN"):
        answer = ask(robot, county, status, **{"Accept-Language": language})
        body = answer.json()
        assert (answer.status_code, body["status"], answer["Content-Type"]) == (status, status, PROBLEM)
        assert set(body) >= {"type", "title", "status", "code", "detail"}
        said[language] = (body["title"], body["detail"], str(body.get("errors")))
    assert all(ord(letter) < 0x2E80 for letter in "".join(said["en"]) if letter not in "“”—…")
    assert any(ord(letter) >= 0x4E00 for letter in said["zh-CN"][1])
    assert said["en"][:2] != said["zh-CN"][:2]


@pytest.mark.parametrize("address", ["/api/v1/nothing/", "/api/v1/cases/?q=%00", "/api/v1/cases/not-a-number/"])
def test_what_never_reaches_an_address_is_a_problem_as_well(county, program, address):
    answer = program(county.operator).get(address, headers={"Accept-Language": "en"})
    assert answer.status_code in (400, 404)
    assert answer["Content-Type"] == PROBLEM
    assert answer.json()["detail"].isascii()


def test_our_own_mistake_is_a_problem_and_tells_nothing(county, program, monkeypatch):
    monkeypatch.setattr(api, "filtered", lambda *args, **kwargs: 1 / 0)
    robot = program(county.operator)
    robot.raise_request_exception = False
    answer = robot.get("/api/v1/cases/?lang=en")
    assert (answer.status_code, answer.json()["code"], answer["Content-Type"]) == (500, "broken", PROBLEM)
    assert "division" not in answer.content.decode()


def test_a_refusal_brings_its_facts_and_its_sentence(county, program):
    case = county.case_at(Stage.CLOSED, at=timezone.now() - timedelta(hours=1))
    answer = program(county.duty_leader).post(
        f"/api/v1/cases/{case.public_id}/close/", {"met": True, "is_duplicate": False}, content_type=JSON
    )
    body = answer.json()
    assert (answer.status_code, body["code"], body["facts"]["number"]) == (409, "move_not_allowed", case.number)
    assert case.number in body["detail"]


@pytest.mark.parametrize("said", ['{"reason": "\\ud800"}', "[" * 100_000, '{"reason": NaN}', '["x"]', "null", ""])
def test_nonsense_for_json_is_refused_politely(county, program, said):
    case = county.report(at=timezone.now())
    answer = program(county.operator).post(f"/api/v1/cases/{case.public_id}/refuse/", said, content_type=JSON)
    assert answer.status_code in (400, 422)
