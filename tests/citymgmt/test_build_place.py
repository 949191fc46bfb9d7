"""Futian and Cambridge, built from the real files. Whoever has no such files hears it aloud."""

import gzip
import json
from pathlib import Path

import pytest
import shapely
from django.conf import settings
from django.contrib.gis.db.models.functions import AsWKB
from django.contrib.gis.geos import Point
from django.core.management import CommandError, call_command
from django.db.models import Max, Min, Sum

from citymgmt.management.commands.build_place import CAMBRIDGE, FUTIAN, OSM
from components.models import Component
from grid.geometry import area_m2
from grid.locate import describe, locate
from grid.models import Area, Road, UnitGrid

pytestmark = pytest.mark.django_db

HAS_DATA = (Path(settings.CITY_DATA) / "cn" / "streets.csv.gz").exists()
needs_data = pytest.mark.skipif(
    not HAS_DATA,
    reason=f"the real data are not in {settings.CITY_DATA} (set CITY_DATA): Futian and Cambridge NOT tested",
)


def cells_of(code: str) -> list[shapely.Polygon]:
    return [
        shapely.from_wkb(bytes(one)) for one in UnitGrid.objects.inside(code).values_list(AsWKB("boundary"), flat=True)
    ]


@needs_data
def test_futian_and_cambridge_are_built_as_they_are(capsys):
    call_command("load_standards", verbosity=0)
    call_command("build_place")

    # Futian: its own outline, its own names and codes; borders that no file gives are called made up.
    futian = Area.objects.get(code=FUTIAN)
    assert (futian.name_zh, futian.is_made_up) == ("福田区", False)
    streets = Area.objects.filter(parent=futian)
    assert streets.count() == 11
    assert streets.get(code="440304008").name_zh == "莲花街道"
    communities = Area.objects.filter(parent__in=streets)
    assert communities.count() == 93
    assert communities.get(code="440304001019").name_zh == "沙埔头社区居委会"
    assert {area.is_made_up for area in [*streets, *communities]} == {True}
    assert Road.objects.filter(area_code=FUTIAN, source=OSM).count() == 155
    assert Road.objects.get(area_code=FUTIAN, name_zh="深南大道").road_class == Road.RoadClass.MAIN

    # The cells cover the outline without gap or overlap.
    with gzip.open(Path(settings.CITY_DATA) / "cn" / "shenzhen_districts_wgs84.geojson.gz") as file:
        [outline] = [
            shapely.from_geojson(json.dumps(one["geometry"]))
            for one in json.load(file)["features"]
            if one["properties"]["qh"] == "福田"
        ]
    laid = cells_of(FUTIAN)
    assert shapely.coverage_is_valid(laid)
    assert shapely.union_all(laid).symmetric_difference(outline).area / outline.area < 1e-6
    sizes = UnitGrid.objects.inside(FUTIAN).aggregate(Sum("area_m2"), Min("area_m2"), Max("area_m2"))
    assert float(sizes["area_m2__sum"]) == pytest.approx(area_m2(outline), rel=1e-6)
    assert 2_500 <= sizes["area_m2__min"] < sizes["area_m2__max"] < 20_000

    # A place in Futian is found with its chain and in words.
    place = locate(Point(114.0298, 22.5358, srid=4490))
    assert place.division == futian
    assert place.unit_grid.code.startswith(place.community_code)
    assert describe(Point(114.0298, 22.5358, srid=4490))

    # Cambridge: its neighbourhoods as streets, its lights where they stand.
    assert Area.objects.filter(parent__code=CAMBRIDGE).count() == 13
    lights = Component.objects.filter(unit_grid__code__startswith=CAMBRIDGE)
    assert lights.count() == 6109
    with gzip.open(Path(settings.CITY_DATA) / "cambridge" / "INFRA_StreetLights.geojson.gz") as file:
        first = json.load(file)["features"][0]
    standing = lights.get(extended__PoleID=first["properties"]["PoleID"])
    assert standing.geometry.coords == pytest.approx(tuple(first["geometry"]["coordinates"][:2]), abs=1e-9)
    assert locate(standing.geometry).unit_grid == standing.unit_grid

    # Once more: nothing is built twice.
    before = (Area.objects.count(), UnitGrid.objects.count(), Road.objects.count(), Component.objects.count())
    call_command("build_place")
    assert (Area.objects.count(), UnitGrid.objects.count(), Road.objects.count(), Component.objects.count()) == before
    assert "already there" in capsys.readouterr().out


def test_without_the_files_it_says_where_it_looked_and_builds_nothing(settings, tmp_path):
    call_command("load_standards", verbosity=0)
    settings.CITY_DATA = tmp_path
    with pytest.raises(CommandError, match="CITY_DATA") as refused:
        call_command("build_place")
    assert str(tmp_path) in str(refused.value)
    assert not Area.objects.exists()


def test_without_the_catalogue_it_says_which_command_comes_first():
    with pytest.raises(CommandError, match="load_standards"):
        call_command("build_place", verbosity=0)
    assert not Area.objects.exists()
