"""Components: registered with the next identifier, surveyed in bulk, corrected, retired, shown on the map."""

import uuid
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
import shapely
from django.contrib.gis.geos import LineString, Point
from django.db import IntegrityError, transaction
from django.urls import reverse
from shapely.geometry import Point as ShapelyPoint

from accounts.roles import Role
from components import actions, map_layers
from components.actions import AlreadyRetired, ComponentOutsideTheGrid, NoNumbersLeft, Surveyed
from components.models import Component
from tests.components.conftest import BORDER, minor_class
from tests.factories import DepartmentFactory, person

pytestmark = pytest.mark.django_db

MAY_DAY = datetime(2026, 5, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
MIDDLE = shapely.point_on_surface(BORDER)
HERE = Point(MIDDLE.x, MIDDLE.y, srid=4490)
FAR_AWAY = Point(100, 20, srid=4490)


def register(guan_li, minor_class, where=HERE, **facts) -> Component:
    public_id = facts.pop("public_id", None) or uuid.uuid4()
    return actions.register(
        by=guan_li, at=MAY_DAY, minor_class=minor_class, geometry=where, public_id=public_id, **facts
    )


class TestRegistering:
    def test_a_lamp_gets_its_cell_and_the_next_identifier(self, village, lamp, cover, guan_li):
        first, second = register(guan_li, lamp), register(guan_li, lamp)
        assert (first.identifier, second.identifier) == ("99990101037000001", "99990101037000002")
        assert register(guan_li, cover).identifier == "99990101001000001"
        assert first.unit_grid.community == village
        assert (first.name_zh, first.initial_date, first.changed_by) == ("路灯", date(2026, 5, 1), guan_li)

    def test_sent_twice_it_is_one_component(self, village, lamp, guan_li):
        public_id = uuid.uuid4()
        first = register(guan_li, lamp, public_id=public_id)
        assert register(guan_li, lamp, public_id=public_id) == first
        assert Component.objects.count() == 1

    def test_outside_the_grid_nothing_is_registered(self, village, lamp, guan_li):
        with pytest.raises(ComponentOutsideTheGrid):
            register(guan_li, lamp, FAR_AWAY)
        assert not Component.objects.exists()

    def test_the_three_parties_are_kept(self, village, lamp, guan_li):
        lighting = DepartmentFactory(name_zh="路灯管理所")
        made = register(
            guan_li, lamp, supervising_authority_name="城管局", owner=lighting, maintainer_name="光明养护公司"
        )
        assert (made.owner, made.maintainer, made.maintainer_name) == (lighting, None, "光明养护公司")

    def test_a_line_lies_in_the_cell_of_its_middle(self, village, lamp, guan_li):
        # From one cell far into another: neither end lies where the middle lies.
        start, end = Point(BORDER.bounds[0], HERE.y), Point(2 * HERE.x - BORDER.bounds[0], HERE.y)
        made = register(guan_li, lamp, LineString(start, HERE, end, srid=4490))
        middle = register(guan_li, lamp, Point((start.x + end.x) / 2, HERE.y, srid=4490))
        assert made.unit_grid == middle.unit_grid

    def test_a_legacy_class_gives_sixteen_characters(self, village, guan_li, lamp):
        legacy = minor_class("37", "路灯", scheme="GBT30428")
        assert register(guan_li, legacy).identifier == "9999010137000001"

    def test_when_the_numbers_end_it_is_said(self, village, lamp, guan_li):
        last = register(guan_li, lamp)
        Component.objects.filter(pk=last.pk).update(identifier="99990101037999999")
        with pytest.raises(NoNumbersLeft):
            register(guan_li, lamp)

    @pytest.mark.parametrize("identifier", ["999901010370000", "9999010103700000X", "9999010103700000 "])
    def test_the_database_takes_digits_only(self, village, lamp, guan_li, identifier):
        made = register(guan_li, lamp)
        with pytest.raises(IntegrityError, match="identifier_format"), transaction.atomic():
            Component.objects.filter(pk=made.pk).update(identifier=identifier)


class TestLife:
    def test_a_correction_keeps_the_day_and_the_person(self, village, lamp, guan_li):
        made = actions.correct(register(guan_li, lamp), by=guan_li, at=MAY_DAY, state="damaged", note="灯罩破")
        made.refresh_from_db()
        assert (made.state, made.note, made.change_date) == ("damaged", "灯罩破", date(2026, 5, 1))

    def test_a_retired_component_keeps_its_card_and_cannot_be_changed(self, village, lamp, guan_li):
        made = actions.retire(register(guan_li, lamp), by=guan_li, at=MAY_DAY)
        assert (made.state, made.valid_to) == ("removed", date(2026, 5, 1))
        assert not Component.objects.current().exists()
        with pytest.raises(AlreadyRetired):
            actions.correct(made, by=guan_li, at=MAY_DAY, note="")
        with pytest.raises(AlreadyRetired):
            actions.retire(made, by=guan_li, at=MAY_DAY)

    def test_its_identifier_is_not_given_again(self, village, lamp, guan_li):
        actions.retire(register(guan_li, lamp), by=guan_li, at=MAY_DAY)
        assert register(guan_li, lamp).identifier.endswith("000002")


class TestSurvey:
    def test_a_survey_is_placed_into_the_cells_and_numbered_in_its_order(self, village, lamp, cover, guan_li):
        register(guan_li, lamp)
        rows = [
            Surveyed(lamp, MIDDLE, owner_name="路灯\t所\n", extended={"功率": 60}),
            Surveyed(cover, MIDDLE),
            Surveyed(lamp, ShapelyPoint(100, 20)),
            Surveyed(lamp, MIDDLE),
        ]
        placed = actions.insert_components(rows, division="999901", initial_date=date(2026, 5, 1))
        assert (placed.written, placed.outside) == (3, (2,))
        written = Component.objects.exclude(changed_by=guan_li).order_by("pk")
        assert [one.identifier[6:] for one in written] == ["01037000002", "01001000001", "01037000003"]
        assert {one.unit_grid for one in written} == {Component.objects.get(changed_by=guan_li).unit_grid}
        assert (written[0].owner_name, written[0].extended) == ("路灯\t所\n", {"功率": 60})

    def test_either_all_of_a_survey_is_written_or_nothing(self, village, lamp):
        twice = uuid.uuid4()
        rows = [Surveyed(lamp, MIDDLE, public_id=twice), Surveyed(lamp, MIDDLE, public_id=twice)]
        with pytest.raises(IntegrityError), transaction.atomic():
            actions.insert_components(rows, division="999901", initial_date=date(2026, 5, 1))
        assert not Component.objects.exists()

    def test_an_empty_survey_writes_nothing(self, village):
        assert actions.insert_components([], division="999901", initial_date=date(2026, 5, 1)).written == 0


class TestMap:
    def get(self, page, **where):
        return page.get(reverse("components:layer"), where)

    def box(self) -> str:
        return ",".join(str(number) for number in BORDER.bounds)

    def test_the_components_in_a_box(self, village, lamp, guan_li, seat):
        made = register(guan_li, lamp)
        actions.retire(register(guan_li, lamp), by=guan_li, at=MAY_DAY)
        [feature] = self.get(seat(person(Role.COLLECTOR)), bbox=self.box()).json()["features"]
        assert feature["properties"] == {
            "id": str(made.public_id), "identifier": made.identifier, "name": "路灯", "class": "01-037",
            "state": "intact",
        }  # fmt: skip
        assert feature["geometry"]["coordinates"] == pytest.approx([HERE.x, HERE.y], abs=1e-6)

    def test_the_nearest_come_first_with_their_distance(self, village, lamp, guan_li, seat):
        near, far = Point(HERE.x, HERE.y + 0.0001, srid=4490), Point(HERE.x, HERE.y + 0.0003, srid=4490)
        register(guan_li, lamp, far), register(guan_li, lamp, near)
        page = seat(person(Role.COLLECTOR))
        found = self.get(page, near=f"{HERE.x},{HERE.y}", metres=100).json()["features"]
        assert [feature["properties"]["metres"] for feature in found] == [11.1, 33.3]
        assert len(self.get(page, near=f"{HERE.x},{HERE.y}", metres=20).json()["features"]) == 1

    def test_too_many_to_tell_apart_are_not_shown(self, village, lamp, guan_li, seat, monkeypatch):
        monkeypatch.setattr(map_layers, "MOST", 1)
        register(guan_li, lamp), register(guan_li, lamp)
        answer = self.get(seat(person(Role.COLLECTOR)), bbox=self.box()).json()
        assert (answer["features"], answer["more"]) == ([], True)

    @pytest.mark.parametrize(
        "where",
        [
            {},
            {"bbox": "x"},
            {"near": "1"},
            {"near": "1,2", "metres": "201"},
            {"near": "nan,2"},
            {"near": "1,2", "metres": "nan"},
        ],
    )
    def test_a_place_that_is_none_is_refused_in_words(self, seat, where):
        response = self.get(seat(person(Role.COLLECTOR)), **where)
        assert response.status_code == 400
        assert response.content

    def test_a_stranger_is_asked_to_log_in(self, client):
        assert self.get(client, bbox=self.box()).status_code == 302

    def test_somebody_without_an_appointment_is_refused(self, seat):
        assert self.get(seat(person()), bbox=self.box()).status_code == 403

    def test_the_number_of_queries_does_not_grow(self, village, lamp, guan_li, seat, django_assert_max_num_queries):
        page = seat(person(Role.COLLECTOR))
        for _lamp in range(5):
            register(guan_li, lamp)
        with django_assert_max_num_queries(4):
            self.get(page, bbox=self.box())
