"""The map on a paper: what lies around a point, drawn by ourselves as SVG from unit grids, roads and components."""

from dataclasses import dataclass
from math import cos, radians
from xml.sax.saxutils import escape

import shapely
from django.contrib.gis.geos import Point, Polygon
from django.db import connection

WIDTH, HEIGHT = 340, 240
"""Of the drawing, in its own units."""
ACROSS_M = 340
"""Metres from its left to its right edge: one unit is one metre."""
METRES_A_DEGREE = 111_320
SCALE_BAR_M = 50
MOST_OF_A_KIND = 300

AROUND = """
    (SELECT 'cell', code, '', ST_AsBinary(boundary) FROM grid_unitgrid
      WHERE valid_to IS NULL AND boundary && %(box)s::geometry ORDER BY code LIMIT %(most)s)
    UNION ALL
    (SELECT 'road', name_zh, road_class, ST_AsBinary(ST_ClipByBox2D(line, %(box)s::geometry)) FROM grid_road
      WHERE valid_to IS NULL AND line && %(box)s::geometry ORDER BY id LIMIT %(most)s)
    UNION ALL
    (SELECT 'component', '', '', ST_AsBinary(ST_Centroid(geometry)) FROM components_component
      WHERE valid_to IS NULL AND geometry && %(box)s::geometry ORDER BY id LIMIT %(most)s)
"""
ROAD_WIDTHS = {"main": 13, "secondary": 10, "branch": 7, "lane": 4}
INK, GRID, CELL, ROAD, EDGE, THERE = "#222", "#9aa5b1", "#fdeccb", "#fff", "#c3ccd5", "#c62222"


@dataclass(frozen=True)
class Frame:
    """Where degrees fall on the drawing."""

    longitude: float
    latitude: float

    def place(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return x and y of a position, north up."""
        unit = WIDTH / ACROSS_M
        east = (longitude - self.longitude) * METRES_A_DEGREE * cos(radians(self.latitude))
        north = (latitude - self.latitude) * METRES_A_DEGREE
        return round(WIDTH / 2 + east * unit, 1), round(HEIGHT / 2 - north * unit, 1)

    def box(self) -> Polygon:
        """Return what the drawing shows, a little more on every side."""
        across = 0.55 * ACROSS_M / METRES_A_DEGREE
        wide, high = across / cos(radians(self.latitude)), across * HEIGHT / WIDTH
        box = Polygon.from_bbox((
            self.longitude - wide, self.latitude - high, self.longitude + wide, self.latitude + high,
        ))  # fmt: skip
        box.srid = 4490
        return box


def clip(point: Point, *, cell_code: str = "") -> bytes:
    """Return the surroundings of a point as an SVG drawing, its own cell coloured; one query."""
    frame = Frame(point.x, point.y)
    with connection.cursor() as cursor:
        cursor.execute(AROUND, {"box": frame.box().hexewkb.decode(), "most": MOST_OF_A_KIND})
        rows = [(kind, name, sort, shapely.from_wkb(bytes(wkb))) for kind, name, sort, wkb in cursor.fetchall() if wkb]
    found = {wanted: [row[1:] for row in rows if row[0] == wanted] for wanted in ("cell", "road", "component")}
    parts = [
        *(_cell(frame, outline, CELL if code == cell_code else "none") for code, _sort, outline in found["cell"]),
        *_roads(frame, found["road"]),
        *_dots(frame, found["component"]),
        *(_code(frame, code, outline) for code, _sort, outline in found["cell"]),
        *_road_names(frame, found["road"]),
        _here(frame, point),
        *FURNITURE,
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="Noto Sans CJK SC, sans-serif"><rect width="{WIDTH}" height="{HEIGHT}" fill="#eef1f4"/>'
        f'{"".join(parts)}<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" fill="none" stroke="{INK}"/>'
        "</svg>"
    ).encode()


def _path(frame: Frame, coordinates) -> str:
    return "M" + "L".join("{} {}".format(*frame.place(x, y)) for x, y, *_height in coordinates)


def _cell(frame: Frame, outline, fill: str) -> str:
    path = _path(frame, outline.exterior.coords)
    return f'<path d="{path}Z" fill="{fill}" stroke="{GRID}" stroke-width="0.8" stroke-dasharray="4 3"/>'


def _code(frame: Frame, code: str, outline) -> str:
    """Write the last digits of a cell's code into its upper corner, where they fit."""
    west, _south, _east, north = outline.bounds
    x, y = frame.place(west, north)
    if not (0 < x + 4 < WIDTH - 30 and 0 < y + 12 < HEIGHT):
        return ""
    return f'<text x="{x + 4}" y="{y + 12}" font-size="8" fill="#66727e">{code[-3:]}</text>'


def _roads(frame: Frame, rows: list) -> list[str]:
    lines = [(name, ROAD_WIDTHS.get(sort, 5), line) for name, sort, roads in rows for line in _lines(roads)]
    lines.sort(key=lambda one: one[1])
    drawn = []
    for colour, more in ((EDGE, 2), (ROAD, 0)):
        drawn += [
            f'<path d="{_path(frame, line.coords)}" fill="none" stroke="{colour}" stroke-width="{width + more}" '
            'stroke-linecap="round" stroke-linejoin="round"/>'
            for _name, width, line in lines
        ]
    return drawn


def _road_names(frame: Frame, rows: list) -> list[str]:
    """Write each road's name once, on its longest piece."""
    longest: dict[str, shapely.LineString] = {}
    for name, _sort, roads in rows:
        for line in _lines(roads):
            if name not in longest or line.length > longest[name].length:
                longest[name] = line
    return [_road_name(frame, name, line) for name, line in longest.items()]


def _lines(shape) -> list:
    return [one for one in getattr(shape, "geoms", [shape]) if one.geom_type == "LineString" and not one.is_empty]


def _road_name(frame: Frame, name: str, line) -> str:
    middle = line.interpolate(0.3, normalized=True)
    x, y = frame.place(middle.x, middle.y)
    if not (20 < x < WIDTH - 20 and 10 < y < HEIGHT - 10):
        return ""
    halo = 'stroke="#fff" stroke-width="4" stroke-linejoin="round"'
    words = f'x="{x}" y="{y + 3}" font-size="9" text-anchor="middle"'
    return f'<text {words} {halo} fill="#fff">{escape(name)}</text><text {words} fill="#3b4650">{escape(name)}</text>'


def _dots(frame: Frame, rows: list) -> list[str]:
    places = [frame.place(spot.x, spot.y) for _name, _sort, spot in rows]
    return [f'<circle cx="{x}" cy="{y}" r="1.8" fill="#2f6fae"/>' for x, y in places]


def _here(frame: Frame, point: Point) -> str:
    x, y = frame.place(point.x, point.y)
    return (
        f'<circle cx="{x}" cy="{y}" r="13" fill="none" stroke="{THERE}" stroke-width="1.6"/>'
        f'<path d="M{x - 18} {y}H{x + 18}M{x} {y - 18}V{y + 18}" stroke="{THERE}" stroke-width="1"/>'
        f'<circle cx="{x}" cy="{y}" r="3.2" fill="{THERE}"/>'
    )


# North, and how far it is.
FURNITURE = (
    f'<path d="M{WIDTH - 16} 28L{WIDTH - 10} 10L{WIDTH - 4} 28L{WIDTH - 10} 24Z" fill="{INK}"/>',
    f'<text x="{WIDTH - 10}" y="38" font-size="9" text-anchor="middle" fill="{INK}">N</text>',
    f'<rect x="6" y="{HEIGHT - 22}" width="{SCALE_BAR_M * WIDTH / ACROSS_M + 38}" height="16" fill="#fff"/>',
    f'<path d="M10 {HEIGHT - 14}v4h{SCALE_BAR_M * WIDTH / ACROSS_M}v-4" fill="none" stroke="{INK}"/>',
    f'<text x="{SCALE_BAR_M * WIDTH / ACROSS_M + 15}" y="{HEIGHT - 10}" font-size="8" fill="{INK}">'
    f"{SCALE_BAR_M} m</text>",
)
