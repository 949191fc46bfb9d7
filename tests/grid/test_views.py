"""The maintenance pages of areas, duty grids and roads: everybody at work may look, the administrator changes."""

from datetime import date

import pytest
from django.contrib.gis.geos import LineString, MultiLineString
from django.urls import reverse
from shapely import box

from accounts.roles import Role
from grid import actions
from grid.addresses import find, sought
from grid.geometry import Zone, lay_cells
from grid.models import Area, DutyGrid, DutyGridCell, Place, Road, UnitGrid
from tests.county import LONG_AGO, County
from tests.factories import person

pytestmark = pytest.mark.django_db

THEN = date(2000, 1, 1)
OTHERS = [role for role in Role if role != Role.ADMINISTRATOR]
MOST_QUERIES = 12


@pytest.fixture
def town() -> Area:
    """A village of nine cells, four of them patrolled, and a road."""
    border = Zone(117).to_degrees(box(500_000, 3_486_000, 500_300, 3_486_300))
    facts = {"boundary": actions.multipolygon(border), "valid_from": THEN}
    division = Area.objects.create(code="999901", level="division", name_zh="清河县", **facts)
    street = Area.objects.create(code="999901001", level="street", name_zh="桃溪镇", parent=division, **facts)
    village = Area.objects.create(
        code="999901001001", level="community", name_zh="梅村", parent=street, is_made_up=True, **facts
    )
    actions.insert_cells(lay_cells({village.code: border}), communities={village.code: village}, valid_from=THEN)
    duty_grid = DutyGrid.objects.create(code="D1", name_zh="第一责任网格", valid_from=THEN)
    for cell in UnitGrid.objects.order_by("code")[:4]:
        DutyGridCell.objects.create(duty_grid=duty_grid, unit_grid=cell, valid_from=THEN)
    line = MultiLineString(LineString((117.0, 31.5), (117.002, 31.5)), srid=4490)
    Road.objects.create(name_zh="春秋路", road_class="main", line=line, source="© 路网", valid_from=THEN)
    return village


@pytest.fixture
def administrator(seat):
    return seat(person(Role.ADMINISTRATOR))


def pages() -> list[str]:
    return [
        reverse("grid:areas"),
        *(reverse("grid:area", args=[area.public_id]) for area in Area.objects.all()),
        reverse("grid:duty_grids"),
        reverse("grid:duty_grid", args=[DutyGrid.objects.get().public_id]),
        reverse("grid:roads"),
        reverse("grid:road", args=[Road.objects.get().public_id]),
    ]


def test_everybody_at_work_may_look(town, seat):
    for role in Role:
        page = seat(person(role))
        assert {page.get(url).status_code for url in pages()} == {200}, role


def test_somebody_without_an_appointment_may_not(town, seat):
    page = seat(person())
    assert {page.get(url).status_code for url in pages()} == {403}


def test_a_stranger_is_asked_to_log_in(town, client):
    assert {client.get(url).status_code for url in pages()} == {302}


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_no_page_makes_more_than_twelve_queries(town, seat, language, django_assert_max_num_queries):
    page = seat(person(Role.ADMINISTRATOR, language=language))
    for url in [*pages(), reverse("grid:new_duty_grid")]:
        with django_assert_max_num_queries(MOST_QUERIES):
            assert page.get(url).status_code == 200


def test_a_list_asks_as_often_for_fifty_rows_as_for_one(town, administrator, django_assert_max_num_queries):
    for number in range(60):
        Area.objects.create(
            code=f"999901{number + 100}", level="street", name_zh=f"第{number}镇", parent=town.parent.parent,
            valid_from=THEN,
        )  # fmt: skip
    with django_assert_max_num_queries(MOST_QUERIES):
        response = administrator.get(reverse("grid:areas"))
    assert response.content.decode().count("<tr>") == 51


class TestAreas:
    def test_the_list_is_searched_by_name_code_and_level(self, town, administrator):
        def found(**wanted) -> list[str]:
            return [area.name_zh for area in administrator.get(reverse("grid:areas"), wanted).context["page"]]

        assert found() == ["清河县", "桃溪镇", "梅村"]
        assert found(q="梅") == ["梅村"]
        assert found(q="999901001") == ["桃溪镇", "梅村"]
        assert found(level="street") == ["桃溪镇"]
        assert found(q="没有") == []

    def test_a_boundary_that_was_made_up_is_called_so(self, town, seat):
        response = seat(person(Role.LEADER, language="en")).get(reverse("grid:area", args=[town.public_id]))
        assert "made up" in response.content.decode()

    def test_a_street_knows_its_cells_and_its_communities(self, town, administrator):
        response = administrator.get(reverse("grid:area", args=[town.parent.public_id]))
        assert response.context["cells"] == 9
        assert [child.name_zh for child in response.context["children"]] == ["梅村"]

    def test_the_administrator_names_it(self, town, administrator):
        url = reverse("grid:area", args=[town.public_id])
        assert administrator.post(url, {"name_zh": "梅新村", "name_en": "Plum"}).status_code == 302
        town.refresh_from_db()
        assert (town.name_zh, town.name_en) == ("梅新村", "Plum")

    def test_nothing_is_saved_without_a_name(self, town, administrator):
        response = administrator.post(reverse("grid:area", args=[town.public_id]), {"name_zh": "", "name_en": "Plum"})
        assert response.status_code == 200
        assert response.context["form"]["name_en"].value() == "Plum"
        assert response.context["area"].name_zh == "梅村"
        town.refresh_from_db()
        assert (town.name_zh, town.name_en) == ("梅村", "")

    def test_nobody_else_does(self, town, seat):
        url = reverse("grid:area", args=[town.public_id])
        for role in OTHERS:
            assert seat(person(role)).post(url, {"name_zh": "梅新村"}).status_code == 403, role
        town.refresh_from_db()
        assert town.name_zh == "梅村"


class TestDutyGrids:
    def draw(self, page, **values):
        facts = {"code": "D2", "name_zh": "第二责任网格", "cells": "999901001001008\n999901001001009"}
        return page.post(reverse("grid:new_duty_grid"), facts | values)

    def test_the_administrator_draws_one(self, town, administrator):
        assert self.draw(administrator).status_code == 302
        assert DutyGrid.objects.get(code="D2").memberships.current().count() == 2

    def test_nobody_else_does(self, town, seat):
        grid = DutyGrid.objects.get()
        for role in OTHERS:
            page = seat(person(role))
            assert self.draw(page).status_code == 403, role
            for name in ("grid:set_cells", "grid:duty_grid"):
                url = reverse(name, args=[grid.public_id])
                assert page.post(url, {"cells": "999901001001009", "name_zh": "甲"}).status_code == 403, role
        assert grid.memberships.current().count() == 4

    def test_a_cell_of_another_duty_grid_is_refused_in_words_and_what_was_typed_is_kept(self, town, administrator):
        response = self.draw(administrator, cells="999901001001001")
        assert response.status_code == 200
        page = response.content.decode()
        assert "999901001001001" in page
        assert "第一责任网格" in page
        assert 'value="第二责任网格"' in page
        assert not DutyGrid.objects.filter(code="D2").exists()

    def test_the_administrator_gives_it_other_cells(self, town, administrator):
        grid = DutyGrid.objects.get()
        response = administrator.post(
            reverse("grid:set_cells", args=[grid.public_id]), {"cells": " 999901001001005，999901001001006 "}
        )
        assert response.status_code == 302
        assert set(grid.memberships.current().values_list("unit_grid__code", flat=True)) == {
            "999901001001005", "999901001001006",
        }  # fmt: skip

    def test_codes_that_no_cell_has_are_refused_in_words(self, town, administrator):
        grid = DutyGrid.objects.get()
        response = administrator.post(reverse("grid:set_cells", args=[grid.public_id]), {"cells": "123"})
        assert response.status_code == 200
        assert "123" in response.content.decode()
        assert grid.memberships.current().count() == 4

    def test_it_is_named(self, town, administrator):
        grid = DutyGrid.objects.get()
        administrator.post(reverse("grid:duty_grid", args=[grid.public_id]), {"name_zh": "城东责任网格"})
        grid.refresh_from_db()
        assert grid.name_zh == "城东责任网格"


class TestRoads:
    def test_its_length_is_measured_on_the_ground(self, town, administrator):
        [road] = administrator.get(reverse("grid:roads")).context["page"]
        assert road.length_m == pytest.approx(190.0, abs=0.1)

    def test_the_administrator_gives_it_another_class(self, town, administrator):
        road = Road.objects.get()
        administrator.post(reverse("grid:road", args=[road.public_id]), {"name_zh": "春秋路", "road_class": "lane"})
        road.refresh_from_db()
        assert road.road_class == "lane"

    def test_a_class_that_does_not_exist_is_refused(self, town, administrator):
        road = Road.objects.get()
        url = reverse("grid:road", args=[road.public_id])
        assert administrator.post(url, {"name_zh": "春秋路", "road_class": "x"}).status_code == 200
        road.refresh_from_db()
        assert road.road_class == "main"

    def test_nobody_else_does(self, town, seat):
        road = Road.objects.get()
        url = reverse("grid:road", args=[road.public_id])
        for role in OTHERS:
            response = seat(person(role)).post(url, {"name_zh": "春秋路", "road_class": "lane"})
            assert response.status_code == 403, role
        road.refresh_from_db()
        assert road.road_class == "main"

    def test_roads_are_found_by_class(self, town, administrator):
        assert len(administrator.get(reverse("grid:roads"), {"road_class": "main"}).context["page"]) == 1
        assert len(administrator.get(reverse("grid:roads"), {"road_class": "lane"}).context["page"]) == 0


def test_the_technical_pages_show_places_and_let_nobody_change_them(town, seat):
    page = seat(person(is_staff=True, is_superuser=True))
    for model, row in (("area", town), ("unitgrid", UnitGrid.objects.first()), ("road", Road.objects.get())):
        assert page.get(reverse(f"admin:grid_{model}_changelist")).status_code == 200
        assert page.get(reverse(f"admin:grid_{model}_change", args=[row.pk])).status_code == 200
        assert page.get(reverse(f"admin:grid_{model}_add")).status_code == 403
        assert page.post(reverse(f"admin:grid_{model}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


# --- Named places ---

LINES = "钟楼农贸市场\t\t人民路2号\t117.0005\t31.0005\n人民路88号\t门（楼）牌\t\t117.0006\t31.0006"


def test_lines_of_a_spreadsheet_become_places_that_the_place_box_finds(seat):
    browser = seat(County.build().administrator)
    assert browser.post("/maintenance/places/", {"lines": LINES}).status_code == 302
    browser.post("/maintenance/places/", {"lines": LINES})  # the same again adds nothing
    assert [(place.name_zh, place.kind, place.pinyin_initials) for place in Place.objects.order_by("pk")] == [
        ("钟楼农贸市场", "poi", "zlnmsc"), ("人民路88号", "door_plate", "rml88h"),
    ]  # fmt: skip
    assert [one.label for one in find(sought("zlnm"))] == ["钟楼农贸市场"]
    assert [one.label for one in find(sought("人民路88号"))] == ["人民路88号"]
    assert [one.label for one in find(sought("rml88"))] == ["人民路88号"]


@pytest.mark.parametrize(
    "line", ["没有坐标", "甲\t\t\tx\ty", "\t\t\t117\t31", "甲\t\t\t217\t31", "甲\t不知道\t\t117\t31"]
)
def test_a_line_that_cannot_be_read_is_named_and_nothing_is_written(seat, line):
    answer = seat(County.build().administrator).post("/maintenance/places/", {"lines": f"{LINES}\n{line}"})
    assert (answer.status_code, "第 3 行" in answer.content.decode()) == (422, True)
    assert not Place.objects.exists()


def test_what_is_no_longer_there_is_no_longer_found(seat):
    browser = seat(County.build().administrator)
    browser.post("/maintenance/places/", {"lines": LINES})
    Place.objects.update(valid_from=LONG_AGO)
    place = Place.objects.get(name_zh="钟楼农贸市场")
    browser.post(f"/maintenance/places/{place.public_id}/end/")
    assert find(sought("钟楼农贸")) == []
    assert Place.objects.filter(pk=place.pk, valid_to__isnull=False).exists()


def test_only_those_who_keep_places_change_them(seat):
    county = County.build()
    assert seat(county.operator).get("/maintenance/places/").status_code == 200
    assert seat(county.operator).post("/maintenance/places/", {"lines": LINES}).status_code == 403
