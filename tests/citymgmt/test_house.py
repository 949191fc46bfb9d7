"""The pages of maintenance that speak of all rooms: lists of words, queues, changes and log-ins."""

import json
from datetime import timedelta

import pytest
from axes.models import AccessLog
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from accounts import actions as accounts
from accounts.models import Appointment
from accounts.roles import Role
from cases.models import StageClock
from citymgmt import house
from components.models import MinorClass
from dispatch.models import ResponsibilityRule, RuleChange
from evaluation.models import EvalGroup
from office import health, settings
from office.models import Delivery
from tests.county import LONG_AGO, County

pytestmark = pytest.mark.django_db
PAGES = ("lists", "queues", "changes", "log_ins")


@pytest.fixture
def county():
    return County.build()


@pytest.fixture
def page(seat, county):
    return seat(county.administrator)


@pytest.mark.parametrize("name", PAGES)
def test_only_the_administrator_opens_it_and_it_asks_few_questions(seat, county, name):
    for who in (county.duty_leader, county.commander, county.sanitation, county.leader):
        assert seat(who).get(reverse(name)).status_code == 403
    page = seat(county.administrator)
    page.get(reverse(name))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert page.get(reverse(name)).status_code == 200
    assert len(asked) <= 12


# --- Lists of words ---


def test_each_list_says_how_many_entries_it_has_and_where_it_is_kept(page, county):
    answer = page.get(reverse("lists"))
    counts = {str(label): (address, count) for label, _hint, address, count in answer.context["own"]}
    assert counts["类别"] == (reverse("components:catalogue"), MinorClass.objects.count())
    assert counts["申请理由"][1] > 5
    for _label, _hint, address, _count in answer.context["own"]:
        assert page.get(address).status_code == 200, address
    assert "值班长" in answer.content.decode()


# --- Queues ---

NOW = timezone.now()


@pytest.fixture
def broker(settings):
    """A queue of our own in the real broker, empty before and after."""
    settings.INSTANCE = "tests-of-queues"
    redis = Redis.from_url(settings.REDIS_URL)
    redis.delete("tests-of-queues:celery", "tests-of-queues:unacked")
    yield redis
    redis.delete("tests-of-queues:celery", "tests-of-queues:unacked")


def sent(broker, *, at) -> None:
    """Let the clock have asked for a sign of life at this instant."""
    headers = {"task": "office.tasks.heartbeat", "expires": (at + timedelta(seconds=10)).isoformat()}
    broker.lpush("tests-of-queues:celery", json.dumps({"headers": headers}))


def state(label: str) -> house.State:
    [found] = [one for one in house._worker(NOW) if one.label == label]
    return found


def test_while_the_worker_beats_both_run(broker, county):
    health.beat(at=NOW - timedelta(seconds=20))
    assert state("定时进程（beat）").ok
    assert state("后台进程").ok


def test_tasks_that_nobody_takes_are_the_workers_trouble(broker, county):
    health.beat(at=NOW - timedelta(minutes=9))
    sent(broker, at=NOW - timedelta(seconds=5))
    assert state("定时进程（beat）").ok
    assert not state("后台进程").ok
    assert "重启后台进程" in state("后台进程").remedy


def test_nothing_asked_for_is_the_clocks_trouble(broker, county):
    cache.delete(health.HEARTBEAT_KEY)
    sent(broker, at=NOW - timedelta(minutes=30))
    assert state("定时进程（beat）").ok is False
    assert state("后台进程").ok is None


def test_a_clock_that_nobody_looked_at_is_red(page, county):
    county.case_at("pending_handle")
    StageClock.objects.filter(state="running").update(next_look_at=NOW)
    assert house._alarms(NOW).ok
    StageClock.objects.filter(state="running").update(next_look_at=NOW - timedelta(minutes=10))
    assert not house._alarms(NOW).ok
    assert "告警巡检" in page.get(reverse("queues")).content.decode()


def test_what_was_given_up_is_red_and_leads_to_its_page(page, county):
    Delivery.objects.create(
        channel="sms", address="13800000000", code="x", dedupe_key="x", state="dead", created_at=NOW, next_try_at=NOW
    )
    [trouble] = [one for one in page.get(reverse("queues")).context["states"] if one.label == "未发出的消息"]
    assert not trouble.ok
    assert trouble.address == reverse("accounts:deliveries")


# --- Changes ---


def told(page, **wanted) -> str:
    return page.get(reverse("changes"), wanted).content.decode().split("<tbody>")[-1]


def test_a_setting_an_appointment_and_an_account_say_who_changed_them(page, county):
    at = timezone.now()
    settings.set_value("cases.near_metres", 77, by=county.administrator, at=at, valid_from=LONG_AGO)
    accounts.change_person(county.operator, by=county.administrator, at=at, phone="13900000000")
    accounts.appoint(
        county.operator, by=county.administrator, at=at, role=Role.DUTY_LEADER,
        department=county.departments["supervision"], valid_from=timezone.localdate(at),
    )  # fmt: skip
    said = told(page)
    assert "cases.near_metres = 77" in said
    assert "任职：值班长，监督中心" in said
    assert "已修改：电话" in said
    assert county.administrator.name_zh in said
    assert reverse("accounts:person", args=[county.operator.public_id]) in said
    assert "任职" not in told(page, kind="setting")
    assert "cases.near_metres" not in told(page, q=county.dispatcher.name_zh)


def test_a_row_of_the_responsibility_table_says_who_wrote_and_who_ended_it(page, county):
    row = {"major_code": "01", "department": county.sanitation_bureau.pk, "valid_from": "2026-03-02", "priority": 0}
    answer = page.post(reverse("dispatch:responsibilities"), {**row, "kind": "event"})
    assert answer.status_code == 302, answer.context["form"].errors
    rule = ResponsibilityRule.objects.latest("pk")
    page.post(reverse("dispatch:end_responsibility", args=[rule.public_id]), {"on": "2026-04-01"})
    said = told(page, kind="log")
    assert said.count("环卫所") == 2
    assert "已新增" in said
    assert "于 2026-04-01 终止" in said


def test_a_rule_book_taken_in_stands_in_the_log(page, county):
    RuleChange.objects.create(
        by=county.administrator, sent_at=timezone.now(), source="规则簿.xlsx", valid_from="2026-12-01",
        taken_by=county.administrator, taken_at=timezone.now(),
    )  # fmt: skip
    assert "规则簿.xlsx · 2026-12-01" in told(page)


def test_what_the_system_does_by_itself_is_nobodys_change(county):
    before = LogEntry.objects.count()
    accounts.change_person(county.operator, by=None, at=timezone.now(), phone="13900000000")
    assert LogEntry.objects.count() == before


def test_nothing_changed_is_no_change(county):
    accounts.change_person(county.operator, by=county.administrator, at=timezone.now(), phone=county.operator.phone)
    assert LogEntry.objects.count() == 0


def test_ending_an_appointment_stands_in_the_log(page, county):
    held = Appointment.objects.get(user=county.operator)
    accounts.end_appointment(held, by=county.administrator, at=timezone.now(), on=timezone.localdate())
    assert "不再任职：受理员" in told(page)


def test_a_comparable_group_is_renamed_on_its_page_and_that_stands_in_the_log(page, county):
    EvalGroup.objects.create(code="bureaux", name_zh="专业部门")
    answer = page.post(reverse("evaluation:groups"), {"change": "bureaux", "name_zh": "专业部门一组", "sort": "10"})
    assert answer.status_code == 302
    assert EvalGroup.objects.get().name_zh == "专业部门一组"
    page.post(reverse("evaluation:groups"), {"code": "streets", "name_zh": "街道", "sort": "20"})
    assert EvalGroup.objects.count() == 2
    assert "专业部门一组" in told(page)


def test_a_group_without_a_name_is_not_kept(page, county):
    EvalGroup.objects.create(code="bureaux", name_zh="专业部门")
    answer = page.post(reverse("evaluation:groups"), {"change": "bureaux", "name_zh": "", "sort": "10"})
    assert answer.status_code == 422
    assert EvalGroup.objects.get().name_zh == "专业部门"


# --- Log-ins ---


def test_a_log_in_says_who_from_where_and_how(page, county):
    for path in (reverse("accounts:login"), reverse("accounts:sign_on_back")):
        AccessLog.objects.create(
            username=county.operator.username, ip_address="10.1.2.3", path_info=path, user_agent="", http_accept=""
        )
    said = page.get(reverse("log_ins"), {"q": county.operator.name_zh}).content.decode()
    assert "10.1.2.3" in said
    assert "统一身份认证登录" in said
    assert "10.1.2.3" not in page.get(reverse("log_ins"), {"q": county.dispatcher.name_zh}).content.decode()
