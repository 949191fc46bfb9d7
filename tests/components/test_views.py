"""The maintenance pages of the catalogue and the inventory: everybody at work may look, the administrator changes."""

import uuid
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import shapely
from django.contrib.gis.geos import Point
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from components import actions
from components.models import Component, FilingCondition, MinorClass
from tests.components.conftest import BORDER, THEN, minor_class
from tests.factories import DepartmentFactory, person

pytestmark = pytest.mark.django_db

MAY_DAY = datetime(2026, 5, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
MIDDLE = shapely.point_on_surface(BORDER)
OTHERS = [role for role in Role if role != Role.ADMINISTRATOR]
MOST_QUERIES = 12


@pytest.fixture
def missing(cover) -> FilingCondition:
    return FilingCondition.objects.create(
        minor_class=cover, number=1, condition_zh="缺失", close_condition_zh="恢复", limit_value=2,
        limit_unit="continuous_hour", source="YC_SAME", valid_from=THEN,
    )  # fmt: skip


@pytest.fixture
def standing(village, lamp, guan_li) -> Component:
    return actions.register(
        by=guan_li, at=MAY_DAY, minor_class=lamp, geometry=Point(MIDDLE.x, MIDDLE.y, srid=4490),
        public_id=uuid.uuid4(), supervising_authority_name="城管局", owner=DepartmentFactory(name_zh="路灯所"),
    )  # fmt: skip


@pytest.fixture
def administrator(seat, guan_li):
    return seat(guan_li)


def pages(missing, standing) -> list[str]:
    return [
        reverse("components:catalogue"),
        reverse("components:class", args=[missing.minor_class.public_id]),
        reverse("components:components"),
        reverse("components:component", args=[standing.public_id]),
    ]


def only_for_the_administrator(missing, standing) -> list[str]:
    return [
        reverse("components:new_class"),
        reverse("components:new_condition", args=[missing.minor_class.public_id]),
        reverse("components:condition", args=[missing.public_id]),
        reverse("components:new_component"),
    ]


def test_everybody_at_work_may_look_and_only_the_administrator_may_change(missing, standing, seat):
    for role in OTHERS:
        page = seat(person(role))
        assert {page.get(url).status_code for url in pages(missing, standing)} == {200}, role
        assert {page.get(url).status_code for url in only_for_the_administrator(missing, standing)} == {403}, role
        changes = [*only_for_the_administrator(missing, standing), *pages(missing, standing)[1::2]]
        changes.append(reverse("components:retire", args=[standing.public_id]))
        assert {page.post(url, {}).status_code for url in changes} == {403}, role
    assert Component.objects.current().get() == standing
    assert FilingCondition.objects.get().limit_value == 2


def test_strangers_and_people_without_an_appointment_see_nothing(missing, standing, seat, client):
    urls = [*pages(missing, standing), *only_for_the_administrator(missing, standing)]
    assert {client.get(url).status_code for url in urls} == {302}
    page = seat(person())
    assert {page.get(url).status_code for url in urls} == {403}


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_no_page_makes_more_than_twelve_queries(missing, standing, seat, language, django_assert_max_num_queries):
    page = seat(person(Role.ADMINISTRATOR, language=language))
    for url in [*pages(missing, standing), *only_for_the_administrator(missing, standing)]:
        with django_assert_max_num_queries(MOST_QUERIES):
            assert page.get(url).status_code == 200


def test_lists_ask_as_often_for_many_rows_as_for_one(standing, administrator, guan_li):
    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert administrator.get(url).status_code == 200
        return len(asked)

    urls = [reverse("components:catalogue"), reverse("components:components")]
    before = [queries(url) for url in urls]
    lamp = standing.minor_class
    for number in range(100, 130):
        MinorClass.objects.create(
            scheme="GBT47678", kind="component", major_code="01", major_name_zh="市政公用设施", name_zh=f"设施{number}",
            minor_code=str(number), valid_from=THEN,
        )  # fmt: skip
        actions.register(
            by=guan_li, at=MAY_DAY, minor_class=lamp, geometry=standing.geometry, public_id=uuid.uuid4(),
            owner=DepartmentFactory(),
        )  # fmt: skip
    assert all(after <= first for after, first in zip(map(queries, urls), before, strict=True))


class TestCatalogue:
    def found(self, page, **wanted) -> list[str]:
        return [one.name_zh for one in page.get(reverse("components:catalogue"), wanted).context["page"]]

    def test_a_class_is_found_as_people_type(self, missing, lamp, administrator):
        assert self.found(administrator) == ["供水井盖", "路灯"]
        assert self.found(administrator, q="gsjg") == ["供水井盖"]
        assert self.found(administrator, q="上水") == ["供水井盖"]
        assert self.found(administrator, q="01-037") == ["路灯"]
        assert self.found(administrator, kind="event") == []
        assert self.found(administrator, scheme="GBT47678") == ["供水井盖", "路灯"]

    def test_the_scheme_in_force_comes_first(self, lamp, administrator):
        minor_class("99", "爱心驿站", scheme="LOCAL")
        minor_class("37", "路灯（旧）", scheme="GBT30428")
        minor_class("001", "私搭乱建", kind="event", major_code="06")
        assert self.found(administrator) == ["路灯", "私搭乱建", "路灯（旧）", "爱心驿站"]

    def test_conditions_that_wait_for_a_limit_are_found(self, missing, lamp, administrator):
        FilingCondition.objects.create(
            minor_class=lamp, number=1, condition_zh="倾斜", close_condition_zh="扶正", is_active=False, valid_from=THEN
        )
        assert self.found(administrator, without_limit="on") == ["路灯"]

    def test_a_class_shows_its_conditions_with_their_limits(self, missing, seat):
        page = seat(person(Role.LEADER, language="en"))
        text = page.get(reverse("components:class", args=[missing.minor_class.public_id])).content.decode()
        assert "缺失" in text
        assert "恢复" in text
        assert "2 continuous hours" in text

    def test_the_administrator_renames_a_class(self, cover, administrator):
        facts = {"name_zh": "给水井盖", "name_en": "", "department_type": "供水企业", "aliases": "上水井盖"}
        assert administrator.post(reverse("components:class", args=[cover.public_id]), facts).status_code == 302
        cover.refresh_from_db()
        assert (cover.name_zh, cover.pinyin_initials) == ("给水井盖", "jsjg")

    def test_the_administrator_says_what_is_the_same_problem(self, lamp, administrator):
        facts = {
            "name_zh": "路灯",
            "near_metres": "80",
            "near_hours": "",
            "near_on_road": "on",
            "recurrence_days": "60",
        }
        assert administrator.post(reverse("components:class", args=[lamp.public_id]), facts).status_code == 302
        lamp.refresh_from_db()
        assert (lamp.near_metres, lamp.near_hours, lamp.near_on_road, lamp.recurrence_days) == (80, None, True, 60)

    def test_the_administrator_adds_a_class_of_the_citys_own(self, cover, administrator):
        facts = {"kind": "component", "major_code": "01", "name_zh": "爱心驿站", "department_type": "环卫部门"}
        assert administrator.post(reverse("components:new_class"), facts).status_code == 302
        assert MinorClass.objects.get(scheme="LOCAL").code == "01-999"

    def test_a_major_of_the_other_kind_is_refused(self, cover, administrator):
        facts = {"kind": "event", "major_code": "01", "name_zh": "爱心驿站", "department_type": "环卫部门"}
        response = administrator.post(reverse("components:new_class"), facts)
        assert response.context["form"].errors["major_code"]
        assert not MinorClass.objects.filter(scheme="LOCAL").exists()


class TestLimits:
    FACTS = {"condition_zh": "缺失", "close_condition_zh": "恢复", "is_active": "on"}

    def change(self, page, condition, **values):
        return page.post(reverse("components:condition", args=[condition.public_id]), self.FACTS | values)

    def test_a_new_limit_is_set_from_a_day_on(self, missing, administrator, guan_li):
        tomorrow = timezone.localdate() + timedelta(days=1)
        response = self.change(
            administrator, missing, limit_value="1", limit_unit="continuous_hour", valid_from=tomorrow.isoformat()
        )
        assert response.status_code == 302
        old, new = FilingCondition.objects.order_by("valid_from")
        assert (old.limit_value, old.valid_to) == (2, tomorrow)
        assert (new.limit_value, new.valid_from, new.changed_by) == (1, tomorrow, guan_li)
        shown = administrator.get(reverse("components:class", args=[missing.minor_class.public_id]))
        assert [row.limit_value for row in shown.context["conditions"]] == [1, 2]

    def test_what_held_before_is_still_shown(self, missing, administrator):
        self.change(administrator, missing, limit_value="1", limit_unit="working_hour", valid_from="2026-01-01")
        shown = administrator.get(reverse("components:class", args=[missing.minor_class.public_id]))
        assert [row.limit_value for row in shown.context["past"]] == [2]

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"limit_value": "0", "limit_unit": "working_day"}, "limit_value"),
            ({"limit_value": "1", "limit_unit": ""}, "limit_unit"),
            ({"limit_value": "", "limit_unit": "working_day"}, "limit_unit"),
            ({"limit_value": "x", "limit_unit": "working_day"}, "limit_value"),
            ({"limit_value": "1", "limit_unit": "fortnight"}, "limit_unit"),
            ({"condition_zh": ""}, "condition_zh"),
            ({"valid_from": ""}, "valid_from"),
        ],
    )
    def test_half_a_limit_is_refused_beside_its_field(self, missing, administrator, values, field):
        facts = {"limit_value": "1", "limit_unit": "working_day", "valid_from": "2026-01-01"}
        response = self.change(administrator, missing, **facts | values)
        assert response.status_code == 200
        assert field in response.context["form"].errors
        assert FilingCondition.objects.get().limit_value == 2

    def test_a_limit_from_before_the_condition_began_is_refused_in_words(self, missing, seat):
        page = seat(person(Role.ADMINISTRATOR, language="en"))
        response = self.change(page, missing, limit_value="1", limit_unit="working_day", valid_from="1999-01-01")
        assert "2000-01-01" in response.context["form"].non_field_errors()[0]

    def test_a_class_gets_one_more_condition(self, missing, administrator):
        url = reverse("components:new_condition", args=[missing.minor_class.public_id])
        facts = self.FACTS | {"limit_value": "4", "limit_unit": "working_hour", "valid_from": "2026-01-01"}
        assert administrator.post(url, facts).status_code == 302
        assert missing.minor_class.conditions.get(number=2).limit_value == 4

    def test_a_condition_that_has_ended_cannot_be_changed(self, missing, administrator):
        FilingCondition.objects.update(valid_to=date(2026, 1, 1))
        assert administrator.get(reverse("components:condition", args=[missing.public_id])).status_code == 404


class TestInventory:
    def found(self, page, **wanted) -> list[str]:
        return [one.identifier for one in page.get(reverse("components:components"), wanted).context["page"]]

    def test_a_component_is_found_by_identifier_name_class_area_and_state(self, standing, administrator):
        here = [standing.identifier]
        assert self.found(administrator) == here
        assert self.found(administrator, q=standing.identifier[:10]) == here
        assert self.found(administrator, q="路灯") == here
        assert self.found(administrator, code="01-037") == here
        assert self.found(administrator, code="02") == []
        assert self.found(administrator, area="999901001") == here
        assert self.found(administrator, area="999902") == []
        assert self.found(administrator, state="damaged") == []

    def test_what_was_taken_away_is_shown_only_when_asked_for(self, standing, administrator):
        assert administrator.post(reverse("components:retire", args=[standing.public_id])).status_code == 302
        assert self.found(administrator) == []
        assert self.found(administrator, state="removed") == [standing.identifier]

    def test_the_card_shows_the_owner_and_the_place(self, standing, administrator):
        text = administrator.get(reverse("components:component", args=[standing.public_id])).content.decode()
        assert "路灯所" in text
        assert "桃溪镇 · 梅村" in text
        assert standing.unit_grid.code in text

    def card(self, standing, **values) -> dict:
        return {"name_zh": "路灯", "state": "damaged", "supervising_authority_name": "城管局"} | values

    def test_the_administrator_corrects_the_card(self, standing, administrator, guan_li):
        url = reverse("components:component", args=[standing.public_id])
        assert administrator.post(url, self.card(standing, note="灯罩破")).status_code == 302
        standing.refresh_from_db()
        assert (standing.state, standing.note, standing.changed_by) == ("damaged", "灯罩破", guan_li)

    def test_a_card_without_its_authority_is_refused_and_keeps_what_was_typed(self, standing, administrator):
        url = reverse("components:component", args=[standing.public_id])
        response = administrator.post(url, self.card(standing, supervising_authority_name="", note="灯罩破"))
        assert response.context["form"].errors["supervising_authority_name"]
        assert response.context["form"]["note"].value() == "灯罩破"
        assert response.context["component"].note == ""

    def test_a_retired_component_is_not_corrected(self, standing, administrator, guan_li):
        actions.retire(standing, by=guan_li, at=MAY_DAY)
        response = administrator.post(reverse("components:component", args=[standing.public_id]), self.card(standing))
        assert standing.identifier in response.context["form"].non_field_errors()[0]

    def register(self, page, lamp, where, public_id=None):
        facts = {
            "minor_class": lamp.public_id, "lon": where.x, "lat": where.y, "public_id": public_id or uuid.uuid4(),
            "state": "intact", "supervising_authority_name": "城管局",
        }  # fmt: skip
        return page.post(reverse("components:new_component"), facts)

    def test_the_administrator_registers_one_on_the_map(self, village, lamp, administrator):
        assert self.register(administrator, lamp, MIDDLE).status_code == 302
        assert Component.objects.get().identifier == "99990101037000001"

    def test_a_double_click_registers_one(self, village, lamp, administrator):
        public_id = uuid.uuid4()
        for _click in range(2):
            assert self.register(administrator, lamp, MIDDLE, public_id).status_code == 302
        assert Component.objects.count() == 1

    def test_outside_the_grid_it_is_refused_and_what_was_typed_is_kept(self, village, lamp, administrator):
        response = self.register(administrator, lamp, Point(100, 20))
        assert response.context["form"].non_field_errors()
        assert response.context["form"]["supervising_authority_name"].value() == "城管局"
        assert not Component.objects.exists()


def test_the_technical_pages_show_the_inventory_and_let_nobody_change_it(missing, standing, seat):
    page = seat(person(is_staff=True, is_superuser=True))
    for model, row in (("minorclass", missing.minor_class), ("filingcondition", missing), ("component", standing)):
        assert page.get(reverse(f"admin:components_{model}_changelist")).status_code == 200
        assert page.get(reverse(f"admin:components_{model}_change", args=[row.pk])).status_code == 200
        assert page.get(reverse(f"admin:components_{model}_add")).status_code == 403
