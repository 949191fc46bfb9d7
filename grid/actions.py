"""What is done to places: writing laid cells, drawing duty grids, naming areas and roads."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from io import StringIO
from itertools import islice
from typing import Any
from uuid import uuid4

import shapely
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from shapely.geometry.base import BaseGeometry

from citymgmt.errors import Refusal
from grid.addresses import initials
from grid.geometry import Cell
from grid.models import SRID, Area, DutyGrid, DutyGridCell, Place, Road, UnitGrid

ROWS_AT_ONCE = 20_000


class CellsTaken(Refusal):
    """Unit grids are patrolled for another duty grid: facts `codes`, `duty_grid`."""

    code = "cells_taken"


class NoSuchCells(Refusal):
    """No current unit grid has these codes: fact `codes`."""

    code = "no_such_cells"


class DutyGridCodeTaken(Refusal):
    """Another current duty grid has this code: fact `duty_grid`."""

    code = "duty_grid_code_taken"


# --- Bulk ------------------------------------------------------------------------------------------------------------


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows by COPY, some 100,000 a second; return how many. Constraints hold as ever, defaults are not filled in.

    None is NULL, everything else its text; geometries as `ewkb()` gives them. Memory does not grow with the rows.
    """
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    written, rows = 0, iter(rows)
    with transaction.atomic(), connection.cursor() as cursor, connection.wrap_database_errors:
        while portion := list(islice(rows, ROWS_AT_ONCE)):
            cursor.copy_expert(statement, StringIO("".join(_line(row) for row in portion)))
            written += len(portion)
    return written


_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _line(row: Sequence[Any]) -> str:
    return "\t".join("\\N" if value is None else str(value).translate(_ESCAPED) for value in row) + "\n"


def ewkb(geometry: BaseGeometry) -> str:
    """Return a shapely geometry in degrees as COPY reads it."""
    return shapely.to_wkb(shapely.set_srid(geometry, SRID), hex=True, include_srid=True)


def multipolygon(geometry: BaseGeometry) -> MultiPolygon:
    """Return a shapely surface in degrees as an area's boundary."""
    parts = [GEOSGeometry(memoryview(shapely.to_wkb(part))) for part in shapely.get_parts(geometry)]
    return MultiPolygon(parts, srid=SRID)


def insert_roads(
    roads: Iterable[tuple[str, str, BaseGeometry]], *, area_code: str, source: str, valid_from: date
) -> int:
    """Write roads given as (name, class, lines in degrees); return how many. `source` is shown wherever they are."""
    columns = (
        "public_id", "name_zh", "name_en", "pinyin_initials", "road_class", "line", "area_code", "source", "valid_from",
    )  # fmt: skip
    return copy_rows(
        Road._meta.db_table,
        columns,
        (
            (
                uuid4(),
                name,
                name if name.isascii() else "",
                initials(name),
                road_class,
                ewkb(line),
                area_code,
                source,
                valid_from,
            )
            for name, road_class, line in roads
        ),
    )


def insert_cells(cells: Iterable[Cell], *, communities: Mapping[str, Area], valid_from: date) -> int:
    """Write cells as they were laid; `communities` by code. Return how many."""
    columns = ("code", "community_id", "boundary", "centre", "area_m2", "area_class", "note", "valid_from")
    return copy_rows(
        UnitGrid._meta.db_table,
        columns,
        (
            (
                cell.code,
                communities[cell.community_code].pk,
                ewkb(cell.boundary),
                ewkb(cell.centre),
                cell.area_m2,
                UnitGrid.AreaClass.FIRST,
                "",
                valid_from,
            )
            for cell in cells
        ),
    )


# --- Duty grids 责任网格 ---------------------------------------------------------------------------------------------


def draw_duty_grid(
    *, by, at: datetime, code: str, name_zh: str, name_en: str = "", area_code: str = "", cells: Collection[str]
) -> DutyGrid:
    """Make a duty grid of unit grids and return it; `cells` as for set_cells. DutyGridCodeTaken and its refusals."""
    with transaction.atomic():
        if DutyGrid.objects.current().filter(code=code).exists():
            raise DutyGridCodeTaken(duty_grid=code)
        duty_grid = DutyGrid.objects.create(
            code=code,
            name_zh=name_zh,
            name_en=name_en,
            area_code=area_code,
            valid_from=timezone.localdate(at),
            changed_by=by,
            changed_at=at,
        )
        set_cells(duty_grid, by=by, at=at, cells=cells)
    return duty_grid


def set_cells(duty_grid: DutyGrid, *, by, at: datetime, cells: Collection[str]) -> int:
    """Make these the unit grids of a duty grid from that day on and return how many they are.

    `cells` are codes of unit grids, or of communities and streets for all unit grids in them. CellsTaken, NoSuchCells.
    """
    day = timezone.localdate(at)
    with transaction.atomic():
        DutyGrid.objects.select_for_update(no_key=True).get(pk=duty_grid.pk)
        wanted = _cells_of(cells)
        others = DutyGridCell.objects.current().filter(unit_grid__in=wanted).exclude(duty_grid=duty_grid)
        taken = others.select_related("duty_grid", "unit_grid").order_by("unit_grid__code").first()
        if taken is not None:
            raise CellsTaken(codes=[taken.unit_grid.code], duty_grid=taken.duty_grid.name)
        had = set(duty_grid.memberships.current().values_list("unit_grid_id", flat=True))
        leaving = duty_grid.memberships.current().filter(unit_grid__in=had - wanted)
        # What came and goes on the same day never held.
        leaving.filter(valid_from__gte=day).delete()
        leaving.update(valid_to=day)
        DutyGridCell.objects.bulk_create(
            DutyGridCell(duty_grid=duty_grid, unit_grid_id=pk, valid_from=day) for pk in sorted(wanted - had)
        )
        duty_grid.changed_by, duty_grid.changed_at = by, at
        duty_grid.save(update_fields=["changed_by", "changed_at"])
    return len(wanted)


def _cells_of(codes: Collection[str]) -> set[int]:
    """Return the keys of the current unit grids that have these codes or lie in these communities and streets."""
    found: dict[str, int] = {}
    for length in {len(code) for code in codes}:
        some = {code for code in codes if len(code) == length}
        wanted = Q(code__in=some) if length == 15 else Q(pk__in=[])
        for code in some if length != 15 else ():
            wanted |= Q(code__startswith=code)
        found |= dict(UnitGrid.objects.current().filter(wanted).values_list("code", "pk"))
    missing = sorted(code for code in codes if not any(known.startswith(code) for known in found))
    if missing:
        raise NoSuchCells(codes=missing[:5])
    return set(found.values())


def name_duty_grid(duty_grid: DutyGrid, *, by, at: datetime, name_zh: str, name_en: str) -> DutyGrid:
    """Give a duty grid other names."""
    return _changed(duty_grid, by=by, at=at, name_zh=name_zh, name_en=name_en)


# --- Named places ----------------------------------------------------------------------------------------------------


def add_places(places: Iterable[Place], *, at: datetime, source: str) -> int:
    """Write named places into the gazetteer and return how many; what stands there under that name already, stays.

    The same name at the same address, or both without one, is the same place.
    """
    wanted = {(place.name_zh, place.address): place for place in places}
    known = Place.objects.current().filter(name_zh__in={name for name, _address in wanted})
    for key in known.values_list("name_zh", "address"):
        wanted.pop(key, None)
    for place in wanted.values():
        place.pinyin_initials, place.source = initials(place.name_zh), source
        place.valid_from = timezone.localdate(at)
    return len(Place.objects.bulk_create(wanted.values(), batch_size=ROWS_AT_ONCE))


def end_place(place: Place, *, at: datetime) -> None:
    """Let a named place no longer be found; what was found by it before stays as it was."""
    day = timezone.localdate(at)
    current = Place.objects.current().filter(pk=place.pk)
    # What comes and goes on the same day never held.
    current.filter(valid_from__gte=day).delete()
    current.update(valid_to=day)


# --- Areas and roads -------------------------------------------------------------------------------------------------


def name_area(area: Area, *, by, at: datetime, name_zh: str, name_en: str) -> Area:
    """Give an area other names. Its code and boundary stay: those change by a new period."""
    return _changed(area, by=by, at=at, name_zh=name_zh, name_en=name_en)


def change_road(road: Road, *, by, at: datetime, name_zh: str, name_en: str, road_class: str) -> Road:
    """Name and class a road. Open cases keep the class they were filed with."""
    names = {"name_zh": name_zh, "name_en": name_en, "pinyin_initials": initials(name_zh)}
    return _changed(road, by=by, at=at, road_class=road_class, **names)


def _changed(row, *, by, at: datetime, **values):
    with transaction.atomic():
        row = type(row).objects.select_for_update(no_key=True).get(pk=row.pk)
        for field, value in values.items():
            setattr(row, field, value)
        row.changed_by, row.changed_at = by, at
        row.save(update_fields=[*values, "changed_by", "changed_at"])
    return row
