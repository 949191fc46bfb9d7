"""The guide of a role opens by itself at the first visit to its desk, once, and never on a phone."""

import pytest
from playwright.sync_api import expect

from accounts.models import User

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def newcomer(county):
    """Somebody at this desk for the first time."""
    User.objects.filter(pk=county.dispatcher.pk).update(guides_seen=[])
    return county.dispatcher


def test_it_opens_once_shuts_by_esc_and_comes_back_from_the_key_card(people, newcomer):
    person = people(newcomer)
    page = person.page
    guide = page.locator("dialog.guide")
    with page.expect_response("**/guide/seen/"):
        person.open("/dispatch/")
    expect(guide).to_contain_text("派遣员")
    page.keyboard.press("Escape")
    expect(guide).to_have_count(0)
    page.reload()
    page.keyboard.press("?")
    expect(page.locator("dialog.key-card")).to_be_visible()
    expect(guide).to_have_count(0)
    page.locator("dialog.key-card").get_by_role("button", name="指南").click()
    expect(guide).to_contain_text("派遣员")
