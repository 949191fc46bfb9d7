"""Writes the drawn county down: areas, unit grids, duty grids, roads, named places, cameras, 20,000 components."""

import uuid
from datetime import date, datetime
from random import Random

import shapely
from django.contrib.gis.geos import GEOSGeometry
from django.utils import timezone
from shapely import MultiLineString, Point

from accounts.models import Department, User
from citymgmt.demo import place
from citymgmt.demo.people import DIVISION
from citymgmt.demo.tables import rows
from components.actions import Surveyed, insert_components
from components.models import Component, MinorClass
from grid import geometry
from grid.actions import draw_duty_grid, insert_cells, multipolygon
from grid.addresses import initials
from grid.models import SRID, Area, DutyGrid, Place, Road
from patrol.actions import keep_camera, note_state
from patrol.models import Camera

SOURCE = "演示数据，纯属虚构"
DUTY_GRIDS = 8
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "yunxi.invalid")


def known_id(what: str) -> uuid.UUID:
    """Return the public number of something invented: the same in every building of the county."""
    return uuid.uuid5(NAMESPACE, what)


def draw() -> place.Drawing:
    """Return the county on paper."""
    communities: dict[str, int] = {}
    names: dict[str, list[tuple[str, str]]] = {}
    for row in rows("areas"):
        if row["level"] == "community":
            communities[row["code"][:9]] = communities.get(row["code"][:9], 0) + 1
    for row in rows("roads"):
        names.setdefault(row["road_class"], []).append((row["name_zh"], row["name_en"]))
    return place.draw(communities=list(communities.values()), names=names)


def lay(drawing: place.Drawing, *, at: datetime) -> list[DutyGrid]:
    """Write areas, cells and duty grids, valid from the day of `at`; return the duty grids."""
    day = timezone.localdate(at)
    communities = _areas(drawing, day)
    outlines = {code: shapely.from_wkt(area.boundary.wkt) for code, area in communities.items()}
    insert_cells(geometry.lay_cells(outlines), communities=communities, valid_from=day)
    codes = list(communities)
    share = len(codes) / DUTY_GRIDS
    return [
        draw_duty_grid(
            by=None,
            at=at,
            code=f"YX-{number + 1:02d}",
            name_zh=f"第{'一二三四五六七八'[number]}责任网格",
            name_en=f"Duty grid {number + 1}",
            area_code=DIVISION,
            cells=codes[round(number * share) : round((number + 1) * share)],
        )
        for number in range(DUTY_GRIDS)
    ]


def _areas(drawing: place.Drawing, day: date) -> dict[str, Area]:
    """Return the communities by code; streets and division are the sums of theirs."""
    shapes = {}
    by_street: dict[str, list[str]] = {}
    for row in rows("areas"):
        if row["level"] == "community":
            by_street.setdefault(row["code"][:9], []).append(row["code"])
    for (street, codes), parts in zip(by_street.items(), drawing.streets, strict=True):
        shapes |= dict(zip(codes, parts, strict=True))
        shapes[street] = shapely.union_all(parts)
    shapes[DIVISION] = shapely.union_all([shapes[street] for street in by_street])
    parent = {"division": 0, "street": 6, "community": 9}
    made: dict[str, Area] = {}
    for row in rows("areas"):
        made[row["code"]] = Area.objects.create(
            code=row["code"],
            level=row["level"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            parent=made.get(row["code"][: parent[row["level"]]]),
            boundary=multipolygon(shapes[row["code"]]),
            is_made_up=True,
            source=SOURCE,
            valid_from=day,
        )
    return {code: area for code, area in made.items() if area.level == "community"}


def build_roads(drawing: place.Drawing, *, at: datetime) -> None:
    """Write the roads."""
    Road.objects.bulk_create(
        Road(
            public_id=known_id(f"road {number}"),
            name_zh=road.name_zh,
            name_en=road.name_en,
            pinyin_initials=initials(road.name_zh),
            road_class=road.road_class,
            line=_geos(MultiLineString([drawing.zone.to_degrees(road.line)])),
            area_code=DIVISION,
            source=SOURCE,
            valid_from=timezone.localdate(at),
        )
        for number, road in enumerate(drawing.roads)
    )


def known_places(drawing: place.Drawing) -> list[tuple[dict, Point]]:
    """Return the named places (rows of their table), each beside a road, in metres."""
    chance = Random(f"{place.SEED}/places")
    roads = [road for road in drawing.roads if road.road_class in ("secondary", "branch") and road.line.length > 500]
    chosen = chance.sample(roads, len(rows("places")))
    return [
        (row, Point(*place.beside(road.line, chance.uniform(0.2, 0.8) * road.line.length, chance.choice((-14, 14)))))
        for row, road in zip(rows("places"), chosen, strict=True)
    ]


def build_places(drawing: place.Drawing, *, at: datetime) -> None:
    """Write the named places into the gazetteer."""
    Place.objects.bulk_create(
        Place(
            public_id=known_id(f"place {row['name_zh']}"),
            kind=Place.Kind.POI,
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            pinyin_initials=initials(row["name_zh"]),
            geometry=_geos(drawing.zone.to_degrees(point)),
            area_code=DIVISION,
            source=SOURCE,
            valid_from=timezone.localdate(at),
        )
        for row, point in known_places(drawing)
    )


def build_cameras(drawing: place.Drawing, *, by: User, at: datetime) -> None:
    """Put the cameras at their named places into the register, each as it was found."""
    there = {row["name_zh"]: point for row, point in known_places(drawing)}
    for row in rows("cameras"):
        camera = keep_camera(
            Camera(
                public_id=known_id(f"camera {row['code']}"), code=row["code"], name=row["name"], owner=row["owner"],
                level=row["level"], direction=int(row["direction"]) if row["direction"] else None,
                reach_m=int(row["reach_m"]), point=_geos(drawing.zone.to_degrees(there[row["place"]])),
                valid_from=timezone.localdate(at),
            ),
            by=by, at=at,
        )  # fmt: skip
        note_state(camera, row["state"], at=at, by=by)


def build_components(drawing: place.Drawing, departments: dict[str, Department], *, at: datetime, share: float) -> int:
    """Write the inventory along the roads and return how many components it holds; `share` 1 is all 20,000."""
    classes = {one.code: one for one in MinorClass.objects.filter(scheme=MinorClass.Scheme.GBT47678)}
    states = [Component.State.INTACT] * 97 + [Component.State.DAMAGED] * 2 + [Component.State.ABANDONED]
    streets = [
        (drawing.zone.to_metres(shapely.union_all(parts)), departments[f"yx-s{number}"])
        for number, parts in enumerate(drawing.streets, 1)
    ]
    surveyed = []
    for row in rows("inventory"):
        chance = Random(f"{place.SEED}/inventory/{row['class']}")
        roads = [road for road in drawing.roads if road.road_class in row["roads"].split(",")]
        count = max(1, round(int(row["count"]) * share))
        for number, (road, x, y) in enumerate(place.along(roads, count, float(row["offset_m"]), chance)):
            here = Point(x, y)
            owner = _party(row["owner"], here, departments, streets)
            maintainer = _party(row["maintainer"], here, departments, streets)
            surveyed.append(
                Surveyed(
                    minor_class=classes[row["class"]],
                    geometry=drawing.zone.to_degrees(here),
                    state=chance.choice(states),
                    supervising_authority_name="云溪县城市管理局",
                    owner_id=owner.pk if owner else None,
                    owner_name=owner.name_zh if owner else "不明",
                    maintainer_id=maintainer.pk if maintainer else None,
                    maintainer_name=maintainer.name_zh if maintainer else "",
                    data_source="其他",
                    note=f"{road.name_zh}。{SOURCE}",
                    public_id=known_id(f"component {row['class']} {number}"),
                )
            )
    placed = insert_components(surveyed, division=DIVISION, initial_date=timezone.localdate(at))
    return placed.written


def _party(code: str, here: Point, departments: dict[str, Department], streets) -> Department | None:
    """Return the department of that code; "street" is the street office of the place, "" is nobody known."""
    if code == "street":
        return next((office for ground, office in streets if ground.contains(here)), None)
    return departments.get(code)


def _geos(shape) -> GEOSGeometry:
    made = GEOSGeometry(memoryview(shapely.to_wkb(shape)))
    made.srid = SRID
    return made
