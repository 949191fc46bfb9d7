"""On the page of a case every key presses one button, whatever its stage and whoever looks at it."""

import re
from collections import Counter

import pytest
from django.urls import reverse

from cases.workflow import Stage
from dispatch import actions as dispatch
from office import settings
from tests.county import LONG_AGO, MONDAY, County

pytestmark = pytest.mark.django_db
STAGES = (Stage.REPORTED, Stage.ACCEPTED, Stage.PENDING_FILING, Stage.PENDING_DISPATCH, Stage.HANDLING,
          Stage.HANDED_OVER, Stage.PENDING_CHECK, Stage.PENDING_CLOSE, Stage.CLOSED)  # fmt: skip
DESKS = ("operator", "duty_leader", "dispatcher", "commander", "sanitation", "handler", "inspector", "leader")


def keys_on(page: str) -> list[str]:
    return re.findall(r'data-verb="[^"]*" data-key="([^"]*)"', page)


@pytest.mark.parametrize("stage", STAGES)
def test_no_key_presses_two_buttons(seat, stage):
    county = County.build()
    source = "web" if stage == Stage.ACCEPTED else "collector"
    case = county.case_at(stage, source=source)
    if stage == Stage.HANDLING:
        dispatch.ask_extension(case.stints.get(), by=county.sanitation, at=MONDAY, reason="需要吊车")
    address = reverse("cases:case", args=[case.public_id])
    for who in DESKS:
        answer = seat(getattr(county, who)).get(address)
        if answer.status_code == 200:
            pressed = Counter(keys_on(answer.content.decode()))
            assert not [key for key, times in pressed.items() if times > 1], (who, pressed)


def test_of_two_departments_buttons_only_the_first_has_the_key_and_both_are_drawn(seat):
    county = County.build()
    settings.set_value("office.merged_hall", True, by=None, at=MONDAY, valid_from=LONG_AGO)
    case = county.case_at(Stage.HANDLING)
    dispatch.add_assisting(case, by=county.dispatcher, at=MONDAY, department=county.water_company)
    for stint in case.stints.all():
        operator = county.sanitation if stint.department == county.sanitation_bureau else county.water
        dispatch.ask_extension(stint, by=operator, at=MONDAY, reason="需要吊车")
    page = seat(county.dispatcher).get(reverse("cases:case", args=[case.public_id])).content.decode()
    assert page.count('data-verb="grant_extension"') == 2
    assert keys_on(page).count("Y") == 1
