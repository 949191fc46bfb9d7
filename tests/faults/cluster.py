"""A PostgreSQL of its own in a temporary folder: whoever kills its processes disturbs nobody else's database."""

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import psycopg2
from django.db import connection

LONGEST_WAIT = 180.0  # seconds; far more than a slow machine needs
PROGRAMS = ("initdb", "postgres", "pg_dump", "psql")


def until(holds: Callable[[], object], what: str, *, seconds: float = LONGEST_WAIT):
    """Wait until something holds, and return it; an AssertionError when it never does."""
    end = monotonic() + seconds
    while not (found := holds()):
        assert monotonic() < end, f"waited {seconds:.0f} s in vain: {what}"
        threading.Event().wait(0.005)
    return found


def programs() -> Path | None:
    """Return the folder with the programs of the PostgreSQL that runs the tests, or None when they are not here."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        major = int(cursor.fetchone()[0]) // 10_000
    found = shutil.which("initdb")
    folders = [Path(f"/usr/lib/postgresql/{major}/bin"), *([Path(found).resolve().parent] if found else [])]
    return next((one for one in folders if all((one / name).exists() for name in PROGRAMS)), None)


class Cluster:
    """A running PostgreSQL with one database in it. What it says goes to `log`."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder, self.bin, self.log = folder, bin_folder, folder / "log"
        self.server: subprocess.Popen | None = None
        self._asking = None

    def start(self) -> None:
        """Make the cluster and start it. It need not survive the machine, only its own processes."""
        self._as_its_user("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                          "--no-sync", "-D", str(self.folder / "data"), check=True)  # fmt: skip
        options = {
            "listen_addresses": "", "unix_socket_directories": str(self.folder), "unix_socket_permissions": "0700",
            "fsync": "off", "max_connections": "40", "shared_buffers": "64MB", "jit": "off", "timezone": "UTC",
            "restart_after_crash": "on",
        }  # fmt: skip
        settings = [f"--{name}={value}" for name, value in options.items()]
        with self.log.open("ab") as log:
            self.server = subprocess.Popen(
                [*self._prefix(), str(self.bin / "postgres"), "-D", str(self.folder / "data"), *settings],
                stdout=log, stderr=log, cwd="/", start_new_session=True,
            )  # fmt: skip
        self.ask("SELECT 1", database="postgres")

    def stop(self) -> None:
        """End it at once: nobody needs its data any more."""
        if self.server is not None:
            self.server.send_signal(3)  # SIGQUIT: immediate shutdown
            self.server.wait(timeout=LONGEST_WAIT)

    def copy_from_here(self) -> None:
        """Bring the database of this test in, with the roles that own and use it."""
        here = connection.settings_dict
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres'"
            )
            roles = cursor.fetchall()
            cursor.execute("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'")
            extensions = [name for (name,) in cursor.fetchall()]
        statements = [f'CREATE ROLE "{name}" {"LOGIN" if may_log_in else ""}' for name, may_log_in in roles]
        for statement in [*statements, f'CREATE DATABASE "{self.name}" OWNER "{here["USER"]}"']:
            self.ask(statement, database="postgres")
        for name in extensions:
            self.ask(f'CREATE EXTENSION "{name}"')
        reached = ["-h", here["HOST"], "-U", here["USER"], *(["-p", here["PORT"]] if here["PORT"] else [])]
        secret = {"PGPASSWORD": here["PASSWORD"]} if here["PASSWORD"] else {}
        with (self.folder / "copy.sql").open("w+b") as file:
            subprocess.run(
                [self.bin / "pg_dump", *reached, here["NAME"]], stdout=file, env=os.environ | secret, check=True
            )
            file.seek(0)
            with self.log.open("ab") as log:
                subprocess.run(
                    [self.bin / "psql", "--no-psqlrc", "--quiet", "-h", self.folder, "-U", "postgres", self.name],
                    stdin=file, stdout=log, stderr=log, check=True,
                )  # fmt: skip

    name = "city"

    def ask(self, statement: str, params=(), *, database: str = "") -> list[tuple]:
        """Return what a statement brings, asked by the superuser; through any crash, waiting until it answers."""

        def answer() -> list | None:
            try:
                if self._asking is None or self._asking.closed or self._asking.info.dbname != (database or self.name):
                    self._asking = None
                    self._asking = psycopg2.connect(
                        host=str(self.folder), user="postgres", dbname=database or self.name, connect_timeout=30
                    )
                    self._asking.autocommit = True
                with self._asking.cursor() as cursor:
                    cursor.execute(statement, params)
                    return [cursor.fetchall() if cursor.description else []]
            except psycopg2.Error as error:
                if error.pgcode and not error.pgcode.startswith("57P"):  # no crash: the statement itself is wrong
                    raise
                self._asking = None
                return None

        return until(answer, f"an answer to {statement}")[0]

    def url(self, user: str) -> str:
        """Return the address at which somebody reaches the database."""
        return f"postgresql://{user}@/{self.name}?host={str(self.folder).replace('/', '%2F')}"

    @contextmanager
    def instead(self) -> Iterator[None]:
        """Let this process work on this database instead of the test's own."""
        own = dict(connection.settings_dict)
        connection.close()
        connection.settings_dict.update(HOST=str(self.folder), PORT="", PASSWORD="", NAME=self.name)
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(own)

    def _prefix(self) -> list[str]:
        """PostgreSQL refuses to run as root, and goes with us when we are killed."""
        change = ["--reuid", "postgres", "--regid", "postgres", "--init-groups"] if os.geteuid() == 0 else []
        return ["setpriv", "--pdeathsig", "QUIT", *change, "--"]

    def _as_its_user(self, program: str, *arguments: str, **more) -> None:
        with self.log.open("ab") as log:
            command = [*self._prefix(), str(self.bin / program), *arguments]
            subprocess.run(command, stdout=log, stderr=log, cwd="/", **more)


@contextmanager
def a_cluster(bin_folder: Path) -> Iterator[Cluster]:
    """A cluster for as long as it is needed; nothing of it stays."""
    folder = Path(tempfile.mkdtemp(prefix="city-", dir="/tmp"))  # the name of a socket may not be long
    if os.geteuid() == 0:
        postgres = pwd.getpwnam("postgres")
        os.chown(folder, postgres.pw_uid, postgres.pw_gid)
    cluster = Cluster(folder, bin_folder)
    try:
        cluster.start()
        cluster.copy_from_here()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
