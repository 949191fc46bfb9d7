"""Where a point lies: one cell, its chain of areas, its duty grid, its road; what is near, in metres and in words."""

from datetime import date

import pytest
from django.contrib.gis.geos import LineString, MultiLineString, MultiPolygon, Point, Polygon

from grid.locate import describe, locate, nearest, within
from grid.models import Area, DutyGrid, DutyGridCell, Place, Road, UnitGrid

pytestmark = pytest.mark.django_db

THEN = date(2000, 1, 1)
WEST, SOUTH, STEP = 117.0, 31.5, 0.001  # a step is about 95 m to the east and 111 m to the north


def at(column: float, row: float) -> Point:
    return Point(WEST + column * STEP, SOUTH + row * STEP, srid=4490)


def square(column: int, row: int, *, wide: int = 1, high: int = 1) -> Polygon:
    corners = (WEST + column * STEP, SOUTH + row * STEP, WEST + (column + wide) * STEP, SOUTH + (row + high) * STEP)
    box = Polygon.from_bbox(corners)
    box.srid = 4490
    return box


def cell(community: Area, sequence: int, column: int, row: int, **more) -> UnitGrid:
    boundary = square(column, row)
    return UnitGrid.objects.create(
        code=f"{community.code}{sequence:03d}", community=community, boundary=boundary, centre=boundary.centroid,
        area_m2=10_000, valid_from=THEN, **more,
    )  # fmt: skip


def road(name: str, road_class: str, *points: Point) -> Road:
    line = MultiLineString(LineString([point.coords for point in points]), srid=4490)
    return Road.objects.create(name_zh=name, road_class=road_class, line=line, valid_from=THEN)


@pytest.fixture
def plum_village():
    """Two by two cells of one community; the two in the west are patrolled for duty grid 1."""
    whole = MultiPolygon(square(0, 0, wide=2, high=2), srid=4490)
    division = Area.objects.create(code="999901", level="division", name_zh="清河县", boundary=whole, valid_from=THEN)
    street = Area.objects.create(
        code="999901001", level="street", name_zh="桃溪镇", parent=division, boundary=whole, valid_from=THEN
    )
    community = Area.objects.create(
        code="999901001001", level="community", name_zh="梅村", parent=street, boundary=whole, valid_from=THEN
    )
    places = ((0, 1), (1, 1), (0, 0), (1, 0))
    cells = [cell(community, sequence, *place) for sequence, place in enumerate(places, start=1)]
    duty_grid = DutyGrid.objects.create(code="D1", name_zh="第一责任网格", valid_from=THEN)
    for west in (cells[0], cells[2]):
        DutyGridCell.objects.create(duty_grid=duty_grid, unit_grid=west, valid_from=THEN)
    return community


def test_a_point_has_one_cell_with_the_chain_of_its_areas_and_its_duty_grid(plum_village, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = locate(at(0.5, 1.5))
        assert found.unit_grid.code == "999901001001001"
        assert (found.community_code, found.community_name) == ("999901001001", "梅村")
        assert (found.street_name, found.division_name) == ("桃溪镇", "清河县")
        assert found.chain == "清河县 · 桃溪镇 · 梅村"
        assert found.duty_grid.code == "D1"
        assert (found.road, found.road_class) == (None, "")


def test_a_cell_that_nobody_patrols_has_no_duty_grid(plum_village):
    assert locate(at(1.5, 1.5)).duty_grid is None


def test_a_past_duty_grid_no_longer_counts(plum_village):
    DutyGridCell.objects.update(valid_to=date(2020, 1, 1))
    assert locate(at(0.5, 1.5)).duty_grid is None


def test_a_point_outside_all_cells_has_no_place(plum_village):
    assert locate(at(2.5, 0.5)) is None


@pytest.mark.parametrize(
    ("column", "row", "sequence"),
    [(1, 1.5, "001"), (0.5, 1, "001"), (1, 0.5, "003"), (1, 1, "001"), (2, 1, "002"), (0, 0, "003")],
)
def test_a_point_on_a_border_belongs_to_the_lowest_code_of_the_cells_that_meet_there(
    plum_village, column, row, sequence
):
    assert locate(at(column, row)).unit_grid.code.endswith(sequence)


def test_a_cell_whose_period_has_ended_holds_nothing(plum_village):
    UnitGrid.objects.filter(code__endswith="001").update(valid_to=date(2024, 1, 1))
    assert locate(at(0.5, 1.5)) is None


def test_a_position_of_a_phone_in_wgs_84_is_only_relabelled(plum_village):
    assert locate(Point(*at(0.5, 1.5).coords, srid=4326)).unit_grid.code.endswith("001")


def test_a_position_in_metres_is_not_taken_for_degrees(plum_village):
    with pytest.raises(ValueError, match="4547"):
        locate(Point(500_000, 3_486_000, srid=4547))


def test_the_nearest_road_gives_its_class(plum_village):
    road("春秋路", Road.RoadClass.MAIN, at(0, 1.4), at(2, 1.4))
    road("梅河路", Road.RoadClass.LANE, at(0, 1.2), at(2, 1.2))
    found = locate(at(0.5, 1.5))
    assert (found.road.name_zh, found.road_class) == ("春秋路", "main")


def test_a_road_farther_than_forty_metres_is_not_where_one_is(plum_village):
    road("春秋路", Road.RoadClass.MAIN, at(0, 1.0), at(2, 1.0))
    assert locate(at(0.5, 1.5)).road is None


def test_near_is_measured_in_metres_on_the_ground(plum_village):
    here = at(0, 0)
    north = Place.objects.create(kind="poi", name_zh="北门", geometry=at(0, 1), valid_from=THEN)  # 110.9 m
    east = Place.objects.create(kind="poi", name_zh="东门", geometry=at(1, 0), valid_from=THEN)  # 95.0 m
    assert set(within(Place.objects.current(), "geometry", here, 100)) == {east}
    found = list(nearest(Place.objects.current(), "geometry", here, within_metres=200))
    assert found == [east, north]
    assert [round(place.metres, 1) for place in found] == [95.0, 110.9]


class TestWords:
    def test_two_roads_close_by_make_a_crossing(self, plum_village):
        road("春秋路", Road.RoadClass.MAIN, at(0, 1), at(2, 1))
        road("梅河路", Road.RoadClass.BRANCH, at(1, 0), at(1, 2))
        words = describe(at(1.1, 1.2))
        assert "春秋路" in words
        assert "梅河路" in words

    def test_one_road_alone_is_named(self, plum_village):
        road("春秋路", Road.RoadClass.MAIN, at(0, 1), at(2, 1))
        road("梅河路", Road.RoadClass.BRANCH, at(1, 0), at(1, 2))
        words = describe(at(0.1, 1.1))
        assert "春秋路" in words
        assert "梅河路" not in words

    def test_two_lines_of_one_road_are_no_crossing(self, plum_village):
        road("春秋路", Road.RoadClass.MAIN, at(0, 1), at(2, 1))
        road("春秋路", Road.RoadClass.MAIN, at(0, 1.1), at(2, 1.1))
        assert describe(at(1, 1)).count("春秋路") == 1

    def test_without_a_road_a_named_place_helps(self, plum_village, django_assert_num_queries):
        Place.objects.create(kind="poi", name_zh="文化广场", geometry=at(1, 1), valid_from=THEN)
        with django_assert_num_queries(1):
            assert "文化广场" in describe(at(0.5, 1.5))

    def test_where_nothing_is_known_there_are_no_words(self, plum_village):
        assert describe(at(0.5, 1.5)) == ""
