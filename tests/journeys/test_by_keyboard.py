"""A phone report from the ringing telephone to the department, by keyboard only: three seats, counted key by key.

Counted is every stroke at the three desks, letters too; a letter with Ctrl or Alt held is one. The telephone brings the
caller's number, as it does at every such desk; the collector answers on a phone of his own, by touch.
"""

import pytest
from django.contrib.gis.geos import LineString, MultiLineString
from django.utils import timezone

from accounts.models import Duty
from cases import actions
from cases.models import Case
from cases.workflow import Stage
from grid.addresses import initials
from grid.models import Road
from office import settings
from office.models import Phrase
from tests.county import LONG_AGO, SIDE, SOUTH, WEST

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

MOST_KEYS = 25
HELD = {"Control", "Alt", "Shift", "Meta"}
WATCH = """
    addEventListener("keydown", (event) => { if (event.isTrusted) stroke("key", event.key); }, true);
    for (const kind of ["mousedown", "pointerdown", "touchstart", "wheel", "contextmenu"])
      addEventListener(kind, (event) => { if (event.isTrusted) stroke("mouse", kind); }, true);
"""


class Counter:
    """What was pressed at the desks, and whatever came from a mouse."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.mouse: list[str] = []

    def watch(self, person) -> None:
        """From now on; logging in came before."""
        person.context.expose_binding("stroke", lambda source, kind, name: self.note(kind, name))
        person.context.add_init_script(WATCH)

    def note(self, kind: str, name: str) -> None:
        if kind == "mouse":
            self.mouse.append(name)
        elif name not in HELD:
            self.keys.append(name)


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def furnished(county):
    """The county with a road, a phrase of the acceptance desk, and a collector on duty."""
    line = MultiLineString(LineString((WEST + SIDE / 4, SOUTH), (WEST + SIDE / 4, SOUTH + 2 * SIDE)), srid=4490)
    Road.objects.create(
        name_zh="桃溪路", pinyin_initials=initials("桃溪路"), road_class="secondary", line=line, valid_from=LONG_AGO
    )
    Phrase.objects.create(role="acceptance_operator", use="description", text="{place}有{class}，请核实处理。")
    Phrase.objects.create(role="acceptance_operator", use="reason", text="反映内容清楚、位置明确，直接报立案。")
    Duty.objects.create(user=county.collector, started_at=timezone.now())
    return county


def take_the_call(page, *, number: str) -> Case:
    """The telephone rings; the operator answers, writes down what and where, registers and accepts."""
    page.evaluate(f"dispatchEvent(new CustomEvent('telephone:ringing', {{detail: {{number: '{number}'}}}}))")
    page.keyboard.press("F2")
    page.wait_for_url("**/hotline/call/new/")
    page.locator("#id_minor_class_box:focus").wait_for()
    page.locator("#history .before").wait_for()  # what this number called about before, before anything is typed
    page.keyboard.type("bllj")
    page.keyboard.press("Enter")
    page.locator("#id_place:focus").wait_for()
    page.keyboard.type("txl8")
    page.locator("[role=option]").first.wait_for()
    page.keyboard.press("Enter")
    page.locator("#id_description:focus").wait_for()
    page.locator("#near [name=near_seen]").wait_for(state="attached")
    page.keyboard.press("Alt+1")
    page.locator(".phrases").wait_for()
    assert page.locator("#id_description").input_value() == "桃溪路8号有暴露垃圾，请核实处理。"
    page.keyboard.press("Control+s")
    page.wait_for_url("**/case/*/")
    return Case.objects.get()


def file_it(page) -> None:
    """The duty leader opens the most dangerous report of her queue and files it under its condition."""
    page.keyboard.press("Enter")
    page.locator("[data-verb=file]").wait_for()
    page.keyboard.press("l")
    page.locator("form[data-move=file] [name=condition]:checked:focus").wait_for()
    page.keyboard.press("Enter")
    page.locator("form[data-move=file]").wait_for(state="detached")


def dispatch_it(page) -> None:
    """The dispatcher opens the most dangerous case and sends it to the department that is proposed first."""
    page.keyboard.press("Enter")
    page.locator("form[data-move=dispatch] [name=department]:checked").wait_for()
    page.keyboard.press("p")
    page.locator("form[data-move=dispatch] [name=department]:checked:focus").wait_for()
    page.keyboard.press("Enter")
    page.locator("form[data-move=dispatch]").wait_for(state="detached")


@pytest.fixture
def seats(people, furnished, counter):
    """Operator, duty leader and dispatcher, each at a desk of his own."""
    seated = [people(user) for user in (furnished.operator, furnished.duty_leader, furnished.dispatcher)]
    for person in seated:
        counter.watch(person)
    return seated


def test_a_phone_report_that_a_collector_verifies_is_dispatched_within_25_keys_and_without_a_mouse(
    seats, furnished, counter
):
    operator, duty_leader, dispatcher = seats
    case = take_the_call(operator.open("/desk/"), number="13800001111")
    assert case.stage == Stage.ACCEPTED
    operator.page.keyboard.press("h")
    operator.page.locator(".candidates input:checked:focus").wait_for()
    operator.page.keyboard.press("Enter")
    operator.page.locator("form[data-move=send_verify]").wait_for(state="detached")
    actions.verify(case.tasks.get(), by=furnished.collector, at=timezone.now(), result="true")
    file_it(duty_leader.open("/desk/?tab=file"))
    dispatch_it(dispatcher.open("/dispatch/"))
    case.refresh_from_db()
    assert case.stage == Stage.PENDING_HANDLE
    assert case.stints.get().department == furnished.street_office  # the one that is proposed first
    acted = list(case.events.filter(verb__in=("accept", "file", "dispatch")).values_list("actor__username", flat=True))
    assert len(set(acted)) == 3
    assert counter.mouse == []
    assert len(counter.keys) <= MOST_KEYS, counter.keys


def test_where_the_city_files_phone_reports_directly_it_takes_fewer(seats, furnished, counter):
    settings.set_value("cases.verify_sources", ["web"], by=None, at=timezone.now(), valid_from=LONG_AGO)
    operator, duty_leader, dispatcher = seats
    case = take_the_call(operator.open("/desk/"), number="13800002222")
    assert case.stage == Stage.PENDING_FILING
    file_it(duty_leader.open("/desk/?tab=file"))
    dispatch_it(dispatcher.open("/dispatch/"))
    case.refresh_from_db()
    assert case.stage == Stage.PENDING_HANDLE
    assert counter.mouse == []
    assert len(counter.keys) <= MOST_KEYS - 4, counter.keys
