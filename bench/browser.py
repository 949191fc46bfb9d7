"""The other side of a benchmark: somebody logged in, requests made ready, and two ways to send them.

`Inside` calls the program in this process and counts queries and processor time, middleware included. `Server` is a
real gunicorn; `send` and `drive` speak HTTP to it over plain sockets, so that the client costs next to nothing.
"""

import io
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

TOP = Path(__file__).parents[1]
CSRF = "a" * 32
HOST = "localhost"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready to be sent."""

    method: str
    path: str
    cookies: str
    body: bytes = b""

    @property
    def wire(self) -> bytes:
        """Return its bytes in HTTP."""
        kind = "Content-Type: application/x-www-form-urlencoded\r\n" if self.body else ""
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/html\r\nCookie: {self.cookies}\r\n"
            f"{kind}Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


class Seat:
    """Somebody logged in and at work; makes his requests."""

    def __init__(self, user) -> None:
        from django.conf import settings
        from django.test import Client

        from accounts.middleware import SEEN_COOKIE, seen_cookie

        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        key = client.session.session_key
        self.user = user
        self.cookies = "; ".join((
            f"{settings.SESSION_COOKIE_NAME}={key}", f"{SEEN_COOKIE}={seen_cookie(key)}",
            f"{settings.CSRF_COOKIE_NAME}={CSRF}",
        ))  # fmt: skip

    def get(self, path: str) -> Call:
        return Call("GET", path, self.cookies)

    def post(self, path: str, **said) -> Call:
        return Call("POST", path, self.cookies, urlencode({"csrfmiddlewaretoken": CSRF, **said}).encode())


# --- In this process ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request cost this process."""

    status: int
    queries: int
    cpu_ms: float
    ms: float
    location: str
    body: bytes


class Inside:
    """The program in this process, called as gunicorn calls it."""

    def __init__(self) -> None:
        from citymgmt.wsgi import application

        self.application = application

    def call(self, call: Call, *, statements: list[str] | None = None) -> Cost:
        """Make one request; the statements sent to the database are appended to `statements`."""
        from django.db import connection

        path, _mark, query = call.path.partition("?")
        environ = {
            "REQUEST_METHOD": call.method, "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": HOST,
            "SERVER_PORT": "80", "HTTP_HOST": HOST, "HTTP_ACCEPT": "text/html", "HTTP_COOKIE": call.cookies,
            "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": str(len(call.body)), "wsgi.input": io.BytesIO(call.body),
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if call.body else "", "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http", "SCRIPT_NAME": "", "SERVER_PROTOCOL": "HTTP/1.1",
        }  # fmt: skip
        seen: dict = {}
        queries = 0

        def start(status, headers, exc_info=None):
            seen["status"] = int(status[:3])
            seen["location"] = dict(headers).get("Location", "")

        def count(execute, sql, params, many, context):
            nonlocal queries
            queries += 1
            if statements is not None:
                statements.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(count):
            began, cpu = time.perf_counter(), time.process_time()
            response = self.application(environ, start)
            body = b"".join(response)
            cpu_ms, ms = (time.process_time() - cpu) * 1000, (time.perf_counter() - began) * 1000
            response.close()
        return Cost(seen["status"], queries, cpu_ms, ms, seen["location"], body)

    def measure(self, calls: Iterable[Call], *, expect: int = 200) -> "Figures":
        """Make these requests one after the other."""
        costs = []
        for call in calls:
            cost = self.call(call)
            if cost.status != expect:
                raise SystemExit(f"{call.method} {call.path} answers {cost.status}:\n{cost.body.decode()[:3000]}")
            costs.append(cost)
        return Figures(costs)


@dataclass(frozen=True)
class Figures:
    """Many costs, summed up."""

    costs: list[Cost]

    @property
    def queries(self) -> int:
        return max(cost.queries for cost in self.costs)

    @property
    def cpu_ms(self) -> float:
        return round(statistics.median(cost.cpu_ms for cost in self.costs), 1)

    @property
    def ms(self) -> float:
        return round(statistics.median(cost.ms for cost in self.costs), 1)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share of them lies."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1)


# --- Over HTTP ------------------------------------------------------------------------------------------------------


class Server:
    """A gunicorn of its own, as `./run` starts it: two processes with four threads each."""

    def __enter__(self) -> "Server":
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        command = [
            sys.executable, "-m", "gunicorn", "citymgmt.wsgi:application", "--bind", f"127.0.0.1:{self.port}",
            "--worker-class", "gthread", "--workers", os.environ.get("CITY_WEB_WORKERS", "2"), "--threads", "4",
            "--timeout", "120", "--keep-alive", "30", "--worker-tmp-dir", "/dev/shm", "--log-level", "warning",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, cwd=TOP)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.1)
        self.process.kill()
        raise SystemExit("gunicorn does not start")

    def __exit__(self, *_exception) -> None:
        self.process.terminate()
        self.process.wait(20)

    def connect(self) -> socket.socket:
        one = socket.create_connection(("127.0.0.1", self.port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return one


class Answer:
    """The bytes of one answer as they come in."""

    __slots__ = ("data", "wanted")

    def __init__(self) -> None:
        self.data, self.wanted = b"", 0

    def take(self, data: bytes) -> bool:
        """Take what came; True once it is whole."""
        self.data += data
        if not self.wanted and (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].lower()
            place = head.find(b"content-length:")
            if place < 0:
                raise SystemExit(f"an answer without a length:\n{head.decode()}")
            self.wanted = end + 4 + int(head[place + 15 :].split(b"\r\n", 1)[0])
        return 0 < self.wanted <= len(self.data)

    @property
    def status(self) -> int:
        return int(self.data[9:12])


def send(server: Server, calls: Iterable[Call], *, expect: int = 200) -> list[float]:
    """Make these requests one after the other over one connection; return the milliseconds of each."""
    took = []
    with server.connect() as one:
        for call in calls:
            wire, answer = call.wire, Answer()
            began = time.perf_counter()
            one.sendall(wire)
            while not answer.take(one.recv(262144)):
                pass
            took.append((time.perf_counter() - began) * 1000)
            if answer.status != expect:
                raise SystemExit(f"{call.method} {call.path} answers {answer.status}:\n{answer.data[:2000].decode()}")
    return took


def drive(server: Server, clients: list[Iterator[Call]], *, expect: int = 302) -> tuple[float, list[float]]:
    """Let each client make its requests one after the other, all clients at once; return how many a second, and the
    milliseconds of each. It ends when the first client has nothing more to ask."""
    poll = selectors.DefaultSelector()
    state: dict[socket.socket, list] = {}
    took: list[float] = []
    for client in clients:
        one = server.connect()
        poll.register(one, selectors.EVENT_READ)
        state[one] = [client, None, Answer(), 0.0]
    began = time.perf_counter()
    for one, mine in state.items():
        _next(one, mine)
    ended = False
    while not ended:
        for key, _event in poll.select():
            mine = state[key.fileobj]
            if not mine[2].take(key.fileobj.recv(262144)):
                continue
            took.append((time.perf_counter() - mine[3]) * 1000)
            if mine[2].status != expect:
                raise SystemExit(f"{mine[1].path} answers {mine[2].status}:\n{mine[2].data[:6000].decode()}")
            if not _next(key.fileobj, mine):
                ended = True
                break
    seconds = time.perf_counter() - began
    for one in state:
        one.close()
    return len(took) / seconds, took


def _next(one: socket.socket, mine: list) -> bool:
    call = next(mine[0], None)
    if call is None:
        return False
    mine[1], mine[2], mine[3] = call, Answer(), time.perf_counter()
    one.sendall(call.wire)
    return True
