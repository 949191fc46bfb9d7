"""What one department asks for, has and did in a case is nothing that another department of the same case reads."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from cases.workflow import Stage
from dispatch import actions as dispatch
from tests.county import MONDAY, County

pytestmark = pytest.mark.django_db
TEN = MONDAY + timedelta(hours=1)


@pytest.fixture
def shared():
    """A county with a case that the sanitation bureau leads and the water company assists in."""
    county = County.build()
    case = county.case_at(Stage.HANDLING)
    dispatch.add_assisting(case, by=county.dispatcher, at=TEN, department=county.water_company)
    return county, case


def test_the_lists_of_requests_show_a_department_its_own(shared, seat):
    county, case = shared
    with time_machine.travel(TEN, tick=False):
        lead = case.stints.get(department=county.sanitation_bureau)
        dispatch.ask_extension(lead, by=county.sanitation, at=TEN, reason="需要吊车")
        read = {
            who: case.number in seat(getattr(county, who)).get(reverse("dispatch:lists")).content.decode()
            for who in ("sanitation", "water", "street", "dispatcher", "leader")
        }
    assert read == {"sanitation": True, "water": False, "street": False, "dispatcher": True, "leader": True}


@pytest.mark.parametrize("tab", ["ownerless", "stock"])
def test_the_lists_of_stints_show_a_department_its_own(shared, seat, tab):
    county, case = shared
    type(case).objects.filter(pk=case.pk).update(is_ownerless=True)
    case.stints.update(stock_at=TEN, deferred_at=TEN)
    with time_machine.travel(TEN, tick=False):
        address = reverse("dispatch:lists")
        page = seat(county.water).get(address, {"tab": tab})
        assert [one.department for one in page.context["rows"]] == [county.water_company]
        page = seat(county.dispatcher).get(address, {"tab": tab})
        assert {one.department for one in page.context["rows"]} == {county.water_company, county.sanitation_bureau}


def test_of_an_earlier_case_at_the_same_place_a_department_reads_its_own_part(shared, seat):
    county, _case = shared
    earlier = county.case_at(Stage.CLOSED)
    again = county.case_at(Stage.HANDLING, at=MONDAY + timedelta(days=1))
    assert again.recurs_of_id == earlier.pk
    for case in (earlier, again):
        case.stints.create(
            department=county.water_company, department_path=county.water_company.path, stage="withdrawn",
            dispatched_at=TEN, handed_over_at=TEN, is_lead=False, ended_at=TEN,
        )  # fmt: skip
    with time_machine.travel(MONDAY + timedelta(days=1, hours=1), tick=False):
        for who, departments in (("water", {"water"}), ("duty_leader", {"water", "sanitation"})):
            page = seat(getattr(county, who)).get(reverse("cases:near", args=[again.public_id]))
            [one] = page.context["earlier"]
            assert {stint.department.code for stint in one.stints.all()} == departments
