"""Two browsers, one case; push stopped in the middle; who is there: with a real nginx and a real push process."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from django.conf import settings as installation
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from cases import actions
from cases.models import Case
from tests.journeys.conftest import Person

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
PATIENCE_MS = 60_000  # on a machine with much else to do
expect.set_options(timeout=PATIENCE_MS)

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1; {user}
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_set_header Connection "";
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass {web}; }}
        location /live/ticket/ {{ proxy_pass {web}; }}
        location /live/ {{ proxy_pass http://unix:{live}; proxy_buffering off; proxy_read_timeout 1h; }}
    }}
}}
"""


class Hall:
    """The site with its front and its push process, which may be stopped."""

    def __init__(self, folder: Path, web: str, instance: str) -> None:
        self.folder, self.instance, self.push = folder, instance, None
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        self.address = f"http://localhost:{port}"
        config = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(NGINX.format(folder=folder, port=port, web=web, live=folder / "live.sock", user=user))
        self.front = subprocess.Popen(["nginx", "-p", folder, "-c", config, "-e", folder / "error.log"])
        self.start_push()
        until(lambda: answers(port))

    def start_push(self) -> None:
        command = ["-m", "uvicorn", "citymgmt.live:application", "--uds", str(self.folder / "live.sock")]
        self.push = subprocess.Popen(
            [sys.executable, *command, "--no-access-log", "--timeout-graceful-shutdown", "1", "--lifespan", "on"],
            cwd=installation.BASE_DIR,
            env={**os.environ, "CITY_INSTANCE": self.instance, "SECRET_KEY": installation.SECRET_KEY},
        )
        until(lambda: (self.folder / "live.sock").exists())

    def stop_push(self) -> None:
        self.push.send_signal(signal.SIGKILL)
        self.push.wait()
        (self.folder / "live.sock").unlink()

    def close(self) -> None:
        for process in (self.front, self.push):
            process.terminate()
            process.wait(20)


def until(so) -> None:
    end = time.monotonic() + PATIENCE_MS / 1000
    while not so():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def hall(live_server, settings, tmp_path_factory):
    instance = f"journey-{uuid.uuid4().hex[:8]}"
    settings.LIVE_STREAM = f"{instance}:live"
    folder = Path("/tmp") / f"city-{instance}"  # a socket's name is short
    folder.mkdir()
    made = Hall(folder, live_server.url, instance)
    yield made
    made.close()
    shutil.rmtree(folder)


@pytest.fixture
def sits(people, hall):
    """Return a function that seats somebody behind the front, with a line for news."""

    def sit(user, path: str) -> Person:
        person = people()
        person.address = hall.address
        person.page.set_default_timeout(PATIENCE_MS)
        person.log_in(user)
        person.open(path)
        expect(person.page.locator("[data-push]")).to_have_attribute("data-state", "on")
        return person

    return sit


def row(person: Person, case: Case):
    return person.page.locator(f"#queue tr[data-case='{case.public_id}']")


def count(person: Person, tab: str):
    return person.page.locator(f"[data-count={tab}]")


def address(case: Case) -> str:
    return reverse("cases:case", args=[case.public_id])


def test_what_one_desk_does_slides_into_the_other_and_the_numbers_follow(sits, county):
    now = timezone.now()
    first = county.report(at=now)
    chen, wang = sits(county.duty_leader, "/desk/?tab=accept"), sits(county.dispatcher, "/dispatch/?tab=to_dispatch")
    expect(count(chen, "accept")).to_have_text("1")
    second = county.report(at=now)
    expect(row(chen, second)).to_be_visible()
    expect(count(chen, "accept")).to_have_text("2")
    actions.accept(first, by=county.operator, at=now)
    expect(row(chen, first)).to_have_count(0)
    expect(count(chen, "accept")).to_have_text("1")
    expect(row(wang, first)).to_have_count(0)
    actions.file(first, by=county.duty_leader, at=now, condition=county.condition)
    expect(row(wang, first)).to_be_visible()
    expect(count(wang, "to_dispatch")).to_have_text("1")


def test_an_open_case_follows_what_another_did_and_waits_while_somebody_writes(sits, county):
    now = timezone.now()
    case = county.report(at=now)
    chen = sits(county.duty_leader, address(case))
    actions.accept(case, by=county.operator, at=now)
    expect(chen.page.locator(".case-note.fresh")).to_contain_text("孙丽")
    expect(chen.page.locator("[data-verb=file]")).to_be_visible()
    chen.page.click("[data-verb=not_file]")
    chen.page.locator("form[data-move=not_file] textarea").fill("正在写不予立案的理由")
    actions.describe(case, by=county.operator, at=now, description="垃圾约两方，堵住了路口")
    expect(chen.page.locator(".case-note.changed")).to_contain_text("孙丽")
    expect(chen.page.locator("form[data-move=not_file] textarea")).to_have_value("正在写不予立案的理由")


def test_push_stopped_in_the_middle_the_page_says_so_asks_itself_and_catches_up(sits, hall, county):
    now = timezone.now()
    chen = sits(county.duty_leader, "/desk/?tab=accept")
    bar = chen.page.locator("[data-push]")
    hall.stop_push()
    expect(bar).to_have_attribute("data-state", "off")
    expect(bar).to_contain_text("推送中断")
    while_away = county.report(at=now)
    expect(row(chen, while_away)).to_be_visible()  # it asked by itself
    unseen = county.report(at=now)
    hall.start_push()
    expect(bar).to_have_attribute("data-state", "on")
    expect(row(chen, unseen)).to_be_visible()
    later = county.report(at=now)
    expect(row(chen, later)).to_be_visible()
    for case in (while_away, unseen, later):
        expect(row(chen, case)).to_have_count(1)
    expect(count(chen, "accept")).to_have_text("3")


def test_two_at_one_case_see_each_other_and_one_takes_over_with_notice(sits, county):
    case = county.report(at=timezone.now())
    sun, chen = sits(county.operator, address(case)), sits(county.duty_leader, address(case))
    expect(chen.page.locator(".others")).to_contain_text("孙丽")
    expect(sun.page.locator(".others")).to_contain_text("陈静")
    sun.page.click("[data-verb=refuse]")
    sun.page.locator("form[data-move=refuse] textarea").fill("不在管理范围")
    expect(chen.page.locator(".others")).to_contain_text("孙丽 正在办理")
    chen.page.click("[data-take-over]")
    taken = sun.page.locator(".case-note.taken")
    expect(taken).to_contain_text("陈静 已接手")
    expect(sun.page.locator("form[data-move=refuse] textarea")).to_have_value("不在管理范围")
    chen.page.close()
    expect(sun.page.locator(".others")).to_be_hidden()


@pytest.mark.prove
def test_rows_come_in_above_without_moving_what_is_read(sits, county):
    now = timezone.now()
    cases = [county.report(at=now) for _ in range(40)]
    chen = sits(county.duty_leader, "/desk/?tab=accept")
    read = row(chen, cases[30])
    read.scroll_into_view_if_needed()
    before = read.bounding_box()["y"]
    urgent = county.report(at=now, urgency=2)
    expect(row(chen, urgent)).to_have_count(1)
    expect(chen.page.locator(".new-above")).to_contain_text("1")
    assert abs(read.bounding_box()["y"] - before) < 2
    chen.page.click(".new-above")
    expect(row(chen, urgent)).to_be_in_viewport()
