"""The place box asks: what is meant by these words, and what lies here?"""

import pytest
from django.contrib.gis.geos import LineString, MultiLineString
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Duty, User
from components.models import Component
from grid.models import Road
from office import settings
from patrol.models import CollectorGrid
from tests.county import LONG_AGO, PEOPLE, SIDE, SOUTH, WEST, County

pytestmark = pytest.mark.django_db
QUERIES = 3
OF_EVERY_REQUEST = 5  # session, person, appointments, his seat, and settings read anew


@pytest.fixture
def county() -> County:
    county = County.build()
    line = MultiLineString(LineString((WEST, SOUTH + SIDE / 2), (WEST + SIDE, SOUTH + SIDE / 2)), srid=4490)
    Road.objects.create(name_zh="桃溪路", pinyin_initials="txl", road_class="main", line=line, valid_from=LONG_AGO)
    Component.objects.create(
        identifier="99990201001000001", minor_class=county.cover, name_zh="井盖", unit_grid=county.cells[0],
        supervising_authority_name="供水公司", geometry=county.point, initial_date=LONG_AGO,
    )  # fmt: skip
    return county


def found(browser, words: str) -> list[dict]:
    return browser.get("/place/find/", {"q": words}).json()["found"]


def test_a_code_finds_its_component_with_its_class(seat, county):
    [one] = found(seat(county.operator), "99990201001")
    assert (one["kind"], one["label"], one["component"]) == ("component", "99990201001000001", "99990201001000001")
    assert one["minor_class"] == str(county.cover.public_id)
    assert (one["lon"], one["lat"]) == (round(county.point.x, 6), round(county.point.y, 6))


def test_a_number_that_only_a_case_knows_stands_before_the_middle_of_the_road(seat, county):
    county.report(address="桃溪路12号")
    kinds = [(one["kind"], one["label"]) for one in found(seat(county.operator), "桃溪路12号")]
    assert kinds == [("case", "桃溪路12号"), ("road", "桃溪路12号")]


def test_where_cases_were_is_shown_to_those_only_who_may_see_them(seat, county):
    county.report(address="桃溪路12号")
    assert [one["kind"] for one in found(seat(county.third_collector), "桃溪路12号")] == ["road"]


@pytest.mark.parametrize("words", ["桃溪路", "txl8", "99990201001", "桃溪路12号", "117.1, 31.1", "没有", ""])
def test_it_takes_three_queries_at_most(seat, county, words):
    browser = seat(county.operator)
    found(browser, words)
    settings.get("office.centre_name", on=timezone.localdate())
    with CaptureQueriesContext(connection) as asked:
        found(browser, words)
    assert len(asked) <= QUERIES + OF_EVERY_REQUEST


@pytest.mark.parametrize("who", PEOPLE)
def test_a_place_says_its_chain_to_everybody_at_work_and_whom_to_send_to_the_desk(seat, county, who):
    CollectorGrid.objects.create(collector=county.other_collector, duty_grid=county.duty_grid, valid_from=LONG_AGO)
    Duty.objects.create(user=county.other_collector, started_at=timezone.now())
    place = {"lon": county.point.x, "lat": county.point.y}
    page = seat(getattr(county, who)).get("/place/here/", place).content.decode()
    assert "桃溪街道" in page
    assert county.cells[0].code in page
    assert "城关一网格" in page
    assert ("钱野" in page) == (who in ("operator", "duty_leader"))


def test_a_point_outside_the_grid_is_said_to_be_outside(seat, county):
    assert "不在本市单元网格" in seat(county.operator).get("/place/here/", {"lon": 1, "lat": 1}).content.decode()
    assert seat(county.operator).get("/place/here/").content.strip() == b""


def test_nobody_without_a_role_asks_for_places(client):
    assert client.get("/place/find/", {"q": "桃溪路"}).status_code in (302, 403)


def test_a_class_says_its_conditions_and_limits(seat, county):
    page = seat(county.collector).get(f"/class/{county.litter.public_id}/promise/").content.decode()
    assert "暴露垃圾" in page
    assert "清除" in page
    assert "4 工作时" in page


def test_every_role_has_a_guide_with_its_keys(seat, county):
    for who in PEOPLE:
        page = seat(getattr(county, who)).get("/guide/", {"part": "yes"}).content.decode()
        assert page.count("guide-part") == 1, who
    page = seat(county.duty_leader).get("/guide/").content.decode()
    assert "<kbd>L</kbd>" in page
    assert "<kbd>P</kbd>" not in page
    assert seat(county.operator).get("/guide/?all=yes").content.decode().count("guide-part") == 12


def test_the_guide_is_due_once_at_the_desk_of_each_role(seat, county):
    User.objects.filter(pk=county.duty_leader.pk).update(guides_seen=["collector"])
    page = seat(county.duty_leader)
    assert "data-guide-due" not in page.get("/accounts/profile/").content.decode()
    assert "data-guide-due" in page.get("/desk/").content.decode()
    assert page.post("/guide/seen/").status_code == 204
    assert "data-guide-due" not in page.get("/desk/").content.decode()
    assert User.objects.get(pk=county.duty_leader.pk).guides_seen == ["collector", "duty_leader"]
