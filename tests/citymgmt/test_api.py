"""The schema that programs read, and the page that people read it on."""

import re

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts.roles import Role
from cases.workflow import MOVES
from citymgmt.refusals import SENTENCES
from tests.factories import person

pytestmark = pytest.mark.django_db


def test_the_schema_is_valid_and_has_no_warning(capsys):
    call_command("spectacular", validate=True, fail_on_warn=True)
    schema = capsys.readouterr().out
    assert all(f"operationId: {rule.subject}_{rule.verb}\n" in schema for rule in MOVES if rule.roles)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_page_shows_every_address_and_every_error(seat, language):
    browser = seat(person(Role.LEADER))
    browser.post(reverse("set_language"), {"language": language})
    words = browser.get("/api/").content.decode()
    parts = [browser.get(f"/api/?part={part}").content.decode() for part in re.findall(r"\?part=([^\"]+)", words)]
    assert len(re.findall(r"<code>(GET|POST) /api/v1/", "".join(parts))) > 2 * len(MOVES)
    assert all(f'id="{code}"' in words for code in [*SENTENCES, "not_valid", "locked"])
    assert browser.get("/api/schema/?format=json").json()["openapi"].startswith("3.")
