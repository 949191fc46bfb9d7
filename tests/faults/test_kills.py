"""Processes are killed in the middle of moves and alarms: nothing is half done, nothing is told twice or untold.

Each round a mover and a sweeper work on the same cases. After some moves one of them is killed, or the database
cuts its connection in the middle of whatever it does; then the other goes too, and every case of the round is looked
at.
"""

import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from accounts.roles import Role
from cases import alarms
from cases.models import Case, CaseEvent, StageClock
from office.models import Message
from tests.cases.test_histories import look_at
from tests.county import MONDAY, County
from tests.faults.cluster import until

pytestmark = pytest.mark.django_db(transaction=True)
CUT_OFF = 1


def test_a_killed_process_leaves_nothing_half_done():
    kill_and_look(rounds=15, seed=1)


@pytest.mark.prove
def test_five_hundred_killed_processes_leave_nothing_half_done():
    kill_and_look(rounds=500, seed=2)


def kill_and_look(*, rounds: int, seed: int) -> None:
    """Let so many rounds end in a kill, look at every case, and let the next alarms ring what is left."""
    chance, county, seen = random.Random(seed), County.build(), 0
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.busy", "live", "ring"], cwd=settings.BASE_DIR, env=environment(),
        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as parent:  # fmt: skip
        try:
            for number in range(rounds):
                one_round(parent, chance, number)
                for case in Case.objects.filter(pk__gt=seen).order_by("pk"):
                    assert case.event_count > 0
                    look_at(case)
                    seen = case.pk
        finally:
            parent.kill()
    assert CaseEvent.objects.count() > 2 * rounds
    look_at_the_alarms(county, end=MONDAY + timedelta(days=rounds + 60))


def one_round(parent: subprocess.Popen, chance: random.Random, number: int) -> None:
    """Start both, wait for some moves and a random instant, and end one by one of the two ways; then the other."""
    parent.stdin.write(f"{(MONDAY + timedelta(days=number)).isoformat()}\n")
    parent.stdin.flush()
    mover, sweeper = map(int, parent.stdout.readline().split())
    moves = CaseEvent.objects.count() + chance.randint(0, 8)
    until(lambda: CaseEvent.objects.count() >= moves, "the mover moving")
    threading.Event().wait(chance.uniform(0, 0.05))
    first, second = chance.sample([mover, sweeper], 2)
    is_cut = chance.random() < 0.5
    if is_cut:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [f"busy-{first}"]
            )
    for child in (first, second):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    ended = [int(code) for code in parent.stdout.readline().split()]
    # Nobody ended by himself: both were killed, or one was cut off.
    assert set(ended) <= {-signal.SIGKILL, CUT_OFF} if is_cut else set(ended) == {-signal.SIGKILL}


def look_at_the_alarms(county: County, *, end) -> None:
    """Nothing is told twice; and nothing is untold once the sweep runs again, and once more for what it resumed."""
    for _ in range(2):
        alarms.sweep(at=end)
    assert not StageClock.objects.filter(state="running", next_look_at__lte=end).exists()
    told = list(Message.objects.values_list("recipient", "dedupe_key"))
    assert len(told) == len(set(told))
    overdue = StageClock.objects.filter(name="handling", state="running", due_at__lt=end)
    appointed = {"role": Role.DEPARTMENT_OPERATOR, "department": county.sanitation_bureau}
    holders = [user.pk for user in county.people.values() if user.appointments.filter(**appointed).exists()]
    heard = {key.split(":")[1] for recipient, key in told if recipient in holders and key.startswith("clock:")}
    assert overdue
    assert {str(clock.pk) for clock in overdue} <= heard


def environment() -> dict[str, str]:
    """Return the environment in which another process works on this test's database."""
    here = os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
    address = urlunsplit(urlsplit(here)._replace(path=f"/{connection.settings_dict['NAME']}"))
    return os.environ | {"DATABASE_URL": address, "DATABASE_OWNER_URL": address, "CITY_DB_ROLE": "owner"}
