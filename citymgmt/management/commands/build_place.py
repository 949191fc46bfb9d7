"""Lay the grid over two real places: Futian in Shenzhen with its streets and roads, Cambridge with its street lights.

Real: the outlines, the names and codes of Futian's streets and communities, the roads, Cambridge's neighbourhoods, its
streets and lights, each where it stands. Made up, and marked so: the borders of Futian's streets and communities and of
Cambridge's communities, which no file gives, and Cambridge's division code.
"""

import ast
import csv
import gzip
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import shapely
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from shapely import MultiLineString, MultiPolygon, Polygon
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from citymgmt.errors import Refusal
from citymgmt.refusals import sentence
from components.actions import Surveyed, insert_components
from components.models import MinorClass
from grid.actions import insert_cells, insert_roads, multipolygon
from grid.geometry import area_m2, divide, lay_cells
from grid.models import Area, Road

FUTIAN, CAMBRIDGE = "440304", "990001"
STATE_OF_FUTIAN, STATE_OF_CAMBRIDGE = date(2023, 6, 30), date(2026, 8, 17)
COMMUNITY_M2 = 800_000
"""How large a made-up community of Cambridge is, about as large as Futian's."""

DIVISIONS = "National Bureau of Statistics, 2023, by china-division 2.7.0"
OUTLINE = "transbigdata, BSD-3-Clause"
OSM = "© OpenStreetMap contributors, ODbL"
CITY_OF_CAMBRIDGE = "City of Cambridge GIS, ODC-PDDL 1.0"

LAMP_FACTS = ("PoleID", "Intersection", "FixtureType", "NumLamps")

CLASS_OF_HIGHWAY = {
    "motorway": Road.RoadClass.MAIN,
    "trunk": Road.RoadClass.MAIN,
    "primary": Road.RoadClass.MAIN,
    "secondary": Road.RoadClass.SECONDARY,
    "tertiary": Road.RoadClass.BRANCH,
}
"""How important a road is, by OpenStreetMap's word for it; all other roads are lanes."""


class Command(BaseCommand):
    help = "Builds Futian and Cambridge from the real data in CITY_DATA; what is already built stays as it is."

    def handle(self, *args, **options):
        lamps = MinorClass.objects.current().filter(scheme="GBT47678", kind="component", name_zh="路灯")
        if not lamps.exists():
            raise CommandError("The catalogue is not loaded yet. Run: ./run manage load_standards")
        for code, build in ((FUTIAN, self._futian), (CAMBRIDGE, self._cambridge)):
            if Area.objects.current().filter(code=code).exists():
                self.stdout.write(f"{code} is already there.")
                continue
            try:
                with transaction.atomic():
                    build()
            except Refusal as refusal:
                raise CommandError(str(sentence(refusal))) from refusal

    def _futian(self) -> None:
        [outline] = [
            geometry
            for geometry, facts in features("cn/shenzhen_districts_wgs84.geojson.gz")
            if facts["qh"] == "福田"
        ]  # fmt: skip
        streets = [row for row in table("cn/streets.csv.gz") if row["areaCode"] == FUTIAN]
        communities = defaultdict(list)
        for row in table("cn/communities.csv.gz"):
            communities[row["streetCode"]].append(row)
        parts = divide(outline, [len(communities[street["code"]]) for street in streets])
        division = area(FUTIAN, "福田区", "Futian", outline, None, source=OUTLINE, valid_from=STATE_OF_FUTIAN)
        laid: dict[str, tuple[Area, MultiPolygon]] = {}
        for street, borders in zip(streets, parts, strict=True):
            facts = {"source": DIVISIONS, "is_made_up": True, "valid_from": STATE_OF_FUTIAN}
            parent = area(street["code"], street["name"], "", shapely.union_all(borders), division, **facts)
            for row, border in zip(communities[street["code"]], borders, strict=True):
                laid[row["code"]] = (area(row["code"], row["name"], "", border, parent, **facts), border)
        self._lay("Futian", laid, STATE_OF_FUTIAN)

        lines: dict[str, list[BaseGeometry]] = defaultdict(list)
        highways: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for line, facts in features("cn/futian_osm_roads.geojson.gz"):
            for name in listed(facts["name"]):
                lines[name].append(line)
                highways[name][listed(facts["highway"])[0].removesuffix("_link")] += float(facts["length"])
        self._roads(
            FUTIAN,
            ((name, class_by_length(highways[name]), parts) for name, parts in sorted(lines.items())),
            source=OSM,
            valid_from=STATE_OF_FUTIAN,
        )

    def _cambridge(self) -> None:
        lamps = MinorClass.objects.current().get(scheme="GBT47678", kind="component", name_zh="路灯")
        [(outline, _facts)] = features("cambridge/BOUNDARY_CityBoundary.geojson.gz")
        facts = {"source": CITY_OF_CAMBRIDGE, "valid_from": STATE_OF_CAMBRIDGE}
        name = "Cambridge, Massachusetts"
        division = area(CAMBRIDGE, name, name, outline, None, **facts)
        laid: dict[str, tuple[Area, MultiPolygon]] = {}
        neighbourhoods = features("cambridge/BOUNDARY_CDDNeighborhoods.geojson.gz")
        for border, about in sorted(neighbourhoods, key=lambda one: int(one[1]["N_HOOD"])):
            code, name = f"{CAMBRIDGE}{int(about['N_HOOD']):03d}", about["NAME"]
            street = area(code, name, name, border, division, **facts)
            [parts] = divide(border, [max(1, round(area_m2(border) / COMMUNITY_M2))])
            for number, part in enumerate(parts, start=1):
                label = f"{name} {number}"
                community = area(f"{code}{number:03d}", label, label, part, street, is_made_up=True, **facts)
                laid[community.code] = (community, part)
        self._lay("Cambridge", laid, STATE_OF_CAMBRIDGE)

        main = {about.get("STREET") for _line, about in features("cambridge/TRANS_MajorRoads.geojson.gz")}
        lines = defaultdict(list)
        for line, about in features("cambridge/TRANS_Centerlines.geojson.gz"):
            if about.get("Street"):
                lines[about["Street"]].append(line)
        classes = {street: Road.RoadClass.MAIN if street in main else Road.RoadClass.BRANCH for street in lines}
        self._roads(CAMBRIDGE, ((street, classes[street], lines[street]) for street in sorted(lines)), **facts)
        placed = insert_components(
            [lamp(lamps, point, about) for point, about in features("cambridge/INFRA_StreetLights.geojson.gz")],
            division=CAMBRIDGE,
            initial_date=STATE_OF_CAMBRIDGE,
        )
        self.stdout.write(
            f"Cambridge: {placed.written} street lights placed, {len(placed.outside)} outside the city left out."
        )

    def _lay(self, place: str, laid: dict[str, tuple[Area, MultiPolygon]], valid_from: date) -> None:
        cells = lay_cells({code: border for code, (_area, border) in laid.items()})
        insert_cells(cells, communities={code: one for code, (one, _border) in laid.items()}, valid_from=valid_from)
        self.stdout.write(f"{place}: {len(cells)} unit grids in {len(laid)} communities.")

    def _roads(
        self, area_code: str, roads: Iterable[tuple[str, str, list[BaseGeometry]]], *, source: str, valid_from: date
    ) -> None:
        count = insert_roads(
            ((name, road_class, joined(lines)) for name, road_class, lines in roads),
            area_code=area_code,
            source=source,
            valid_from=valid_from,
        )
        self.stdout.write(f"{area_code}: {count} named roads ({source}).")


# --- Reading ----------------------------------------------------------------------------------------------------------


def opened(name: str) -> gzip.GzipFile:
    """Return one of the real files, unpacked; a plain sentence when it is not there."""
    path = Path(settings.CITY_DATA) / name
    try:
        return gzip.open(path)
    except OSError as error:
        raise CommandError(
            f"{path} cannot be read ({error.strerror}). Set CITY_DATA to the folder with the real data."
        ) from None


def features(name: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield (geometry, properties) of a GeoJSON file in WGS 84, which is taken for CGCS2000."""
    with opened(name) as file:
        for feature in json.load(file)["features"]:
            yield shapely.force_2d(shape(feature["geometry"])), feature["properties"]


def table(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file."""
    with opened(name) as file:
        yield from csv.DictReader(io.TextIOWrapper(file, "utf-8"))


def listed(value: str | None) -> list[str]:
    """Return what stands in a field that holds nothing, one word or a list written out: ['红荔路', '红荔西路']."""
    if not value:
        return []
    return [str(one) for one in ast.literal_eval(value)] if value.startswith("[") else [value]


# --- Building ---------------------------------------------------------------------------------------------------------


def area(
    code: str, name_zh: str, name_en: str, border: Polygon | MultiPolygon, parent: Area | None, **facts: Any
) -> Area:
    level = {6: Area.Level.DIVISION, 9: Area.Level.STREET, 12: Area.Level.COMMUNITY}[len(code)]
    return Area.objects.create(
        code=code, level=level, name_zh=name_zh, name_en=name_en, parent=parent, boundary=multipolygon(border), **facts
    )


def class_by_length(lengths: dict[str, float]) -> str:
    """Return the class of a road that changes its kind on the way: that of its longest part."""
    return CLASS_OF_HIGHWAY.get(max(sorted(lengths), key=lengths.__getitem__), Road.RoadClass.LANE)


def joined(lines: list[BaseGeometry]) -> MultiLineString:
    """Return the parts of a road as one, without the way back where both directions were drawn."""
    whole = shapely.line_merge(shapely.union_all(lines))
    return whole if whole.geom_type == "MultiLineString" else MultiLineString([whole])


def lamp(minor_class: MinorClass, point: BaseGeometry, about: dict[str, Any]) -> Surveyed:
    owner = "City of Cambridge" if about.get("Owner") == "City" else about.get("Owner") or ""
    return Surveyed(
        minor_class=minor_class,
        geometry=point,
        supervising_authority_name="City of Cambridge",
        owner_name=owner,
        maintainer_name=owner,
        data_source="实测",
        note=CITY_OF_CAMBRIDGE,
        extended={name: about[name] for name in LAMP_FACTS if about.get(name)},
    )
