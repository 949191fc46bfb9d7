"""Writing laid cells, drawing duty grids, naming areas and roads."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.contrib.gis.geos import Polygon
from django.db import IntegrityError, transaction
from shapely import LineString, MultiLineString, box

from accounts.roles import Role
from grid import actions
from grid.actions import CellsTaken, DutyGridCodeTaken, NoSuchCells
from grid.geometry import Zone, lay_cells
from grid.locate import CellsOf, locate
from grid.models import Area, DutyGrid, DutyGridCell, Road, UnitGrid
from tests.factories import person

pytestmark = pytest.mark.django_db

THEN = date(2000, 1, 1)
MAY_DAY = datetime(2026, 5, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
JUNE_DAY = datetime(2026, 6, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
VILLAGES = {
    "999901001001": Zone(117).to_degrees(box(500_000, 3_486_000, 500_200, 3_486_200)),
    "999901001002": Zone(117).to_degrees(box(500_200, 3_486_000, 500_400, 3_486_200)),
}


@pytest.fixture
def guan_li():
    return person(Role.ADMINISTRATOR)


@pytest.fixture
def county():
    """One street with two villages of four cells each."""
    outline = actions.multipolygon(box(117, 31.4, 117.1, 31.6))
    facts = {"boundary": outline, "valid_from": THEN}
    division = Area.objects.create(code="999901", level="division", name_zh="清河县", **facts)
    street = Area.objects.create(code="999901001", level="street", name_zh="桃溪镇", parent=division, **facts)
    villages = {
        code: Area.objects.create(
            code=code, level="community", name_zh=name, parent=street, boundary=actions.multipolygon(border),
            valid_from=THEN,
        )
        for (code, border), name in zip(VILLAGES.items(), ("梅村", "李村"), strict=True)
    }  # fmt: skip
    actions.insert_cells(lay_cells(VILLAGES), communities=villages, valid_from=THEN)
    return division


def draw(guan_li, code="D1", cells=("999901001001",), at=MAY_DAY) -> DutyGrid:
    return actions.draw_duty_grid(by=guan_li, at=at, code=code, name_zh=f"责任网格{code}", cells=cells)


class TestCells:
    def test_laid_cells_are_found_where_they_were_laid(self, county):
        assert UnitGrid.objects.current().count() == 8
        for cell in UnitGrid.objects.all():
            assert locate(cell.centre).unit_grid == cell
            assert cell.community.code == cell.code[:12]
            assert float(cell.area_m2) == pytest.approx(10_000, abs=1)

    def test_a_code_is_never_given_twice(self, county):
        villages = {area.code: area for area in Area.objects.filter(level="community")}
        with pytest.raises(IntegrityError), transaction.atomic():
            actions.insert_cells(lay_cells(VILLAGES), communities=villages, valid_from=THEN)
        assert UnitGrid.objects.count() == 8

    def test_many_things_are_placed_at_once(self, county):
        cells = CellsOf("999901")
        centres = [cell.boundary for cell in lay_cells(VILLAGES)]
        assert [cells.keys[number] for number in cells.find(centres)] == list(
            UnitGrid.objects.order_by("code").values_list("pk", flat=True)
        )

    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ({"code": "99990100100100"}, "code_format"),
            ({"code": "999901001001000"}, "code_format"),
            ({"area_m2": 0}, "area_above_zero"),
            ({"valid_to": THEN}, "period"),
        ],
    )
    def test_the_database_refuses_a_cell_that_cannot_be(self, county, change, constraint):
        cell = UnitGrid.objects.first()
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            UnitGrid.objects.filter(pk=cell.pk).update(**change)

    def test_the_database_refuses_a_boundary_that_crosses_itself(self, county):
        bow_tie = Polygon(((117, 31), (118, 32), (118, 31), (117, 32), (117, 31)), srid=4490)
        with pytest.raises(IntegrityError, match="boundary_valid"), transaction.atomic():
            UnitGrid.objects.filter(code__endswith="001001").update(boundary=bow_tie)


class TestAreas:
    def test_one_code_has_one_row_at_a_time(self, county):
        with pytest.raises(IntegrityError, match="one_at_a_time"), transaction.atomic():
            Area.objects.create(code="999901", level="division", name_zh="清河区", valid_from=date(2026, 1, 1))

    def test_a_code_may_go_on_with_a_new_row_after_the_old_has_ended(self, county):
        Area.objects.filter(pk=county.pk).update(valid_to=date(2026, 1, 1))
        Area.objects.create(code="999901", level="division", name_zh="清河区", valid_from=date(2026, 1, 1))
        assert Area.objects.on(date(2025, 12, 31)).get(code="999901").name_zh == "清河县"
        assert Area.objects.on(date(2026, 1, 1)).get(code="999901").name_zh == "清河区"
        assert Area.objects.current().get(code="999901").name_zh == "清河区"

    @pytest.mark.parametrize(("code", "level"), [("99990", "division"), ("999901", "street"), ("9999010010", "street")])
    def test_a_code_that_does_not_fit_its_level_is_refused(self, county, code, level):
        with pytest.raises(IntegrityError, match="code_fits_level"), transaction.atomic():
            Area.objects.create(code=code, level=level, name_zh="柳村", parent=None, valid_from=THEN)

    def test_naming_an_area_says_who_did_it(self, county, guan_li):
        named = actions.name_area(county, by=guan_li, at=MAY_DAY, name_zh="清河区", name_en="Qinghe")
        county.refresh_from_db()
        assert (county.name_zh, county.changed_by, county.changed_at) == ("清河区", guan_li, MAY_DAY)
        assert named == county


class TestDutyGrids:
    def test_a_duty_grid_takes_all_cells_of_a_community(self, county, guan_li):
        duty_grid = draw(guan_li)
        assert duty_grid.memberships.current().count() == 4
        assert locate(UnitGrid.objects.get(code="999901001001003").centre).duty_grid == duty_grid
        assert locate(UnitGrid.objects.get(code="999901001002003").centre).duty_grid is None

    def test_it_may_span_communities(self, county, guan_li):
        duty_grid = draw(guan_li, cells=["999901001001", "999901001002001"])
        assert duty_grid.memberships.current().count() == 5

    def test_a_cell_is_patrolled_for_one_duty_grid_at_a_time(self, county, guan_li):
        draw(guan_li)
        with pytest.raises(CellsTaken) as refused:
            draw(guan_li, code="D2", cells=["999901001"])
        assert refused.value.facts == {"codes": ["999901001001001"], "duty_grid": "责任网格D1"}
        assert not DutyGrid.objects.filter(code="D2").exists()

    def test_a_code_that_no_cell_has_is_refused_by_name(self, county, guan_li):
        with pytest.raises(NoSuchCells) as refused:
            draw(guan_li, cells=["999901001001", "999901001009"])
        assert refused.value.facts == {"codes": ["999901001009"]}

    def test_two_current_duty_grids_do_not_share_a_code(self, county, guan_li):
        draw(guan_li)
        with pytest.raises(DutyGridCodeTaken):
            draw(guan_li, cells=["999901001002"])

    def test_cells_that_leave_end_and_cells_that_come_begin_on_that_day(self, county, guan_li):
        duty_grid = draw(guan_li)
        actions.set_cells(duty_grid, by=guan_li, at=JUNE_DAY, cells=["999901001001001", "999901001002"])
        left = DutyGridCell.objects.filter(valid_to__isnull=False)
        assert {cell.valid_to for cell in left} == {JUNE_DAY.date()}
        assert left.count() == 3
        assert duty_grid.memberships.on(MAY_DAY.date()).count() == 4
        assert duty_grid.memberships.on(JUNE_DAY.date()).count() == 5

    def test_a_mistake_mended_on_the_same_day_leaves_no_trace(self, county, guan_li):
        duty_grid = draw(guan_li)
        actions.set_cells(duty_grid, by=guan_li, at=MAY_DAY, cells=["999901001002"])
        assert DutyGridCell.objects.count() == 4

    def test_setting_the_same_cells_again_changes_nothing(self, county, guan_li):
        duty_grid = draw(guan_li)
        before = set(DutyGridCell.objects.values_list("pk", "valid_from", "valid_to"))
        actions.set_cells(duty_grid, by=guan_li, at=JUNE_DAY, cells=["999901001001"])
        assert set(DutyGridCell.objects.values_list("pk", "valid_from", "valid_to")) == before


def test_roads_are_written_with_their_source(county):
    line = MultiLineString([LineString([(117.0, 31.5), (117.01, 31.5)])])
    roads = [("春秋路", Road.RoadClass.MAIN, line), ("Elm\tSt\\", Road.RoadClass.LANE, line)]
    assert actions.insert_roads(roads, area_code="999901", source="© 测绘院", valid_from=THEN) == 2
    spring, elm = Road.objects.order_by("pk")
    assert (spring.name_zh, spring.name_en, spring.source) == ("春秋路", "", "© 测绘院")
    assert (elm.name_zh, elm.name_en) == ("Elm\tSt\\", "Elm\tSt\\")


def test_a_road_gets_another_class(county, guan_li):
    line = MultiLineString([LineString([(117.0, 31.5), (117.01, 31.5)])])
    actions.insert_roads([("春秋路", "lane", line)], area_code="999901", source="", valid_from=THEN)
    changed = actions.change_road(
        Road.objects.get(), by=guan_li, at=MAY_DAY, name_zh="春秋大道", name_en="", road_class="main"
    )
    assert (changed.name_zh, changed.road_class, changed.changed_by) == ("春秋大道", "main", guan_li)
