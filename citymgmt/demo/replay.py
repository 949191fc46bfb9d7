"""Real cases of another city, lived again through the real actions: their times, their promises, their results.

The file tells when a request was opened, by when the city meant to be done, and when it was. The rest of a case's life
(accepted, filed and dispatched at once; checked and closed at once) takes no time here, so that a department is judged
by exactly what the file says. Place and people are invented: see fixtures/replay.
"""

import csv
import gzip
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import shapely
from django.conf import settings as site
from django.contrib.gis.geos import Point
from django.db import transaction

from accounts import actions as accounts
from accounts.models import Department, User
from accounts.roles import Role
from cases import actions as cases
from cases.models import Case
from citymgmt.demo.timeline import Story, Timeline, progress
from citymgmt.live_publish import in_silence
from components.models import FilingCondition, MinorClass
from dispatch import actions as dispatch
from evaluation import actions as evaluation
from evaluation.models import EvalGroup
from evaluation.periods import PeriodType, period_of
from grid import geometry
from grid.actions import insert_cells, multipolygon
from grid.models import SRID, Area
from office import settings

FILE = "boston311/boston311_2011-07_2011-10.csv.gz"
THERE = ZoneInfo("America/New_York")
DIVISION = "999911"
GROUP = "Boston 2011"
YEAR = date(2011, 1, 1)
NEXT_YEAR = date(2012, 1, 1)
LAST = date(2020, 1, 1)
"""By then the last case of the file was closed: these departments and people are of the past."""

SOURCE = "City of Boston, 311 service requests, ODC-PDDL 1.0"
MADE_UP = "网格与社区为虚构"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "boston311.invalid")

# Streets of so many communities each; a community holds at most 999 cells.
COMMUNITIES = (8, 8, 8, 8, 8, 8)
SIDE_M = 250
"""Coarser cells than a city's own: nobody patrols here, and there are 300 km² of them."""

MARGIN_M = 250
AT_ONCE = 1000
"""So many cases are written together, or none of them."""

Say = Callable[[str], None]


class NoFile(Exception):
    """The real data are not where CITY_DATA points to."""


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of the file. Raises NoFile."""
    if not path.is_file():
        raise NoFile(path)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def table(name: str) -> list[dict[str, str]]:
    """Return one of the mapping tables."""
    with open(site.BASE_DIR / "fixtures" / "replay" / f"{name}.tsv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def instant(text: str) -> datetime | None:
    """Return the instant of a local time of the file; None for an empty one."""
    return datetime.fromisoformat(text).replace(tzinfo=THERE) if text else None


def replay(*, limit: int, at: datetime, say: Say) -> int:
    """Live those of the first `limit` cases of the file that are not there yet; return how many. Raises NoFile."""
    path = Path(site.CITY_DATA) / FILE
    with transaction.atomic():
        if not Department.objects.filter(code="bos").exists():
            say("Laying cells over the extent of the cases")
            _build(list(rows_of(path)), at=at)
    stage = Stage()
    known = set(Case.objects.filter(area_code__startswith=DIVISION).values_list("public_id", flat=True))
    missing = [row for row in islice(rows_of(path), limit) if known_id(row) not in known]
    for start in range(0, len(missing), AT_ONCE):
        portion = missing[start : start + AT_ONCE]
        with in_silence(), transaction.atomic():
            _live(portion, stage)
        say(f"{progress((start + len(portion)) / len(missing))} {start + len(portion)} of {len(missing)} cases")
    if missing:
        say("Counting the year 2011")
        evaluation.freeze(period_of(PeriodType.YEAR, YEAR), at=at)
    return len(missing)


def known_id(row: dict[str, str]) -> uuid.UUID:
    """Return the public number of a case of the file."""
    return uuid.uuid5(NAMESPACE, row["case_enquiry_id"])


# --- The stage: place, people, classes -------------------------------------------------------------------------------


def _build(rows: list[dict[str, str]], *, at: datetime) -> None:
    _build_cells(rows)
    _build_people(at)
    EvalGroup.objects.get_or_create(code=GROUP, defaults={"name_zh": "波士顿 2011", "name_en": GROUP, "sort": 90})
    for row in table("classes"):
        MinorClass.objects.create(
            scheme=MinorClass.Scheme.LOCAL,
            kind=MinorClass.Kind.EVENT,
            major_code="99",
            major_name_zh="重放案例",
            major_name_en="Replayed cases",
            minor_code=row["minor_code"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            is_extension=True,
            valid_from=YEAR,
            valid_to=NEXT_YEAR,
        )
    # The city's own promises hold here, and no others: types without one have none, nobody verifies beforehand.
    for key, value in (("cases.limit.default_working_hours", 0), ("cases.verify_sources", [])):
        settings.set_value(key, value, by=None, at=at, area_code=DIVISION, valid_from=YEAR)


def _build_cells(rows: Iterable[dict[str, str]]) -> None:
    points = shapely.MultiPoint(list({(float(row["longitude"]), float(row["latitude"])) for row in rows}))
    zone = geometry.zone_of(points.centroid.x)
    extent = zone.to_degrees(zone.to_metres(points.convex_hull).buffer(MARGIN_M))
    drawn = geometry.divide(extent, COMMUNITIES, side_m=SIDE_M)

    def area(code: str, level: str, name_zh: str, name_en: str, parent: Area | None, shape) -> Area:
        return Area.objects.create(
            code=code, level=level, name_zh=name_zh, name_en=name_en, parent=parent, boundary=multipolygon(shape),
            is_made_up=True, source=MADE_UP, valid_from=YEAR,
        )  # fmt: skip

    division = area(DIVISION, "division", "波士顿（案例重放）", "Boston (replayed cases)", None, extent)
    outlines, communities = {}, {}
    for number, parts in enumerate(drawn, 1):
        code = f"{DIVISION}{number:03d}"
        whole = shapely.union_all(parts)
        street = area(code, "street", f"第{number}片区", f"Section {number}", division, whole)
        for place, part in enumerate(parts, 1):
            inner = f"{code}{place:03d}"
            name = f"{number}-{place}"
            communities[inner] = area(inner, "community", f"{name}社区", f"Community {name}", street, part)
            outlines[inner] = part
    insert_cells(geometry.lay_cells(outlines, side_m=SIDE_M), communities=communities, valid_from=YEAR)


def _build_people(at: datetime) -> None:
    def department(code: str, name_zh: str, name_en: str, kind: str, parent=None, **facts) -> Department:
        return accounts.create_department(
            by=None, at=at, code=code, name_zh=name_zh, name_en=name_en, kind=kind, parent=parent, valid_from=YEAR,
            valid_to=LAST,
            **{"area_code": DIVISION, "is_evaluated": False, "sends_messages": False, **facts},
        )  # fmt: skip

    def person(username: str, name_zh: str, name_en: str, role: Role, where: Department) -> None:
        user = User(username=username, staff_number=username.upper(), name_zh=name_zh, name_en=name_en)
        user.set_unusable_password()
        user.must_change_password = False
        user.save(force_insert=True)
        accounts.appoint(user, by=None, at=at, role=role, department=where, valid_from=YEAR, valid_to=LAST)

    kind = Department.Kind
    top = department("bos", "波士顿（案例重放）", "Boston (replayed cases)", kind.DEPARTMENT)
    supervision = department(
        "bos-jd", "波士顿监督中心（重放）", "Boston supervision (replayed)", kind.SUPERVISION_CENTRE, top
    )
    command = department("bos-zh", "波士顿指挥中心（重放）", "Boston command (replayed)", kind.COMMAND_CENTRE, top)
    person("bos.desk", "重放受理席", "Replay: acceptance", Role.ACCEPTANCE_OPERATOR, supervision)
    person("bos.leader", "重放值班长", "Replay: duty leader", Role.DUTY_LEADER, supervision)
    person("bos.collector", "重放采集员", "Replay: collector", Role.COLLECTOR, supervision)
    person("bos.dispatcher", "重放派遣席", "Replay: dispatcher", Role.DISPATCHER, command)
    for row in table("departments"):
        own = department(
            row["code"], row["name_zh"], row["name_en"], kind.DEPARTMENT, top, evaluation_group=GROUP, is_evaluated=True
        )
        username = row["code"].replace("bos-", "bos.at.")
        person(username, f"重放{row['name_zh'][3:]}", f"Replay: {row['name_en']}", Role.DEPARTMENT_OPERATOR, own)


class Stage:
    """Everybody and everything a case of the file meets, read once."""

    def __init__(self) -> None:
        self.people = {user.username: user for user in User.objects.filter(username__startswith="bos.")}
        of_code = {one.code: one for one in Department.objects.filter(path__startswith="/bos/")}
        self.departments = {row["department"]: of_code[row["code"]] for row in table("departments")}
        of_name = {one.minor_code: one for one in MinorClass.objects.filter(scheme="LOCAL", major_code="99")}
        self.classes = {row["reason"]: of_name[row["minor_code"]] for row in table("classes")}
        self.sources = {row["source"]: row["ours"] for row in table("sources")}
        self._conditions = {
            (one.minor_class_id, one.condition_zh, one.limit_value): one
            for one in FilingCondition.objects.filter(minor_class__in=of_name.values())
        }

    def operator(self, department: Department) -> User:
        return self.people[department.code.replace("bos-", "bos.at.")]

    def condition(self, minor_class: MinorClass, kind: str, hours: Decimal | None) -> FilingCondition:
        """Return the filing condition of a type with this promise, written down when it is met for the first time."""
        key = (minor_class.pk, kind, hours)
        if key not in self._conditions:
            number = 1 + sum(1 for one in self._conditions if one[0] == minor_class.pk)
            self._conditions[key] = FilingCondition.objects.create(
                minor_class=minor_class,
                number=number,
                condition_zh=kind,
                condition_en=kind,
                close_condition_zh="案例文件记为已关闭",
                close_condition_en="Closed according to the file",
                limit_value=hours,
                limit_unit=FilingCondition.LimitUnit.CONTINUOUS_HOUR if hours else "",
                source=SOURCE,
                valid_from=YEAR,
                valid_to=NEXT_YEAR,
            )
        return self._conditions[key]


# --- The lives -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """One row of the file."""

    row: dict[str, str]

    @cached_property
    def opened_at(self) -> datetime:
        return instant(self.row["open_dt"])

    @cached_property
    def closed_at(self) -> datetime | None:
        return instant(self.row["closed_dt"])

    @cached_property
    def promised_hours(self) -> Decimal | None:
        """The promise in hours, exact to the second; None where the city made none."""
        target = instant(self.row["target_dt"])
        if target is None:
            return None
        # Three of 41,827 were to be done before they were opened: they are late at once.
        seconds = max(target.timestamp() - self.opened_at.timestamp(), 0)
        return max((Decimal(int(seconds)) / 3600).quantize(Decimal("0.000001")), Decimal("0.000001"))

    @property
    def point(self) -> Point:
        return Point(float(self.row["longitude"]), float(self.row["latitude"]), srid=SRID)


def _live(rows: list[dict[str, str]], stage: Stage) -> None:
    timeline = Timeline()
    ends = []
    for row in rows:
        request = Request(row)
        ends.append(request.closed_at or request.opened_at)
        timeline.spawn(_story(request, stage))
    timeline.run(max(ends), after_each=lambda _at: None)


def _story(request: Request, stage: Stage) -> Story:
    row, people = request.row, stage.people
    minor_class, department = stage.classes[row["reason"]], stage.departments[row["department"]]
    at = yield request.opened_at
    case = cases.report(
        by=people["bos.desk"],
        at=at,
        source=stage.sources[row["source"]],
        minor_class=minor_class,
        point=request.point,
        description=f"{row['case_title'].strip()} · {row['type'].strip()} · {row['case_enquiry_id']}",
        address=" ".join(row["location"].split()) or row["neighborhood"].strip() or "Boston",
        public_id=known_id(row),
    )
    case = cases.accept(case, by=people["bos.desk"], at=at)
    condition = stage.condition(minor_class, row["type"].strip(), request.promised_hours)
    case = cases.file(case, by=people["bos.leader"], at=at, condition=condition)
    case = dispatch.dispatch(case, by=people["bos.dispatcher"], at=at, department=department)
    if request.closed_at is None:
        return
    at = yield request.closed_at
    stint = case.stints.get()
    opinion = row["closure_reason"].strip() or row["case_status"]
    dispatch.hand_over(stint, by=stage.operator(department), at=at, opinion=opinion)
    case = dispatch.pass_on(stint, by=people["bos.dispatcher"], at=at)
    case = cases.send_check(case, by=people["bos.desk"], at=at, collector=people["bos.collector"])
    case = cases.check(case.tasks.get(), by=people["bos.collector"], at=at, result="pass")
    cases.close(case, by=people["bos.leader"], at=at, met=True)
