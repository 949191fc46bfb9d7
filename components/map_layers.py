"""Components on the map: those in a box, and those around a point."""

from typing import Any

from django.contrib.gis.geos import Point, Polygon
from django.db.models import QuerySet

from components.models import Component
from grid.locate import nearest
from grid.map_layers import MOST, as_geojson, collection

FARTHEST_M = 200
"""How far around a point one looks for the component that is meant."""

NEAREST = 20


def in_box(box: Polygon) -> bytes:
    """Return the components in a box; nothing but "more" when they are more than 500: then look from nearer."""
    found = list(_shown(Component.objects.current().in_box(box)).order_by("pk")[: MOST + 1])
    more = len(found) > MOST
    return collection(((row.geojson, _properties(row)) for row in ([] if more else found)), more=more)


def around(point: Point, metres: float) -> bytes:
    """Return the 20 components nearest to a point, each with its distance; ValueError for more than 200 metres."""
    if not 0 < metres <= FARTHEST_M:
        raise ValueError(metres)
    near = nearest(Component.objects.current(), "geometry", point, within_metres=metres)
    found = list(_shown(near)[: NEAREST + 1])
    features = ((row.geojson, _properties(row) | {"metres": round(row.metres, 1)}) for row in found[:NEAREST])
    return collection(features, more=len(found) > NEAREST)


def _shown(components: QuerySet) -> QuerySet:
    return components.select_related("minor_class").annotate(geojson=as_geojson("geometry")).defer("geometry")


def _properties(component: Component) -> dict[str, Any]:
    return {
        "id": str(component.public_id),
        "identifier": component.identifier,
        "name": component.minor_class.name,
        "class": component.minor_class.code,
        "state": component.state,
    }
