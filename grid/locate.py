"""Where a point lies: its unit grid with the chain of areas, its duty grid, its road; what is near; words for it."""

from dataclasses import dataclass
from itertools import islice

import shapely
from django.conf import settings
from django.contrib.gis.db.models import GeometryField
from django.contrib.gis.db.models.functions import AsWKB
from django.contrib.gis.geos import GEOSGeometry, Point
from django.db import connection
from django.db.models import BooleanField, F, FloatField, Func, QuerySet, Value
from django.utils.translation import gettext, override

from grid.geometry import CellFinder
from grid.models import SRID, Area, DutyGrid, Geography, Road, UnitGrid

ON_A_ROAD_M = 40
"""Up to here a point belongs to a road: half of a wide main road with its pavements."""

NEAR_M = 300
"""Up to here a road or a named place tells a person where to look."""

SAME_AS_OURS = (None, 4326, SRID)
"""WGS 84 differs from CGCS2000 by centimetres: it is relabelled. Anything else is converted before it comes here."""


@dataclass(frozen=True)
class Located:
    """The place of a point. `duty_grid` and `road` are None where there is none."""

    unit_grid: UnitGrid
    community: Area
    street: Area
    division: Area
    duty_grid: DutyGrid | None
    road: Road | None

    @property
    def community_code(self) -> str:
        return self.community.code

    @property
    def community_name(self) -> str:
        return self.community.name

    @property
    def street_name(self) -> str:
        return self.street.name

    @property
    def division_name(self) -> str:
        return self.division.name

    @property
    def road_class(self) -> str:
        """The class of the road; "" where the point lies on none."""
        return self.road.road_class if self.road else ""

    @property
    def chain(self) -> str:
        """The names from the division down, as they are kept with a case: 福田区 · 园岭街道 · 长城社区."""
        return " · ".join(area.name_zh for area in (self.division, self.street, self.community))


# The cell first: of several that meet at the point the one with the lowest code. Then what hangs on it, then the road.
LOCATE = """
    SELECT cell.id, cell.code, cell.community_id, cell.area_class,
           community.id, community.name_zh, community.name_en, community.code, community.parent_id,
           street.id, street.name_zh, street.name_en, street.code, street.parent_id,
           division.id, division.name_zh, division.name_en, division.code, division.parent_id,
           duty_grid.id, duty_grid.name_zh, duty_grid.name_en, duty_grid.code,
           road.id, road.name_zh, road.name_en, road.road_class
      FROM (SELECT id, code, community_id, area_class
              FROM grid_unitgrid
             WHERE valid_to IS NULL AND ST_Intersects(boundary, %(here)s::geometry)
             ORDER BY code LIMIT 1) cell
      JOIN grid_area community ON community.id = cell.community_id
      JOIN grid_area street ON street.id = community.parent_id
      JOIN grid_area division ON division.id = street.parent_id
      LEFT JOIN grid_dutygridcell patrolled ON patrolled.unit_grid_id = cell.id AND patrolled.valid_to IS NULL
      LEFT JOIN grid_dutygrid duty_grid ON duty_grid.id = patrolled.duty_grid_id
      LEFT JOIN LATERAL (
            SELECT id, name_zh, name_en, road_class
              FROM grid_road
             WHERE valid_to IS NULL AND ST_DWithin(line::geography, %(here)s::geography, %(on_a_road_m)s)
             ORDER BY ST_Distance(line::geography, %(here)s::geography), id LIMIT 1) road ON true
"""
PARTS = (
    (UnitGrid, ("id", "code", "community_id", "area_class")),
    *[(Area, ("id", "name_zh", "name_en", "code", "parent_id"))] * 3,
    (DutyGrid, ("id", "name_zh", "name_en", "code")),
    (Road, ("id", "name_zh", "name_en", "road_class")),
)
"""The columns of LOCATE, in the order of the models' fields, as from_db wants them. What else a row has is fetched when
somebody asks for it."""


def locate(point: Point) -> Located | None:
    """Return the place of a point in degrees, or None outside all current cells. One query.

    A point on a border belongs to exactly one cell: the one with the lowest code.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCATE, {"here": _labelled(point).hexewkb.decode(), "on_a_road_m": ON_A_ROAD_M})
        row = cursor.fetchone()
    if row is None:
        return None
    values = iter(row)
    found = [model.from_db(connection.alias, names, list(islice(values, len(names)))) for model, names in PARTS]
    cell, community, street, division, duty_grid, road = found
    cell.community, community.parent, street.parent = community, street, division
    return Located(
        unit_grid=cell,
        community=community,
        street=street,
        division=division,
        duty_grid=duty_grid if duty_grid.pk else None,
        road=road if road.pk else None,
    )


class CellsOf:
    """The current cells of an area, for placing many shapely geometries at once: `keys[number]` is a cell's key."""

    def __init__(self, code: str) -> None:
        cells = list(UnitGrid.objects.current().inside(code).order_by("code").values_list("pk", AsWKB("boundary")))
        self.keys = [key for key, _boundary in cells]
        self._finder = CellFinder(shapely.from_wkb([bytes(boundary) for _key, boundary in cells]))

    def find(self, geometries):
        """Return for each geometry (in degrees) the number of its cell, −1 where it lies outside all of them."""
        return self._finder.find(geometries)


def within(queryset: QuerySet, field: str, point: GEOSGeometry, metres: float) -> QuerySet:
    """Return the rows whose geometry `field` lies at most `metres` from the point, measured on the ground.

    Fast where the field has an index on its geography (the current rows of roads, places, components and cases).
    """
    return queryset.filter(is_within(field, point, metres))


def is_within(field: str, point: GEOSGeometry, metres: float) -> Func:
    """Return the condition that a row's geometry lies at most `metres` from the point."""
    place = Geography(F(field))
    return Func(place, _geography(point), Value(metres), function="ST_DWithin", output_field=BooleanField())


def metres_from(field: str, point: GEOSGeometry) -> Func:
    """Return the metres from the point to a row's geometry."""
    return Func(Geography(F(field)), _geography(point), function="ST_Distance", output_field=FloatField())


def nearest(queryset: QuerySet, field: str, point: GEOSGeometry, *, within_metres: float) -> QuerySet:
    """Return the rows within some metres, the nearest first, each with its `metres` from the point."""
    found = within(queryset, field, point, within_metres).annotate(metres=metres_from(field, point))
    return found.order_by("metres", "pk")


# What a place is called after: ten roads and one named place, the nearest of each.
NAMES = """
    (SELECT name_zh, ST_Distance(line::geography, %(here)s::geography) AS metres, true AS is_road
       FROM grid_road
      WHERE valid_to IS NULL AND ST_DWithin(line::geography, %(here)s::geography, %(near_m)s)
      ORDER BY metres, id LIMIT 10)
    UNION ALL
    (SELECT name_zh, ST_Distance(geometry::geography, %(here)s::geography) AS metres, false AS is_road
       FROM grid_place
      WHERE valid_to IS NULL AND ST_DWithin(geometry::geography, %(here)s::geography, %(near_m)s)
      ORDER BY metres, id LIMIT 1)
"""


def describe(point: Point) -> str:
    """Return words for a point in the city's language, from what is known near by; "" where nothing is.

    A crossing before a road, a road before a named place; one query.
    """
    with connection.cursor() as cursor:
        cursor.execute(NAMES, {"here": _labelled(point).hexewkb.decode(), "near_m": NEAR_M})
        rows = cursor.fetchall()
    found: dict[str, float] = {}
    for name, metres, is_road in sorted(rows, key=lambda row: (not row[2], row[1], row[0])):
        if is_road or not found:
            found.setdefault(name, metres)
    names, is_on_roads = list(found), any(is_road for _name, _metres, is_road in rows)
    with override(settings.LANGUAGE_CODE):
        if is_on_roads and len(names) > 1 and found[names[1]] <= ON_A_ROAD_M:
            return gettext("near the crossing of %(road)s and %(other)s") % {"road": names[0], "other": names[1]}
        return gettext("near %(place)s") % {"place": names[0]} if names else ""


def _labelled(point: GEOSGeometry) -> GEOSGeometry:
    """Return the geometry in our coordinate system."""
    if point.srid not in SAME_AS_OURS:
        raise ValueError(f"a position in EPSG:{point.srid} must be converted to EPSG:{SRID} first")
    here = point.clone()
    here.srid = SRID
    return here


def _geography(point: GEOSGeometry) -> Geography:
    return Geography(Value(_labelled(point), output_field=GeometryField(srid=SRID)))
