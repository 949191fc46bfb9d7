"""The layers of the map: what lies in a box, as GeoJSON. Each layer is one row of the table LAYERS and one query."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.gis.geos import Point, Polygon
from django.db.models import Case, CharField, F, Func, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag

from grid.models import SRID, Area, DutyGrid, Road, UnitGrid

MOST = 500
"""Features in one answer; a map that needs more is looked at from too far away."""

DECIMALS = 6
"""Of a degree: a tenth of a metre."""

Feature = dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """What a layer shows. `is_public`: the citizens' map stands on it. `whole`: all of the box or nothing."""

    rows: Callable[[Polygon], QuerySet]
    geometry: str
    properties: Callable[[Any], Feature]
    is_public: bool = False
    whole: bool = False


def box_from(text: str) -> Polygon:
    """Return the box of "west,south,east,north" in degrees; ValueError when it is none."""
    west, south, east, north = (float(number) for number in text.split(","))
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ValueError(text)
    box = Polygon.from_bbox((west, south, east, north))
    box.srid = SRID
    return box


def point_from(text: str) -> Point:
    """Return the point of "longitude,latitude" in degrees; ValueError when it is none."""
    longitude, latitude = (float(number) for number in text.split(","))
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise ValueError(text)
    return Point(longitude, latitude, srid=SRID)


def as_geojson(field: str) -> Func:
    """The geometry as GeoJSON text, without naming the coordinate system again and again."""
    return Func(F(field), Value(DECIMALS), Value(0), function="ST_AsGeoJSON", output_field=CharField())


def collection(features: Iterable[tuple[str, Feature]], *, more: bool, attribution: Iterable[str] = ()) -> bytes:
    """Return a FeatureCollection of (geometry as GeoJSON text, properties). `more`: not everything is in it."""
    parts = ",".join(
        f'{{"type":"Feature","geometry":{geometry},"properties":{json.dumps(properties, ensure_ascii=False)}}}'
        for geometry, properties in features
    )
    rest = json.dumps({"more": more, "attribution": " · ".join(sorted(set(attribution)))}, ensure_ascii=False)
    return f'{{"type":"FeatureCollection","features":[{parts}],{rest[1:]}'.encode()


def features_of(layer: Layer, box: Polygon) -> bytes:
    """Return the features of a layer that touch a box, at most 500, as a FeatureCollection."""
    rows = list(layer.rows(box).annotate(geojson=as_geojson(layer.geometry))[: MOST + 1])
    more = len(rows) > MOST
    shown = [] if more and layer.whole else rows[:MOST]
    return collection(
        ((row.geojson, layer.properties(row)) for row in shown),
        more=more,
        attribution=(row.source for row in shown if getattr(row, "source", "")),
    )


def answer(request: HttpRequest, body: bytes, *, is_public: bool = False) -> HttpResponse:
    """Return GeoJSON, or "not modified" to a browser that has it already."""
    etag = quote_etag(hashlib.sha256(body).hexdigest()[:32])
    caching = f"{'public' if is_public else 'private'}, max-age=60"
    response = HttpResponse(body, content_type="application/geo+json", headers={"ETag": etag, "Cache-Control": caching})
    return get_conditional_response(request, etag=etag, response=response)


def _areas(box: Polygon) -> QuerySet:
    return Area.objects.current().in_box(box).defer("boundary").order_by(_rank("level", Area.Level.values), "code")


def _cells(box: Polygon) -> QuerySet:
    cells = UnitGrid.objects.current().in_box(box).with_duty_grid()
    return cells.defer("boundary", "centre").order_by("code")


def _duty_grids(box: Polygon) -> QuerySet:
    return DutyGrid.objects.current().in_box(box).order_by("code")


def _roads(box: Polygon) -> QuerySet:
    return Road.objects.current().in_box(box).defer("line").order_by(_rank("road_class", Road.RoadClass.values), "pk")


def _rank(field: str, values: list[str]) -> Case:
    """The place of a value in its list: the widest area, the most important road first."""
    return Case(
        *(When(**{field: value}, then=Value(rank)) for rank, value in enumerate(values)),
        output_field=IntegerField(),
    )


LAYERS: dict[str, Layer] = {
    "areas": Layer(
        rows=_areas,
        geometry="boundary",
        properties=lambda area: {
            "code": area.code,
            "name": area.name,
            "level": area.level,
            "made_up": area.is_made_up,
        },
        is_public=True,
    ),
    "roads": Layer(
        rows=_roads,
        geometry="line",
        properties=lambda road: {"name": road.name, "class": road.road_class},
        is_public=True,
    ),
    "cells": Layer(
        rows=_cells,
        geometry="boundary",
        properties=lambda cell: {"code": cell.code, "duty_grid": cell.duty_grid, "area_m2": float(cell.area_m2)},
        whole=True,
    ),
    "duty_grids": Layer(
        rows=_duty_grids,
        geometry="boundary",
        properties=lambda duty_grid: {"code": duty_grid.code, "name": duty_grid.name},
    ),
}
