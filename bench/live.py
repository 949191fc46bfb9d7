"""Three hundred desks at the news: 300 streams on one push process, 20 real moves a second, 20 of the desks real pages.

A site of its own (nginx, gunicorn, one push process) over a small city with 60 units: 40 desks of supervision, 20 of
command, 240 at the units, as a city's hall and its departments sit. 20 of them are pages in Chromium; the others hold a
stream each and ask anew by the same rule as static/js/live.js. Moves go round through six buttons.

    lost                 pieces of news that a desk which concerns it did not hear (or heard twice), rows that are wrong
                         on a real page at the end
    p99_ms               from commit to the stream
    row_fresh_p95_ms     from commit to the row on a real page
    refetches_per_s      what all desks together asked while the moves were made
    memory_mb, sockets   of the push process before, during and after

The last line is one JSON object.
"""

import argparse
import asyncio
import json
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from urllib.parse import urlencode

from bench import city
from bench.browser import TOP, Seat, percentile

UNITS, SUPERVISION, COMMAND = 60, 40, 20
SUPERVISION_TABS = ("accept", "accept", "file", "departments", "check", "close", "verify", "accept")
COMMAND_TABS = ("to_dispatch", "to_dispatch", "working", "overdue")
UNIT_TABS = ("to_receive", "in_hand")
# As in static/js/live.js.
SOON_S, QUIET_S, GATHER_S, COUNTS_S = (0.15, 0.5), 3.0, (1.0, 1.5), (8.0, 16.0)
SETTLE_S = 25
ROW = re.compile(r'<tr[^>]*data-case="([^"]+)"[^>]*data-version="(\d+)"')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--consoles", type=int, default=300)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--part", default="", help="what one of its own processes does")
    parser.add_argument("--folder", default="")
    said = parser.parse_args()
    if said.part:
        import django

        django.setup()  # the city is there already
        PARTS[said.part](Path(said.folder), said)
        return
    city.use(open=300, closed=3000, lean=True, database="bench_live")
    folder = Path(tempfile.mkdtemp(prefix="city-live-"))
    try:
        print(json.dumps(whole(folder, said)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def whole(folder: Path, said) -> dict:
    desks = seated(said.consoles)
    pages = [desks[number * len(desks) // said.pages] for number in range(said.pages)]
    others = [desk for desk in desks if desk not in pages]
    with Site(folder) as site:
        site.warm(desks)
        before = site.push_holds()
        (folder / "plan.json").write_text(json.dumps({"port": site.port, "pages": pages, "others": others}))
        parts = {name: Part(name, folder, said) for name in ("pages", "consoles", "changes")}
        for part in parts.values():
            part.wait("ready")
        during = site.push_holds()
        print(f"  {len(desks)} desks sit, push holds {during['memory_mb']} MB and {during['sockets']} lines")
        for part in parts.values():
            part.tell("go")
        parts["changes"].wait("done")
        time.sleep(SETTLE_S)
        at_the_end = rows_now(pages)
        for name in ("consoles", "pages"):
            parts[name].tell("stop")
        found = {name: part.result() for name, part in parts.items()}
        time.sleep(5)
        after = site.push_holds()
    return figures(found, desks, at_the_end, before, during, after, said)


# — the figures ——————————————————————————————————————————————————————————————————————————————————————


def figures(found: dict, desks: list[dict], at_the_end: dict, before: dict, during: dict, after: dict, said) -> dict:
    changes, consoles, pages = found["changes"], found["consoles"], found["pages"]
    committed = {(one["case"], one["version"]): one for one in changes}
    began, ended = min(one["at"] for one in changes), max(one["at"] for one in changes)
    lost, twice, took = 0, 0, []
    for desk in consoles:
        topics = set(desk["topics"])
        wanted = {key for key, one in committed.items() if topics & set(one["topics"])}
        heard: dict = {}
        for case, version, at in desk["heard"]:
            key = (case, version)
            twice += key in heard
            heard.setdefault(key, at)
        lost += len(wanted - set(heard))
        took += [heard[key] - committed[key]["at"] for key in wanted & set(heard)]
    fresh, wrong = [], 0
    for page in pages:
        mine = freshness(page, committed)
        fresh += mine
        if mine:
            hidden = " (hidden)" if page["hidden"] else ""
            print(f"    {page['tab']:12} {len(mine):4} rows, 95 % within {percentile(mine, 0.95):7.0f} ms{hidden}")
        wrong += len(set(map(tuple, page["shown"])) ^ at_the_end[page["user"]])
    asked = [at for part in (consoles, pages) for desk in part for at in desk["asked"] if began <= at <= ended]
    print(f"  {len(changes)} moves in {(ended - began) / 1000:.1f} s; {len(took)} pieces of news heard; "
          f"{len(fresh)} rows seen to change, the median after {percentile(fresh, 0.5)} ms")  # fmt: skip
    return {
        "lost": lost + twice + wrong, "p99_ms": percentile(took, 0.99), "p50_ms": percentile(took, 0.5),
        "row_fresh_p95_ms": percentile(fresh, 0.95), "rows_seen": len(fresh), "rows_wrong": wrong,
        "refetches_per_s": round(len(asked) / max(1, (ended - began) / 1000), 1),
        "changes_per_s": round(len(changes) / max(1, (ended - began) / 1000), 1), "consoles": len(desks),
        "memory_mb": [before["memory_mb"], during["memory_mb"], after["memory_mb"]],
        "sockets": [before["sockets"], during["sockets"], after["sockets"]],
    }  # fmt: skip


def freshness(page: dict, committed: dict) -> list[float]:
    """Return for each change that the page had to show the milliseconds until it showed it (or something later)."""
    took = []
    seen: dict[str, list] = {}
    for case, version, at in page["seen"]:  # version None: the row went
        seen.setdefault(case, []).append((at, version))
    for (case, version), change in committed.items():
        if case not in seen or not set(page["topics"]) & set(change["topics"]):
            continue
        parts = [stage for topic in page["topics"] for stage in change["parts"].get(topic, [])]
        stages = parts or [change["stage"]]
        here = not page["stages"] or any(stage in page["stages"] for stage in stages)
        was_shown = [one for at, one in seen[case] if at <= change["at"]][-1:] or [None]
        if not here and was_shown == [None]:
            continue
        later = [at for at, one in seen[case] if at > change["at"] and (one is None or one >= version)]
        if later:
            took.append(later[0] - change["at"])
    return took


def rows_now(pages: list[dict]) -> dict[str, set]:
    """Return what each page's list holds now, as its first page shows it: cases with their versions."""
    from bench.browser import Inside

    inside, found = Inside(), {}
    for page in pages:
        seat = Seat.__new__(Seat)
        seat.cookies = page["cookies"]
        cost = inside.call(seat.get(f"{page['rows']}?tab={page['tab']}"))
        found[page["user"]] = {(case, int(version)) for case, version in ROW.findall(json.loads(cost.body)["rows"])}
    return found


# — who sits where ———————————————————————————————————————————————————————————————————————————————————


def seated(number: int) -> list[dict]:
    """Return the desks: person, cookies, topics, ticket, page, where it asks and which list it shows."""
    from django.utils import timezone

    from accounts.models import Department, User
    from accounts.permissions import topics_of
    from accounts.roles import Role
    from citymgmt.live_publish import make_ticket

    centres = {kind: Department.objects.filter(kind=kind).order_by("id").first()
               for kind in (Department.Kind.SUPERVISION_CENTRE, Department.Kind.COMMAND_CENTRE)}  # fmt: skip
    units = [unit(number) for number in range(UNITS)]
    wanted = [
        *[(Role.ACCEPTANCE_OPERATOR, centres["supervision_centre"], "/desk/", SUPERVISION_TABS)] * SUPERVISION,
        *[(Role.DISPATCHER, centres["command_centre"], "/dispatch/", COMMAND_TABS)] * COMMAND,
        *((Role.DEPARTMENT_OPERATOR, units[place % UNITS], "/department/", UNIT_TABS)
          for place in range(number - SUPERVISION - COMMAND)),
    ]  # fmt: skip
    at, desks = timezone.now(), []
    for place, (role, department, path, tabs) in enumerate(wanted[:number]):
        user = person(f"pult{place:03d}", role, department)
        topics = topics_of(User.objects.get(pk=user.pk), at)
        tab = tabs[(place // (UNITS if role == Role.DEPARTMENT_OPERATOR else 1)) % len(tabs)]
        desks.append({
            "user": user.username, "cookies": Seat(user).cookies, "topics": topics, "path": path, "tab": tab,
            "rows": f"{path}rows/", "ticket": make_ticket(user_id=user.pk, topics=topics),
        })  # fmt: skip
    return desks


def person(name: str, role, department):
    from accounts.models import Appointment, User

    user = User.objects.filter(username=name).first()
    if user is None:
        user = User(username=name, staff_number=name, name_zh=f"席位{name[4:]}", must_change_password=False,
                    guides_seen=[str(role)])  # fmt: skip
        user.set_unusable_password()
        user.save()
        Appointment.objects.create(user=user, role=role, department=department, valid_from="2000-01-01")
    return user


def unit(number: int):
    from accounts.models import Department

    above = Department.objects.get(code="yx-hw").parent
    code = f"unit{number:02d}"
    return Department.objects.filter(code=code).first() or Department.objects.create(
        code=code, name_zh=f"第{number + 1}单位", kind=Department.Kind.DEPARTMENT, parent=above,
        path=f"{above.path if above else '/'}{code}/", valid_from="2000-01-01",
        area_code=above.area_code if above else "",
    )  # fmt: skip


# — the site —————————————————————————————————————————————————————————————————————————————————————————


class Site:
    """nginx as in production, gunicorn with two processes, one push process."""

    def __init__(self, folder: Path) -> None:
        import socket

        self.folder = folder
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]

    def __enter__(self) -> "Site":
        web, live = self.folder / "web.sock", self.folder / "live.sock"
        names = {
            "NGINX_USER": "user root;" if os.geteuid() == 0 else "", "NGINX_RUN": self.folder / "nginx",
            "NGINX_LISTEN": f"listen 127.0.0.1:{self.port};", "NGINX_SCHEME": "http",
            "NGINX_LOG": self.folder / "access.log", "NGINX_PAGES": TOP / "ops/nginx", "WEB_SOCKET": web,
            "LIVE_SOCKET": live, "STATIC_ROOT": os.environ["STATIC_ROOT"], "EVIDENCE_ROOT": os.environ["EVIDENCE_ROOT"],
            "CITY_MAX_UPLOAD_MB": "60",
        }  # fmt: skip
        (self.folder / "nginx").mkdir()
        config = self.folder / "nginx.conf"
        environment = {**os.environ, **{name: str(value) for name, value in names.items()}}
        text = subprocess.run(["sh", "ops/nginx/render.sh"], check=True, capture_output=True, cwd=TOP, env=environment)
        config.write_bytes(text.stdout)
        python = [sys.executable, "-m"]
        self.push = subprocess.Popen([
            *python, "uvicorn", "citymgmt.live:application", "--uds", str(live), "--no-access-log",
            "--timeout-graceful-shutdown", "2", "--log-level", "warning", "--lifespan", "on",
        ], cwd=TOP)  # fmt: skip
        self.programs = [
            subprocess.Popen([
                *python, "gunicorn", "citymgmt.wsgi:application", "--bind", f"unix:{web}", "--worker-class", "gthread",
                "--workers", os.environ.get("CITY_WEB_WORKERS", "2"), "--threads", "4", "--worker-tmp-dir", "/dev/shm",
                "--log-level", "warning",
            ], cwd=TOP),
            subprocess.Popen(["nginx", "-p", self.folder, "-c", config, "-e", self.folder / "error.log"]),
            self.push,
        ]  # fmt: skip
        end = time.monotonic() + 90
        while not (web.exists() and live.exists()):
            if time.monotonic() > end:
                raise SystemExit("the site does not start")
            time.sleep(0.1)
        time.sleep(1)
        return self

    def warm(self, desks: list[dict]) -> None:
        """Let each kind of page be asked a few times by each process."""
        for desk in [desks[0], desks[-1], desks[SUPERVISION]] * 6:
            answer = asyncio.run(Console(self.port, desk).ask(None))
            if "rows" not in answer:
                raise SystemExit(f"{desk['rows']} answers {answer}")

    def push_holds(self) -> dict:
        """Return memory and open lines of the push process."""
        status = Path(f"/proc/{self.push.pid}/status").read_text()
        memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        lines = [one for one in Path(f"/proc/{self.push.pid}/fd").iterdir() if os.readlink(one).startswith("socket:")]
        return {"memory_mb": round(memory / 1024, 1), "sockets": len(lines)}

    def __exit__(self, *_exception) -> None:
        for program in self.programs:
            program.terminate()
        for program in self.programs:
            program.wait(20)


class Part:
    """One of this benchmark's own processes: it says ready, is told to go, and leaves its result in the folder."""

    def __init__(self, name: str, folder: Path, said) -> None:
        self.name, self.path = name, folder / f"{name}.json"
        mine = [f"--rate={said.rate}", f"--seconds={said.seconds}", f"--consoles={said.consoles}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.live", "--part", name, "--folder", str(folder), *mine], cwd=TOP, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

        self.lines: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        # All the time: a pipe that nobody empties would hold its writer up.
        for line in self.process.stdout:
            self.lines.put(line.strip())
        self.lines.put(None)

    def wait(self, word: str) -> None:
        while (line := self.lines.get()) != word:
            if line is None:
                raise SystemExit(f"{self.name} ended by itself")
            print(f"  {self.name}: {line[:200]}")

    def tell(self, word: str) -> None:
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def result(self):
        self.process.wait(120)
        return json.loads(self.path.read_text())


def listens() -> str:
    return sys.stdin.readline().strip()


def says(word: str) -> None:
    print(word, flush=True)


# — the desks that are no pages ———————————————————————————————————————————————————————————————————————


class Console:
    """One desk as static/js/live.js makes it: a stream, what it shows, what it asks anew and when."""

    def __init__(self, port: int, desk: dict) -> None:
        self.port, self.desk = port, desk
        self.shown: dict[str, int] = {}
        self.stages: list[str] = []
        self.stale: set[str] = set()
        self.heard: list[tuple[str, int, float]] = []
        self.asked: list[float] = []
        self.due = self.asked_at = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.line = None
        self.is_asking = False

    async def sit(self) -> None:
        """Open the page: its list, then its stream."""
        answer = await self.ask(None)
        self.shown = {case: int(version) for case, version in ROW.findall(answer["rows"])}
        page = await self.get(f"{self.desk['path']}?tab={self.desk['tab']}")
        facts = json.loads(page.split(b'id="queue-live" type="application/json">')[1].split(b"</script>")[0])
        self.stages = facts["stages"]
        self.asked.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(
            f"GET /live/?{urlencode({'ticket': self.desk['ticket']})} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
        await writer.drain()
        if b" 200 " not in await reader.readline():
            raise SystemExit("a stream is refused")
        self.stream = (reader, writer)
        self.listening = asyncio.create_task(self.listen())

    async def listen(self) -> None:
        kind = ""
        while line := await self.stream[0].readline():
            if line.startswith(b"event: "):
                kind = line[7:].strip().decode()
            elif line.startswith(b"data: ") and kind == "case":
                self.hear(json.loads(line[6:]), time.time() * 1000)

    def hear(self, news: dict, at: float) -> None:
        case, version = news["case"], news["version"]
        self.heard.append((case, version, at))
        if self.shown.get(case, 0) >= version:
            return
        is_unit = self.desk["path"] == "/department/"
        stages = [stage for part in news["parts"].values() for stage in part] if is_unit else [news["stage"]]
        if self.stages and stages and not set(stages) & set(self.stages):
            self.shown.pop(case, None)
            return self.plan(random.uniform(*COUNTS_S))
        self.stale.add(case)
        is_quiet = time.monotonic() - self.asked_at > QUIET_S
        self.plan(random.uniform(*(SOON_S if is_quiet else GATHER_S)))

    def plan(self, seconds: float) -> None:
        at = time.monotonic() + seconds
        if self.due and self.due <= at:
            return
        self.due = at
        if self.timer:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(seconds, lambda: asyncio.create_task(self.ask_anew()))

    async def ask_anew(self) -> None:
        self.due = 0.0
        if self.is_asking:
            return self.plan(0.3)
        self.is_asking, self.asked_at = True, time.monotonic()
        ids, self.stale = list(self.stale)[:50], set()
        try:
            answer = await self.ask(ids)
        finally:
            self.is_asking = False
        for case in ids:
            self.shown.pop(case, None)
        self.shown |= {case: int(version) for case, version in ROW.findall(answer["rows"])}

    async def ask(self, ids: list[str] | None) -> dict:
        self.asked.append(time.time() * 1000)
        said = {"tab": self.desk["tab"]} | ({} if ids is None else {"ids": ",".join(ids)})
        return json.loads(await self.get(f"{self.desk['rows']}?{urlencode(said)}"))

    async def get(self, address: str) -> bytes:
        try:
            return await self._get(address)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.line = None  # the front closes a line that was silent for a minute, as a browser knows
            return await self._get(address)

    async def _get(self, address: str) -> bytes:
        reader, writer = self.line or await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
        self.line = (reader, writer)
        asks = (
            "Host: localhost",
            "Accept: application/json, text/html",
            "X-Quiet: 1",
            f"Cookie: {self.desk['cookies']}",
        )
        writer.write("\r\n".join([f"GET {address} HTTP/1.1", *asks, "", ""]).encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise SystemExit(f"{address} answers {head.decode()}")
        if b"content-length:" in head:
            return await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body


def consoles(folder: Path, said) -> None:
    plan = json.loads((folder / "plan.json").read_text())

    async def play() -> list[dict]:
        all_of_them = [Console(plan["port"], desk) for desk in plan["others"]]
        for first in range(0, len(all_of_them), 10):
            await asyncio.gather(*(one.sit() for one in all_of_them[first : first + 10]))
        says("ready")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, listens)
        await loop.run_in_executor(None, listens)
        for one in all_of_them:
            one.listening.cancel()
            one.stream[1].close()
            if one.timer:
                one.timer.cancel()
        return [{"topics": one.desk["topics"], "heard": one.heard, "asked": one.asked} for one in all_of_them]

    (folder / "consoles.json").write_text(json.dumps(asyncio.run(play())))


# — the desks that are pages ——————————————————————————————————————————————————————————————————————————

WATCH = """
window.seen = [];
window.shownRows = () => [...document.querySelectorAll("#rows > tr[data-case]:not(.row-gone)")]
  .map((row) => [row.dataset.case, Number(row.dataset.version)]);
document.addEventListener("DOMContentLoaded", () => {
  const rows = new Map();
  const look = () => {
    const at = Date.now(), now = new Map();
    for (const [id, version] of shownRows()) now.set(id, version);
    for (const [id, version] of now) {
      if (rows.get(id) !== version) { rows.set(id, version); window.seen.push([id, version, at]); }
    }
    for (const id of [...rows.keys()]) if (!now.has(id)) { rows.delete(id); window.seen.push([id, null, at]); }
  };
  look();
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
});
"""
SHOWN = "window.shownRows()"


def pages(folder: Path, said) -> None:
    from playwright.async_api import async_playwright

    plan = json.loads((folder / "plan.json").read_text())

    async def play() -> list[dict]:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM") or "/usr/bin/chromium",
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
            opened = []
            for desk in plan["pages"]:
                context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
                cookies = [one.partition("=") for one in desk["cookies"].split("; ")]
                await context.add_cookies([
                    {"name": name, "value": value, "url": f"http://localhost:{plan['port']}"}
                    for name, _, value in cookies
                ])  # fmt: skip
                page = await context.new_page()
                asked: list[float] = []
                page.on(
                    "request",
                    lambda request, asked=asked: "/rows/?" in request.url and asked.append(time.time() * 1000),
                )
                await page.add_init_script(WATCH)
                await page.goto(f"http://localhost:{plan['port']}{desk['path']}?tab={desk['tab']}")
                await page.wait_for_selector("[data-push][data-state=on]", timeout=90_000)
                opened.append((desk, page, asked))
            says("ready")
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, listens)
            for _desk, _page, asked in opened:
                asked.clear()
            await loop.run_in_executor(None, listens)
            found = []
            for desk, page, asked in opened:
                facts = json.loads(await page.locator("#queue-live").text_content())
                found.append({
                    **{name: desk[name] for name in ("user", "tab", "topics")}, "stages": facts["stages"],
                    "hidden": await page.evaluate("document.hidden"), "asked": asked,
                    "seen": await page.evaluate("window.seen"), "shown": await page.evaluate(SHOWN),
                })  # fmt: skip
            await browser.close()
            return found

    (folder / "pages.json").write_text(json.dumps(asyncio.run(play())))


# — the moves ————————————————————————————————————————————————————————————————————————————————————————


class Moves:
    """Cases that go round through six buttons; each move is a real one, by somebody of that desk."""

    ROUND = ("report", "accept", "file", "dispatch", "receive", "hand_over")
    AHEAD = 24  # cases that wait before each button when it begins

    def __init__(self, folder: Path) -> None:
        from accounts.models import Department, User
        from accounts.roles import Role
        from cases.models import Case
        from citymgmt import live_publish
        from components.models import FilingCondition

        names = {"operator": "shouli", "leader": "zhibanzhang", "dispatcher": "paiqian"}
        self.people = {what: User.objects.get(username=name) for what, name in names.items()}
        self.collectors = list(User.objects.filter(username__startswith="caiji")[:20])
        self.units = list(Department.objects.filter(code__startswith="unit").order_by("code"))
        sitting = User.objects.filter(appointments__role=Role.DEPARTMENT_OPERATOR).order_by("id")
        self.heads = {one.pk: sitting.filter(appointments__department=one).first() for one in self.units}
        self.conditions: dict = {}
        for one in (
            FilingCondition.objects.filter(is_active=True, limit_value__isnull=False).current().order_by("-number")
        ):
            self.conditions[one.minor_class_id] = one
        rows = Case.objects.filter(minor_class__in=self.conditions).select_related("minor_class").order_by("-id")[:500]
        self.spots = [(row.point, row.minor_class) for row in rows]
        self.waiting: dict[str, deque] = {verb: deque() for verb in self.ROUND}
        self.told: list[dict] = []
        self.lock = threading.Lock()
        self.number = 0
        self.publish = live_publish.publish
        live_publish.publish = self.tell

    def tell(self, **news) -> bool:
        self.told.append({**news, "case": news["case_id"], "at": time.time() * 1000})
        return self.publish(**news)

    def prepare(self) -> None:
        """Clear the desks of what an earlier run left, and put so many cases before each button."""
        from cases.models import Case, HandlingStint
        from cases.workflow import OPEN

        HandlingStint.objects.open().update(stage="withdrawn")
        Case.objects.filter(stage__in=OPEN).update(stage="voided")
        for place, verb in enumerate(self.ROUND[1:], 1):
            for _ in range(self.AHEAD):
                case = None
                for step in self.ROUND[:place]:
                    case = self.make(step, case)
                self.waiting[verb].append(case)
        self.told.clear()

    def next(self) -> None:
        with self.lock:
            verb = self.ROUND[self.number % len(self.ROUND)]
            self.number += 1
            case = self.waiting[verb].popleft() if verb != "report" else None
        case = self.make(verb, case)
        following = self.ROUND.index(verb) + 1
        if following < len(self.ROUND):
            with self.lock:
                self.waiting[self.ROUND[following]].append(case)

    def make(self, verb: str, case):
        from django.utils import timezone

        from cases import actions
        from dispatch import actions as dispatch

        at, by = timezone.now(), self.people
        if verb == "report":
            point, minor_class = random.choice(self.spots)
            return actions.report(by=random.choice(self.collectors), at=at, source="collector", minor_class=minor_class,
                                  point=point, description="路边散落多袋生活垃圾，有异味。")  # fmt: skip
        if verb == "accept":
            return actions.accept(case, by=by["operator"], at=at)
        if verb == "file":
            return actions.file(case, by=by["leader"], at=at, condition=self.conditions[case.minor_class_id])
        if verb == "dispatch":
            return dispatch.dispatch(case, by=by["dispatcher"], at=at, department=random.choice(self.units))
        stint = case.stints.select_related("department").get()
        if verb == "receive":
            return dispatch.receive(stint, by=self.heads[stint.department_id], at=at)
        return dispatch.hand_over(stint, by=self.heads[stint.department_id], at=at, opinion="已清运。", files=())


def changes(folder: Path, said) -> None:
    moves = Moves(folder)
    moves.prepare()
    says("ready")
    listens()
    began, total = time.monotonic(), int(said.rate * said.seconds)
    turn = iter(range(total))

    def work() -> None:
        from django.db import connection

        while True:
            with moves.lock:
                number = next(turn, None)
            if number is None:
                break
            time.sleep(max(0, began + number / said.rate - time.monotonic()))
            moves.next()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    kept = ("case", "version", "stage", "parts", "topics", "at")
    (folder / "changes.json").write_text(json.dumps([{key: one[key] for key in kept} for one in moves.told]))
    says("done")


PARTS = {"consoles": consoles, "pages": pages, "changes": changes}


if __name__ == "__main__":
    main()
