"""Manners of the pages that only a browser shows: keys, drafts, clocks that go on, the lock, the map."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.models import Case
from cases.workflow import Stage
from office import settings as office_settings

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def address(case: Case) -> str:
    return reverse("cases:case", args=[case.public_id])


def test_a_letter_presses_its_button_but_not_while_somebody_types(people, county):
    case = county.report(at=timezone.now())
    desk = people(county.operator)
    page = desk.open(address(case))
    page.keyboard.press("r")
    reason = page.locator("form[data-move=refuse] textarea")
    reason.wait_for()
    reason.fill("")
    page.keyboard.type("aaa wRa")
    assert page.locator("form[data-move=accept]").count() == 0
    assert reason.input_value() == "aaa wRa"
    page.keyboard.press("Escape")
    assert page.locator("#move form").count() == 0
    with_an_input_method = "new KeyboardEvent('keydown', {key: 'r', isComposing: true, bubbles: true})"
    page.evaluate(f"document.body.dispatchEvent({with_an_input_method})")
    page.keyboard.press("?")
    card = page.locator("dialog.key-card")
    card.wait_for()
    assert "受理" in card.inner_text()
    page.keyboard.press("Escape")
    card.wait_for(state="detached")
    assert page.locator("#move form").count() == 0


def test_keys_go_down_the_queue_into_a_case_and_back_to_the_same_row(people, county):
    for _ in range(3):
        county.report(at=timezone.now())
    page = people(county.operator).open("/desk/?tab=accept")
    page.keyboard.press("j")
    page.keyboard.press("j")
    chosen = page.locator("tr.on").get_attribute("data-case")
    page.keyboard.press("Enter")
    page.locator(f"#case [data-shown='{chosen}']").wait_for()
    assert page.url.endswith(f"/desk/?tab=accept&open={chosen}")
    page.keyboard.press("Escape")
    page.locator("#case .no-case").wait_for()
    assert page.url.endswith("/desk/?tab=accept")
    assert page.locator("tr.on").get_attribute("data-case") == chosen


def test_what_was_typed_is_there_again_after_the_page_was_lost_and_gone_once_it_was_taken(people, county):
    case = county.report(at=timezone.now())
    page = people(county.operator).open(address(case))
    page.click("[data-verb=refuse]")
    page.locator("form[data-move=refuse] textarea").fill("不在管理范围内，已告知")
    page.goto("about:blank")
    page.goto(f"{people().address}{address(case)}")
    page.click("[data-verb=refuse]")
    again = page.locator("form[data-move=refuse]")
    again.locator(".draft-note").wait_for()
    assert again.locator("textarea").input_value() == "不在管理范围内，已告知"
    with page.expect_navigation():
        again.locator("button[type=submit]").click()
    page.locator(".notice-good").wait_for()
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('draft:'))") == []


def test_whoever_logs_out_leaves_no_draft_at_the_seat(people, county):
    case = county.report(at=timezone.now())
    page = people(county.operator).open(address(case))
    page.click("[data-verb=refuse]")
    page.locator("form[data-move=refuse] textarea").fill("来电人住三单元")
    page.click(".bar-end form[action$='/logout/'] button")
    page.wait_for_url("**/accounts/login/**")
    assert "来电人住三单元" not in page.evaluate("JSON.stringify(localStorage)")


def test_lamps_go_on_by_themselves_and_stand_still_while_a_clock_is_stopped(people, county):
    now = timezone.now()
    case, stopped = county.report(at=now), county.case_at(Stage.HANDLING, at=now - timedelta(minutes=30))
    Case.objects.filter(pk=stopped.pk).update(clock_paused=True, due_at=now + timedelta(minutes=10))
    desk = people(county.operator)
    desk.page.clock.install()
    page = desk.open("/desk/?tab=accept")
    row = page.locator(f"tr[data-href='{address(case)}']")
    assert row.locator("[data-lamp]").inner_text() == "●"
    page.clock.fast_forward("13:00")
    assert row.locator("[data-lamp]").inner_text() == "◐"
    page.clock.fast_forward("05:00")
    assert row.locator("[data-lamp]").inner_text() == "▲"
    assert row.locator("[data-left]").inner_text().startswith("超")
    page = desk.open("/desk/?tab=departments")
    page.clock.fast_forward("20:00")
    assert page.locator(f"tr[data-href='{address(stopped)}'] [data-lamp]").inner_text() == "‖"


def test_a_desk_left_alone_is_covered_and_leads_back(people, county):
    minutes = office_settings.get("accounts.idle_minutes", on=timezone.localdate())
    desk = people(county.operator)
    desk.page.clock.install()
    page = desk.open("/desk/?tab=accept")
    page.clock.fast_forward((minutes - 1) * 60_000)
    assert "/desk/" in page.url
    page.clock.fast_forward(90_000)
    page.wait_for_url("**/accounts/lock/**")
    assert "next=%2Fdesk%2F%3Ftab%3Daccept" in page.url


def test_the_map_stands_without_anything_from_outside(people, county):
    case = county.report(at=timezone.now())
    page = people(county.operator).open(address(case))
    page.locator(".leaflet-marker-icon svg").wait_for()
    page.locator(".near h2").first.wait_for()
    page.locator(".leaflet-overlay-pane canvas").wait_for()


def test_a_folded_button_answers_to_its_key_and_ctrl_s_sends_the_form_in_hand(people, county):
    case = county.report(at=timezone.now())
    page = people(county.operator).open(address(case))
    assert not page.locator("[data-verb=describe]").is_visible()
    page.keyboard.press("x")
    facts = page.locator("form[data-move=describe] textarea")
    facts.wait_for()
    facts.fill("路边有一堆垃圾，约两方")
    page.keyboard.press("Control+s")
    page.locator("form[data-move=describe]").wait_for(state="detached")
    case.refresh_from_db()
    assert case.description == "路边有一堆垃圾，约两方"


def test_an_input_method_keeps_its_keys_in_the_class_box(people, county):
    page = people(county.operator).open("/hotline/call/new/")
    box = page.locator("#id_minor_class_box")
    box.focus()
    page.keyboard.type("bl")
    option = page.locator("[role=option]", has_text="暴露垃圾")
    option.wait_for()
    composing = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true})"
    assert page.evaluate(f"document.activeElement.dispatchEvent({composing})")  # not taken
    assert option.is_visible()
    page.keyboard.press("Escape")
    option.wait_for(state="hidden")
    page.keyboard.press("Enter")  # an empty list sends nothing
    assert page.url.endswith("/hotline/call/new/")


def test_the_guide_opens_beside_the_work_and_closes_again(people, county):
    page = people(county.duty_leader).open("/desk/")
    page.locator("a[data-guide]").click()
    guide = page.locator("dialog.guide")
    guide.wait_for()
    assert "值班长" in guide.inner_text()
    page.keyboard.press("Escape")
    guide.wait_for(state="detached")


def test_a_press_is_not_lost_when_the_case_is_drawn_anew_beneath_it(people, county):
    case = county.report(at=timezone.now())
    page = people(county.operator).open(f"/case/{case.public_id}/")
    form, button = page.locator("form[data-move=refuse]"), page.locator("[data-verb=refuse]")
    draw = f"htmx.ajax('GET', '/case/{case.public_id}/', '#case')"
    held = []
    page.route("**/refuse/", lambda route: held.append(route) if not held else route.continue_())
    button.click()  # its form is on the way
    page.evaluate(draw)
    form.wait_for()
    held[0].continue_()
    page.keyboard.press("Escape")
    assert form.count() == 0
    box = button.bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.down()
    page.evaluate(draw)
    page.mouse.up()
    form.wait_for()
