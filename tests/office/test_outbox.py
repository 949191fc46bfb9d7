"""What leaves the house: written with the message, sent once, shown where nobody knows; never more than it may say."""

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings as installation
from django.db import connection, transaction

from accounts.roles import Role
from office import actions, gateways, settings
from office.models import Delivery, Message, Reach
from tests.county import LONG_AGO, MONDAY, beijing
from tests.factories import person

OUTSIDE = {"number": "999902-20260302-00001", "what": "暴露垃圾", "area": "桃溪街道", "clock": "Handling"}
EVENING = beijing(2026, 3, 2, 22, 30)


@pytest.fixture
def sent(tmp_path, settings):
    """The lines that went out, by a gateway for every channel that writes a file."""
    path = tmp_path / "sent.jsonl"
    robots = {"sanitation": {}, "all": {}}
    settings.GATEWAYS = {
        channel: {"kind": "file", "path": str(path), "robots": robots} for channel in ("mail", "sms", "chat")
    }

    def lines() -> list[dict]:
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    return lines


@pytest.fixture
def zhou(db):
    return person(Role.DEPARTMENT_OPERATOR, name_zh="周涛", phone="13900000001")


def tell(who, *, channels=("sms",), dedupe="clock:1:1:0:101", at=MONDAY, code="clock_overdue", **more) -> int:
    facts = OUTSIDE | {"where": "花园路 3 号王家院", "holder": "周涛", "due_at": MONDAY.isoformat()}
    outside = OUTSIDE | {"due_at": MONDAY.isoformat()}
    letter = actions.Letter(who, code, facts, "", "/case/1/", dedupe, channels, outside, **more)
    return actions.tell_all([letter], at=at)


def states() -> list[str]:
    return list(Delivery.objects.order_by("id").values_list("state", flat=True))


# — into the outbox —


def test_a_message_and_its_delivery_are_written_together_or_not_at_all(zhou, sent, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("office.models.Delivery.objects.bulk_create", broken)
    with pytest.raises(RuntimeError):
        tell(zhou)
    assert not Message.objects.exists()


def test_what_goes_out_names_number_class_area_deadline_and_link_and_nothing_else(zhou, sent):
    tell(zhou)
    assert actions.send_some(at=MONDAY) == 1
    [line] = sent()
    assert line["address"] == "13900000001"
    assert OUTSIDE["number"] in line["text"]
    assert "2026-03-02 09:00" in line["text"]
    assert line["link"] == f"{installation.SITE_URL}/case/1/"
    assert not any(private in json.dumps(line, ensure_ascii=False) for private in ("花园路", "王家", "周涛"))


def test_told_again_it_does_not_go_out_again(zhou, sent):
    assert (tell(zhou), tell(zhou)) == (1, 0)
    assert Delivery.objects.count() == 1


def test_without_a_gateway_everybody_reads_it_in_his_box(zhou):
    assert tell(zhou, channels=("sms", "mail", "chat")) == 1
    assert states() == []


def test_whoever_does_not_want_a_channel_or_has_no_address_is_left_alone(zhou, sent):
    tell(zhou, channels=("mail",))  # no mail address
    Reach.objects.create(user=zhou, channel="sms", is_wanted=False)
    tell(zhou, dedupe="another")
    assert states() == []
    Reach.objects.create(user=zhou, channel="mail", address="zhou@example.org")
    tell(zhou, channels=("mail",), dedupe="a third")
    assert Delivery.objects.get().address == "zhou@example.org"


def test_a_robot_speaks_once_to_a_group_however_many_belong_to_it(zhou, sent):
    wu = person(Role.HANDLER, name_zh="吴磊")
    letters = [
        actions.Letter(who, "clock_overdue", {}, "", "", "one", ("chat",), OUTSIDE, robots=("sanitation",))
        for who in (zhou, wu)
    ]
    assert actions.tell_all(letters, at=MONDAY) == 2
    assert Delivery.objects.get().address == "sanitation"


# — quiet hours, pace —


def test_in_quiet_hours_it_waits_for_the_morning_unless_it_goes_out_at_night_too(zhou, sent):
    settings.set_value("office.sms_quiet_hours", "22:00-07:00", by=None, at=MONDAY, valid_from=LONG_AGO)
    tell(zhou, at=EVENING)
    tell(zhou, at=EVENING, dedupe="fire", at_night=True)
    assert actions.send_some(at=EVENING) == 1
    assert Delivery.objects.get(state="waiting").next_try_at == beijing(2026, 3, 3, 7)
    assert actions.send_some(at=beijing(2026, 3, 3, 7)) == 1
    assert len(sent()) == 2


def test_somebodys_own_quiet_hours_go_before_the_citys(zhou, sent):
    settings.set_value("office.sms_quiet_hours", "22:00-07:00", by=None, at=MONDAY, valid_from=LONG_AGO)
    Reach.objects.create(user=zhou, channel="sms", quiet_from=time(12), quiet_to=time(14))
    tell(zhou, at=EVENING)
    assert actions.send_some(at=EVENING) == 1
    tell(zhou, dedupe="at noon")
    assert actions.send_some(at=beijing(2026, 3, 3, 12)) == 0
    assert Delivery.objects.get(state="waiting").next_try_at == beijing(2026, 3, 3, 14)


def test_no_more_go_out_in_a_minute_than_the_city_allows(zhou, sent):
    settings.set_value("office.sms_per_minute", 3, by=None, at=MONDAY, valid_from=LONG_AGO)
    for number in range(5):
        tell(zhou, dedupe=str(number))
    assert [actions.send_some(at=MONDAY), actions.send_some(at=MONDAY)] == [3, 0]
    assert actions.send_some(at=MONDAY + timedelta(seconds=61)) == 2


# — what can go wrong —


@pytest.fixture
def answers(monkeypatch, settings):
    """A gateway that knows no keys and does what the test says, one answer after another; None: it went out."""
    said: list[Exception | None] = []
    asked: list[str] = []

    def gateway(config, post):
        asked.append(post.key)
        answer = said.pop(0) if said else None
        if answer:
            raise answer

    settings.GATEWAYS = {"sms": {"kind": "http"}}
    monkeypatch.setitem(gateways.KINDS, "http", gateway)
    return said, asked


def test_a_busy_gateway_is_asked_again_later_and_later_and_then_no_more(zhou, answers):
    said, asked = answers
    said += [gateways.Busy("gateway_away")] * 20
    tell(zhou)
    at = MONDAY
    waits = []
    for _attempt in range(actions.MOST_ATTEMPTS):
        assert actions.send_some(at=at) == 1
        delivery = Delivery.objects.get()
        waits.append((delivery.next_try_at - at).total_seconds() / 60)
        at = max(at, delivery.next_try_at)
    assert waits[:-1] == [1, 2, 4, 8, 16, 32, 60]
    assert (states(), delivery.last_error) == (["dead"], "gateway_away")
    assert actions.send_some(at=at + timedelta(days=1)) == 0
    assert len(set(asked)) == 1


def test_what_is_refused_is_given_up_and_can_be_sent_again_by_hand(zhou, answers):
    said, asked = answers
    said.append(gateways.Refused("mail_550"))
    tell(zhou)
    actions.send_some(at=MONDAY)
    assert states() == ["dead"]
    actions.send_again(Delivery.objects.get(), at=MONDAY)
    actions.send_some(at=MONDAY)
    assert (states(), len(asked)) == (["sent"], 2)
    with pytest.raises(actions.NothingToSendAgain):
        actions.send_again(Delivery.objects.get(), at=MONDAY)


def test_a_gateway_that_gives_no_answer_is_not_asked_twice_unless_it_knows_keys(zhou, answers, settings):
    said, asked = answers
    said += [gateways.Uncertain("no_answer")] * 2
    tell(zhou)
    actions.send_some(at=MONDAY)
    assert states() == ["unknown"]
    settings.GATEWAYS = {"sms": {"kind": "http", "knows_keys": True}}
    tell(zhou, dedupe="another")
    actions.send_some(at=MONDAY)
    assert states() == ["unknown", "waiting"]
    assert len(asked) == 2


def test_a_worker_that_died_between_claim_and_note_leaves_it_in_doubt(zhou, answers, settings):
    tell(zhou)
    [claimed] = actions._claim(at=MONDAY)
    assert actions.send_some(at=MONDAY + timedelta(minutes=9)) == 0
    assert actions.send_some(at=MONDAY + timedelta(minutes=10)) == 0
    assert states() == ["unknown"]
    actions._note(claimed, Delivery.State.SENT, sent_at=MONDAY)  # he was only slow, and comes too late to decide
    assert states() == ["unknown"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_message_once(answers):
    _said, asked = answers
    zhou = person(phone="13900000001")
    for number in range(12):
        tell(zhou, dedupe=str(number))
    both = threading.Barrier(2)

    def work(_number: int) -> None:
        both.wait()
        try:
            while actions.send_some(at=MONDAY):
                pass
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, range(2)))
    assert len(asked) == len(set(asked)) == 12
    assert set(states()) == {"sent"}


KILLED = """
import os, signal, sys, django
django.setup()
from datetime import datetime
from office import actions
def die(*args, **facts):
    os.kill(os.getpid(), signal.SIGKILL)
actions._note = die
actions.send_some(at=datetime.fromisoformat(sys.argv[1]))
"""


@pytest.mark.django_db(transaction=True)
def test_killed_between_sending_and_noting_a_gateway_that_knows_keys_sends_once(sent, tmp_path):
    tell(person(phone="13900000001"))
    config = tmp_path / "gateways.json"
    config.write_text(json.dumps(installation.GATEWAYS))
    here = os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
    address = urlunsplit(urlsplit(here)._replace(path=f"/{connection.settings_dict['NAME']}"))
    more = {"DATABASE_URL": address, "DATABASE_OWNER_URL": address, "CITY_DB_ROLE": "owner",
            "GATEWAYS_FILE": str(config), "DJANGO_SETTINGS_MODULE": "citymgmt.settings"}  # fmt: skip
    command = [sys.executable, "-c", KILLED, MONDAY.isoformat()]
    done = subprocess.run(command, env=os.environ | more, capture_output=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert (states(), len(sent())) == (["sending"], 1)
    assert actions.send_some(at=MONDAY + timedelta(minutes=10)) == 1
    assert (states(), len(sent())) == (["sent"], 1)


def test_a_delivery_that_another_worker_holds_is_left_out(zhou, sent):
    tell(zhou)
    with transaction.atomic():
        assert len(actions._claim(at=MONDAY)) == 1
    assert actions._claim(at=MONDAY) == []
