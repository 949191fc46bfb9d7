"""Rows written by one statement stand in the database as if the ORM had written each by itself."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.gis.geos import LineString, MultiLineString, Point
from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Upper

from cases.models import EventText, Request
from grid.models import Road
from office.batch import Batch
from office.models import Message, Setting
from tests.county import MONDAY, County
from tests.factories import person

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 1, 20, 3, 456789, tzinfo=UTC)
MARCH = date(2026, 3, 1)


@pytest.fixture
def batch():
    return Batch()


def setting(key: str, value=1, **facts) -> Setting:
    return Setting(**{"key": key, "valid_from": MARCH, "value": value, "changed_at": AT} | facts)


def kept() -> dict:
    return dict(Setting.objects.values_list("key", "value"))


def columns(row) -> dict:
    """All a row holds but its keys, read from the database."""
    own = {"id", "public_id"}
    [values] = type(row).objects.filter(pk=row.pk).values()
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in values.items()
            if name not in own}  # fmt: skip


@pytest.mark.parametrize(
    "value", [True, 0, 7, 0.25, "", "07:30", "5%", "' ; --", ["a", 1], {"words": "立案", "none": None}]
)
def test_a_value_of_json_comes_back_as_it_was(batch, value):
    batch.insert([setting("first", value)])
    assert batch.write() == 1
    assert kept() == {"first": value}


class TestAsTheOrmDoes:
    """One row by the ORM, its like by a batch: all columns are equal."""

    def same(self, batch, make) -> None:
        by_orm, by_batch = make(), make()
        by_orm.save()
        before = set(type(by_orm).objects.values_list("pk", flat=True))
        batch.insert([by_batch])
        batch.write()
        written = type(by_orm).objects.exclude(pk__in=before).get()
        assert columns(written) == columns(by_orm)

    def test_times_days_people_and_what_is_empty(self, batch):
        somebody, days = person(), iter((MARCH, date(2026, 4, 1)))
        by_orm, by_batch = (setting("first", changed_by=somebody, valid_from=next(days)) for _ in range(2))
        by_orm.save()
        batch.insert([by_batch])
        batch.write()
        assert columns(Setting.objects.get(valid_from=date(2026, 4, 1))) == {
            **columns(by_orm), "valid_from": date(2026, 4, 1),
        }  # fmt: skip

    def test_geometries(self, batch):
        line = MultiLineString(LineString((117.1, 31.9), (117.2, 31.95)), srid=4490)
        self.same(batch, lambda: Road(name_zh="环城路", road_class="main", line=line, valid_from=MARCH, changed_at=AT))

    def test_numbers_arrays_and_bytes(self, batch):
        county = County.build()
        case = county.case_at("handling")
        stint = case.stints.get()
        self.same(batch, lambda: Request(
            case=case, stint=stint, kind="extension", stage="refused", asked_by=county.sanitation, asked_at=AT,
            decided_at=AT, chain=["dispatcher", "commander"],
        ))  # fmt: skip
        salts = iter((91, 92))
        make = lambda: EventText(case=case, sequence=next(salts), salt=b"\x00%s'" * 4, text="路边 100%s")  # noqa: E731
        by_orm, by_batch = make(), make()
        by_orm.save()
        batch.insert([by_batch])
        batch.write()
        written = EventText.objects.get(case=case, sequence=92)
        assert (bytes(written.salt), written.text) == (bytes(by_orm.salt), by_orm.text)

    def test_updates(self, batch):
        county = County.build()
        one, other = county.case_at("reported"), county.case_at("reported")
        names = [
            "point", "accuracy_m", "limit_value", "limit_unit", "due_at", "extended_values", "filing_condition",
            "holder_user", "is_practice", "last_hash", "description", "search",
        ]  # fmt: skip
        for case in (one, other):
            case.point, case.accuracy_m, case.limit_value = Point(117.3, 31.8, srid=4490), 8.5, Decimal("2.5")
            case.limit_unit = "working_hour"
            case.due_at, case.extended_values, case.holder_user = AT, {"a": [1]}, county.operator
            case.is_practice, case.last_hash, case.description = True, b"\x01" * 32, "换了"
            case.search = Value("'换了':1")
        one.save(update_fields=names)
        batch.update(other, names)
        assert batch.write() == 1
        differs = {"number", "reported_at", "recorded_at", "moved_at"}
        found = [{name: value for name, value in columns(case).items() if name not in differs} for case in (one, other)]
        assert found[0] == found[1]


def test_rows_of_one_model_go_in_together_whatever_is_empty_in_which(batch):
    somebody = person()
    batch.insert([setting("first", changed_by=somebody), setting("second"), setting("third", area_code="340123")])
    assert batch.write() == 3
    assert list(Setting.objects.order_by("key").values_list("key", "changed_by", "area_code")) == [
        ("first", somebody.pk, ""), ("second", None, ""), ("third", None, "340123"),
    ]  # fmt: skip


def test_the_same_words_serve_other_rows_afterwards(batch):
    for number in range(3):
        batch.insert([setting(f"key {number}", number)])
        batch.write()
    first = Setting.objects.get(key="key 0")
    for value in ("again", ["again"]):
        first.value = value
        batch.update(first, ["value"])
        batch.write()
    assert kept() == {"key 0": ["again"], "key 1": 1, "key 2": 2}


def test_a_row_with_its_key_keeps_it(batch):
    batch.insert([setting("first", pk=4711)])
    batch.write()
    assert Setting.objects.get().pk == 4711


def test_an_expression_is_worked_out_by_the_database(batch):
    batch.insert([setting(Upper(Value("first")))])
    batch.write()
    row = Setting.objects.get(key="FIRST")
    row.area_code = Upper(F("key"))
    batch.update(row, ["area_code"])
    batch.write()
    assert Setting.objects.get().area_code == "FIRST"


def test_another_part_reads_what_the_database_gave_to_a_row(batch):
    part = batch.insert([setting("first")], returning=("id",))
    batch.insert([setting("second", area_code=RawSQL(f"SELECT id::text FROM {part} WHERE %s", [True]))])
    batch.write()
    assert Setting.objects.get(key="second").area_code == str(Setting.objects.get(key="first").pk)


def test_an_update_touches_what_is_named_and_nothing_else(batch):
    rows = [setting("first"), setting("second")]
    for row in rows:
        row.save()
    rows[0].value, rows[0].area_code = 2, "34"
    batch.update(rows[0], ["value"])
    batch.update(rows[1], [])
    assert batch.write() == 1
    assert list(Setting.objects.order_by("key").values_list("value", "area_code")) == [(2, ""), (1, "")]


def test_all_rows_of_a_list_get_the_same(batch):
    for key in ("first", "second", "third"):
        setting(key).save()
    batch.update_all(Setting.objects.exclude(key="third").order_by("key"), value=5, area_code="34")
    assert batch.write() == 2
    assert kept() == {"first": 5, "second": 5, "third": 1}


def test_one_statement_for_all_parts_and_the_last_one_counts(batch, django_assert_num_queries):
    setting("old").save()
    batch.insert([setting("first"), setting("second")])
    batch.insert([])
    batch.update_all(Setting.objects.filter(key="old"), value=2)
    batch.add("DELETE FROM office_setting WHERE key = %s", ["nobody"])
    with django_assert_num_queries(1):
        assert batch.write() == 0
    assert kept() == {"old": 2, "first": 1, "second": 1}


def test_what_was_written_is_not_written_again(batch):
    batch.insert([setting("first")])
    batch.write()
    batch.insert([setting("second")])
    assert batch.write() == 1


def test_one_part_that_fails_takes_all_back(batch):
    setting("second").save()
    batch.insert([setting("first")])
    batch.insert([setting("second")])
    with pytest.raises(IntegrityError), transaction.atomic():
        batch.write()
    assert kept() == {"second": 1}


# — a row that two parts would write is refused, never half written without a word ——————————————————————————————


@pytest.fixture
def box():
    """Three messages of one person."""
    reader = County.build().operator
    made = [
        Message(recipient=reader, code="x", kind="x", dedupe_key=f"d{number}", created_at=MONDAY) for number in range(3)
    ]
    return Message.objects.bulk_create(made)


def test_a_row_is_updated_once(box):
    batch = Batch()
    batch.update(box[0], ["code"])
    with pytest.raises(ValueError, match="twice"):
        batch.update(Message.objects.get(pk=box[0].pk), ["kind"])


def test_a_row_that_is_not_there_yet_is_not_updated(box):
    with pytest.raises(ValueError, match="not there"):
        Batch().update(Message(code="y"), ["code"])


def test_two_updates_of_many_rows_are_refused_whether_they_meet_or_not(box):
    batch = Batch()
    batch.update_all(Message.objects.filter(pk=box[0].pk), code="one")
    with pytest.raises(ValueError, match="may meet"):
        batch.update_all(Message.objects.filter(pk=box[1].pk), code="two")


def test_a_row_with_an_update_of_its_own_keeps_it(box):
    batch = Batch()
    batch.update_all(Message.objects.filter(recipient=box[0].recipient), code="all")
    box[1].code, box[1].read_at = "own", MONDAY + timedelta(hours=1)
    batch.update(box[1], ["code", "read_at"])
    assert batch.write() == 1
    assert list(Message.objects.order_by("id").values_list("code", flat=True)) == ["all", "own", "all"]
