"""Nonsense in an address is answered, never by a page that says that something broke."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.county import County

pytestmark = pytest.mark.django_db
NOTHING = "\x00"


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.mark.parametrize(
    ("who", "address", "name"),
    [
        ("operator", "/search/", "q"), ("operator", "/desk/", "q"), ("operator", "/desk/", "street"),
        ("dispatcher", "/dispatch/", "q"), ("sanitation", "/department/", "q"),
        ("administrator", "/maintenance/departments/", "q"), ("administrator", "/maintenance/duty-grids/", "q"),
        ("evaluator", "/evaluation/cases/", "of"), ("leader", "/evaluation/overview/areas/", "division"),
    ],
)  # fmt: skip
def test_a_zero_byte_in_an_address_is_refused_politely(county, seat, who, address, name):
    wanted = f"group:department:{NOTHING}" if name == "of" else f"垃圾{NOTHING}"
    assert seat(getattr(county, who)).get(address, {name: wanted}).status_code == 400


def test_a_zero_byte_in_a_cookie_is_refused_politely():
    stranger = Client(headers={"Cookie": 'city_session="\\000aaaaaaaaaaaaaaaa"'})
    assert stranger.get("/desk/").status_code in (302, 400)


@pytest.mark.parametrize("on", ["0001-01-01", "0001-02-03", "0002-01-01", "1900-02-30", "9999-12-31", "nonsense"])
@pytest.mark.parametrize("period", ["day", "week", "ten_day", "month", "quarter", "half_year", "year"])
def test_no_day_is_too_long_ago_for_the_rankings(county, seat, on, period):
    page = seat(county.leader)
    for name in ("evaluation:ranking", "evaluation:leader"):
        assert page.get(reverse(name), {"period": period, "on": on}).status_code == 200, name


@pytest.mark.parametrize("cutoff", ["0", "99999999999", "٣", "-1", "1e9"])
def test_any_cut_off_is_answered(county, seat, cutoff):
    asked = {"period": "month", "on": "2026-03-01", "cutoff": cutoff}
    assert seat(county.leader).get(reverse("evaluation:ranking"), asked).status_code == 200


@pytest.mark.parametrize("page", ["-1", "0", "999999999999999999999999", "٣", "x"])
def test_any_page_number_is_answered(county, seat, page):
    assert seat(county.operator).get("/desk/", {"page": page}).status_code == 200


@pytest.mark.parametrize("place", ["nan,nan,nan,nan", "inf,0,1,1", "1e999,0,0,0", "0,0,0,0", ",,,", "117,31,116,32"])
def test_a_box_that_is_none_is_refused(county, place):
    assert Client().get("/map/areas.geojson", {"bbox": place}).status_code == 400


@pytest.mark.parametrize("lon", ["nan", "inf", "1e400", "999", "x"])
def test_a_place_that_is_none_finds_nothing(county, seat, lon):
    asked = {"lon": lon, "lat": "31", "minor_class": str(county.litter.public_id)}
    assert Client().get("/citizen/near/", asked).status_code == 200
    assert seat(county.operator).get("/hotline/near/", asked).status_code == 200
    assert seat(county.collector).get("/field/near/", asked).status_code == 200


@pytest.mark.parametrize("street", ["9" * 5000, "²", "-1"], ids=["endless", "superscript", "negative"])
def test_a_street_that_is_none_filters_nothing(seat, program, street):
    county = County.build()
    county.report()
    for answer in (
        seat(county.operator).get("/desk/", {"street": street}),
        program(county.operator).get("/api/v1/cases/", {"street": street}),
    ):
        assert answer.status_code == 200
