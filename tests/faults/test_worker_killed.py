"""The real worker, the real beat and the database's own processes are killed with -9 in the middle of moves and alarms.

In a PostgreSQL of its own, which then recovers as after a crash. Nothing is half done, nothing told twice, and in the
end nothing is untold or undone: whoever comes next goes on.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as installation
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone
from redis import Redis

from accounts import actions as accounts
from accounts.models import Appointment, User
from accounts.roles import Role
from cases import alarms
from cases.escalation import Audience, Means, Step, When
from cases.models import Case, CaseEvent, HandlingStint, StageClock
from cases.workflow import Stage
from dispatch import actions as commands
from office import actions as office
from office import settings
from office.models import Delivery, Message
from tests.cases.test_histories import look_at
from tests.county import LONG_AGO, County
from tests.faults.cluster import LONGEST_WAIT, Cluster, a_cluster, programs, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.prove]
KILLS = 500
MOST_MOVES = 20  # after so many at most the next one, or what the worker does meanwhile, is killed
# Whom a round kills, and how often: a worker that must begin anew takes seconds, one of its processes does not.
VICTIMS = {
    "mover": 5, "a process of the worker": 6, "the mover's server process": 5, "the worker's server process": 5,
    "the whole worker": 1, "beat": 1,
}  # fmt: skip
IN_A_TRANSACTION = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE %s AND xact_start IS NOT NULL"
STILL_THERE = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"


def test_five_hundred_kills_of_worker_beat_and_database_leave_nothing_half_done(tmp_path, settings):
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip("the programs of PostgreSQL are not on this machine")
    gateways = {"sms": {"kind": "file", "path": str(tmp_path / "sent.jsonl")}}
    (tmp_path / "gateways.json").write_text(json.dumps(gateways))
    settings.GATEWAYS = gateways
    county = build()
    with a_cluster(bin_folder) as cluster, cluster.instead():
        call_command("grant_app_role", verbosity=0)
        with Machine(cluster, tmp_path) as machine:
            kills = machine.live_through(KILLS, random.Random(3))
            connection.close()  # it was cut, too
            until(nothing_is_left, "everything told and done")
        while office.send_some(at=timezone.now() + timedelta(minutes=11)):  # what killed workers had claimed
            pass
        look_at_everything(county, sent=(tmp_path / "sent.jsonl").read_text().splitlines())
        crashes = cluster.log.read_text().count("was terminated by signal 9")
    assert sum(kills.values()) == KILLS
    assert set(kills) == set(VICTIMS)
    assert crashes > KILLS / 4  # hardly ever had the server process gone by itself


def build() -> County:
    """A county in one hall: who files also dispatches, and is alone on duty. Overdue handling goes out as SMS."""
    county, now = County.build(), timezone.now()
    for key, value in {"office.merged_hall": True, "office.sms_per_minute": 6000}.items():
        settings.set_value(key, value, by=None, at=now, valid_from=LONG_AGO)
    Appointment.objects.create(
        user=county.duty_leader, role=Role.DISPATCHER, department=county.departments["command"], valid_from=LONG_AGO
    )
    accounts.sign_on(county.duty_leader, at=now)
    commands.add_responsibility(
        by=county.administrator, at=now, minor_class=county.litter, department=county.sanitation_bureau,
        valid_from=LONG_AGO,
    )  # fmt: skip
    User.objects.update(phone=F("staff_number"))
    alarms.keep_chain(
        None, by=None, at=now, name="短信", clock="handling", valid_from=LONG_AGO,
        steps=[Step(When.OVERDUE, 0, (Audience.HOLDER,), (Means.SMS,))],
    )  # fmt: skip
    return county


class Machine:
    """A worker, its beat and a mover at work on a database, until somebody kills them."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder, self.stack = cluster, folder, ExitStack()
        self.instance = f"faults_{os.getpid()}"
        owner = cluster.url(urlsplit(installation.DATABASE_OWNER_URL).username or "")
        user = cluster.url(urlsplit(installation.DATABASE_URL).username or "")
        outside_of_tests = {name: value for name, value in os.environ.items() if name != "PYTEST_VERSION"}
        self.environment = outside_of_tests | {
            "DATABASE_URL": user, "DATABASE_OWNER_URL": owner, "CITY_DB_ROLE": "app", "PGOPTIONS": "",
            "CITY_INSTANCE": self.instance, "GATEWAYS_FILE": str(folder / "gateways.json"),
        }  # fmt: skip

    def __enter__(self) -> "Machine":
        self.stack.enter_context(self._forgotten_in_redis())
        self.worker, self.beat = self._worker(), self._beat()
        self.stack.callback(lambda: [end(one) for one in (self.beat, self.worker)])
        self.parent = self.stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tests.faults.busy", "live"], cwd=installation.BASE_DIR, env=self.environment,
                text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log("mover"),
            )
        )  # fmt: skip
        self.stack.callback(self.parent.kill)
        return self

    def __exit__(self, *error) -> None:
        self.stack.close()

    def live_through(self, kills: int, chance: random.Random) -> Counter:
        """Live so many rounds; return how often whom was killed."""
        done: Counter = Counter()
        began = timezone.now().replace(microsecond=0) - timedelta(days=30)
        for number in range(kills):
            victim = chance.choices(list(VICTIMS), weights=list(VICTIMS.values()))[0]
            until(self._is_working, "the worker at work")
            moves = self._moves() + chance.randint(1, MOST_MOVES)
            mover = self._start_mover(began + timedelta(minutes=number))
            try:
                until(lambda goal=moves: self._moves() >= goal, "the mover moving")
                self._kill(victim, mover, chance)
            finally:
                with suppress(ProcessLookupError):
                    os.kill(mover, signal.SIGKILL)
                self.parent.stdout.readline()
            done[victim] += 1
        return done

    def _kill(self, victim: str, mover: int, chance: random.Random) -> None:
        """Wait until the victim is in the middle of something, then a random instant more; kill it, start it again."""
        name = "worker" if "worker" in victim else f"busy-{mover}" if "mover" in victim else "%"
        busy = until(lambda: self.cluster.ask(IN_A_TRANSACTION, [name]), f"{victim} in a transaction")
        threading.Event().wait(chance.uniform(0, 0.03))
        if victim == "mover":
            os.kill(mover, signal.SIGKILL)
        elif victim == "a process of the worker":
            os.kill(
                chance.choice(until(lambda: children_of(self.worker.pid), "the worker's processes")), signal.SIGKILL
            )
        elif victim == "the whole worker":
            kill_all(self.worker)
            self.worker = self._worker()
        elif victim == "beat":
            kill_all(self.beat)
            self.beat = self._beat()
        else:
            [(server,), *_more] = busy
            with suppress(ProcessLookupError):  # its client has just left
                os.kill(server, signal.SIGKILL)
            until(lambda: not self.cluster.ask(STILL_THERE, [server]), "the database recovered")

    def _is_working(self) -> bool:
        assert self.worker.poll() is None, self._said("worker")
        assert self.beat.poll() is None, self._said("beat")
        return self.cluster.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'worker'")[0][0] > 0

    def _moves(self) -> int:
        return self.cluster.ask("SELECT coalesce(max(id), 0) FROM cases_caseevent")[0][0]

    def _start_mover(self, at) -> int:
        self.parent.stdin.write(f"{at.isoformat()}\n")
        self.parent.stdin.flush()
        return int(self.parent.stdout.readline())

    def _worker(self) -> subprocess.Popen:
        return self._celery(
            "worker", "citymgmt", "worker", "--concurrency", "2", "--loglevel", "INFO", "--without-gossip",
            "--without-mingle",
        )  # fmt: skip

    def _beat(self) -> subprocess.Popen:
        schedule = str(self.folder / "schedule")
        return self._celery(
            "beat", "tests.faults.hurried", "beat", "--loglevel", "WARNING", "--pidfile=", "--schedule", schedule
        )

    def _celery(self, name: str, app: str, *arguments: str) -> subprocess.Popen:
        command = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "celery", "--app", app, *arguments]
        return subprocess.Popen(
            command, cwd=installation.BASE_DIR, env=self.environment | {"PGAPPNAME": name}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=self._log(name), stderr=subprocess.STDOUT,
        )  # fmt: skip

    def _log(self, name: str):
        return self.stack.enter_context((self.folder / f"{name}.log").open("ab"))

    def _said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()[-3000:]

    @contextmanager
    def _forgotten_in_redis(self):
        try:
            yield
        finally:
            for url in {installation.REDIS_URL, installation.CACHE_URL}:
                with Redis.from_url(url) as redis:
                    for key in redis.scan_iter(f"*{self.instance}*"):
                        redis.delete(key)


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone since
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(stat.parent.name))
    return found


def kill_all(program: subprocess.Popen) -> None:
    """Kill a program with all its processes."""
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def end(program: subprocess.Popen) -> None:
    """End a program as a service does: it finishes what it is doing."""
    program.terminate()
    try:
        program.wait(timeout=LONGEST_WAIT)
    finally:
        kill_all(program)


def nothing_is_left() -> bool:
    """True when no clock waits for a look, no suspension for its end, no case for the system, no message to go out."""
    now = timezone.now()
    return not (
        StageClock.objects.filter(state__in=("running", "paused"), next_look_at__lt=now).exists()
        or Case.objects.filter(stage=Stage.PENDING_DISPATCH).exists()
        or Delivery.objects.filter(state=Delivery.State.WAITING).exists()
    )


def look_at_everything(county: County, *, sent: list[str]) -> None:
    for case in Case.objects.order_by("pk"):
        look_at(case)
    moved = Counter(CaseEvent.objects.filter(actor=None).values_list("verb", flat=True))
    assert moved["dispatch"] > 0
    assert moved["resume"] > 0
    # Each suspension that was granted has ended, once.
    granted = CaseEvent.objects.filter(verb="grant_suspension").values_list("case", flat=True)
    resumed = CaseEvent.objects.filter(verb="resume").values_list("case", flat=True)
    assert sorted(granted) == sorted(resumed)
    # Nothing is told twice: neither in a box nor outside.
    told = list(Message.objects.values_list("recipient", "dedupe_key"))
    assert len(told) == len(set(told))
    keys = [json.loads(line)["key"] for line in sent]
    assert len(keys) == len(set(keys))
    assert {str(one) for one in Delivery.objects.values_list("public_id", flat=True)} == set(keys)
    # Nothing is untold: who has a case in hand that is late was told so, in his box and outside.
    late = StageClock.objects.filter(name="handling", state="running", due_at__lt=timezone.now() - timedelta(minutes=1))
    heard = {key.split(":")[1] for recipient, key in told if recipient == county.sanitation.pk}
    assert late
    assert {str(clock.pk) for clock in late} <= heard
    assert not HandlingStint.objects.filter(stage="suspended").exists()
