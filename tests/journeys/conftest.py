"""Journeys: a real browser, a real site, a real worker; each person in a browser of his own."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import time_machine
from celery.contrib.testing.worker import start_worker
from django.core.signals import request_finished, request_started
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accounts.middleware import SEEN_COOKIE, seen_cookie
from citymgmt.celery import app as celery_app
from tests.county import PASSWORD, County, picture

# The browser's own loop runs in this thread; the pages are served by another.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
DESK, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the whole run."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def county(transactional_db) -> County:
    """The small county, committed, so that the pages and the worker see it."""
    return County.build()


class Person:
    """Somebody at a browser of his own. Every page he opens is watched: no script errors, nothing asked of outside."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context, self.address = context, address
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("request", self._request)

    def _console(self, message) -> None:
        # A form answered with "please mend this" (4xx) is meant; the browser notes it as an error of its own.
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _request(self, request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", "about:")):
            self.complaints.append(f"outside: {request.url}")

    def open(self, path: str) -> Page:
        """Go to an address of the site."""
        self.page.goto(f"{self.address}{path}")
        return self.page

    def log_in(self, user) -> "Person":
        """Let the browser have the session of somebody who logged in before."""
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        client.cookies[SEEN_COOKIE] = seen_cookie(client.session.session_key)
        self.context.add_cookies(
            [{"name": name, "value": one.value, "url": self.address} for name, one in client.cookies.items()]
        )
        return self

    def log_in_by_the_page(self, user) -> "Person":
        """Log in as anybody would; it ends on his first page."""
        self.open("/accounts/login/")
        self.page.fill("input[name=username]", user.username)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("main button[type=submit]")
        self.page.wait_for_url(lambda url: "/accounts/login/" not in url)
        return self

    def press(self, verb: str, **said) -> None:
        """Press a button of the case page and fill its form: text, choice by value, tick, or pictures."""
        button = self.page.locator(f"[data-verb={verb}]")
        button.wait_for(state="attached")
        if not button.is_visible():  # the rare ones fold
            self.page.click(".more-moves summary")
        self.page.wait_for_load_state("load")
        button.click()
        form = self.page.locator(f"form[data-move={verb}]")
        form.wait_for()
        if "collector" in said:  # the plain list is exchanged for one that says who is near and free
            form.locator(".candidates").wait_for()
        for name, value in said.items():
            self._fill(form, name, value)
        with self.page.expect_navigation():
            form.locator("button[type=submit]").click()

    def _fill(self, form, name: str, value) -> None:
        field = form.locator(f"[name={name}]").first
        kind = field.evaluate("element => element.type || element.tagName")
        if kind == "file":
            form.locator(f"input[type=file][name={name}]").set_input_files(value)
        elif kind == "radio":
            form.locator(f"[name={name}][value='{value}']").check()
        elif kind == "checkbox":
            field.set_checked(bool(value))
        elif kind.startswith("select"):
            field.select_option(str(value))
        else:
            field.fill(str(value))

    def text(self) -> str:
        """Return what the page says."""
        return self.page.locator("body").inner_text()


class UnderWay:
    """How many requests the site is serving: a page that is closed in the middle of one leaves it running."""

    def __init__(self) -> None:
        self.asked: dict[int, str] = {}  # by thread
        self.changed = threading.Condition()

    def began(self, environ=None, **_signal) -> None:
        with self.changed:
            self.asked[threading.get_ident()] = (environ or {}).get("PATH_INFO", "")

    def ended(self, **_signal) -> None:
        with self.changed:
            self.asked.pop(threading.get_ident(), None)
            self.changed.notify_all()

    def settle(self) -> None:
        """Wait until the last request is served: a database in use cannot be emptied."""
        with self.changed:
            assert self.changed.wait_for(lambda: not self.asked, timeout=30), f"still under way: {self.asked}"


@pytest.fixture
def under_way():
    """Count the requests under way from here on."""
    known = UnderWay()
    request_started.connect(known.began)
    request_finished.connect(known.ended)
    yield known
    request_started.disconnect(known.began)
    request_finished.disconnect(known.ended)


@pytest.fixture
def people(chromium, live_server, county, settings, under_way):
    """Return a function that seats somebody: `people(county.dispatcher)`, on a phone with `phone=True`, or nobody."""
    settings.EVIDENCE_ACCEL_PREFIX = ""  # no nginx in front of this site
    seated: list[Person] = []

    def seat(user=None, *, phone: bool = False, **options) -> Person:
        context = chromium.new_context(
            viewport=PHONE if phone else DESK, locale="zh-CN", timezone_id="Asia/Shanghai", is_mobile=phone,
            has_touch=phone, **options,
        )  # fmt: skip
        context.set_default_timeout(10_000)
        person = Person(context, live_server.url)
        seated.append(person)
        return person.log_in(user) if user else person

    yield seat
    complaints = [complaint for person in seated for complaint in person.complaints]
    for person in seated:
        person.context.close()
    under_way.settle()
    assert complaints == []


@pytest.fixture
def worker(transactional_db):
    """A real Celery worker on the real broker."""
    with start_worker(celery_app, pool="solo", perform_ping_check=False, shutdown_timeout=20) as running:
        yield running


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let the site's clock go on from another moment."""
    with time_machine.travel(moment, tick=True):
        yield


@pytest.fixture
def photograph(tmp_path):
    """Return a function that gives the path of another picture each time."""
    taken = []

    def take() -> Path:
        taken.append(1)
        path = tmp_path / f"{len(taken)}.jpg"
        path.write_bytes(picture(100 + len(taken)).read())
        return path

    return take
