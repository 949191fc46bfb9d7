"""Laying cells, dividing an outline, measuring, and undoing the shifts of vendors' maps. No database."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, affinity, box

from grid import geometry
from grid.codes import MalformedCode
from grid.geometry import CellFinder, CoordinateSystem, OutlineIsEmpty, OutlineTooSmall, TooManyCells, Zone

ZONE = Zone(117)
EAST, NORTH = 500_000, 3_486_000  # a corner of squares near 117° E, 31.5° N, in metres


def ground(*shape: tuple[float, float]) -> Polygon:
    """A polygon given in metres from the corner, in degrees."""
    return ZONE.to_degrees(Polygon([(EAST + x, NORTH + y) for x, y in shape]))


def rectangle(left: float, bottom: float, right: float, top: float) -> Polygon:
    return ground((left, bottom), (right, bottom), (right, top), (left, top))


def lay(**communities: Polygon) -> list[geometry.Cell]:
    return geometry.lay_cells({f"99990100100{name[-1]}": outline for name, outline in communities.items()})


class TestLayingCells:
    def test_a_square_kilometre_holds_a_hundred_cells_of_ten_thousand_square_metres(self):
        cells = lay(plum_1=rectangle(0, 0, 1000, 1000))
        assert len(cells) == 100
        assert {round(cell.area_m2, -1) for cell in cells} == {10_000}

    def test_cells_are_numbered_from_west_to_east_and_the_rows_from_north_to_south(self):
        cells = lay(plum_1=rectangle(0, 0, 300, 200))
        centres = [ZONE.to_metres(cell.centre) for cell in cells]
        places = [(math.floor((c.x - EAST) / 100), math.floor((c.y - NORTH) / 100)) for c in centres]
        assert places == [(0, 1), (1, 1), (2, 1), (0, 0), (1, 0), (2, 0)]
        assert [cell.code for cell in cells] == [f"99990100100100{n}" for n in range(1, 7)]

    def test_a_border_cuts_the_squares_and_each_cell_lies_in_one_community(self):
        west, east = rectangle(0, 0, 150, 200), rectangle(150, 0, 300, 200)
        cells = lay(plum_1=west, pear_2=east)
        assert [cell.community_code for cell in cells] == ["999901001001"] * 4 + ["999901001002"] * 4
        for cell in cells:
            home = west if cell.community_code.endswith("1") else east
            assert cell.boundary.difference(home).area < 1e-11  # a tenth of a square metre
        assert {round(cell.area_m2, -1) for cell in cells} == {10_000, 5_000}

    def test_a_splinter_joins_the_neighbour_with_the_longest_common_border(self):
        # The third column is 20 m wide, so its pieces have 2,000 m², less than a quarter of a square.
        cells = lay(plum_1=rectangle(0, 0, 220, 200))
        assert [round(cell.area_m2, -1) for cell in cells] == [10_000, 12_000] * 2

    def test_a_splinter_never_crosses_into_another_community(self):
        cells = lay(plum_1=rectangle(0, 0, 120, 100), pear_2=rectangle(120, 0, 220, 100))
        assert [(cell.community_code[-1], round(cell.area_m2, -1)) for cell in cells] == [
            ("1", 12_000),
            ("2", 10_000),
        ]

    def test_a_community_smaller_than_a_splinter_is_still_one_cell(self):
        assert [round(cell.area_m2, -1) for cell in lay(plum_1=rectangle(10, 10, 30, 30))] == [400]

    def test_the_same_communities_give_the_same_cells_in_any_order(self):
        west, east = (
            ground((3, 7), (510, 40), (480, 620), (-20, 505)),
            ground((510, 40), (900, 0), (880, 700), (480, 620)),
        )
        assert lay(plum_1=west, pear_2=east) == lay(pear_2=east, plum_1=west)

    def test_a_courtyard_left_out_of_the_outline_stays_out(self):
        yard = [(EAST + x, NORTH + y) for x, y in ((120, 120), (280, 120), (280, 280), (120, 280))]
        frame = [(EAST + x, NORTH + y) for x, y in ((0, 0), (400, 0), (400, 400), (0, 400))]
        cells = lay(plum_1=ZONE.to_degrees(Polygon(frame, [yard])))
        assert sum(cell.area_m2 for cell in cells) == pytest.approx(400 * 400 - 160 * 160, abs=0.1)
        inside = ZONE.to_degrees(Point(EAST + 200, NORTH + 200))
        assert not any(cell.boundary.intersects(inside) for cell in cells)

    def test_two_islands_of_one_community_are_numbered_together(self):
        islands = MultiPolygon([rectangle(0, 0, 100, 100), rectangle(500, 0, 600, 100)])
        assert [cell.code[-3:] for cell in lay(plum_1=islands)] == ["001", "002"]

    def test_a_self_crossing_outline_is_mended_before_it_is_cut(self):
        bow_tie = ground((0, 0), (400, 400), (400, 0), (0, 400))
        assert sum(cell.area_m2 for cell in lay(plum_1=bow_tie)) == pytest.approx(80_000, abs=1)

    def test_a_community_that_needs_more_than_999_cells_is_refused_with_its_code_and_number(self):
        with pytest.raises(TooManyCells) as refused:
            lay(plum_1=rectangle(0, 0, 3200, 3200))
        assert refused.value.facts == {"community_code": "999901001001", "count": 1024}

    def test_nothing_cannot_be_covered(self):
        with pytest.raises(OutlineIsEmpty):
            lay(plum_1=Polygon())

    def test_a_community_without_a_proper_code_is_refused(self):
        with pytest.raises(MalformedCode):
            geometry.lay_cells({"plum": rectangle(0, 0, 100, 100)})

    @given(
        st.lists(st.tuples(st.integers(0, 700), st.integers(0, 700)), min_size=3, max_size=7, unique=True),
        st.integers(100, 600),
    )
    def test_cells_cover_any_two_communities_without_gap_or_overlap(self, corners, line):
        hull = shapely.convex_hull(shapely.MultiPoint(corners))
        if hull.geom_type != "Polygon" or hull.area < 10_000:
            return
        halves = [hull.intersection(box(-1, -1, line, 701)), hull.intersection(box(line, -1, 701, 701))]
        communities = {
            f"99990100100{n}": ZONE.to_degrees(affinity.translate(half, EAST, NORTH))
            for n, half in enumerate(halves)
            if half.geom_type == "Polygon" and half.area > 1
        }
        cells = geometry.lay_cells(communities)
        boundaries = [cell.boundary for cell in cells]
        assert shapely.coverage_is_valid(boundaries)
        ground_m2 = sum(geometry.area_m2(community) for community in communities.values())
        assert sum(cell.area_m2 for cell in cells) == pytest.approx(ground_m2, abs=0.5)
        assert all(boundary.is_valid for boundary in boundaries)
        assert all(cell.boundary.intersects(cell.centre) for cell in cells)
        assert len({cell.code for cell in cells}) == len(cells)


class TestDividing:
    DISTRICT = ground((0, 0), (4000, 300), (3800, 2900), (1500, 2600), (-300, 1500))

    def test_made_up_communities_are_about_equally_large_and_leave_no_gap(self):
        streets = geometry.divide(self.DISTRICT, [3, 5, 2])
        assert [len(street) for street in streets] == [3, 5, 2]
        parts = [part for street in streets for part in street]
        areas = [geometry.area_m2(part) for part in parts]
        assert sum(areas) == pytest.approx(geometry.area_m2(self.DISTRICT), rel=1e-6)
        assert max(areas) < 1.5 * min(areas)
        assert shapely.coverage_is_valid(parts)

    def test_their_borders_run_along_the_squares_so_that_cells_stay_whole(self):
        communities = [part for street in geometry.divide(self.DISTRICT, [3, 5, 2]) for part in street]
        numbered = {f"999901001{number:03d}": part for number, part in enumerate(communities, start=1)}
        alone = geometry.lay_cells({"999901001001": self.DISTRICT})
        divided = geometry.lay_cells(numbered)
        assert len(divided) == pytest.approx(len(alone), abs=3)

    def test_dividing_twice_gives_the_same(self):
        assert geometry.divide(self.DISTRICT, [2, 2]) == geometry.divide(self.DISTRICT, [2, 2])

    def test_one_community_is_the_whole(self):
        [[whole]] = geometry.divide(self.DISTRICT, [1])
        assert whole.symmetric_difference(self.DISTRICT).area / self.DISTRICT.area < 1e-6

    def test_fewer_squares_than_communities_are_refused(self):
        with pytest.raises(OutlineTooSmall) as refused:
            geometry.divide(rectangle(0, 0, 200, 200), [3, 2])
        assert refused.value.facts == {"squares": 4, "communities": 5}

    def test_nothing_cannot_be_divided(self):
        with pytest.raises(OutlineIsEmpty):
            geometry.divide(Polygon(), [1])


class TestMetres:
    @pytest.mark.parametrize(
        ("longitude", "meridian"), [(114.05, 114), (117.0, 117), (116.4, 117), (121.5, 123), (-71.1, -72)]
    )
    def test_the_zone_is_the_one_whose_meridian_is_nearest(self, longitude, meridian):
        assert geometry.zone_of(longitude).meridian == meridian

    def test_a_degree_square_on_the_equator_is_measured(self):
        # 0.01° are 1,113.19 m along the equator and 1,105.74 m along the meridian.
        assert geometry.area_m2(box(117, 0, 117.01, 0.01)) == pytest.approx(1113.19 * 1105.74, rel=1e-4)

    def test_nothing_has_no_area(self):
        assert geometry.area_m2(Polygon()) == 0

    def test_there_and_back_is_exact_to_a_tenth_of_a_millimetre(self):
        start = Point(117.123456789, 31.987654321)
        assert ZONE.to_degrees(ZONE.to_metres(start)).distance(start) < 2e-9


class TestVendorsMaps:
    # Tian'anmen, as the three systems give it in public tables of conversion.
    WGS84 = np.array([[116.391300, 39.907200]])
    GCJ02 = np.array([[116.397540, 39.908600]])

    def test_gcj_02_lies_some_five_hundred_metres_away_in_beijing(self):
        shifted = geometry.to_gcj02(self.WGS84)
        assert np.allclose(shifted, self.GCJ02, atol=2e-5)

    def test_undoing_gcj_02_leaves_less_than_a_millimetre(self):
        there_and_back = geometry.to_cgcs2000(geometry.to_gcj02(self.WGS84), CoordinateSystem.GCJ02)
        assert np.allclose(there_and_back, self.WGS84, atol=1e-8)

    def test_bd_09_is_gcj_02_shifted_once_more(self):
        bd09 = np.array([[116.403880, 39.914930]])
        assert np.allclose(geometry.to_cgcs2000(bd09, CoordinateSystem.BD09), self.WGS84, atol=3e-5)

    @pytest.mark.parametrize("system", [CoordinateSystem.CGCS2000, CoordinateSystem.WGS84])
    def test_wgs_84_and_cgcs2000_are_only_relabelled(self, system):
        assert (geometry.to_cgcs2000(self.WGS84, system) == self.WGS84).all()

    def test_outside_china_nothing_is_shifted(self):
        boston = np.array([[-71.0587, 42.3594]])
        assert (geometry.to_cgcs2000(boston, CoordinateSystem.GCJ02) == boston).all()

    def test_one_position_becomes_a_point(self):
        point = geometry.point_in_cgcs2000(*self.GCJ02[0], CoordinateSystem.GCJ02)
        assert (point.x, point.y) == pytest.approx(tuple(self.WGS84[0]), abs=2e-5)

    @given(st.floats(73, 135), st.floats(3, 54))
    def test_the_shift_can_be_undone_anywhere_in_china(self, longitude, latitude):
        here = np.array([[longitude, latitude]])
        there_and_back = geometry.to_cgcs2000(geometry.to_gcj02(here), CoordinateSystem.GCJ02)
        assert np.allclose(there_and_back, here, atol=1e-8)


class TestFindingCells:
    CELLS = [box(0, 0, 1, 1), box(1, 0, 2, 1), box(0, 1, 1, 2)]

    def test_each_point_finds_its_cell_and_a_stray_none(self):
        found = CellFinder(self.CELLS).find([Point(0.5, 0.5), Point(1.5, 0.5), Point(0.5, 1.5), Point(9, 9)])
        assert found.tolist() == [0, 1, 2, -1]

    def test_a_point_on_a_border_belongs_to_the_first(self):
        assert CellFinder(self.CELLS).find([Point(1, 0.5), Point(1, 1)]).tolist() == [0, 0]

    @pytest.mark.parametrize(
        ("thing", "cell"),
        [
            (shapely.LineString([(0.1, 0.5), (1.95, 0.5)]), 1),
            (shapely.MultiLineString([[(0.1, 0.5), (0.2, 0.5)], [(1.1, 0.5), (1.9, 0.5)]]), 1),
            (box(0.7, 0.2, 1.8, 0.8), 1),
        ],
    )
    def test_a_line_and_a_surface_lie_where_their_middle_lies(self, thing, cell):
        assert CellFinder(self.CELLS).find([thing]).tolist() == [cell]
