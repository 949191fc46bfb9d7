"""What belongs to a seat: sounds and how few, the count in the title, working time, a text that outlives a crash."""

import os
import signal
import subprocess
import time
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from cases import clocks
from cases.time_limits import Unit
from tests.county import MONDAY, PASSWORD
from tests.journeys.conftest import CHROMIUM, FLAGS

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
PATIENCE_S = 60
expect.set_options(timeout=PATIENCE_S * 1000)


def tell(page, name: str, **detail) -> None:
    """Let the page hear what its own modules tell each other."""
    page.evaluate("([name, detail]) => document.body.dispatchEvent(new CustomEvent(name, { detail }))", [name, detail])


@pytest.fixture
def listening(people, county):
    """A desk whose sounds are noted."""
    page = people(county.operator).open("/desk/?tab=accept")
    page.evaluate(
        "window.heard = []; document.body.addEventListener('sound:played', ({ detail }) => heard.push(detail.kind))"
    )
    return page


def test_never_more_than_one_sound_in_five_seconds_and_the_most_important_of_those_at_once(listening):
    tell(listening, "live:rows", arrived=3, urgent=1, back=1)
    tell(listening, "live:rows", arrived=1, urgent=0, back=0)
    tell(listening, "clock:late", id="1")
    assert listening.evaluate("heard") == ["urgent"]
    listening.evaluate("localStorage.setItem('sounded', Date.now() - 5001)")
    tell(listening, "live:rows", arrived=1, urgent=0, back=1)
    assert listening.evaluate("heard") == ["urgent", "returned"]


def test_a_muted_seat_counts_in_the_title_until_somebody_looks_and_stays_muted(listening):
    listening.click(".bar-sounds summary")
    listening.check(".bar-sounds [data-sound-mute]")
    title = listening.title()
    tell(listening, "live:rows", arrived=2, urgent=0, back=0)
    assert listening.evaluate("heard") == []
    assert listening.title() == f"(2) {title}"
    listening.keyboard.press("Shift")
    assert listening.title() == title
    listening.reload()
    assert listening.locator(".bar-sounds [data-sound-mute]").is_checked()


def test_the_four_sounds_are_there(listening):
    box = listening.locator(".bar-sounds [data-sound-settings]")
    sizes = [
        listening.evaluate("url => fetch(url).then((one) => one.blob()).then((one) => one.size)", address)
        for kind in ("new", "urgent", "returned", "overdue")
        for address in [box.get_attribute(f"data-{kind}")]
    ]
    assert all(500 < size < 20_000 for size in sizes)


def test_a_page_counts_working_time_as_the_server_does(people, county):
    page = people().open("/accounts/login/")
    here, spans = clocks.calendar(), clocks.work_spans(MONDAY)[""]
    assert not spans.keys() - {"base", "spans"}
    # Over the midday break, into the evening, into the next day.
    moments = [MONDAY + timedelta(minutes=minutes) for minutes in (0, 90, 181, 240, 301, 540, 700, 1380, 1500)]
    due = here.add(MONDAY, 6 * 3600)
    seconds = page.evaluate(
        """async ([calendar, mark, moments]) => {
            const { left } = await import("/static/js/work_time.js");
            return moments.map((second) => left(calendar, mark, second));
        }""",
        [spans, here.position(due), [int(moment.timestamp()) for moment in moments]],
    )
    assert seconds == [here.position(due) - here.position(moment) for moment in moments]
    assert seconds[2] == seconds[3] == 3 * 3600  # at lunch it stands still


def test_time_left_of_a_working_limit_stands_still_at_night_on_an_open_page(people, county):
    filed = county.case_at("pending_handle", at=timezone.now() - timedelta(minutes=30))
    assert filed.limit_unit == Unit.WORKING_HOUR
    page = people(county.dispatcher).open("/dispatch/?tab=working")
    left = page.locator(f"tr[data-case='{filed.public_id}'] [data-left]")
    expect(left).to_have_attribute("data-until", str(clocks.calendar().position(filed.due_at)))


# What the browser's database holds, once everything written before is on the disk.
KEPT = """async () => {
    const open = indexedDB.open("drafts", 1);
    const base = await new Promise((done) => { open.onsuccess = () => done(open.result); });
    const asked = base.transaction("drafts", "readwrite", { durability: "strict" });
    const all = asked.objectStore("drafts").getAll();
    await new Promise((done) => { asked.oncomplete = done; });
    base.close();
    return JSON.stringify(all.result);
}"""


@pytest.fixture
def start(chromium, tmp_path):
    """Start browsers of their own, one after the other, with one folder; none outlives the test."""
    started: list[Browser] = []

    def one() -> Browser:
        started.append(Browser(chromium, tmp_path))
        return started[-1]

    yield one
    for browser in started:
        browser.kill()


@pytest.mark.prove
def test_a_text_outlives_the_browser_that_was_killed(start, live_server, county):
    case = county.report(at=timezone.now())
    address = f"{live_server.url}{reverse('cases:case', args=[case.public_id])}"
    killed = start()
    page = killed.page()
    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("input[name=username]", county.operator.username)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/accounts/login/" not in url)
    page.goto(address)
    page.click("[data-verb=refuse]")
    page.locator("form[data-move=refuse] textarea").fill("第一句")
    page.locator("form[data-move=refuse] textarea").fill("来电人说井盖已经松动两天，请优先安排")
    end = time.monotonic() + PATIENCE_S
    while "优先安排" not in page.evaluate(KEPT):
        assert time.monotonic() < end, "the text is not kept"
    cookies = page.context.cookies()
    killed.kill()

    again = start()
    page = again.page()
    page.context.add_cookies(cookies)
    page.goto(address)
    page.click("[data-verb=refuse]")
    expect(page.locator("form[data-move=refuse] textarea")).to_have_value("来电人说井盖已经松动两天，请优先安排")


class Browser:
    """A browser of its own with its own folder, which can be killed as a power cut would."""

    def __init__(self, chromium, folder) -> None:
        port = folder / "DevToolsActivePort"
        port.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [CHROMIUM, "--headless=new", *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={folder}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        end = time.monotonic() + PATIENCE_S
        while not (port.exists() and port.read_text().count("\n")):
            assert time.monotonic() < end, "the browser does not start"
            time.sleep(0.1)
        self.browser = chromium.browser_type.connect_over_cdp(f"http://127.0.0.1:{port.read_text().split()[0]}")

    def page(self):
        page = self.browser.contexts[0].new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        return page

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
