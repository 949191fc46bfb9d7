"""What the lives of the demonstration share: the people at their seats, the streets and what stands in them."""

from dataclasses import dataclass
from datetime import datetime
from random import Random

import shapely
from django.contrib.gis.geos import Point
from shapely import STRtree

from accounts.models import Department, User
from cases.models import Case
from citymgmt.demo import ground, place
from citymgmt.demo.album import Album
from citymgmt.demo.people import DIVISION, Town
from citymgmt.demo.tables import rows
from citymgmt.demo.timeline import Timeline
from components.models import Component, FilingCondition, MinorClass
from grid.models import SRID, DutyGrid, UnitGrid
from patrol.models import CollectorGrid

HOT_SHARE = 0.35
NEAR_A_CROSSING_M = 60
STANDS_IN_EVERY = 9


@dataclass(frozen=True)
class Spot:
    """A place in the county: the point, words for it, its duty grid, the component that stands there."""

    point: Point
    address: str
    duty_grid: str
    component: Component | None = None


@dataclass(frozen=True)
class Habits:
    """How a department works."""

    late_rate: float
    return_rate: float


class World(Timeline):
    """The county with its people, in which lives go on one step after the other."""

    def __init__(self, town: Town) -> None:
        super().__init__()
        self.town = town
        self.people, self.operators = town.people, town.operators
        self.habits = {
            row["code"]: Habits(float(row["late_rate"]), float(row["return_rate"]))
            for row in rows("departments")
            if row["operator"]
        }
        self.album = Album()
        self.classes = {
            one.code: one for one in MinorClass.objects.filter(scheme=MinorClass.Scheme.GBT47678, valid_to__isnull=True)
        }
        self._conditions: dict[int, list[FilingCondition]] = {}
        for condition in FilingCondition.objects.filter(is_active=True, valid_to__isnull=True).order_by("number"):
            self._conditions.setdefault(condition.minor_class_id, []).append(condition)
        self._collectors: dict[str, list[User]] = {}
        by_id = {user.pk: user for user in self.people.values()}
        for row in CollectorGrid.objects.select_related("duty_grid").order_by("duty_grid__code", "id"):
            self._collectors.setdefault(row.duty_grid.code, []).append(by_id[row.collector_id])
        of_a_grid = {one.pk for mine in self._collectors.values() for one in mine}
        collectors = [self.people[row["username"]] for row in rows("collectors")]
        self.collectors = {one.pk for one in collectors}
        self._stand_ins = [one for one in collectors if one.pk not in of_a_grid]
        self._customs = {(row["class"], row["street"]): row["department"] for row in rows("customs")}
        self.streets = Streets()

    def by_custom(self, case: Case) -> str:
        """Return the code of the department that does such cases there, whatever the table says; "" for none."""
        return self._customs.get((case.minor_class.code, case.area_code[:9]), "")

    # — who sits where

    def _shift(self, user_names: tuple[str, str], at: datetime) -> User:
        """Two people share a seat, day by day."""
        return self.people[user_names[at.toordinal() % 2]]

    def desk(self, at: datetime) -> User:
        return self._shift(("shouli", "shouli2"), at)

    def leader(self, at: datetime) -> User:
        return self._shift(("zhibanzhang", "zhibanzhang2"), at)

    def dispatcher(self, at: datetime) -> User:
        return self._shift(("paiqian", "paiqian2"), at)

    def collector_of(self, duty_grid: str, number: int) -> User:
        """One of the collectors of a duty grid, or whoever stands in for them."""
        if number % STANDS_IN_EVERY == 0:
            return self._stand_ins[number // STANDS_IN_EVERY % len(self._stand_ins)]
        mine = self._collectors[duty_grid]
        return mine[number % len(mine)]

    def another_collector(self, duty_grid: str, seen: set[int], number: int) -> User:
        """A collector who has not seen it yet: of the same duty grid, else of another."""
        grids = list(self._collectors)
        start = grids.index(duty_grid)
        for step in range(len(grids)):
            free = [one for one in self._collectors[grids[(start + step) % len(grids)]] if one.pk not in seen]
            if free:
                return free[number % len(free)]
        raise LookupError(duty_grid)

    def handler_of(self, department: Department, number: int) -> User:
        mine = self.town.handlers[department.code]
        return mine[number % len(mine)]

    def condition_of(self, life) -> FilingCondition:
        """The filing condition that fits a life's problem; the first ones of a class are the most common."""
        mine = self._conditions[life.minor_class.pk]
        chance = Random(f"{place.SEED}/condition/{life.number}")
        return chance.choices(mine, weights=[1 / (rank + 1) for rank in range(len(mine))])[0]


class Streets:
    """Where problems turn up: along the drawn roads, around crowded places, at components."""

    def __init__(self) -> None:
        drawing = ground.draw()
        self._zone = drawing.zone
        self._roads = {kind: [r for r in drawing.roads if r.road_class == kind] for kind in
                       ("main", "secondary", "branch", "lane")}  # fmt: skip
        self._all = drawing.roads
        self._tree = STRtree([road.line for road in drawing.roads])
        self._crowds = [(row["crowd"], point) for row, point in ground.known_places(drawing) if row["crowd"]]
        self._names = [row["name_zh"] for row, _point in ground.known_places(drawing)]
        self._places = STRtree([point for _row, point in ground.known_places(drawing)])
        self._grids = _DutyGrids()
        self._components: dict[str, list[int]] = {}
        of_class = Component.objects.filter(identifier__startswith=DIVISION, valid_to__isnull=True).order_by(
            "identifier"
        )
        for pk, major, minor in of_class.values_list("pk", "minor_class__major_code", "minor_class__minor_code"):
            self._components.setdefault(f"{major}-{minor}", []).append(pk)

    def spot(self, what: dict, chance: Random, *, in_duty_grid: str = "") -> Spot:
        """Return a place where such a problem turns up, in one duty grid if it has to be."""
        while True:
            spot = self._component(what, chance) if not what["descriptions"] else self._beside_a_road(what, chance)
            if spot is not None and in_duty_grid in ("", spot.duty_grid):
                return spot

    def _component(self, what: dict, chance: Random) -> Spot | None:
        component = Component.objects.select_related("owner", "maintainer").get(
            pk=chance.choice(self._components[what["class"]])
        )
        degrees = shapely.Point(component.geometry.x, component.geometry.y)
        return self._spot(self._zone.to_metres(degrees), degrees, component)

    def _beside_a_road(self, what: dict, chance: Random) -> Spot | None:
        crowds = [point for scene, point in self._crowds if scene in (what["scene"], what["hours"])]
        if crowds and chance.random() < HOT_SHARE:
            middle = chance.choice(crowds)
            here = shapely.Point(chance.gauss(middle.x, 25), chance.gauss(middle.y, 25))
        else:
            roads = [road for kind in what["roads"].split(",") for road in self._roads[kind]]
            road = chance.choices(roads, weights=[road.line.length for road in roads])[0]
            offset = chance.uniform(4, 9) * chance.choice((1, -1))
            here = shapely.Point(place.beside(road.line, chance.uniform(0, 1) * road.line.length, offset))
        return self._spot(here, self._zone.to_degrees(here), None)

    def _spot(self, metres: shapely.Point, degrees: shapely.Point, component: Component | None) -> Spot | None:
        duty_grid = self._grids.of(degrees)
        if duty_grid is None:
            return None
        return Spot(Point(degrees.x, degrees.y, srid=SRID), self._address(metres), duty_grid, component)

    def _address(self, here: shapely.Point) -> str:
        """Words for a place, as people say it: at a crossing, beside something known, at a house number."""
        near = sorted(
            (self._all[number].line.distance(here), self._all[number].name_zh, number)
            for number in self._tree.query(here.buffer(NEAR_A_CROSSING_M))
        )
        known = self._places.query_nearest(here, max_distance=90)
        if not near:
            return f"{self._names[known[0]]}附近" if len(known) else ""
        _distance, name, number = near[0]
        if len(known):
            return f"{name}{self._names[known[0]]}附近"
        if len(near) > 1 and near[1][0] < NEAR_A_CROSSING_M:
            return f"{name}与{near[1][1]}交叉口附近"
        return f"{name}{int(self._all[number].line.project(here) / 8) * 2 + 1}号门前"


class _DutyGrids:
    """Which duty grid a point lies in."""

    def __init__(self) -> None:
        cells = UnitGrid.objects.filter(code__startswith=DIVISION).order_by("code")
        self._code = dict(DutyGrid.objects.filter(area_code=DIVISION).values_list("memberships__unit_grid", "code"))
        self._keys, shapes = [], []
        for pk, boundary in cells.values_list("pk", "boundary"):
            self._keys.append(pk)
            shapes.append(shapely.from_wkb(bytes(boundary.wkb)))
        self._finder = ground.geometry.CellFinder(shapes)

    def of(self, degrees: shapely.Point) -> str | None:
        found = self._finder.find([degrees])[0]
        return None if found < 0 else self._code[self._keys[found]]
