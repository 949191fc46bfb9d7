"""The layers of the map over HTTP: who sees what, how much at once, and what is asked again for nothing."""

from datetime import date

import pytest
from django.contrib.gis.geos import LineString, MultiLineString
from django.test import Client
from django.urls import reverse
from shapely import box

from accounts.roles import Role
from grid import actions, map_layers
from grid.geometry import Zone, lay_cells
from grid.models import Area, DutyGrid, DutyGridCell, Road, UnitGrid
from tests.factories import person

pytestmark = pytest.mark.django_db

THEN = date(2000, 1, 1)
HERE = {"bbox": "116.99,31.49,117.01,31.51"}
ELSEWHERE = {"bbox": "100,20,101,21"}


@pytest.fixture
def town():
    """A village of four cells, two of them patrolled, with a main road and a lane."""
    border = Zone(117).to_degrees(box(500_000, 3_486_000, 500_200, 3_486_200))
    outline = actions.multipolygon(border)
    facts = {"boundary": outline, "valid_from": THEN, "source": "测绘院"}
    division = Area.objects.create(code="999901", level="division", name_zh="清河县", **facts)
    street = Area.objects.create(code="999901001", level="street", name_zh="桃溪镇", parent=division, **facts)
    village = Area.objects.create(
        code="999901001001", level="community", name_zh="梅村", parent=street, is_made_up=True, **facts
    )
    actions.insert_cells(lay_cells({village.code: border}), communities={village.code: village}, valid_from=THEN)
    duty_grid = DutyGrid.objects.create(code="D1", name_zh="第一责任网格", valid_from=THEN)
    for cell in UnitGrid.objects.order_by("code")[:2]:
        DutyGridCell.objects.create(duty_grid=duty_grid, unit_grid=cell, valid_from=THEN)
    line = MultiLineString(LineString((117.0, 31.5), (117.002, 31.5)), srid=4490)
    Road.objects.create(name_zh="杏子巷", road_class="lane", line=line, source="© 路网", valid_from=THEN)
    Road.objects.create(name_zh="春秋路", road_class="main", line=line, source="© 路网", valid_from=THEN)


def get(page: Client, name: str, where: dict = HERE, **headers):
    return page.get(reverse("grid:layer", args=[name]), where, **headers)


def of(response) -> list[dict]:
    assert response.status_code == 200, response.content
    return [feature["properties"] for feature in response.json()["features"]]


@pytest.mark.parametrize(("name", "codes"), [("areas", ["999901", "999901001", "999901001001"])])
def test_everybody_sees_the_areas_the_widest_first(town, client, name, codes):
    areas = of(get(client, name))
    assert [area["code"] for area in areas] == codes
    assert [area["made_up"] for area in areas] == [False, False, True]


def test_everybody_sees_the_roads_the_most_important_first_and_whose_data_they_are(town, client):
    response = get(client, "roads")
    assert [road["name"] for road in of(response)] == ["春秋路", "杏子巷"]
    assert response.json()["attribution"] == "© 路网"
    assert "public" in response["Cache-Control"]


@pytest.mark.parametrize("name", ["cells", "duty_grids"])
def test_a_stranger_sees_neither_cells_nor_duty_grids(town, client, name):
    assert get(client, name).status_code == 403


@pytest.mark.parametrize("name", ["cells", "duty_grids"])
def test_somebody_without_an_appointment_sees_neither_cells_nor_duty_grids(town, seat, name):
    assert get(seat(person()), name).status_code == 403


@pytest.mark.parametrize("role", list(Role))
def test_everybody_at_work_sees_cells_and_duty_grids(town, seat, role):
    page = seat(person(role))
    cells = of(get(page, "cells"))
    assert [cell["code"][-3:] for cell in cells] == ["001", "002", "003", "004"]
    assert [cell["duty_grid"] for cell in cells] == ["D1", "D1", None, None]
    assert [duty_grid["name"] for duty_grid in of(get(page, "duty_grids"))] == ["第一责任网格"]


def test_a_duty_grid_is_drawn_around_its_cells(town):
    [duty_grid] = (
        DutyGrid.objects.current()
        .in_box(map_layers.box_from(HERE["bbox"]))
        .annotate(geojson=map_layers.as_geojson("boundary"))
    )
    # Two squares side by side: one outline, no line between them.
    assert duty_grid.geojson.count("[[[") == 1
    assert '"Polygon"' in duty_grid.geojson


def test_nothing_lies_elsewhere(town, client):
    assert of(get(client, "roads", ELSEWHERE)) == []


def test_a_browser_that_has_it_already_is_told_so(town, client):
    first = get(client, "roads")
    again = get(client, "roads", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Road.objects.filter(name_zh="杏子巷").update(name_zh="桃花巷")
    assert get(client, "roads", headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    "box", ["", "1,2,3", "a,b,c,d", "117,31,116,32", "117,32,118,31", "nan,0,1,1", "0,0,400,1", "1,2,3,4,5"]
)
def test_a_box_that_is_none_is_refused_in_words(town, client, box):
    response = get(client, "areas", {"bbox": box})
    assert response.status_code == 400
    assert response.content


def test_too_many_roads_are_cut_and_said_to_be(town, client, monkeypatch):
    monkeypatch.setattr(map_layers, "MOST", 1)
    response = get(client, "roads").json()
    assert [road["properties"]["name"] for road in response["features"]] == ["春秋路"]
    assert response["more"] is True


def test_half_a_grid_is_not_shown(town, seat, monkeypatch):
    monkeypatch.setattr(map_layers, "MOST", 3)
    response = get(seat(person(Role.COLLECTOR)), "cells").json()
    assert (response["features"], response["more"]) == ([], True)


def test_a_layer_takes_one_query_whatever_it_holds(town, client, django_assert_num_queries):
    with django_assert_num_queries(1):
        get(client, "areas")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_layer_can_only_be_read(town, client, method):
    assert getattr(client, method)(reverse("grid:layer", args=["areas"])).status_code == 405
