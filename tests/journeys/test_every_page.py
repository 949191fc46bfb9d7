"""Everybody follows every link he finds, in both languages: each page answers, in time, lean, quiet and translated.

With the test client for what can be counted; in a real browser for what only a browser notices.
"""

import re
from collections import deque
from datetime import timedelta
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import clocks
from cases.workflow import Stage
from dispatch import actions as dispatch
from dispatch import terms
from office import settings as office_settings
from tests.county import PEOPLE, County

MOST_QUERIES, MOST_BYTES, MOST_PAGES = 12, 150_000, 70
LINK = re.compile(r'(?:href|hx-get)="([^"#][^"]*)"')
INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>|\son\w+=\"|\sstyle=\"")
LEFT_ALONE = ("/static/", "/admin/", "/evidence/", "/accounts/logout", "/media/", "/i18n/", "/field/move/")
LANGUAGES = ("zh-hans", "en")


@pytest.fixture
def busy_county(db) -> County:
    """A county with something in every queue, of today."""
    return fill(County.build())


def fill(county: County) -> County:
    now = timezone.now()
    for hours, stage in enumerate(Stage):
        if stage in (Stage.REPORTED, Stage.PENDING_DISPATCH, Stage.PENDING_HANDLE, Stage.HANDLING, Stage.HANDED_OVER,
                     Stage.PENDING_CHECK, Stage.CHECKING, Stage.PENDING_CLOSE, Stage.CLOSED):  # fmt: skip
            county.case_at(stage, at=now - timedelta(hours=hours + 1))
        if stage in (Stage.ACCEPTED, Stage.VERIFYING, Stage.PENDING_FILING):
            county.case_at(stage, source="web", at=now - timedelta(minutes=40 * hours + 20))
    stint = county.case_at(Stage.HANDLING, at=now - timedelta(minutes=50)).stints.get()
    dispatch.ask_extension(stint, by=county.sanitation, at=now, reason="需要吊车")
    stint = county.case_at(Stage.HANDLING, at=now - timedelta(minutes=45)).stints.get()
    dispatch.ask_return(stint, by=county.sanitation, at=now, ground=county.ground, reason="不属于我单位")
    return county


def links(page: str, here: str) -> list[str]:
    """Return the addresses of this site that a page names."""
    found = []
    for link in LINK.findall(page):
        address = urldefrag(urljoin(here, link.replace("&amp;", "&")))[0]
        parts = urlsplit(address)
        if not parts.scheme and not parts.netloc and not parts.path.startswith(LEFT_ALONE):
            found.append(address)
    return found


def shape(address: str) -> str:
    """Return what kind of page it is: the same page of another case need not be read again."""
    path, _, query = address.partition("?")
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "*", path) + "?" + ",".join(sorted(re.findall(r"(\w+)=", query)))


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_may_follow_every_link_he_is_shown(busy_county, seat, language):
    troubles = {who: follow(seat(getattr(busy_county, who)), language) for who in PEOPLE}
    assert {who: found for who, found in troubles.items() if found} == {}


def follow(browser, language: str) -> list[str]:
    """Follow every link from this person's home; return what is wrong with the pages."""
    browser.post("/i18n/setlang/", {"language": language, "next": "/"})
    browser.get("/", follow=True)
    waiting, seen, troubles = deque(["/", "/accounts/profile/", "/messages/"]), set(), []
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.popleft()
        if shape(address) in seen:
            continue
        seen.add(shape(address))
        # Settings, calendar and rules are read once by each process: that is no page's doing.
        office_settings.get("office.centre_name", on=timezone.localdate())
        clocks.calendar()
        terms.grounds(timezone.localdate())
        with CaptureQueriesContext(connection) as asked:
            answer = browser.get(address)
        if answer.status_code in (301, 302):
            waiting.append(answer["Location"])
            continue
        if len(asked) > MOST_QUERIES:
            troubles.append(f"{len(asked)} queries {address}")
        if answer.status_code != 200:
            troubles.append(f"{answer.status_code} {address}")
        elif "text/html" in answer.get("Content-Type", ""):
            page = answer.content.decode()
            troubles += [f"{trouble} {address}" for trouble in wrong_with(page, language)]
            waiting.extend(links(page, address))
    if len(seen) <= 3:
        troubles.append("hardly a page was found")
    return troubles


def wrong_with(page: str, language: str) -> list[str]:
    """Return what no page of ours may be: heavy, in another language, with script or style inside."""
    troubles = []
    if len(page.encode()) > MOST_BYTES:
        troubles.append(f"{len(page.encode())} bytes")
    if page.lstrip().startswith("<!doctype") and f'lang="{"en" if language == "en" else "zh-Hans"}"' not in page:
        troubles.append("another language")
    if INLINE.search(page):
        troubles.append("inline script or style")
    return troubles


@pytest.mark.journey
def test_pages_are_quiet_and_fit_in_a_real_browser(people, county):
    fill(county)
    for who in ("operator", "dispatcher", "sanitation", "leader", "administrator", "collector"):
        look(people, county, who, phone=who == "collector", most=5)


@pytest.mark.journey
@pytest.mark.prove
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phone", [False, True])
def test_every_page_is_quiet_and_fits_in_a_real_browser(people, county, phone, language):
    fill(county)
    for who in PEOPLE:
        look(people, county, who, phone=phone, most=MOST_PAGES, language=language)


def look(people, county: County, who: str, *, phone: bool, most: int, language: str = "zh-hans") -> None:
    """Open pages by their links; the person's browser complains at the end of script errors and outside requests."""
    person = people(getattr(county, who), phone=phone)
    page = person.open("/")
    if language == "en":
        page.locator("form[action*=setlang] button").first.click()
        page.wait_for_load_state()
    waiting, seen, troubles = deque([urlsplit(page.url).path]), set(), []
    while waiting and len(seen) < most:
        address = waiting.popleft()
        if shape(address) in seen:
            continue
        seen.add(shape(address))
        answer = page.goto(f"{person.address}{address}")
        if answer is None or "text/html" not in answer.headers.get("content-type", ""):
            continue
        # What a page fetches at once has come. It goes on asking for news, so that its line is never quiet.
        page.locator(".htmx-request").first.wait_for(state="detached")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 1:
            troubles.append(f"{wide} px too wide: {address}")
        waiting.extend(link for link in links(page.content(), address) if ".geojson" not in link)
    assert troubles == []
