"""Everybody follows every link he finds, in both languages: each page answers, in time, lean, quiet and translated.

Which pages there are is read from the addresses of the site itself: one that nobody gets to see fails the test. With
the test client for what can be counted; in a real browser for what only a browser notices.
"""

import re
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.apps import apps
from django.conf import settings as installation
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import Resolver404, get_resolver, resolve, reverse
from django.urls.exceptions import NoReverseMatch
from django.utils import timezone
from django.utils.translation import gettext, override

from cases import clocks
from dispatch import terms
from office import declared
from office import settings as office_settings
from tests.county import County
from tests.journeys.furnished import EVERYBODY, NOBODY, furnish

MOST_QUERIES, MOST_BYTES = 12, 150_000
LINK = re.compile(r'(?:href|hx-get|data-href)="([^"#][^"]*)"')
INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>|\son\w+=\"|\sstyle=\"")
LEFT_ALONE = ("/static/", "/admin/", "/evidence/", "/accounts/logout", "/media/", "/i18n/", "/api/", "/accounts/sso/")
LANGUAGES = ("zh-hans", "en")
DESK, PHONE = {"width": 1366, "height": 768}, {"width": 360, "height": 640}
ON_PHONES = ("/field/", "/citizen/", "/l/")
# Addresses that are no page: what scripts and other programs ask, files, what is told once. The practice area is a site
# of its own, with tests of its own.
NO_PAGES = re.compile(
    r"^(api|calls|i18n|health|live/|admin/|accounts/sso/|evidence/|practice/|kept/)"
    r"|\.(geojson|svg|xlsx)|/file/$|picture/|<variant:variant>|(unsolved|withdraw)/$"
)
# Dearer than MOST_QUERIES, and known: a scene of the wall, kept for all walls, ranks three kinds.
MOST_OF = {"evaluation:wall_scene": 13}
# Pages to which only an upload, an alarm, a message or a task leads: walked by the tests of their rooms.
ELSEWHERE = {
    "cases:chain", "dispatch:rule_preview", "dispatch:rules_coming", "dispatch:what_if_of", "office:message",
    "patrol:move",
}  # fmt: skip
# Pages that name things in both languages.
BILINGUAL = ("/handbook/glossary/", "/maintenance/messages/", "/maintenance/rules/")
AXE = Axe()


@dataclass
class Found:
    """What a walk found: troubles, the pages in the order they were met, the names of their addresses."""

    troubles: list[str] = field(default_factory=list)
    pages: list[tuple[str, str]] = field(default_factory=list)  # who, address
    names: set[str] = field(default_factory=set)


# — which pages there are ————————————————————————————————————————————————————————————————————————————————————————


def every_address(resolver=None, before: str = "", space: str = "", values: dict | None = None):
    """Yield (name, {parameter: converter}) of every address of the site but those of NO_PAGES."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route, named = before + str(pattern.pattern), {**(values or {}), **pattern.pattern.converters}
        if hasattr(pattern, "url_patterns"):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            if pattern.namespace != "admin":
                yield from every_address(pattern, route, inner, named)
        elif pattern.name and not NO_PAGES.search(route) and not pattern.name.startswith("api_"):
            yield space + pattern.name, named


SOME_VALUE = {"uuid": UUID(int=1), "int": 1, "string": "x", "slug": "x"}


def answers_only_forms(name: str, browsers: dict[str, Client]) -> bool:
    """True for an address that says to everybody who may come at all: only with a form."""
    values = next((kept for space, kept in every_address() if space == name), {})
    try:
        address = reverse(name, kwargs={key: _some(one) for key, one in values.items()})
    except NoReverseMatch:
        return False
    return any(browser.get(address).status_code == 405 for browser in browsers.values())


def _some(converter):
    kind = type(converter).__name__.removesuffix("Converter").lower()
    return SOME_VALUE.get(kind) or converter.regex.partition("|")[0]


# — the walk —————————————————————————————————————————————————————————————————————————————————————————————————————


def links(page: str, here: str) -> list[str]:
    """Return the addresses of this site that a page names."""
    found = []
    for link in LINK.findall(page):
        address = urldefrag(urljoin(here, unescape(link)))[0]
        parts = urlsplit(address)
        if not parts.scheme and not parts.netloc and not parts.path.startswith(LEFT_ALONE):
            found.append(address)
    return found


def shape(address: str) -> str:
    """Return what kind of page it is: the same page of another case need not be read again."""
    path, _, query = address.partition("?")
    path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/l/)[^/]+|(?<=/follow/)[^/]+", "*", path)
    return path + "?" + ",".join(sorted(set(re.findall(r"(\w+)=", query))))


def walk(browsers: dict[str, Client], given: list[tuple[str, str]], language: str, *, everybody: bool) -> Found:
    """Let people follow every link from every address that needs no more than its name; one reads a page for all of
    them, or `everybody` reads what he can.
    """
    found, seen = Found(), set()
    alone = sorted((reverse(name) for name, values in every_address() if not values), key=_locks)
    for who, browser in browsers.items():
        browser.post("/i18n/setlang/", {"language": language, "next": "/"})
        # The page of a case, and what it fetches, is another one for each.
        own = {one for one in seen if one.startswith("/case/*/?")}
        seen = set() if everybody else seen - own
        waiting = deque([(address, "") for address in alone])  # each with the page whose link it is
        waiting.extendleft((address, "a letter") for guest, address in given if guest == who)
        while waiting:
            address, page_before = waiting.popleft()
            if _locks(address) and waiting:  # after it nothing else is seen
                waiting.append((address, page_before))
                continue
            if shape(address) in seen:
                continue
            answer, asked = _get(browser, address)
            if answer.status_code in (301, 302):
                if not answer["Location"].startswith("/accounts/login"):  # to be asked who one is, is no page
                    seen.add(shape(address))
                    waiting.append((answer["Location"], page_before))
                    _name(found, address)
                continue
            if answer.status_code == 405:
                seen.add(shape(address))
            if answer.status_code != 200:
                if page_before:
                    found.troubles.append(f"{answer.status_code} {who} {address}, linked by {page_before}")
                continue
            seen.add(shape(address))
            if asked > MOST_OF.get(_name(found, address), MOST_QUERIES):
                found.troubles.append(f"{asked} queries {who} {address}")
            if "text/html" in answer.get("Content-Type", ""):
                page = answer.content.decode()
                found.pages.append((who, address))
                found.troubles += [f"{trouble} {who} {address}" for trouble in wrong_with(page, address, language)]
                waiting.extend((link, address) for link in links(page, address))
    return found


def _locks(address: str) -> bool:
    return address == reverse("accounts:lock")


def _name(found: Found, address: str) -> str:
    try:
        name = resolve(urlsplit(address).path).view_name
    except Resolver404:
        found.troubles.append(f"no such address {address}")
        return ""
    found.names.add(name)
    return name


def _get(browser: Client, address: str):
    # Settings, calendar and rules are read once by each process: that is no page's doing.
    office_settings.get("office.centre_name", on=timezone.localdate())
    clocks.calendar()
    terms.grounds(timezone.localdate())
    with CaptureQueriesContext(connection) as asked:
        answer = browser.get(address)
    return answer, len(asked)


def wrong_with(page: str, address: str, language: str) -> list[str]:
    """Return what no page of ours may be: heavy, in another language, with script or style inside."""
    troubles = []
    if len(page.encode()) > MOST_BYTES:
        troubles.append(f"{len(page.encode())} bytes")
    if page.lstrip().startswith("<!doctype") and f'lang="{"en" if language == "en" else "zh-Hans"}"' not in page:
        troubles.append("another language")
    if INLINE.search(page):
        troubles.append("inline script or style")
    return troubles if address.startswith(BILINGUAL) else troubles + untranslated(page, language)


# — the words ————————————————————————————————————————————————————————————————————————————————————————————————————

WITHOUT_WORDS = re.compile(r"<(script|style|textarea|kbd|code|pre)\b.*?</\1>|<!--.*?-->", re.DOTALL)
SAID = re.compile(r'>([^<>]+)<|\s(?:title|placeholder|aria-label|alt)="([^"]+)"')
AS_IT_IS = {
    "English",
    "中文",
    "简体中文",
    "环卫部门",
    "市容部门",
}  # a language's name stands in itself, an example as it is typed
CHINESE = re.compile(r"[\u4e00-\u9fff]+")


def said(page: str) -> list[str]:
    """Return what a page says, piece by piece: its text, and what is read aloud of its parts."""
    return [unescape(one or other).strip() for one, other in SAID.findall(WITHOUT_WORDS.sub("", page))]


def untranslated(page: str, language: str) -> list[str]:
    """Return what stands on a Chinese page in English, or on an English one in Chinese without being data."""
    if language == "en":
        runs = {run for text in said(page) for run in CHINESE.findall(text)} - AS_IT_IS
        return [f"“{run}”" for run in runs if run not in Words.data]
    return [f"“{text}”" for text in set(said(page)) if text in Words.english and text not in AS_IT_IS]


class Words:
    """What may stand where: English texts that have a Chinese; every Chinese word that the database or a file holds."""

    english: frozenset[str] = frozenset()
    data: str = ""

    @classmethod
    def learn(cls) -> None:
        if not cls.english:
            catalogue = Path(installation.BASE_DIR, "locale", "zh_Hans", "LC_MESSAGES", "django.po").read_text()
            texts = re.findall(r'^msgid "(.{2,})"$', catalogue, re.MULTILINE)
            with override("zh-hans"):
                cls.english = frozenset(text for text in texts if gettext(text) != text and "%" not in text)
        pieces = [str(one.default) for one in declared.SETTINGS.values()]
        for model in apps.get_models():
            names = [one.attname for one in model._meta.concrete_fields if isinstance(one, _WORDY)]
            if names:
                pieces += [str(value) for row in model.objects.values_list(*names) for value in row]
        cls.data = " ".join(pieces)


_WORDY = (models.CharField, models.TextField, models.JSONField)


# — what is asserted —————————————————————————————————————————————————————————————————————————————————————————————


def browsers_of(county: County, seat) -> dict[str, Client]:
    return {who: Client() if who == NOBODY else seat(getattr(county, who)) for who in EVERYBODY}


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_found_lean_and_in_the_readers_language(seat, language):
    county = County.build()
    given = furnish(county)
    Words.learn()
    browsers = browsers_of(county, seat)
    found = walk(browsers, given, language, everybody=False)
    browsers = browsers_of(county, seat)  # the others have locked their desks at the end
    unseen = {name for name, _values in every_address()} - found.names - ELSEWHERE
    assert "\n".join(sorted(set(found.troubles))) == ""
    browsers = browsers_of(county, seat)  # the others have locked their desks at the end
    unseen = {name for name, _values in every_address()} - found.names - ELSEWHERE
    assert " ".join(sorted(name for name in unseen if not answers_only_forms(name, browsers))) == ""


@pytest.mark.prove
@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_may_follow_every_link_he_is_shown(seat, language):
    county = County.build()
    given = furnish(county)
    Words.learn()
    found = walk(browsers_of(county, seat), given, language, everybody=True)
    assert "\n".join(sorted(set(found.troubles))) == ""


SLICE = ("/desk/", "/dispatch/", "/department/", "/hotline/call/new/", "/evaluation/overview/", "/case/", "/field/",
         "/citizen/report/", "/l/", "/video/")  # fmt: skip


@pytest.mark.journey
def test_pages_are_quiet_fit_and_bar_nobody(people, county, seat):
    look(people, county, seat, language="zh-hans", only=SLICE)


@pytest.mark.journey
@pytest.mark.prove
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_quiet_fits_and_bars_nobody(people, county, seat, language):
    look(people, county, seat, language=language)


def look(people, county: County, seat, *, language: str, only=None) -> None:
    """Open the pages in a browser; it complains at the end of script errors and outside requests."""
    given, troubles, seen = furnish(county), [], set()
    if only:
        pages = [(who, address) for who, address in _chosen(county, given, only)]
    else:
        Words.learn()
        pages = walk(browsers_of(county, seat), given, language, everybody=False).pages
    seated = {}
    for who, address in pages:
        on_phone = address.startswith(ON_PHONES)
        if (on_phone, who) not in seated:
            person = seated[on_phone, who] = people(None if who == NOBODY else getattr(county, who), phone=on_phone)
            person.page.set_viewport_size(PHONE if on_phone else DESK)
            code = "en" if language == "en" else "zh-hans"
            person.context.add_cookies([{"name": "django_language", "value": code, "url": person.address}])
        if (on_phone, who, shape(address)) not in seen:
            seen.add((on_phone, who, shape(address)))
            troubles += [f"{trouble} {who} {address}" for trouble in _looked_at(seated[on_phone, who], address)]
    assert "\n".join(sorted(set(troubles))) == ""


def _chosen(county: County, given, only):
    by = {"/desk/": "operator", "/dispatch/": "dispatcher", "/department/": "sanitation", "/field/": "collector",
          "/hotline/call/new/": "operator", "/evaluation/overview/": "leader", "/video/": "watcher"}  # fmt: skip
    for address in only:
        if address == "/case/":
            yield "dispatcher", f"/case/{county.report(at=timezone.now() - timedelta(minutes=5)).public_id}/"
        elif address == "/l/":
            yield next(one for one in given if one[1].startswith("/l/"))
        else:
            yield by.get(address, NOBODY), address


def _looked_at(person, address: str) -> list[str]:
    page = person.page
    answer = page.goto(f"{person.address}{address}")
    if answer is None or "text/html" not in answer.headers.get("content-type", ""):
        return []
    if page.locator("html[lang]").count() == 0:  # a part of a page, fetched into another
        return []
    # What a page fetches at once has come. It goes on asking for news, so that its line is never quiet.
    page.locator(".htmx-request").first.wait_for(state="detached")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    troubles = [f"{wide} px too wide"] if wide > 1 else []
    for one in AXE.run(page).response["violations"]:
        troubles += [f"{one['id']} {node['target']}" for node in one["nodes"][:2]]
    return troubles
