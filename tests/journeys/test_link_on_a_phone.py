"""A crew's phone: from the link to done in eight taps, without log-in, with a network that comes and goes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases.models import Evidence
from cases.workflow import Stage, StintStage
from dispatch import links
from tests.journeys.conftest import Person

pytestmark = pytest.mark.journey
SMALL_PHONE = {"width": 360, "height": 640}
# What the phone's own camera asks for each picture: the shutter, and "use it".
TAPS_OF_THE_CAMERA = 2
MOST_TAPS = 8
COUNTS = """
addEventListener("touchstart", () => sessionStorage.setItem("taps", 1 + Number(sessionStorage.getItem("taps"))), true);
addEventListener("mousedown", (event) => {
  if (!event.sourceCapabilities?.firesTouchEvents) console.error("a mouse");
}, true);
"""


@pytest.fixture
def phone(chromium, live_server, settings):
    """A browser on a small phone, which counts every touch of the page."""
    settings.EVIDENCE_ACCEL_PREFIX = ""
    context = chromium.new_context(
        viewport=SMALL_PHONE, locale="zh-CN", timezone_id="Asia/Shanghai", is_mobile=True, has_touch=True
    )
    context.set_default_timeout(10_000)
    context.add_init_script(COUNTS)
    person = Person(context, live_server.url)
    yield person
    context.close()
    assert person.complaints == []


@pytest.fixture
def given(county):
    """A link that the sanitation bureau gave to He Qiang for a case in hand, with a picture of the problem."""
    now = timezone.now()
    near = [(file, "near") for file in county.pictures()]
    case = county.case_at(Stage.HANDLING, at=now - timedelta(minutes=20), files=near)
    return links.make(case.stints.get(), by=county.sanitation, at=now, name="贺强", note="带铁锹")


def taps(page) -> int:
    return page.evaluate("Number(sessionStorage.getItem('taps'))")


def take(page, path) -> int:
    """Take one picture: a tap on the page's button, then those of the camera, which are no business of the page."""
    with page.expect_file_chooser() as asked:
        page.locator(".camera").tap()
    asked.value.set_files(str(path))
    return TAPS_OF_THE_CAMERA


def test_from_the_link_to_done_in_eight_taps(phone, given, photograph):
    page = phone.open(f"/l/{links.token_of(given)}/")
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL_PHONE["width"]
    page.wait_for_function("[...document.querySelectorAll('.link-shots img')].every((one) => one.naturalWidth)")
    in_the_camera = sum(take(page, photograph()) for _ in range(2))
    page.locator(".taken li").nth(1).get_by_text("✓").wait_for()
    with page.expect_navigation():
        page.locator("button.main").tap()
    assert "已提交" in phone.text()
    assert taps(page) + in_the_camera + 1 <= MOST_TAPS  # and the one that opened the message
    given.stint.refresh_from_db()
    assert given.stint.stage == StintStage.HANDED_OVER
    assert Evidence.objects.filter(stint=given.stint, usage="after").count() == 2


def test_a_picture_survives_a_lost_network_and_a_closed_page(phone, given, photograph):
    address = f"/l/{links.token_of(given)}/"
    page = phone.open(address)
    take(page, photograph())
    page.locator(".taken").get_by_text("✓").wait_for()
    phone.context.set_offline(True)
    take(page, photograph())
    page.get_by_text("等待网络").wait_for()
    page.locator("button.main").tap()  # waits for the picture, and goes by itself
    assert given.stint.stage == StintStage.HANDLING
    phone.complaints.clear()  # the browser itself complains of the lost network
    with page.expect_navigation():
        phone.context.set_offline(False)
    assert Evidence.objects.filter(stint=given.stint, usage="after").count() == 2


def test_what_was_taken_is_still_there_after_the_page_was_closed(phone, given, photograph):
    address = f"/l/{links.token_of(given)}/"
    page = phone.open(address)
    take(page, photograph())
    page.locator(".taken").get_by_text("✓").wait_for()
    page = phone.open(address)
    page.locator(".taken img").wait_for()
    with page.expect_navigation():
        page.locator("button.main").tap()
    assert Evidence.objects.filter(stint=given.stint, usage="after").count() == 1
