"""Geometry of the grid: metres and degrees, coordinate systems, dividing an outline, laying cells. Pure: no Django.

Everything that leaves here is in CGCS2000 degrees, longitude first. Lengths and areas are measured in the 3-degree
Gauss–Krüger zone whose meridian is nearest (EPSG:4534–4554 inside China), so they are true to about 1 part in 1,000.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from math import ceil, floor
from typing import TypeAlias, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from shapely import MultiPolygon, Point, Polygon, STRtree
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from citymgmt.errors import Refusal
from grid import codes

Coordinates: TypeAlias = NDArray[np.float64]
G = TypeVar("G", bound=BaseGeometry)

SIDE_M = 100
"""A cell is a square of about 10,000 m²."""

SMALLEST_M2 = 2_500
"""A piece smaller than a quarter of a square joins its neighbour, so that nobody patrols splinters."""

CORNER_EVERY_DEGREES = 0.001
MILLIMETRE = 0.001
DECIMALS = 9
"""Degrees are rounded to a tenth of a millimetre, the same at every corner that cells share."""


class OutlineIsEmpty(Refusal):
    """There is no ground inside the outline: nothing can be laid over it."""

    code = "outline_is_empty"


class OutlineTooSmall(Refusal):
    """There are fewer squares than communities asked for: facts `squares`, `communities`."""

    code = "outline_too_small"


class TooManyCells(Refusal):
    """A community would need more than 999 cells: facts `community_code`, `count`."""

    code = "too_many_cells"


# --- Coordinate systems ----------------------------------------------------------------------------------------------


class CoordinateSystem(StrEnum):
    """What phones, vendors' maps and files speak."""

    CGCS2000 = "CGCS2000"
    WGS84 = "WGS84"  # centimetres from CGCS2000: relabelled, not transformed
    GCJ02 = "GCJ02"  # maps of Chinese vendors and most phones' map services
    BD09 = "BD09"  # Baidu, GCJ-02 shifted once more


_AXIS_M = 6_378_245.0
_ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943
_BD_PI = np.pi * 3000 / 180


def _sway(values: Coordinates, *terms: tuple[float, float]) -> Coordinates:
    return sum((size * np.sin(np.pi * values * pace) for size, pace in terms), np.zeros_like(values)) * 2 / 3


def _shift(longitude: Coordinates, latitude: Coordinates) -> tuple[Coordinates, Coordinates]:
    """Return by how many degrees GCJ-02 lies east and north of WGS 84 at these places; nothing outside China."""
    x, y = longitude - 105, latitude - 35
    common = _sway(x, (20, 6), (20, 2))
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x)) + common
    north = north + _sway(y, (20, 1), (40, 1 / 3)) + _sway(y, (160, 1 / 12), (320, 1 / 30))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x)) + common
    east = east + _sway(x, (20, 1), (40, 1 / 3)) + _sway(x, (150, 1 / 12), (300, 1 / 30))
    radians = np.radians(latitude)
    bend = 1 - _ECCENTRICITY_SQUARED * np.sin(radians) ** 2
    east = np.degrees(east / (_AXIS_M / np.sqrt(bend) * np.cos(radians)))
    north = np.degrees(north / (_AXIS_M * (1 - _ECCENTRICITY_SQUARED) / (bend * np.sqrt(bend))))
    in_china = (longitude > 72.004) & (longitude < 137.8347) & (latitude > 0.8293) & (latitude < 55.8271)
    return np.where(in_china, east, 0.0), np.where(in_china, north, 0.0)


def _from_gcj02(longitude: Coordinates, latitude: Coordinates) -> tuple[Coordinates, Coordinates]:
    """Undo the shift by approaching: three rounds are exact to less than a millimetre."""
    true_longitude, true_latitude = longitude, latitude
    for _round in range(3):
        east, north = _shift(true_longitude, true_latitude)
        true_longitude, true_latitude = longitude - east, latitude - north
    return true_longitude, true_latitude


def _bd09_to_gcj02(longitude: Coordinates, latitude: Coordinates) -> tuple[Coordinates, Coordinates]:
    x, y = longitude - 0.0065, latitude - 0.006
    length = np.sqrt(x * x + y * y) - 0.000_02 * np.sin(y * _BD_PI)
    angle = np.arctan2(y, x) - 0.000_003 * np.cos(x * _BD_PI)
    return length * np.cos(angle), length * np.sin(angle)


def to_cgcs2000(coordinates: Coordinates, system: CoordinateSystem) -> Coordinates:
    """Return an array of (longitude, latitude) rows, given in `system`, in CGCS2000 degrees.

    GCJ-02 is undone to less than a millimetre, BD-09 to about a metre (its publisher gives no exact way back).
    """
    longitude, latitude = coordinates[:, 0], coordinates[:, 1]
    if system == CoordinateSystem.BD09:
        longitude, latitude = _bd09_to_gcj02(longitude, latitude)
    if system in (CoordinateSystem.BD09, CoordinateSystem.GCJ02):
        longitude, latitude = _from_gcj02(longitude, latitude)
    return np.column_stack([longitude, latitude])


def to_gcj02(coordinates: Coordinates) -> Coordinates:
    """Return an array of CGCS2000 (longitude, latitude) rows in GCJ-02, for showing on a vendor's map."""
    east, north = _shift(coordinates[:, 0], coordinates[:, 1])
    return np.column_stack([coordinates[:, 0] + east, coordinates[:, 1] + north])


def point_in_cgcs2000(longitude: float, latitude: float, system: CoordinateSystem) -> Point:
    """Return one position, given in `system`, as a point in CGCS2000 degrees."""
    return Point(to_cgcs2000(np.array([[longitude, latitude]]), system)[0])


# --- Metres ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Zone:
    """A 3-degree Gauss–Krüger zone: plane metres around its central meridian."""

    meridian: int

    @property
    def definition(self) -> str:
        return f"+proj=tmerc +lat_0=0 +lon_0={self.meridian} +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m +type=crs"

    def to_metres(self, geometry: G) -> G:
        moved: G = shapely.transform(geometry, _kept_transformer(self.definition, False))
        return moved

    def to_degrees(self, geometry: G) -> G:
        moved: G = shapely.transform(geometry, _kept_transformer(self.definition, True))
        return moved


class _Transformation:
    """A pyproj transformer between degrees and metres, in the shape that shapely calls."""

    def __init__(self, definition: str, back: bool) -> None:
        degrees = "+proj=longlat +ellps=GRS80 +type=crs"
        ends = (definition, degrees) if back else (degrees, definition)
        self.transformer = Transformer.from_crs(*ends, always_xy=True)
        self.decimals = DECIMALS if back else None

    def __call__(self, coordinates: Coordinates) -> Coordinates:
        moved = np.column_stack(self.transformer.transform(coordinates[:, 0], coordinates[:, 1]))
        return moved if self.decimals is None else np.round(moved, self.decimals)


@lru_cache(maxsize=16)
def _kept_transformer(definition: str, back: bool) -> _Transformation:
    return _Transformation(definition, back)


def zone_of(longitude: float) -> Zone:
    """Return the zone whose central meridian is nearest (114° for Shenzhen, 117° for Shucheng)."""
    return Zone(meridian=3 * floor(longitude / 3 + 0.5))


def area_m2(geometry: BaseGeometry) -> float:
    """Return the area of a geometry given in degrees, in m²."""
    if geometry.is_empty:
        return 0.0
    return float(zone_of(geometry.centroid.x).to_metres(shapely.segmentize(geometry, CORNER_EVERY_DEGREES)).area)


_ELLIPSOID = Geod(ellps="GRS80")


def metres_between(longitude: float, latitude: float, other_longitude: float, other_latitude: float) -> float:
    """Return the length of the shortest way on the ground between two points given in degrees."""
    return float(_ELLIPSOID.inv(longitude, latitude, other_longitude, other_latitude)[2])


# --- Laying cells ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A cell as laid: 15-character code, boundary and centre in degrees, area in m²."""

    code: str
    community_code: str
    boundary: Polygon
    centre: Point
    area_m2: float


def lay_cells(
    communities: Mapping[str, Polygon | MultiPolygon],
    *,
    side_m: int = SIDE_M,
    smallest_m2: float = SMALLEST_M2,
) -> list[Cell]:
    """Lay squares over communities (code → outline in degrees) and cut them at the borders.

    No overlap, and no gap where the communities leave none: neighbours share every corner on their common border, also
    after rounding. Each lies in one community and is numbered there from 001, west to east in each row, rows from north
    to south. Pieces under `smallest_m2` join the neighbour in their community with which they share the longest border.
    The same communities always give the same cells, in the order of their codes. OutlineIsEmpty, TooManyCells,
    codes.MalformedCode.
    """
    for code in communities:
        codes.check(code, codes.CodeLength.COMMUNITY)
    outlines = {code: communities[code] for code in sorted(communities) if not communities[code].is_empty}
    if not outlines:
        raise OutlineIsEmpty
    left, _bottom, right, _top = shapely.total_bounds(list(outlines.values()))
    zone = zone_of((left + right) / 2)
    grounds = {code: _ground(outline, zone) for code, outline in outlines.items()}
    pieces = _pieces(grounds, side_m)
    cells = []
    for code, groups in _joined(pieces, smallest_m2).items():
        if len(groups) > codes.LARGEST_SEQUENCE:
            raise TooManyCells(community_code=code, count=len(groups))
        for sequence, polygon in enumerate(_in_reading_order(groups, side_m), start=1):
            boundary = zone.to_degrees(polygon)
            cells.append(
                Cell(
                    code=codes.unit_grid_code(code, sequence),
                    community_code=code,
                    boundary=boundary,
                    centre=zone.to_degrees(shapely.point_on_surface(polygon)),
                    area_m2=round(float(polygon.area), 2),
                )
            )
    return cells


def _ground(outline: Polygon | MultiPolygon, zone: Zone) -> MultiPolygon:
    """Return an outline in metres, mended. What is straight in degrees is not quite so in metres, hence the corners."""
    # Mended first: with corners exactly where it crosses itself, half of an outline would be lost.
    mended = shapely.make_valid(outline)
    return _polygons_only(shapely.make_valid(zone.to_metres(shapely.segmentize(mended, CORNER_EVERY_DEGREES))))


def _polygons_only(geometry: BaseGeometry) -> MultiPolygon:
    """Return the surfaces of a geometry; lines and points left over from mending are dropped."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type in ("Polygon", "MultiPolygon")]
    return MultiPolygon([p for part in parts for p in shapely.get_parts(part) if p.area > 0])


@dataclass(frozen=True)
class _Piece:
    """What is left of one square inside one community, in metres."""

    community_code: str
    polygon: Polygon


def _pieces(grounds: Mapping[str, MultiPolygon], side_m: int) -> list[_Piece]:
    """Cut the plane along all borders and the lines of the squares at once, so that the faces share their corners."""
    left, bottom, right, top = shapely.total_bounds(list(grounds.values()))
    columns = range(floor(left / side_m), ceil(right / side_m) + 1)
    rows = range(floor(bottom / side_m), ceil(top / side_m) + 1)
    west, east, south, north = (columns[0] * side_m, columns[-1] * side_m, rows[0] * side_m, rows[-1] * side_m)
    lines: list[BaseGeometry] = [LineString([(x * side_m, south), (x * side_m, north)]) for x in columns]
    lines += [LineString([(west, y * side_m), (east, y * side_m)]) for y in rows]
    lines += [ground.boundary for ground in grounds.values()]
    noded = shapely.union_all(lines, grid_size=MILLIMETRE)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    # Borders that should be one line may run millimetres apart; what lies between them is nobody's and nothing.
    faces = faces[shapely.area(faces) > MILLIMETRE]
    owners = list(grounds)
    tree = STRtree(list(grounds.values()))
    inside, owner = tree.query(shapely.point_on_surface(faces), predicate="intersects")
    first_owner = np.full(len(faces), len(owners))
    np.minimum.at(first_owner, inside, owner)
    return [
        _Piece(owners[number], face) for face, number in zip(faces, first_owner, strict=True) if number < len(owners)
    ]


_Corner: TypeAlias = tuple[float, float]


def _edges(polygon: Polygon) -> Iterable[tuple[_Corner, _Corner]]:
    for ring in (polygon.exterior, *polygon.interiors):
        for start, end in pairwise(ring.coords):
            yield (start, end) if start <= end else (end, start)


def _joined(pieces: Sequence[_Piece], smallest_m2: float) -> dict[str, list[Polygon]]:
    """Join small pieces to their neighbours; return the polygons of each community."""
    sides: defaultdict[tuple[_Corner, _Corner], list[int]] = defaultdict(list)
    for number, piece in enumerate(pieces):
        for edge in _edges(piece.polygon):
            sides[edge].append(number)
    border: defaultdict[int, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))
    for (start, end), numbers in sides.items():
        for a, b in pairwise(numbers):
            if pieces[a].community_code == pieces[b].community_code:
                length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
                border[a][b] += length
                border[b][a] += length

    area = {number: float(piece.polygon.area) for number, piece in enumerate(pieces)}
    members = {number: [number] for number in area}
    for number in sorted((n for n in area if area[n] < smallest_m2), key=lambda n: (area[n], n)):
        if number not in members or area[number] >= smallest_m2 or not border[number]:
            continue
        # It hands itself over to the neighbour with the longest common border, and its other neighbours with it.
        heir = max(border[number], key=lambda other: (border[number][other], -other))
        members[heir] += members.pop(number)
        area[heir] += area[number]
        for other, length in border.pop(number).items():
            del border[other][number]
            if other != heir:
                border[heir][other] += length
                border[other][heir] += length

    polygons: defaultdict[str, list[Polygon]] = defaultdict(list)
    for first, group in members.items():
        faces = [pieces[number].polygon for number in group]
        polygons[pieces[first].community_code].append(faces[0] if len(faces) == 1 else shapely.union_all(faces))
    return dict(sorted(polygons.items()))


def _in_reading_order(polygons: Iterable[Polygon], side_m: int) -> list[Polygon]:
    """West to east in each row of squares, the rows from north to south."""

    def place(polygon: Polygon) -> tuple[int, float, float]:
        centre = polygon.centroid
        return -floor(centre.y / side_m), centre.x, -centre.y

    return sorted(polygons, key=place)


# --- Dividing an outline where nobody drew the borders ---------------------------------------------------------------


def divide(
    outline: Polygon | MultiPolygon, counts: Sequence[int], *, side_m: int = SIDE_M, smallest_m2: float = SMALLEST_M2
) -> list[list[MultiPolygon]]:
    """Return made-up streets of an outline (degrees), the i-th as its `counts[i]` made-up communities.

    Always the same for the same outline and counts. The communities are about equally large, leave no gap, and their
    borders run along the squares that lay_cells lays, so that cells stay whole. They are an invention: say so where
    they are shown. OutlineIsEmpty; OutlineTooSmall when there are fewer squares than communities.
    """
    if outline.is_empty:
        raise OutlineIsEmpty
    zone = zone_of(outline.centroid.x)
    whole = _ground(outline, zone)
    squares = _joined(_pieces({"": whole}, side_m), smallest_m2)[""]
    if len(squares) < sum(counts):
        raise OutlineTooSmall(squares=len(squares), communities=sum(counts))
    streets = _shared_out(squares, list(counts), side_m)
    return [
        [
            zone.to_degrees(_polygons_only(shapely.union_all(community)))
            for community in _shared_out(street, [1] * count, side_m)
        ]
        for street, count in zip(streets, counts, strict=True)
    ]


def _shared_out(squares: list[Polygon], shares: list[int], side_m: int) -> list[list[Polygon]]:
    """Halve the longer way, until one share is left; the first shares lie in the west or the north."""
    if len(shares) == 1:
        return [squares]
    half = len(shares) // 2
    centres = shapely.get_coordinates(shapely.centroid(squares))
    is_wide = np.ptp(centres[:, 0]) >= np.ptp(centres[:, 1])
    along, across = (centres[:, 0], -centres[:, 1]) if is_wide else (-centres[:, 1], centres[:, 0])
    strip = np.floor(along / side_m)
    order = np.lexsort((across, strip))
    areas = np.cumsum(shapely.area(squares)[order])
    # A cut between two strips is straight; where no strip can be left over, it runs inside one.
    least, most = sum(shares[:half]), len(squares) - sum(shares[half:])
    cuts = np.arange(least, most + 1)
    straight = cuts[strip[order[cuts - 1]] != strip[order[cuts]]]
    possible = straight if len(straight) else cuts
    wanted = areas[-1] * sum(shares[:half]) / sum(shares)
    cut = int(possible[np.argmin(np.abs(areas[possible - 1] - wanted))])
    first, second = [squares[n] for n in order[:cut]], [squares[n] for n in order[cut:]]
    return _shared_out(first, shares[:half], side_m) + _shared_out(second, shares[half:], side_m)


# --- Which cell ------------------------------------------------------------------------------------------------------


def middles(geometries: Sequence[BaseGeometry]) -> NDArray[np.object_]:
    """Return for each geometry the point that stands for it: itself, the middle of a line, a point inside a surface."""
    given = np.asarray(geometries, dtype=object)
    points: NDArray[np.object_] = shapely.point_on_surface(given)
    for number in np.flatnonzero(shapely.get_dimensions(given) == 1):
        longest = max(shapely.get_parts(given[number]), key=shapely.length)
        points[number] = longest.interpolate(0.5, normalized=True)
    return points


class CellFinder:
    """Places many points into many cells at once (some 400,000 a second)."""

    def __init__(self, boundaries: Sequence[Polygon]) -> None:
        """`boundaries` in degrees, in the order of the cells' codes."""
        self._count = len(boundaries)
        self._tree = STRtree(list(boundaries))

    def find(self, geometries: Sequence[BaseGeometry]) -> NDArray[np.intp]:
        """Return for each geometry the number of its cell, −1 where it lies outside all of them.

        A point on a border belongs to the cell with the lowest code; a line or surface lies where its middle lies.
        """
        points = middles(geometries)
        which, cell = self._tree.query(points, predicate="intersects")
        first = np.full(len(points), self._count, dtype=np.intp)
        np.minimum.at(first, which, cell)
        return np.where(first == self._count, -1, first)
