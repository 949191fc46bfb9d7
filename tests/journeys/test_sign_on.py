"""Single sign-on in a real browser: in through the provider, work, lock, on again, and out of both houses."""

import pytest
from playwright.sync_api import expect

from accounts.middleware import SEEN_COOKIE
from tests import provider as providers

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def provider(live_server, settings):
    with providers.running(live_server.url) as one:
        settings.SITE_URL, settings.OIDC = live_server.url, one.settings()
        yield one


def test_in_through_the_provider_at_the_desk_locked_on_again_and_out(provider, people, county):
    person = people()
    page = person.open("/desk/?tab=accept")
    page.get_by_role("link", name="统一身份认证登录").click()
    name_oneself(page, county.operator)
    expect(page).to_have_url(f"{person.address}/desk/?tab=accept")
    # Left alone: the desk locks, and the provider, who knows him still, asks again.
    person.context.clear_cookies(name=SEEN_COOKIE)
    page.reload()
    expect(page.locator("h1")).to_contain_text(county.operator.name_zh)
    page.get_by_role("link", name="统一身份认证登录").click()
    name_oneself(page, county.operator)
    expect(page).to_have_url(f"{person.address}/desk/?tab=accept")
    page.get_by_role("button", name="退出").click()
    page.wait_for_url(f"{provider.issuer}/session/end**")
    page.get_by_role("button", name="退出").click()
    page.wait_for_url(f"{person.address}/accounts/login/**")
    # What the browser asked of the provider was meant; nothing else was asked of outside.
    person.complaints = [one for one in person.complaints if not one.startswith(f"outside: {provider.issuer}/")]


def name_oneself(page, user) -> None:
    page.fill("input[name=login]", user.staff_number)
    page.click("button[name=go]")
