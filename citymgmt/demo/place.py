"""Draws the county: an outline of 25 km², streets and communities, a road net, where things stand. Pure: no Django.

The county lies in the open sea, so that it never covers a real place. Everything comes from SEED: the same drawing
everywhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin
from random import Random

import shapely
from shapely import LineString, MultiPolygon, Point, Polygon
from shapely.affinity import scale
from shapely.ops import substring

from grid import geometry

SEED = "yunxi"
CENTRE = (123.2, 31.5)
AREA_M2 = 25_000_000
BLOCK_M = 250
"""Distance between neighbouring roads; every second is a secondary road, every fourth a main road."""

KERB_M = 15
"""No road comes nearer to the border than this, so that what stands beside it still lies inside."""

SHORTEST_M = 180


@dataclass(frozen=True)
class DrawnRoad:
    """A road in metres of its zone."""

    road_class: str
    name_zh: str
    name_en: str
    line: LineString


@dataclass(frozen=True)
class Drawing:
    """The county on paper. Outline and communities in degrees, roads in metres of `zone`."""

    zone: geometry.Zone
    outline: Polygon
    streets: list[list[MultiPolygon]]
    roads: list[DrawnRoad]


def draw(
    *, communities: Sequence[int], names: dict[str, Sequence[tuple[str, str]]], area_m2: float = AREA_M2
) -> Drawing:
    """Draw a county with so many communities in each street; `names` of roads (Chinese, English) by class."""
    zone = geometry.zone_of(CENTRE[0])
    ground = _outline(zone, area_m2)
    outline = zone.to_degrees(ground)
    return Drawing(
        zone=zone,
        outline=outline,
        streets=geometry.divide(outline, communities),
        roads=list(_roads(ground.buffer(-KERB_M), names)),
    )


def _outline(zone: geometry.Zone, area_m2: float) -> Polygon:
    """A closed curve like a county's border, in metres."""
    chance = Random(f"{SEED}/outline")
    waves = [(k, chance.uniform(-0.13, 0.13) / k, chance.uniform(0, 2 * pi)) for k in range(2, 9)]
    middle = zone.to_metres(Point(*CENTRE))
    corners = []
    for step in range(240):
        angle = 2 * pi * step / 240
        radius = 1 + sum(size * cos(k * angle + phase) for k, size, phase in waves)
        corners.append((middle.x + radius * cos(angle), middle.y + radius * sin(angle)))
    shape = Polygon(corners)
    factor = (area_m2 / shape.area) ** 0.5
    return scale(shape, factor, factor, origin=(middle.x, middle.y))


def _roads(ground: Polygon, names: dict[str, Sequence[tuple[str, str]]]) -> Iterator[DrawnRoad]:
    """Long main and secondary roads, shorter branch roads between them, lanes inside the blocks."""
    chance = Random(f"{SEED}/roads")
    left = {road_class: list(of_class) for road_class, of_class in names.items()}
    lanes = []
    for number, line in _net(ground):
        road_class = "main" if number % 4 == 0 else "secondary" if number % 2 == 0 else "branch"
        pieces = _cut(line, chance) if road_class == "branch" else [line]
        for piece in pieces:
            if road_class == "branch" and chance.random() < 0.2:
                continue
            if left[road_class]:
                yield DrawnRoad(road_class, *left[road_class].pop(0), line=piece)
            if road_class == "branch" and piece.length > 300:
                lanes.append(piece)
    chance.shuffle(lanes)
    for (zh, en), beside in zip(left["lane"], lanes, strict=False):
        yield DrawnRoad("lane", zh, en, line=_lane(beside, chance, ground))


def _net(ground: Polygon) -> Iterator[tuple[int, LineString]]:
    """Gently bent lines in both directions, numbered from the middle outwards by rank: the widest roads first."""
    west, south, east, north = ground.bounds
    middle = ((west + east) / 2, (south + north) / 2)
    reach = int(max(east - west, north - south) / 2 / BLOCK_M) + 2
    numbers = sorted(range(-reach, reach + 1), key=lambda n: (n % 2, n % 4, abs(n), n))
    for number in numbers:
        for is_across in (False, True):
            points = []
            for step in range(-reach * 5, reach * 5 + 1):
                along, aside = step * BLOCK_M / 5, number * BLOCK_M
                x, y = (along, aside) if is_across else (aside, along)
                points.append(
                    (middle[0] + x + 70 * sin(y / 830) + 25 * sin(y / 260), middle[1] + y + 60 * sin(x / 940))
                )
            inside = shapely.intersection(LineString(points), ground)
            for part in shapely.get_parts(inside):
                if part.geom_type == "LineString" and part.length > SHORTEST_M:
                    yield number, part


def _cut(line: LineString, chance: Random) -> list[LineString]:
    """Cut a line into roads of 500 to 1,500 m, the way old streets change their names at a crossing."""
    pieces, start = [], 0.0
    while line.length - start > SHORTEST_M:
        end = min(line.length, start + BLOCK_M * chance.randint(2, 6))
        pieces.append(substring(line, start, line.length if line.length - end < SHORTEST_M else end))
        start = end if line.length - end >= SHORTEST_M else line.length
    return pieces


def _lane(beside: LineString, chance: Random, ground: Polygon) -> LineString:
    """A lane of about 120 to 200 m that leaves a branch road."""
    start = beside.interpolate(chance.uniform(0.3, 0.7) * beside.length)
    ahead = beside.interpolate(min(beside.length, beside.project(start) + 1))
    x, y = ahead.x - start.x, ahead.y - start.y
    turn = chance.choice((1, -1)) / hypot(x, y)
    length = chance.uniform(120, 200)
    bend = chance.uniform(-25, 25)
    half = (start.x - y * turn * length / 2 + x * turn * bend, start.y + x * turn * length / 2 + y * turn * bend)
    end = (start.x - y * turn * length, start.y + x * turn * length)
    lane = shapely.intersection(LineString([(start.x, start.y), half, end]), ground)
    return max(shapely.get_parts(lane), key=lambda part: part.length)


# --- Beside a road ---------------------------------------------------------------------------------------------------


def beside(road: LineString, along_m: float, offset_m: float) -> tuple[float, float]:
    """Return the place `offset_m` to the left (negative: right) of a road, `along_m` from its beginning, in metres."""
    here = road.interpolate(along_m)
    before, after = road.interpolate(max(0, along_m - 1)), road.interpolate(min(road.length, along_m + 1))
    x, y = after.x - before.x, after.y - before.y
    length = hypot(x, y)
    return here.x - y / length * offset_m, here.y + x / length * offset_m


def along(
    roads: Sequence[DrawnRoad], count: int, offset_m: float, chance: Random
) -> Iterator[tuple[DrawnRoad, float, float]]:
    """Spread `count` things evenly along all these roads, now left, now right: (road, x, y) in metres."""
    whole = sum(road.line.length for road in roads)
    step, position, passed, index = whole / count, 0.0, 0.0, 0
    for number in range(count):
        position = (number + chance.uniform(0.2, 0.8)) * step
        while position > passed + roads[index].line.length and index < len(roads) - 1:
            passed += roads[index].line.length
            index += 1
        side = offset_m if number % 2 else -offset_m
        x, y = beside(roads[index].line, min(position - passed, roads[index].line.length), side)
        yield roads[index], x, y
