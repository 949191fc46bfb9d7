"""Where a point lies: its unit grid with the chain of areas, its duty grid, its road; what is near; words for it."""

from dataclasses import dataclass

import shapely
from django.conf import settings
from django.contrib.gis.db.models import GeometryField
from django.contrib.gis.db.models.functions import AsWKB
from django.contrib.gis.geos import GEOSGeometry, Point
from django.db.models import BooleanField, F, FilteredRelation, FloatField, Func, Q, QuerySet, Value
from django.utils.translation import gettext, override

from grid.geometry import CellFinder
from grid.models import SRID, Area, DutyGrid, Geography, Place, Road, UnitGrid

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


def locate(point: Point) -> Located | None:
    """Return the place of a point in degrees, or None outside all current cells. Two queries, none too many.

    A point on a border belongs to exactly one cell: the one with the lowest code.
    """
    here = _labelled(point)
    cells = (
        UnitGrid.objects.current()
        .filter(boundary__intersects=here)
        .annotate(patrolled=FilteredRelation("memberships", condition=Q(memberships__valid_to__isnull=True)))
        .select_related("community__parent__parent", "patrolled__duty_grid")
        .defer("boundary", *(f"community{up}__boundary" for up in ("", "__parent", "__parent__parent")))
    )
    cell = min(cells, key=lambda cell: cell.code, default=None)
    if cell is None:
        return None
    membership = getattr(cell, "patrolled", None)
    return Located(
        unit_grid=cell,
        community=cell.community,
        street=cell.community.parent,
        division=cell.community.parent.parent,
        duty_grid=membership.duty_grid if membership else None,
        road=nearest(Road.objects.current(), "line", here, within_metres=ON_A_ROAD_M).defer("line").first(),
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
    return queryset.filter(
        Func(Geography(F(field)), _geography(point), Value(metres), function="ST_DWithin", output_field=BooleanField())
    )


def nearest(queryset: QuerySet, field: str, point: GEOSGeometry, *, within_metres: float) -> QuerySet:
    """Return the rows within some metres, the nearest first, each with its `metres` from the point."""
    metres = Func(Geography(F(field)), _geography(point), function="ST_Distance", output_field=FloatField())
    return within(queryset, field, point, within_metres).annotate(metres=metres).order_by("metres", "pk")


def describe(point: Point) -> str:
    """Return words for a point in the city's language, from what is known near by; "" where nothing is.

    A crossing before a road, a road before a named place. One query, or two where no road is near.
    """
    roads = nearest(Road.objects.current(), "line", point, within_metres=NEAR_M)
    found = dict(reversed(list(roads.values_list("name_zh", "metres")[:10])))
    names = sorted(found, key=lambda name: (found[name], name))
    with override(settings.LANGUAGE_CODE):
        if len(names) > 1 and found[names[1]] <= ON_A_ROAD_M:
            return gettext("near the crossing of %(road)s and %(other)s") % {"road": names[0], "other": names[1]}
        if names:
            return gettext("near %(place)s") % {"place": names[0]}
        place = nearest(Place.objects.current(), "geometry", point, within_metres=NEAR_M).first()
        return gettext("near %(place)s") % {"place": place.name_zh} if place else ""


def _labelled(point: GEOSGeometry) -> GEOSGeometry:
    """Return the geometry in our coordinate system."""
    if point.srid not in SAME_AS_OURS:
        raise ValueError(f"a position in EPSG:{point.srid} must be converted to EPSG:{SRID} first")
    here = point.clone()
    here.srid = SRID
    return here


def _geography(point: GEOSGeometry) -> Geography:
    return Geography(Value(_labelled(point), output_field=GeometryField(srid=SRID)))
