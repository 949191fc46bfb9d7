"""From what somebody says of a place to points: a road and number, a crossing, a landmark, an area, a coordinate.

`sought` reads the words without asking the database; `find` answers with suggestions, the best first, in one query.
What stands in the inventory or in cases is asked by the floors above (citymgmt/views.py).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.contrib.gis.geos import Point
from django.db import connection
from django.utils.translation import get_language, gettext, override
from pypinyin import Style, lazy_pinyin

from grid.locate import ON_A_ROAD_M
from grid.models import SRID, Place

MOST = 9
"""Suggestions in one answer: so many can be chosen by a digit."""

INITIALS_MOST = 50


@lru_cache(maxsize=4096)
def initials(name: str) -> str:
    """Return the pinyin initials of a name, as people type them: 路面井盖 → lmjg, 人民路88号 → rml88h.

    Letters and digits stand as they are; every other sign is left out.
    """
    return "".join(lazy_pinyin(name, style=Style.FIRST_LETTER, errors=_kept)).lower()[:INITIALS_MOST]


def _kept(signs: str) -> str:
    return "".join(sign for sign in signs if sign.isascii() and sign.isalnum())


# — reading ——————————————————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Sought:
    """What somebody typed: a point; or names (two of a crossing) and a house number, "" where none was said."""

    text: str
    point: Point | None = None
    names: tuple[str, ...] = ()
    number: str = ""


BETWEEN_ROADS = re.compile(r"\s*(?:交叉口|交汇处|[与和及&×/、@]|\band\b)\s*")
CROSSING_WORDS = re.compile(r"(?:的)?(?:交叉口|交汇处|交叉路口|路口|crossing|corner)$", re.IGNORECASE)
NUMBER = re.compile(
    r"^(?P<name>.*?\D)\s*(?:no\.?\s*)?(?P<number>\d{1,5}(?:-\d{1,4})?)\s*(?:号|弄|#)?(?P<rest>.*)$", re.I
)
LARGEST_LATITUDE, LARGEST_LONGITUDE = 90, 180

BETWEEN_NUMBERS = re.compile(r"[,;、]|\s+(?=[-NSEW北南东西经纬\d]*\d{1,3}[.°度])")

# 31°51'36.2"N, 31度51分36秒, 31.86, N31.86, 北纬31.86: one number of a coordinate with the sides it may name.
ANGLE = re.compile(
    r"(?P<before>[NSEW北南东西]纬?经?)?\s*(?P<sign>-)?(?P<degrees>\d{1,3}(?:\.\d+)?)\s*[°度]?\s*"
    r"(?:(?P<minutes>\d{1,2}(?:\.\d+)?)\s*['′分]\s*)?(?:(?P<seconds>\d{1,2}(?:\.\d+)?)\s*(?:[\"″秒]|'')\s*)?"
    r"(?P<after>[NSEW])?",
    re.IGNORECASE,
)


def sought(text: str) -> Sought:
    """Read what somebody typed."""
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    point = coordinate(text)
    if point is not None:
        return Sought(text, point=point)
    bare = CROSSING_WORDS.sub("", text)
    names = tuple(name for name in BETWEEN_ROADS.split(bare) if name)
    if len(names) == 2 and not any(char.isdigit() for char in bare):
        return Sought(text, names=names)
    words = bare.split()
    if len(words) == 2 and all(word.isascii() and word.isalpha() and word.islower() for word in words):
        return Sought(text, names=tuple(words))  # the initials of two roads
    numbered = NUMBER.match(text)
    if numbered:
        return Sought(text, names=(numbered["name"].strip(),), number=numbered["number"])
    return Sought(text, names=(bare,) if bare else ())


def coordinate(text: str) -> Point | None:
    """Return the point of a coordinate in degrees, None when the text is none.

    Longitude and latitude may stand in either order: named ones are taken at their word, otherwise what is too large
    for a latitude is the longitude, otherwise the larger one (all of China lies east of 73° and south of 54°).
    """
    flat = unicodedata.normalize("NFKC", text).upper()
    for word in ("经度", "纬度", "LONGITUDE", "LATITUDE", "LON", "LNG", "LAT", "X", "Y", ":", "=", "(", ")"):
        flat = flat.replace(word, " ")
    parts = [part for part in BETWEEN_NUMBERS.split(flat.strip()) if part.strip()]
    if len(parts) != 2:
        return None
    read = [ANGLE.fullmatch(part.strip()) for part in parts]
    if not all(read):
        return None
    if not any("." in part or "°" in part or "度" in part for part in parts):
        return None  # two whole numbers are no coordinate
    (first, first_side), (second, second_side) = (_angle(one) for one in read)
    if first_side == "lon" or second_side == "lat":
        longitude, latitude = first, second
    elif first_side == "lat" or second_side == "lon":
        longitude, latitude = second, first
    else:
        longitude, latitude = (first, second) if abs(first) > abs(second) else (second, first)
    if abs(latitude) > LARGEST_LATITUDE or abs(longitude) > LARGEST_LONGITUDE:
        return None
    return Point(longitude, latitude, srid=SRID)


SIDES = {"N": ("lat", 1), "S": ("lat", -1), "E": ("lon", 1), "W": ("lon", -1),
         "北": ("lat", 1), "南": ("lat", -1), "东": ("lon", 1), "西": ("lon", -1)}  # fmt: skip


def _angle(read: re.Match) -> tuple[float, str]:
    """Return the degrees of one number and which it is: lon, lat, or "" when it does not say."""
    degrees = float(read["degrees"]) + float(read["minutes"] or 0) / 60 + float(read["seconds"] or 0) / 3600
    named = (read["before"] or read["after"] or "")[:1]
    which, sign = SIDES.get(named, ("", 1))
    return degrees * sign * (-1 if read["sign"] else 1), which


# — finding ——————————————————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Suggestion:
    """A place that may be meant. `label` becomes the words of the place, in the city's language; `hint` is for the eye.

    A point in degrees; `component` is the identifier of the one that is meant, `minor_class` the number of its class.
    """

    kind: str
    label: str
    hint: str
    lon: float
    lat: float
    component: str = ""
    minor_class: str = ""

    def as_json(self) -> dict:
        """Return what the page reads."""
        return {"kind": self.kind, "label": self.label, "hint": self.hint, "lon": round(self.lon, 6),
                "lat": round(self.lat, 6), "component": self.component, "minor_class": self.minor_class}  # fmt: skip


# A road is shown once however many pieces it is drawn in, at the place on it that is nearest to its middle.
_ROADS = """
    SELECT 'road' AS kind, name_zh, name_en, '' AS more, road_class AS sort,
           ST_ClosestPoint(line, ST_Centroid(line)) AS at,
           CASE WHEN name_zh = %(name)s OR pinyin_initials = %(low)s OR UPPER(name_en) = UPPER(%(name)s) THEN 0
                ELSE 1 END AS rank
      FROM (SELECT DISTINCT ON (name_zh) * FROM grid_road
             WHERE valid_to IS NULL AND (name_zh LIKE %(begins)s OR pinyin_initials LIKE %(low_begins)s
                                         OR UPPER(name_en) LIKE UPPER(%(begins)s))
             ORDER BY name_zh, ST_Length(line) DESC) road
"""
_PLACES = """
    SELECT 'place', name_zh, name_en, address, kind, ST_PointOnSurface(geometry),
           CASE WHEN name_zh LIKE %(whole_begins)s OR pinyin_initials LIKE %(whole_low_begins)s THEN 0 ELSE 2 END
      FROM (SELECT * FROM grid_place
             WHERE valid_to IS NULL AND (name_zh LIKE %(holds)s OR pinyin_initials LIKE %(whole_low_begins)s
                                         OR UPPER(name_en) LIKE UPPER(%(whole_begins)s))
             LIMIT 50) place
"""
_AREAS = """
    SELECT 'area', name_zh, name_en, code, level, ST_PointOnSurface(boundary), 3
      FROM (SELECT * FROM grid_area
             WHERE valid_to IS NULL AND boundary IS NOT NULL AND level <> 'division'
               AND (name_zh LIKE %(whole_begins)s OR UPPER(name_en) LIKE UPPER(%(whole_begins)s)) LIMIT 20) area
"""
NAMED = f"""
    SELECT kind, name_zh, name_en, more, sort, ST_X(at), ST_Y(at)
      FROM ({_ROADS} UNION ALL {_PLACES} UNION ALL {_AREAS}) found
     ORDER BY rank, char_length(name_zh), name_zh LIMIT %(most)s
"""
CROSSINGS = """
    SELECT DISTINCT ON (one.name_zh, other.name_zh) 'crossing', one.name_zh, one.name_en, other.name_zh, other.name_en,
           ST_X(at), ST_Y(at)
      FROM grid_road one
      JOIN grid_road other ON other.valid_to IS NULL AND other.name_zh <> one.name_zh
       AND (other.name_zh LIKE %(other_begins)s OR other.pinyin_initials LIKE %(other_low)s
            OR UPPER(other.name_en) LIKE UPPER(%(other_begins)s))
       AND ST_DWithin(one.line::geography, other.line::geography, %(on_a_road_m)s)
     CROSS JOIN LATERAL ST_ClosestPoint(one.line, other.line) AS at
     WHERE one.valid_to IS NULL AND (one.name_zh LIKE %(begins)s OR one.pinyin_initials LIKE %(low_begins)s
                                     OR UPPER(one.name_en) LIKE UPPER(%(begins)s))
     ORDER BY one.name_zh, other.name_zh, ST_Distance(one.line, other.line) LIMIT %(most)s
"""


def find(wanted: Sought) -> list[Suggestion]:
    """Return the places that may be meant, the best first; [] where nothing has that name. One query at most."""
    if wanted.point is not None:
        label = f"{wanted.point.x:.6f}, {wanted.point.y:.6f}"
        return [Suggestion("coordinate", label, gettext("Coordinate"), *wanted.point.coords)]
    if not wanted.names:
        return []
    if len(wanted.names) == 2:
        return [_crossing(*row[1:]) for row in _rows(CROSSINGS, wanted)]
    return [_named(wanted, *row) for row in _rows(NAMED, wanted)]


def _rows(sql: str, wanted: Sought) -> list[tuple]:
    name, other = wanted.names[0], wanted.names[-1]
    asked = {
        "name": name, "low": name.lower(), "begins": _begins(name), "low_begins": _begins(_letters(name)),
        "whole_begins": _begins(wanted.text), "whole_low_begins": _begins(_letters(wanted.text)),
        "holds": f"%{_begins(wanted.text)}", "other_begins": _begins(other), "other_low": _begins(_letters(other)),
        "on_a_road_m": ON_A_ROAD_M, "most": MOST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        return cursor.fetchall()


def _letters(text: str) -> str:
    """Return what may be pinyin initials, else something that no initials begin with."""
    return text.lower() if text.isascii() and text.isalnum() and not text.isdigit() else "?"


def _begins(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"


def _hint(kind: str, zh: str, en: str) -> str:
    """Return what it is and, for a reader of English, its English name."""
    return f"{kind} · {en}" if en and en != zh and not (get_language() or "zh").startswith("zh") else kind


def _crossing(one: str, one_en: str, other: str, other_en: str, lon: float, lat: float) -> Suggestion:
    with override(settings.LANGUAGE_CODE):
        label = gettext("crossing of %(road)s and %(other)s") % {"road": one, "other": other}
    english = f"{one_en} / {other_en}" if one_en and other_en else ""
    return Suggestion("crossing", label, _hint(gettext("Crossing"), label, english), lon, lat)


def _named(wanted: Sought, kind: str, zh: str, en: str, more: str, sort: str, lon: float, lat: float) -> Suggestion:
    if kind == "road" and wanted.number:
        with override(settings.LANGUAGE_CODE):
            label = gettext("%(road)s No. %(number)s") % {"road": zh, "number": wanted.number}
        hint = gettext("the middle of the road: the number is not known here")
        return Suggestion("road", label, _hint(hint, zh, en), lon, lat)
    kinds = {"road": gettext("Road"), "area": more, "place": more or str(dict(Place.Kind.choices).get(sort, ""))}
    return Suggestion(kind, zh, _hint(kinds[kind], zh, en), lon, lat)
