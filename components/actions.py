"""What is done to the catalogue and to components: loading, limits, registering, correcting, retiring."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import shapely
from django.contrib.gis.geos import GEOSGeometry, Point
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils import timezone
from shapely.geometry.base import BaseGeometry

from citymgmt.errors import Refusal
from components import codes
from components.models import Component, FilingCondition, MinorClass
from grid.actions import copy_rows, ewkb
from grid.addresses import initials
from grid.geometry import middles
from grid.locate import CellsOf, locate


class ComponentOutsideTheGrid(Refusal):
    """The position lies in no unit grid."""

    code = "component_outside_the_grid"


class NoNumbersLeft(Refusal):
    """All sequence numbers of a class in a division, or all local class numbers of a major, are given away."""

    code = "no_numbers_left"


class BeforeItBegan(Refusal):
    """A change cannot hold from a day before the row it changes began: fact `valid_from`."""

    code = "before_it_began"


class AlreadyRetired(Refusal):
    """The component was taken out of the inventory before: facts `identifier`, `valid_to`."""

    code = "already_retired"


# --- The catalogue 分类目录 ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loaded:
    """How many classes and conditions a catalogue held, and how many of them were new."""

    classes: int
    new_classes: int
    conditions: int
    new_conditions: int


def load_catalogue(rows: Iterable[Mapping[str, str]], *, valid_from: date) -> Loaded:
    """Add the classes and conditions that are missing, valid from that day; what is known stays as the city set it.

    A row is one filing condition, with the columns of fixtures/standards/catalogue.tsv. May be repeated.
    """
    rows = list(rows)
    with transaction.atomic():
        known = {_class_key(row): row for row in MinorClass.objects.order_by("valid_from")}
        missing = {_row_key(row): row for row in rows if _row_key(row) not in known}
        added = MinorClass.objects.bulk_create(_class_from(row, valid_from) for row in missing.values())
        known |= {_class_key(minor_class): minor_class for minor_class in added}
        numbers = set(FilingCondition.objects.values_list("minor_class_id", "number"))
        conditions = FilingCondition.objects.bulk_create(
            _condition_from(row, known[_row_key(row)], valid_from)
            for row in rows
            if (known[_row_key(row)].pk, int(row["number"])) not in numbers
        )
    return Loaded(
        classes=len({_row_key(row) for row in rows}),
        new_classes=len(added),
        conditions=len(rows),
        new_conditions=len(conditions),
    )


_KEY = ("scheme", "kind", "major_code", "minor_code")


def _row_key(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in _KEY)


def _class_key(minor_class: MinorClass) -> tuple[str, ...]:
    return tuple(str(getattr(minor_class, name)) for name in _KEY)


def _class_from(row: Mapping[str, str], valid_from: date) -> MinorClass:
    codes.check_minor(codes.Scheme(row["scheme"]), row["minor_code"])
    return MinorClass(
        **{name: row[name] for name in (*_KEY, "major_name_zh", "major_name_en", "name_zh", "name_en")},
        department_type=row["department_type"],
        pinyin_initials=initials(row["name_zh"]),
        aliases=row["aliases"].replace("|", "\n"),
        is_extension=row["scheme"] == codes.Scheme.LOCAL,
        valid_from=valid_from,
    )


def _condition_from(row: Mapping[str, str], minor_class: MinorClass, valid_from: date) -> FilingCondition:
    return FilingCondition(
        minor_class=minor_class,
        number=int(row["number"]),
        condition_zh=row["condition_zh"],
        close_condition_zh=row["close_condition_zh"],
        limit_value=Decimal(row["limit_value"]) if row["limit_value"] else None,
        limit_unit=row["limit_unit"],
        season=row["season"],
        source=row["source"],
        note=row["note"],
        is_active=row["is_active"] == "yes",
        valid_from=valid_from,
    )


def change_class(
    minor_class: MinorClass, *, by, at: datetime, name_zh: str, name_en: str, department_type: str, aliases: str,
    near_metres: int | None = None, near_hours: int | None = None, near_on_road: bool = False,
    recurrence_days: int | None = None,
) -> MinorClass:  # fmt: skip
    """Name a class otherwise, give it another kind of department, say what is the same problem. Its code stays."""
    with transaction.atomic():
        minor_class = MinorClass.objects.select_for_update(no_key=True).get(pk=minor_class.pk)
        minor_class.name_zh, minor_class.name_en = name_zh, name_en
        minor_class.department_type, minor_class.aliases = department_type, aliases
        minor_class.pinyin_initials = initials(name_zh)
        minor_class.near_metres, minor_class.near_hours = near_metres, near_hours
        minor_class.near_on_road, minor_class.recurrence_days = near_on_road, recurrence_days
        minor_class.changed_by, minor_class.changed_at = by, at
        minor_class.save(
            update_fields=[
                "name_zh",
                "name_en",
                "department_type",
                "aliases",
                "pinyin_initials",
                "near_metres",
                "near_hours",
                "near_on_road",
                "recurrence_days",
                "changed_by",
                "changed_at",
            ]
        )
    return minor_class


def add_extension(
    *, by, at: datetime, kind: str, major_code: str, name_zh: str, name_en: str, department_type: str, aliases: str = ""
) -> MinorClass:
    """Add a city's own class and return it, with the highest free local number (999 downwards). NoNumbersLeft."""
    with transaction.atomic():
        _take_turn(f"class {kind} {major_code}")
        of_major = MinorClass.objects.filter(kind=kind, major_code=major_code)
        taken = set(of_major.filter(scheme=codes.Scheme.LOCAL).values_list("minor_code", flat=True))
        number = next((n for n in reversed(codes.LOCAL_RANGE) if f"{n:03d}" not in taken), None)
        if number is None:
            raise NoNumbersLeft(what=major_code)
        major = of_major.filter(scheme=codes.Scheme.GBT47678).order_by("minor_code").first()
        return MinorClass.objects.create(
            scheme=codes.Scheme.LOCAL,
            kind=kind,
            major_code=major_code,
            major_name_zh=major.major_name_zh if major else major_code,
            major_name_en=major.major_name_en if major else "",
            minor_code=f"{number:03d}",
            name_zh=name_zh,
            name_en=name_en,
            department_type=department_type,
            aliases=aliases,
            pinyin_initials=initials(name_zh),
            is_extension=True,
            valid_from=timezone.localdate(at),
            changed_by=by,
            changed_at=at,
        )


def add_class(*, by, at: datetime, valid_from: date, **values: Any) -> MinorClass:
    """Add a class with its number, from a day on, and return it: the scheme and the code are among the `values`."""
    codes.check_minor(codes.Scheme(values["scheme"]), values["minor_code"])
    return MinorClass.objects.create(
        **values,
        pinyin_initials=initials(values["name_zh"]),
        is_extension=values["scheme"] == codes.Scheme.LOCAL,
        valid_from=valid_from,
        changed_by=by,
        changed_at=at,
    )


def end_dated(row: MinorClass | FilingCondition, *, by, at: datetime, on: date) -> None:
    """Let a class or a condition hold no longer from a day on; what was filed under it stays. BeforeItBegan."""
    with transaction.atomic():
        row = type(row).objects.select_for_update(no_key=True).get(pk=row.pk)
        if on <= row.valid_from:
            raise BeforeItBegan(valid_from=row.valid_from + timedelta(days=1))
        row.valid_to, row.changed_by, row.changed_at = on, by, at
        row.save(update_fields=["valid_to", "changed_by", "changed_at"])


def add_condition(
    minor_class: MinorClass, *, by, at: datetime, valid_from: date, number: int = 0, **values: Any
) -> FilingCondition:
    """Give a class one more filing condition, from a day on; return it, numbered after the others. BeforeItBegan.

    `values` are the fields of the condition: its texts, its limit, whether it is in use. A `number` may be told.
    """
    if valid_from < minor_class.valid_from:
        raise BeforeItBegan(valid_from=minor_class.valid_from)
    with transaction.atomic():
        MinorClass.objects.select_for_update(no_key=True).get(pk=minor_class.pk)
        numbers = minor_class.conditions.values_list("number", flat=True)
        return FilingCondition.objects.create(
            minor_class=minor_class,
            number=number or max(numbers, default=0) + 1,
            valid_from=valid_from,
            changed_by=by,
            changed_at=at,
            **values,
        )


def change_condition(
    condition: FilingCondition, *, by, at: datetime, valid_from: date, **values: Any
) -> FilingCondition:
    """Change a filing condition or its limit from a day on; return the row that holds then. BeforeItBegan.

    The old row keeps its period and what was filed under it. A change on the row's first day corrects the row itself.
    """
    with transaction.atomic():
        condition = FilingCondition.objects.select_for_update(no_key=True).get(pk=condition.pk)
        if valid_from < condition.valid_from:
            raise BeforeItBegan(valid_from=condition.valid_from)
        if valid_from > condition.valid_from:
            condition.valid_to = valid_from
            condition.save(update_fields=["valid_to"])
            condition.pk, condition.public_id, condition.valid_to = None, uuid.uuid4(), None
            condition._state.adding = True
        for name, value in values.items():
            setattr(condition, name, value)
        condition.valid_from, condition.changed_by, condition.changed_at = valid_from, by, at
        condition.save()
    return condition


# --- Components 部件 -------------------------------------------------------------------------------------------------


def register(
    *, by, at: datetime, minor_class: MinorClass, geometry: GEOSGeometry, public_id: uuid.UUID, **facts: Any
) -> Component:
    """Put a component into the inventory and return it, with the next identifier of its class in its division.

    `facts` are further fields of the card (state, the three parties, note …). The same `public_id` twice is one
    component. ComponentOutsideTheGrid, NoNumbersLeft.
    """
    known = Component.objects.filter(public_id=public_id).first()
    if known is not None:
        return known
    [middle] = middles([shapely.from_wkb(bytes(geometry.wkb))])
    place = locate(Point(middle.x, middle.y, srid=geometry.srid))
    if place is None:
        raise ComponentOutsideTheGrid
    with transaction.atomic():
        return Component.objects.create(
            public_id=public_id,
            identifier=next(_identifiers(minor_class, place.division.code)),
            minor_class=minor_class,
            name_zh=facts.pop("name_zh", "") or minor_class.name_zh,
            geometry=geometry,
            unit_grid=place.unit_grid,
            initial_date=timezone.localdate(at),
            changed_by=by,
            changed_at=at,
            **facts,
        )


def correct(component: Component, *, by, at: datetime, **facts: Any) -> Component:
    """Correct the card of a component: its state, the three parties, the note. AlreadyRetired."""
    with transaction.atomic():
        component = _locked(component)
        for name, value in facts.items():
            setattr(component, name, value)
        component.change_date = timezone.localdate(at)
        component.changed_by, component.changed_at = by, at
        component.save(update_fields=[*facts, "change_date", "changed_by", "changed_at"])
    return component


def retire(component: Component, *, by, at: datetime) -> Component:
    """Take a component that was removed from the street out of the inventory; the card and its identifier stay."""
    with transaction.atomic():
        component = _locked(component)
        component.state = Component.State.REMOVED
        component.valid_to = component.change_date = timezone.localdate(at)
        component.changed_by, component.changed_at = by, at
        component.save(update_fields=["state", "valid_to", "change_date", "changed_by", "changed_at"])
    return component


def _locked(component: Component) -> Component:
    component = Component.objects.select_for_update(no_key=True).get(pk=component.pk)
    if component.valid_to is not None:
        raise AlreadyRetired(identifier=component.identifier, valid_to=component.valid_to)
    return component


def _identifiers(minor_class: MinorClass, division: str) -> Iterator[str]:
    """Yield the identifiers that come next for a class in a division. Inside a transaction only: it waits its turn."""
    parts = {"division": division, "major": minor_class.major_code, "minor": minor_class.minor_code}
    stem = codes.component_identifier(**parts, sequence=1)[:-6]
    _take_turn(f"component {stem}")
    given = Component.objects.filter(identifier__regex=f"^{stem}[0-9]{{6}}$").order_by("-identifier")
    last = given.values_list("identifier", flat=True).first()
    for sequence in range(codes.parse_identifier(last).sequence + 1 if last else 1, codes.LARGEST_SEQUENCE + 1):
        yield codes.component_identifier(**parts, sequence=sequence)
    raise NoNumbersLeft(what=minor_class.code)


def _take_turn(what: str) -> None:
    """Wait until no other transaction hands out numbers for this."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])


@dataclass(frozen=True)
class Surveyed:
    """One component as a survey found it: geometry in degrees (shapely), the three parties, further attributes."""

    minor_class: MinorClass
    geometry: BaseGeometry
    state: str = Component.State.INTACT
    supervising_authority_name: str = ""
    owner_id: int | None = None
    owner_name: str = ""
    maintainer_id: int | None = None
    maintainer_name: str = ""
    data_source: str = ""
    note: str = ""
    extended: Mapping[str, Any] = field(default_factory=dict)
    public_id: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True)
class Placed:
    """How many components of a survey were written, and the numbers (from 0) of those that lie in no cell."""

    written: int
    outside: tuple[int, ...]


def insert_components(rows: Sequence[Surveyed], *, division: str, initial_date: date) -> Placed:
    """Write the components of a survey into the cells of a division, with identifiers in the order of the rows."""
    cells = CellsOf(division)
    place = cells.find([row.geometry for row in rows])
    with transaction.atomic():
        numbers = {
            minor_class.pk: _identifiers(minor_class, division)
            # Always in the same order: two surveys at once wait for each other and do not block each other.
            for minor_class in sorted({row.minor_class for row in rows}, key=lambda one: one.pk)
        }
        written = copy_rows(
            Component._meta.db_table,
            _COLUMNS,
            (
                _row(row, cells.keys[number], next(numbers[row.minor_class.pk]), initial_date)
                for row, number in zip(rows, place, strict=True)
                if number >= 0
            ),
        )
    return Placed(written, tuple(index for index, number in enumerate(place) if number < 0))


_COLUMNS = (
    "public_id", "identifier", "minor_class_id", "name_zh", "state", "supervising_authority_code",
    "supervising_authority_name", "owner_id", "owner_code", "owner_name", "maintainer_id", "maintainer_code",
    "maintainer_name", "unit_grid_id", "geometry", "accuracy_class", "initial_date", "data_source", "note", "extended",
)  # fmt: skip


def _row(row: Surveyed, unit_grid_id: int, identifier: str, initial_date: date) -> tuple[Any, ...]:
    return (
        row.public_id, identifier, row.minor_class.pk, row.minor_class.name_zh, row.state, "",
        row.supervising_authority_name, row.owner_id, "", row.owner_name, row.maintainer_id, "",
        row.maintainer_name, unit_grid_id, ewkb(row.geometry), row.minor_class.accuracy_class, initial_date,
        row.data_source, row.note, _JSON.encode(dict(row.extended)),
    )  # fmt: skip


_JSON = DjangoJSONEncoder(ensure_ascii=False)
