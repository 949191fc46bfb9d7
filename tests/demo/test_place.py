"""The county on paper and its pictures: no database."""

import io
from itertools import pairwise

import pytest
from PIL import Image, ImageStat

from citymgmt.demo import chances, ground, pictures
from grid import geometry
from tests.county import beijing


@pytest.fixture(scope="module")
def drawing():
    return ground.draw()


def test_the_county_has_twenty_five_square_kilometres_six_streets_and_forty_communities(drawing):
    assert geometry.area_m2(drawing.outline) == pytest.approx(25_000_000, rel=1e-4)
    assert len(drawing.streets) == 6
    assert sum(len(communities) for communities in drawing.streets) == 40


def test_about_two_and_a_half_thousand_cells_are_laid_over_it(drawing):
    communities = [one for street in drawing.streets for one in street]
    cells = geometry.lay_cells({f"999901001{number:03d}": one for number, one in enumerate(communities, 1)})
    assert 2_400 <= len(cells) <= 2_700


def test_every_class_of_road_is_there_and_no_name_twice(drawing):
    assert {road.road_class for road in drawing.roads} == {"main", "secondary", "branch", "lane"}
    names = [road.name_zh for road in drawing.roads]
    assert len(names) == len(set(names))


def test_every_road_lies_inside_the_county(drawing):
    border = drawing.zone.to_metres(drawing.outline)
    assert all(border.contains(road.line) for road in drawing.roads)


def test_drawing_it_twice_gives_the_same_county(drawing):
    again = ground.draw()
    assert again.outline.wkb == drawing.outline.wkb
    assert [road.line.wkb for road in again.roads] == [road.line.wkb for road in drawing.roads]


@pytest.mark.parametrize("scene", sorted(pictures.SCENES))
def test_a_picture_shows_something_and_something_else_once_it_is_put_right(scene):
    before = Image.open(io.BytesIO(pictures.photograph(scene, put_right=False, variant=0)))
    after = Image.open(io.BytesIO(pictures.photograph(scene, put_right=True, variant=0)))
    assert (before.format, before.size) == ("JPEG", pictures.SIZE)
    assert min(ImageStat.Stat(before).stddev) > 10
    assert before.tobytes() != after.tobytes()


def test_the_same_picture_is_drawn_twice():
    assert pictures.photograph("cover", put_right=False, variant=1) == pictures.photograph(
        "cover", put_right=False, variant=1
    )


def test_collectors_report_in_their_hours_only():
    from random import Random

    chance = Random("hours")
    night = {chances.source(chance, beijing(2026, 11, 2, 21)) for _report in range(200)}
    day = {chances.source(chance, beijing(2026, 11, 2, 10)) for _report in range(200)}
    assert "collector" in day
    assert "collector" not in night


@pytest.mark.parametrize(("hour", "opens_on", "opens_at"), [(5, 2, 7), (12, 2, 12), (23, 3, 7)])
def test_what_comes_in_at_night_waits_for_the_desk_to_open(hour, opens_on, opens_at):
    assert chances.opening(beijing(2026, 11, 2, hour), 7, 22) == beijing(2026, 11, opens_on, opens_at)


def test_a_late_department_is_late_and_a_punctual_one_is_not():
    from random import Random

    chance = Random("shares")
    assert all(chances.share_of_limit(chance, 0) < 1 for _case in range(300))
    assert all(chances.share_of_limit(chance, 1) > 1 for _case in range(300))


def test_busy_days_follow_the_week():
    assert all(first >= 0 for first in chances.WEEKDAYS)
    assert [first > second for first, second in pairwise(chances.WEEKDAYS[4:])] == [True, True]
