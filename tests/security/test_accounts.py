"""Keeping people is not being them: no account is a step to one that may do more."""

import pytest
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from tests.factories import UserFactory, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def founder() -> User:
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.mark.parametrize("name", ["reset_password", "end_sessions", "person"])
def test_an_administrator_does_not_take_over_who_set_the_program_up(seat, founder, name):
    before = founder.password, founder.sessions_valid_from
    answer = seat(person(Role.ADMINISTRATOR)).post(
        reverse(f"accounts:{name}", args=[founder.public_id]), {"name_zh": "别人"}
    )
    assert answer.status_code == 403
    founder.refresh_from_db()
    assert (founder.password, founder.sessions_valid_from) == before
    assert founder.is_active


def test_who_set_the_program_up_keeps_everybody(seat, founder):
    clerk = person(Role.ADMINISTRATOR)
    assert seat(founder).post(reverse("accounts:reset_password", args=[clerk.public_id])).status_code == 200
    clerk.refresh_from_db()
    assert clerk.must_change_password


@pytest.mark.parametrize("field", ["is_superuser", "is_staff", "password", "must_change_password"])
def test_a_form_takes_nothing_that_it_does_not_show(seat, field):
    clerk = person(Role.DISPATCHER)
    said = {"name_zh": clerk.name_zh, "is_active": "on", "language": "", field: "on"}
    assert (
        seat(person(Role.ADMINISTRATOR)).post(reverse("accounts:person", args=[clerk.public_id]), said).status_code
        == 302
    )
    again = User.objects.get(pk=clerk.pk)
    assert getattr(again, field) == getattr(clerk, field)
