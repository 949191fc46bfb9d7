"""The pages of maintenance: each under its heading, for whoever may, with its help in place."""

import pytest
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from accounts.maintenance import HELP, PAGES
from accounts.permissions import PERMISSIONS
from tests.county import County

pytestmark = pytest.mark.django_db


@pytest.fixture
def county():
    return County.build()


def names(resolver: URLResolver, inside: str = "") -> set[str]:
    """Return the names of all addresses below, "room:name"."""
    found = set()
    for one in resolver.url_patterns:
        if isinstance(one, URLPattern):
            found.add(f"{inside}{one.name}")
        else:
            found |= names(one, f"{one.namespace}:" if one.namespace else inside)
    return found


def test_the_help_belongs_to_pages_that_exist():
    assert set(HELP) <= names(get_resolver())


def test_each_tile_leads_to_a_page_and_asks_for_a_right_that_exists():
    for pages in PAGES.values():
        for page in pages:
            assert page.asks in PERMISSIONS
            try:
                reverse(page.address)
            except NoReverseMatch:
                pytest.fail(f"{page.address} needs more than its name")


def test_the_administrator_sees_all_headings_and_opens_every_page_with_its_help(seat, county):
    page = seat(county.administrator)
    hub = page.get(reverse("accounts:maintenance")).content.decode()
    assert [hub.count(f'id="group-{number}"') for number in range(1, len(PAGES) + 1)] == [1] * len(PAGES)
    for pages in PAGES.values():
        for one in pages:
            answer = page.get(reverse(one.address))
            assert answer.status_code == 200, one.address
            assert answer.context["page_help"] in answer.content.decode(), one.address


def test_a_heading_without_a_page_for_this_person_is_not_shown(seat, county):
    hub = seat(county.sanitation).get(reverse("accounts:maintenance")).content.decode()
    assert reverse("accounts:contacts") in hub
    assert reverse("accounts:settings") not in hub
    assert hub.count('id="group-') < len(PAGES)


def test_a_desk_has_no_help_of_maintenance(seat, county):
    assert seat(county.administrator).get(reverse("accounts:profile")).context["page_help"] == ""
