"""The catalogue: loaded once and never overwritten, found as people type, its limits changed from a day on."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.models import Count

from cases.models import CalendarDay, WorkScheduleSpan
from components import actions
from components.actions import BeforeItBegan, NoNumbersLeft
from components.models import FilingCondition, MinorClass
from tests.components.conftest import THEN, minor_class

MAY_DAY = datetime(2026, 5, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(("name", "typed"), [("路面井盖", "lmjg"), ("ATM机", "atmj"), ("垃圾间（楼）", "ljjl")])
def test_a_class_is_typed_by_its_pinyin_initials(name, typed):
    assert actions.initials(name) == typed


@pytest.mark.django_db
class TestLoading:
    @pytest.fixture(autouse=True)
    def _standards(self):
        call_command("load_standards", verbosity=0)

    def test_the_classes_of_2026_are_complete(self):
        of_2026 = MinorClass.objects.of_scheme("GBT47678")
        assert of_2026.filter(kind="component").count() == 153
        assert of_2026.filter(kind="event").count() == 97
        majors = of_2026.values("major_code").annotate(classes=Count("pk")).order_by("major_code")
        assert [row["classes"] for row in majors] == [76, 44, 16, 14, 3, 51, 7, 16, 21, 2]

    def test_the_classes_of_2013_and_the_local_ones_stand_beside_them(self):
        assert MinorClass.objects.of_scheme("GBT30428").count() == 9
        assert MinorClass.objects.of_scheme("LOCAL").count() == 30
        assert set(MinorClass.objects.filter(is_extension=True)) == set(MinorClass.objects.of_scheme("LOCAL"))

    def test_there_are_620_filing_conditions_and_those_without_a_limit_are_not_in_use(self):
        assert FilingCondition.objects.count() == 620
        without_limit = FilingCondition.objects.filter(limit_value__isnull=True)
        assert without_limit.count() == 100
        assert not without_limit.in_use(date(2026, 7, 1)).exists()
        assert FilingCondition.objects.in_use(date(2026, 7, 1)).count() == 520

    def test_the_limits_come_with_their_units(self):
        units = FilingCondition.objects.filter(limit_value__isnull=False).values_list("limit_unit")
        counts = dict(units.annotate(Count("pk")).order_by())
        assert counts == {"working_day": 410, "working_hour": 64, "continuous_hour": 42, "continuous_day": 4}

    def test_a_missing_manhole_cover_has_two_continuous_hours(self):
        cover = MinorClass.objects.get(scheme="GBT47678", kind="component", major_code="01", minor_code="001")
        first = cover.conditions.get(number=1)
        assert (cover.code, cover.name_zh, first.limit_value, first.limit_unit) == (
            "01-001", "供水井盖", Decimal(2), "continuous_hour",
        )  # fmt: skip

    def test_a_missing_street_tree_counts_only_in_the_planting_season(self):
        seasonal = FilingCondition.objects.get(season="planting")
        assert (seasonal.minor_class.name_zh, seasonal.condition_zh, seasonal.limit_value) == ("行道树", "缺失", 15)

    def test_nothing_holds_before_the_standard_is_in_force(self):
        assert not MinorClass.objects.on(date(2026, 6, 30)).exists()

    def test_the_calendar_and_the_working_hours_come_with_it(self):
        assert CalendarDay.objects.count() == 771
        assert CalendarDay.objects.get(date=date(2024, 5, 11)).kind == "make_up"
        spans = WorkScheduleSpan.objects.order_by("opens_at").values_list("opens_at", "closes_at")
        assert [f"{opens:%H:%M}–{closes:%H:%M}" for opens, closes in spans] == ["08:00–12:00", "14:00–18:00"]

    def test_loading_again_adds_nothing_and_leaves_what_a_city_changed(self, capsys):
        limit = FilingCondition.objects.filter(limit_value=4).first()
        FilingCondition.objects.filter(pk=limit.pk).update(limit_value=3)
        MinorClass.objects.filter(pk=limit.minor_class_id).update(name_zh="窨井盖")
        call_command("load_standards")
        assert "289 classes (0 new), 620 filing conditions (0 new)" in capsys.readouterr().out
        limit.refresh_from_db()
        assert (limit.limit_value, limit.minor_class.name_zh) == (3, "窨井盖")
        assert FilingCondition.objects.count() == 620

    @pytest.mark.parametrize(
        ("typed", "name"),
        [
            ("gsjg", "供水井盖"),
            ("上水井盖", "供水井盖"),
            ("01-001", "供水井盖"),
            ("01001", "供水井盖"),
            ("井盖", "供水井盖"),
        ],
    )
    def test_a_class_is_found_as_people_type(self, typed, name):
        assert name in set(MinorClass.objects.current().search(typed).values_list("name_zh", flat=True))

    def test_a_code_with_letters_finds_nothing(self):
        assert not MinorClass.objects.search("zz-zzz").exists()


@pytest.mark.django_db
class TestLimits:
    @pytest.fixture
    def missing(self, cover) -> FilingCondition:
        return FilingCondition.objects.create(
            minor_class=cover, number=1, condition_zh="缺失", close_condition_zh="恢复", limit_value=2,
            limit_unit="continuous_hour", valid_from=THEN,
        )  # fmt: skip

    def change(self, condition, guan_li, valid_from, **values) -> FilingCondition:
        return actions.change_condition(condition, by=guan_li, at=MAY_DAY, valid_from=valid_from, **values)

    def test_a_new_limit_holds_from_its_day_and_the_old_row_keeps_its_period(self, missing, guan_li):
        new = self.change(missing, guan_li, date(2026, 6, 1), limit_value=Decimal(1))
        missing.refresh_from_db()
        assert (missing.limit_value, missing.valid_to) == (2, date(2026, 6, 1))
        assert (new.limit_value, new.valid_from, new.number, new.changed_by) == (1, date(2026, 6, 1), 1, guan_li)
        assert new.public_id != missing.public_id
        assert FilingCondition.objects.in_use(date(2026, 5, 31)).get() == missing
        assert FilingCondition.objects.in_use(date(2026, 6, 1)).get() == new

    def test_a_change_on_its_first_day_corrects_the_row_itself(self, missing, guan_li):
        corrected = self.change(missing, guan_li, THEN, limit_value=Decimal(3))
        assert corrected.pk == missing.pk
        assert FilingCondition.objects.get().limit_value == 3

    def test_a_change_from_before_it_began_is_refused(self, missing, guan_li):
        with pytest.raises(BeforeItBegan) as refused:
            self.change(missing, guan_li, date(1999, 12, 31), limit_value=Decimal(1))
        assert refused.value.facts == {"valid_from": THEN}

    def test_a_condition_taken_out_of_use_may_not_be_filed_under(self, missing, guan_li):
        self.change(missing, guan_li, date(2026, 6, 1), is_active=False)
        assert not FilingCondition.objects.in_use(date(2026, 6, 1)).exists()
        assert FilingCondition.objects.in_use(date(2026, 5, 31)).exists()

    def test_one_more_condition_is_numbered_after_the_others(self, missing, guan_li):
        more = actions.add_condition(
            missing.minor_class, by=guan_li, at=MAY_DAY, valid_from=date(2026, 6, 1), condition_zh="破损",
            close_condition_zh="修复", limit_value=Decimal(4), limit_unit="working_hour",
        )  # fmt: skip
        assert more.number == 2

    def test_a_condition_cannot_be_older_than_its_class(self, cover, guan_li):
        with pytest.raises(BeforeItBegan):
            actions.add_condition(
                cover,
                by=guan_li,
                at=MAY_DAY,
                valid_from=date(1999, 1, 1),
                condition_zh="破损",
                close_condition_zh="修复",
            )

    @pytest.mark.parametrize(
        "limit", [{"limit_value": 0}, {"limit_value": None}, {"limit_unit": ""}, {"limit_value": -1}]
    )
    def test_half_a_limit_is_refused_by_the_database(self, missing, limit):
        with pytest.raises(IntegrityError, match="limit_complete"), transaction.atomic():
            FilingCondition.objects.filter(pk=missing.pk).update(**limit)

    def test_two_rows_of_one_condition_never_hold_on_the_same_day(self, missing):
        with pytest.raises(IntegrityError, match="one_at_a_time"), transaction.atomic():
            FilingCondition.objects.create(
                minor_class=missing.minor_class, number=1, condition_zh="缺失", close_condition_zh="恢复",
                valid_from=date(2020, 1, 1),
            )  # fmt: skip


@pytest.mark.django_db
class TestClasses:
    def add(self, guan_li, name="路灯箱变"):
        return actions.add_extension(
            by=guan_li,
            at=MAY_DAY,
            kind="component",
            major_code="01",
            name_zh=name,
            name_en="",
            department_type="电力企业",
        )

    def test_a_citys_own_classes_are_numbered_downwards_from_999(self, lamp, guan_li):
        first, second = self.add(guan_li), self.add(guan_li, name="河东驿站")
        assert (first.code, second.code) == ("01-999", "01-998")
        assert (first.scheme, first.major_name_zh, first.pinyin_initials) == ("LOCAL", "市政公用设施", "ldxb")

    def test_they_never_reach_into_the_range_of_the_standard(self, lamp, guan_li):
        facts = {"kind": "component", "major_code": "01", "major_name_zh": "市政公用设施", "valid_from": THEN}
        MinorClass.objects.bulk_create(
            MinorClass(scheme="LOCAL", minor_code=f"{number:03d}", name_zh="扩展", **facts)
            for number in range(80, 1000)
        )
        with pytest.raises(NoNumbersLeft):
            self.add(guan_li)

    def test_a_local_number_inside_the_range_of_the_standard_is_refused_by_the_database(self):
        with pytest.raises(IntegrityError, match="code_fits_scheme"), transaction.atomic():
            minor_class("079", "扩展", scheme="LOCAL")

    def test_component_and_event_may_share_a_code(self, lamp):
        abnormal = minor_class("037", "路灯异常", kind="event")
        assert abnormal.code == lamp.code

    def test_the_same_class_twice_at_a_time_is_refused_by_the_database(self, lamp):
        with pytest.raises(IntegrityError, match="one_at_a_time"), transaction.atomic():
            minor_class("037", "灯")

    def test_renaming_a_class_renews_its_initials(self, lamp, guan_li):
        actions.change_class(
            lamp, by=guan_li, at=MAY_DAY, name_zh="道路照明灯", name_en="Lamp", department_type="路灯所", aliases="路灯"
        )
        lamp.refresh_from_db()
        assert (lamp.pinyin_initials, lamp.aliases, lamp.changed_by) == ("dlzmd", "路灯", guan_li)
