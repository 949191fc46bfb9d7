"""From what somebody says of a place to points."""

import pytest
from django.contrib.gis.geos import LineString, MultiLineString, Point
from django.db import connection
from django.test.utils import CaptureQueriesContext

from grid.addresses import coordinate, find, initials, sought
from grid.models import Place, Road
from tests.county import LONG_AGO


@pytest.mark.parametrize(
    "said",
    ["117.283, 31.861", "31.861 117.283", "117.283，31.861", "31.861,117.283", "北纬31.861 东经117.283",
     "N31.861 E117.283",
     "117.283E 31.861N", "lat=31.861 lon=117.283", "x=117.283, y=31.861", "31°51'39.6\"N 117°16'58.8\"E",
     "31度51分39.6秒 117度16分58.8秒", "(117.283, 31.861)"],
)  # fmt: skip
def test_a_coordinate_is_read_however_it_is_spelt(said):
    point = coordinate(said)
    assert (round(point.x, 4), round(point.y, 4)) == (117.283, 31.861)


@pytest.mark.parametrize(
    "said", ["人民路88号", "12 34", "31.861", "117.283, 231.5", "1.2.3 4", "", "rml88", "2026-03-02"]
)
def test_what_is_no_coordinate_is_none(said):
    assert coordinate(said) is None


@pytest.mark.parametrize(
    ("said", "names", "number"),
    [("人民路88号", ("人民路",), "88"), ("rml88", ("rml",), "88"), ("人民路与建设路交叉口", ("人民路", "建设路"), ""),
     ("人民路和建设路", ("人民路", "建设路"), ""), ("rml jsl", ("rml", "jsl"), ""),
     ("人民路 8-2 号", ("人民路",), "8-2"),
     ("Renmin Road and Jianshe Road", ("Renmin Road", "Jianshe Road"), ""), ("钟楼农贸市场", ("钟楼农贸市场",), ""),
     ("", (), "")],
)  # fmt: skip
def test_road_number_and_crossing_are_told_apart(said, names, number):
    wanted = sought(said)
    assert (wanted.names, wanted.number) == (names, number)


def road(name: str, name_en: str, *ends) -> Road:
    line = MultiLineString(LineString(*ends), srid=4490)
    return Road.objects.create(name_zh=name, name_en=name_en, pinyin_initials=initials(name), road_class="main",
                               line=line, valid_from=LONG_AGO)  # fmt: skip


@pytest.fixture
def town(db) -> None:
    road("人民路", "Renmin Road", (117.28, 31.85), (117.28, 31.87))
    road("人民路", "Renmin Road", (117.28, 31.87), (117.28, 31.88))  # drawn in two pieces
    road("建设路", "Jianshe Road", (117.27, 31.86), (117.29, 31.86))
    road("远郊路", "", (117.5, 31.86), (117.6, 31.86))
    Place.objects.create(
        name_zh="钟楼农贸市场", name_en="Zhonglou Market", pinyin_initials=initials("钟楼农贸市场"), kind="poi",
        geometry=Point(117.281, 31.861, srid=4490), valid_from=LONG_AGO,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "labels"),
    [("人民路", ["人民路"]), ("rml", ["人民路"]), ("Renmin", ["人民路"]), ("rml88", ["人民路88号"]),
     ("人民路88号", ["人民路88号"]), ("人民路与建设路", ["人民路与建设路交叉口"]),
     ("jsl rml", ["建设路与人民路交叉口"]),
     ("人民路与远郊路", []), ("农贸", ["钟楼农贸市场"]), ("zlnm", ["钟楼农贸市场"]), ("Zhonglou", ["钟楼农贸市场"]),
     ("没有这条路", []), ("100%", []), ("", [])],
)  # fmt: skip
def test_places_are_found_by_what_people_say_of_them_in_one_query(town, said, labels):
    with CaptureQueriesContext(connection) as asked:
        found = find(sought(said))
    assert [one.label for one in found] == labels
    assert len(asked) <= 1


def test_a_crossing_lies_where_the_roads_meet(town):
    [crossing] = find(sought("人民路与建设路路口"))
    assert (round(crossing.lon, 4), round(crossing.lat, 4)) == (117.28, 31.86)


def test_a_road_that_is_no_more_is_not_found(town):
    Road.objects.filter(name_zh="建设路").update(valid_to="2026-01-01")
    assert find(sought("建设路")) == []
