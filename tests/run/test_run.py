"""./run on machines as they are: folders that only root may enter, crashes, interruptions, two of everything.

The checkouts here get an empty Python environment, marked as finished: tried are PostgreSQL, Redis and the steps.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
# Of the checkout that these tests run in; PGOPTIONS there lets PostgreSQL forget the last moment when it is killed.
PRIVATE = (
    "PGOPTIONS",
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "CACHE_URL",
    "SITE_URL",
    "EVIDENCE_ROOT",
    "VAULT_KEY_FILE",
)
IS_ROOT = os.geteuid() == 0


class Checkout:
    def __init__(self, top: Path, user: str | None = None):
        self.top = top
        self.user = user
        self.local = top / ".local"

    def environment(self):
        kept = {name: value for name, value in os.environ.items() if name not in PRIVATE}
        return {**kept, "HOME": str(self.top)}

    def command(self, *words):
        if not self.user:
            return words
        who = pwd.getpwnam(self.user)
        return ("setpriv", "--reuid", str(who.pw_uid), "--regid", str(who.pw_gid), "--clear-groups", "--", *words)

    def run(self, *words, **kwargs):
        return subprocess.run(
            self.command("bash", "./run", *words),
            cwd=self.top,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            **kwargs,
        )

    def started(self, *words):
        return subprocess.Popen(
            self.command("bash", *words),
            cwd=self.top,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Whoever runs the tests in the background ignores Ctrl-C; what is tried here must hear it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def functions(self, script):
        """The shell to say what `script` says after reading the parts of ./run."""
        parts = "\n".join(f". ops/run/{part}.sh" for part in ("say", "packages", "services", "site"))
        return ("-c", f"set -Eeuo pipefail; TOP=$PWD; LOCAL=$TOP/.local; VENV=$LOCAL/venv\n{parts}\n{script}")

    def call(self, script):
        return subprocess.run(
            self.command("bash", *self.functions(script)),
            cwd=self.top,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def said(self, script):
        answer = self.call(script)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout.strip()

    @property
    def sockets(self):
        return Path(self.said('places; echo "$SOCKETS"'))

    @property
    def cluster(self):
        return Path(self.said('places; echo "$PG_DATA"'))

    def sql(self, statement, database="citymgmt"):
        psql = self.said('places; find_postgres; echo "$PG_BIN/psql"')
        words = (psql, "-qAt", "-h", str(self.sockets / "pg"), "-U", "citymgmt_owner", "-c", statement, database)
        answer = subprocess.run(self.command(*words), cwd="/", env=self.environment(), capture_output=True, text=True)
        return answer.stdout.strip() if answer.returncode == 0 else answer.stderr


def make_checkout(top: Path, user: str | None = None) -> Checkout:
    for name in ("run", "ops", "requirements", "package.json", "package-lock.json"):
        source = TOP / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, top / name)
    checkout = Checkout(top, user)
    if user:
        subprocess.run(["chown", "-R", user, top], check=True)
    checkout.said(
        'private_folder; find_python; "$PYTHON" -m venv --without-pip "$VENV"; '
        'mark_done python "$(python_key)"; mark_done browser-files "$(browser_files_key)"'
    )
    return checkout


@pytest.fixture(scope="module")
def folder():
    """Only we may enter it, and its name is not made for programs."""
    with tempfile.TemporaryDirectory(prefix="run ") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def checkout(folder):
    top = folder / "城市 管理"
    top.mkdir()
    checkout = make_checkout(top)
    yield checkout
    checkout.run("reset", "--yes")


def alive(pid_file: Path) -> int:
    return int(pid_file.read_text().split()[0])


def test_services_start_in_a_folder_that_only_we_may_enter_and_keep_their_data(checkout):
    assert checkout.run("services").returncode == 0
    checkout.sql("CREATE TABLE kept AS SELECT 'from the first start' AS words")
    assert checkout.run("stop").returncode == 0
    assert not (checkout.cluster / "postmaster.pid").exists()
    again = checkout.run("services")
    assert again.returncode == 0, again.stderr
    assert checkout.sql("SELECT words FROM kept") == "from the first start"


def test_nothing_listens_on_a_port(checkout):
    checkout.run("services")
    assert checkout.sql("SHOW listen_addresses") == ""
    assert (checkout.sockets / "redis-broker.sock").is_socket()
    assert (checkout.sockets / "pg").stat().st_mode & 0o077 == 0


def test_databases_for_tests_can_be_made_by_the_owner_with_postgis_in_them(checkout):
    checkout.run("services")
    checkout.sql("CREATE DATABASE test_of_the_owner")
    extensions = checkout.sql("SELECT string_agg(extname, ' ') FROM pg_extension", database="test_of_the_owner")
    assert {"postgis", "pg_trgm", "btree_gist"} <= set(extensions.split())


def test_a_killed_database_and_a_swept_folder_of_sockets_come_back(checkout):
    checkout.run("services")
    checkout.sql("CREATE TABLE survived AS SELECT 1 AS one")
    os.kill(alive(checkout.cluster / "postmaster.pid"), signal.SIGKILL)
    shutil.rmtree(checkout.sockets / "pg")
    for socket_of_redis in checkout.sockets.glob("*.sock"):
        socket_of_redis.unlink()
    answer = checkout.run("services")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert checkout.sql("SELECT one FROM survived") == "1"
    assert (checkout.sockets / "redis-cache.sock").is_socket()


def test_after_a_restart_of_the_machine_its_number_may_belong_to_any_program(checkout):
    checkout.run("services")
    checkout.run("stop")
    (checkout.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{checkout.cluster}\n")
    answer = checkout.run("services")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert checkout.sql("SELECT 1") == "1"


def test_a_copy_of_the_folder_gets_a_database_of_its_own(checkout, folder):
    checkout.run("services")
    copy = Checkout(folder / "copy")
    shutil.copytree(checkout.top, copy.top, symlinks=True, ignore=shutil.ignore_patterns("*.sock", "pg"))
    assert "gets a database of its own" in copy.said("places")
    assert copy.said('echo "$(<"$LOCAL/id")"') != checkout.said('echo "$(<"$LOCAL/id")"')
    assert checkout.sql("SELECT 1") == "1"


def test_a_moved_folder_keeps_its_database(tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    before = make_checkout(here)
    was = before.said('places; echo "$ID"')
    here.rename(tmp_path / "there")
    assert Checkout(tmp_path / "there").said('places; echo "$ID"') == was


@pytest.mark.skipif(not IS_ROOT, reason="only root can try how another user fares; the other tests were that user")
def test_an_ordinary_user_in_a_deep_folder_keeps_everything_in_it():
    with tempfile.TemporaryDirectory(prefix="deep") as name:
        os.chmod(name, 0o755)
        top = Path(name, *["a-folder-with-a-long-name"] * 5)
        top.mkdir(parents=True)
        shutil.chown(top, "nobody")
        checkout = make_checkout(top, user="nobody")
        try:
            answer = checkout.run("services")
            assert answer.returncode == 0, answer.stdout + answer.stderr
            assert checkout.sql("SELECT 1") == "1"
            assert checkout.cluster.is_relative_to(checkout.local)
            assert len(str(checkout.sockets / "pg" / ".s.PGSQL.5432.lock")) < 107
        finally:
            checkout.run("reset", "--yes")


# --- Steps -------------------------------------------------------------------------------------------------------


@pytest.fixture
def bare(tmp_path):
    for name in ("run", "ops"):
        (shutil.copytree if (TOP / name).is_dir() else shutil.copy)(TOP / name, tmp_path / name)
    checkout = Checkout(tmp_path)
    checkout.said("private_folder")
    return checkout


def test_a_failed_step_says_which_one_why_and_where_its_log_is(bare):
    answer = bare.call('step basket "Filling the basket" bash -c "echo tar: x: No space left on device; exit 3"')
    assert answer.returncode == 1
    assert 'The step "Filling the basket" failed' in answer.stderr
    assert "The disk is full" in answer.stderr
    assert str(bare.local / "logs/basket.log") in answer.stderr


def test_a_finished_step_is_not_taken_again_until_its_inputs_change(bare):
    taken = "date +%s%N >>taken"
    for key in ("one", "one", "two"):
        bare.said(f'once basket {key} "Filling the basket" bash -c "{taken}"')
    assert len((bare.top / "taken").read_text().splitlines()) == 2


def test_an_interrupted_step_is_ended_with_all_it_started_and_taken_again(bare):
    slow = 'once basket key "Filling the basket" bash -c "echo begun >begun; sleep 300 & echo \\$! >sleeper; wait"'
    process = bare.started(*bare.functions(slow))
    while not (bare.top / "sleeper").exists():
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    process.wait(20)
    assert process.returncode == 130
    assert "goes on where it stopped" in process.stdout.read()
    sleeper = Path("/proc") / (bare.top / "sleeper").read_text().strip()
    assert not sleeper.exists() or "sleep" not in (sleeper / "cmdline").read_text()
    assert "done in" in bare.said('once basket key "Filling the basket" true')


def test_two_that_set_up_at_once_take_turns(bare):
    first = bare.started(*bare.functions("take_turn; touch mine; while [[ -e mine ]]; do sleep 0.05; done; echo first"))
    while not (bare.top / "mine").exists():
        time.sleep(0.02)
    second = bare.started(*bare.functions("take_turn; echo second"))
    assert "waiting for it" in second.stdout.readline()
    (bare.top / "mine").unlink()
    assert first.communicate(timeout=20)[0] == "first\n"
    assert second.communicate(timeout=20)[0] == "second\n"


def test_a_second_run_says_that_the_first_is_running_and_where(bare):
    (bare.local / "run/address").write_text("http://localhost:8123/\n")
    first = bare.started("-c", "exec 9>.local/lock/site; flock 9; touch held; exec sleep 60")
    while not (bare.top / "held").exists():
        time.sleep(0.02)
    second = bare.run()
    os.killpg(first.pid, signal.SIGKILL)
    first.wait(10)
    assert second.returncode == 1
    assert "already running: http://localhost:8123/" in second.stderr


def test_a_taken_port_is_passed_over_and_the_chosen_one_is_remembered(bare):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        chosen = int(bare.said(f'find_python; CITY_PORT={port}; choose_port; echo "$PORT"').splitlines()[-1])
    assert chosen != port
    assert (bare.local / "run/port").read_text().strip() == str(chosen)


def test_missing_packages_that_nobody_may_install_are_named_in_a_line_to_type(bare):
    answer = bare.call(
        'cannot_install "redis nginx" "Missing packages can be installed only by an administrator, who types:"'
    )
    assert answer.returncode == 1
    assert "apt-get install -y --no-install-recommends redis-server nginx-light" in answer.stderr
    assert "docker compose up" in answer.stderr


def test_an_unknown_command_shows_what_there_is(bare):
    answer = bare.run("dance")
    assert answer.returncode == 2
    assert 'no "./run dance"' in answer.stdout
    assert "./run test" in answer.stdout
