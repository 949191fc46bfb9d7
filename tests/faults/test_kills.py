"""A process is killed in the middle of its moves and alarms: nothing is half done, nothing is told twice or untold."""

import os
import random
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from cases import alarms
from cases.models import Case, StageClock
from office.models import Message
from tests.cases.test_histories import look_at
from tests.county import MONDAY, County

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_killed_process_leaves_nothing_half_done():
    kill_and_look(rounds=2, seed=1)


@pytest.mark.prove
def test_a_hundred_killed_processes_leave_nothing_half_done():
    kill_and_look(rounds=100, seed=2)


def kill_and_look(*, rounds: int, seed: int) -> None:
    """Kill a busy process after a random while, look at every case, and let the next alarms ring what is left."""
    chance = random.Random(seed)
    County.build()
    for number in range(rounds):
        kill_after(chance.uniform(0.0, 0.4), round_number=number)
        for case in Case.objects.filter(event_count__gt=0):
            look_at(case)
        assert not Case.objects.filter(event_count=0).exists()
    end = MONDAY + timedelta(days=rounds + 60)
    alarms.sweep(at=end)
    assert not StageClock.objects.filter(next_look_at__lte=end).exists()
    told = Message.objects.values_list("recipient", "dedupe_key")
    assert len(told) == len(set(told))
    assert Case.objects.exists()


def kill_after(seconds: float, *, round_number: int) -> None:
    """Start the busy process, let it finish its first case, and kill it some time later."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.busy", str(round_number)],
        cwd=settings.BASE_DIR, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline(), process.stderr.read()
        threading.Event().wait(seconds)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def environment() -> dict[str, str]:
    """Return the environment in which another process works on this test's database."""
    here = os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
    address = urlunsplit(urlsplit(here)._replace(path=f"/{connection.settings_dict['NAME']}"))
    return os.environ | {"DATABASE_URL": address, "DATABASE_OWNER_URL": address, "CITY_DB_ROLE": "owner"}
