"""The desk in three panes, worked by the keyboard: open, act, the next one; the address, the search, the views."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases.workflow import Stage
from office.models import SavedView

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def opened(page) -> str:
    """Return the case that stands in the middle, once it stands there."""
    shown = page.locator("#case [data-shown]")
    shown.wait_for()
    return shown.get_attribute("data-shown")


def wait_for_case(page, case) -> None:
    """Wait until a case stands in the middle, with what is near it beside: nothing is on its way any more."""
    page.locator(f"#case [data-shown='{case.public_id}']").wait_for()
    page.locator("#near h2", has_text="在岗").wait_for(state="attached")
    page.locator(".htmx-request").first.wait_for(state="detached")


def test_a_case_is_opened_accepted_and_followed_by_the_next_without_a_mouse(people, county):
    now = timezone.now()
    late, calm = county.report(at=now - timedelta(minutes=40)), county.report(at=now)
    page = people(county.operator).open("/desk/?tab=accept")
    page.keyboard.press("0")
    wait_for_case(page, late)
    page.keyboard.press("a")
    page.locator("#case form[data-move=accept]").wait_for()
    page.keyboard.press("Control+s")
    page.locator("#toast .notice-good").wait_for()
    page.locator(f"#rows tr[data-case='{late.public_id}']").wait_for(state="detached")
    assert page.locator("[data-count=accept]").inner_text() == "1"
    late.refresh_from_db()
    assert late.stage == Stage.PENDING_FILING
    page.locator("#case [data-verb=accept]").wait_for(state="detached")  # the same case, as it stands now
    assert opened(page) == str(late.public_id)
    page.keyboard.press("0")
    wait_for_case(page, calm)
    assert page.locator("#rows tr.open").get_attribute("data-case") == str(calm.public_id)


def test_the_address_names_the_open_case_for_reload_and_back(people, county):
    now = timezone.now()
    first, second = county.report(at=now - timedelta(minutes=40)), county.report(at=now)
    page = people(county.operator).open("/desk/?tab=accept")
    page.locator(f"#rows tr[data-case='{second.public_id}'] .c-class a").click()
    wait_for_case(page, second)
    page.reload()
    wait_for_case(page, second)
    page.locator(f"#rows tr[data-case='{first.public_id}'] .c-place").click()
    wait_for_case(page, first)
    page.go_back()
    page.locator("#case .no-case").wait_for()
    assert page.url.endswith("/desk/?tab=accept")


def test_another_queue_leaves_the_open_case_where_it_is(people, county):
    now = timezone.now()
    case = county.report(at=now)
    county.case_at(Stage.PENDING_CHECK, at=now - timedelta(hours=1))
    page = people(county.operator).open(f"/desk/?tab=accept&open={case.public_id}")
    wait_for_case(page, case)
    page.locator(".queues a", has_text="待核查").click()
    page.locator(".queues a.on", has_text="待核查").wait_for()
    assert opened(page) == str(case.public_id)
    assert "tab=check" in page.url
    assert f"open={case.public_id}" in page.url


def test_the_bar_finds_while_it_is_typed_and_the_arrows_choose(people, county):
    case = county.report(at=timezone.now())
    page = people(county.operator).open("/desk/?tab=file")
    page.keyboard.press("/")
    page.keyboard.type(case.number)
    page.locator("#bar-hits [role=option]").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_for_case(page, case)
    assert page.locator("#bar-hits [role=option]").count() == 0


def test_a_list_is_kept_under_a_name_and_the_desk_opens_with_it(people, county):
    now = timezone.now()
    county.report(at=now)
    web = county.report(at=now, source="web")
    desk = people(county.operator)
    page = desk.open("/desk/?tab=accept")
    page.locator(".filters .over summary").click()
    page.locator(".over-body select[name=source]").select_option("web")
    page.locator(".filters .over-body button[type=submit]").click()
    page.locator(".chip", has_text="网").wait_for()
    page.locator(".views summary").click()
    page.locator(".keep-view input[name=name]").fill("市民网上报")
    with page.expect_navigation():
        page.locator(".keep-view button").click()
    view = SavedView.objects.get()
    assert (view.name, view.query) == ("市民网上报", "source=web&tab=accept")
    SavedView.objects.update(is_default=True)
    page = desk.open("/desk/")
    assert page.url.endswith("/desk/?source=web&tab=accept")
    assert [row.get_attribute("data-case") for row in page.locator("#rows tr").all()] == [str(web.public_id)]


def test_the_map_in_a_window_of_its_own_follows_the_desk(people, county):
    case = county.report(at=timezone.now())
    page = people(county.operator).open("/desk/?tab=accept")
    with page.expect_popup() as opened_window:
        page.locator("[data-detach]").click()
    beside = opened_window.value
    page.locator("[data-desk][data-detached]").wait_for()
    page.keyboard.press("0")
    beside.locator("#follows", has_text=case.number).wait_for()
    beside.locator("#near h2").first.wait_for()
    beside.close()
    page.locator("[data-desk]:not([data-detached])").wait_for()


def test_pictures_are_seen_large_turned_and_one_after_the_other(people, county, photograph):
    case = county.case_at(Stage.PENDING_CLOSE, at=timezone.now() - timedelta(hours=1))
    page = people(county.duty_leader).open(f"/desk/?tab=close&open={case.public_id}")
    wait_for_case(page, case)
    page.locator("#case a[data-shot]").first.click()
    viewer = page.locator("dialog.viewer")
    viewer.wait_for()
    page.keyboard.press("+")
    page.keyboard.press("r")
    turned = viewer.locator(".viewer-stage img").first.get_attribute("style")
    assert "rotate(90deg)" in turned
    assert "scale(1.4)" in turned
    page.keyboard.press("Escape")
    viewer.wait_for(state="detached")
    assert opened(page) == str(case.public_id)
