"""A large city for measuring: any number of open and closed cases on top of the demonstration county, by COPY.

It lives in a database of its own beside the site's (bench_city), is kept, and is built anew when another size is asked
for. A case has two or three events. Every row passes the constraints, the triggers and `manage.py verify_history`:
while rows are poured in, indexes and foreign keys are away; putting them back examines every row.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

TOP = Path(__file__).parents[1]
DATABASE = "bench_city"
RECIPE = 2  # raised whenever the rows become others: a city of an older recipe is built anew
PROCESSES = 2
CHUNK = 5_000
DAY = 86_400
YEARS_OF_CLOSED_S = 3 * 365 * DAY
SPOTS = 1_500
NULL = "\\N"

# --- The database ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class City:
    """What stands in the database: its name, how many cases were made, and the instant at which it stands still."""

    database: str
    open: int
    closed: int
    made_at: datetime


def use(*, open: int, closed: int, lean: bool = False, database: str = DATABASE, say=print) -> City:
    """Point this process (and its children) at a city of this size and start Django; build it when it is not there.

    `lean`: closed cases get no stints and no clocks. Call it before anything of Django is imported.
    """
    before = _described(database)
    wanted = {"open": open, "closed": closed, "lean": lean, "recipe": RECIPE}
    fits = before is not None and {key: before.get(key) for key in wanted} == wanted
    if not fits:
        _create(database)
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ[name] = _url(database, name)
    os.environ["CITY_INSTANCE"] = f"{os.environ['CITY_INSTANCE']}_{database}"
    _manage("migrate", "--no-input", "--verbosity", "0")
    _manage("grant_app_role")
    if not fits:
        _manage("load_standards")
        made_at = datetime.now(UTC).replace(microsecond=0)
        build = [sys.executable, "-m", "bench.city", "--fill", "--open", str(open), "--closed", str(closed)]
        subprocess.run(
            [*build, *(["--lean"] if lean else []), "--made-at", made_at.isoformat()],
            check=True, cwd=TOP, env={**os.environ, "CITY_DB_ROLE": "owner"},
        )  # fmt: skip
        _describe(database, {**wanted, "made_at": made_at.isoformat()})
        before = _described(database)
    else:
        say(f"{database} stands already: {open} open, {closed} closed")
    _start_django()
    return City(database, open, closed, datetime.fromisoformat(before["made_at"]))


def _url(database: str, name: str = "DATABASE_OWNER_URL") -> str:
    url = os.environ.get(name) or os.environ["DATABASE_URL"]
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _administer(sql: str, *values) -> list:
    connection = psycopg2.connect(_url("postgres"))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def _described(database: str) -> dict | None:
    rows = _administer("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", database)
    return json.loads(rows[0][0]) if rows and rows[0][0] else None


def _describe(database: str, facts: dict) -> None:
    _administer(f"COMMENT ON DATABASE {database} IS %s", json.dumps(facts))


def _create(database: str) -> None:
    _administer(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
    _administer(f"CREATE DATABASE {database}")


def _manage(*command: str) -> None:
    subprocess.run([sys.executable, "manage.py", *command], check=True, cwd=TOP, stdout=subprocess.DEVNULL)


def _start_django() -> None:
    import django

    django.setup()


# --- What the rows are made of --------------------------------------------------------------------------------------


@dataclass
class Ground:
    """Everything the rows refer to, as plain values, read once."""

    supervision: int = 0
    command: int = 0
    supervision_path: str = ""
    command_path: str = ""
    collectors: list[tuple[int, str]] = field(default_factory=list)
    operators: list[tuple[int, str]] = field(default_factory=list)
    leaders: list[tuple[int, str]] = field(default_factory=list)
    dispatchers: list[tuple[int, str]] = field(default_factory=list)
    departments: dict[int, tuple[str, str, list[int]]] = field(default_factory=dict)  # id → code, path, handlers
    spots: list["Spot"] = field(default_factory=list)
    problems: list["Problem"] = field(default_factory=list)
    constants: dict[str, tuple[list[str], str]] = field(default_factory=dict)  # table → the columns left, their values


@dataclass(slots=True)
class Spot:
    """A place on a street. `row` holds its columns of a case after the point."""

    x: float
    y: float
    grid_code: str
    street: str
    row: str
    lexemes: str


@dataclass(slots=True)
class Problem:
    """A class with one of its descriptions and the condition it is filed under."""

    class_id: int
    class_code: str
    department: int
    condition_id: int
    condition: int
    close_condition: str
    limit_value: Decimal
    limit_unit: str
    description: str
    lexemes: str


CASE = (
    "id", "public_id", "number", "source", "stage", "minor_class_id", "filing_condition_id", "description", "urgency",
    "point", "address", "unit_grid_id", "area_code", "area_names", "duty_grid_id", "road_id", "road_class",
    "reported_by_id", "holder_side", "holder_department_id", "holder_user_id", "limit_value", "limit_unit",
    "close_condition", "clock", "clock_started_at", "yellow_at", "due_at", "clock_paused", "reported_at",
    "recorded_at", "filed_at", "closed_at", "moved_at", "version", "event_count", "last_hash", "search",
)  # fmt: skip
STINT = (
    "id", "public_id", "case_id", "department_id", "department_path", "stage", "handler_id", "dispatched_by_id",
    "dispatched_at", "received_at", "handed_over_at", "ended_at", "due_at", "suspended_until",
)  # fmt: skip
TASK = ("id", "public_id", "case_id", "kind", "stage", "collector_id", "sent_by_id", "sent_at", "due_at")
PART = ("id", "case_id", "actor_id", "side", "had_hand", "has_judged")
EVENT = (
    "id", "case_id", "sequence", "at", "recorded_at", "verb", "subject", "subject_id", "side", "proof", "actor_id",
    "role", "department_id", "from_stage", "to_stage", "facts", "payload", "hash",
)  # fmt: skip
TEXT = ("id", "case_id", "sequence", "salt", "text")
CLOCK = (
    "id", "case_id", "stint_id", "task_id", "name", "holder_department_id", "holder_user_id", "state", "limit_value",
    "limit_unit", "started_at", "running_since", "used_seconds", "due_at", "yellow_at", "paused_at", "resume_at",
    "stopped_at", "next_look_at", "told_level",
)  # fmt: skip
ENTRY = ("id", "clock_id", "case_id", "kind", "at", "recorded_at", "due_before", "due_after", "used_seconds",
         "event_sequence")  # fmt: skip
# In this order: a table refers only to those before it.
TABLES = {
    "cases_case": CASE, "cases_handlingstint": STINT, "cases_fieldtask": TASK, "cases_casepart": PART,
    "cases_caseevent": EVENT, "cases_eventtext": TEXT, "cases_stageclock": CLOCK, "cases_clockentry": ENTRY,
}  # fmt: skip

# Stage, its share of the open cases, the last move that led there with who made it, the clock that runs now.
OPEN_STAGES = (
    ("reported", 5, "", "", "accept"),
    ("accepted", 4, "accept", "operator", "send_verify"),
    ("verifying", 4, "send_verify", "operator", "verify"),
    ("pending_filing", 5, "accept", "operator", "filing"),
    ("pending_dispatch", 5, "file", "leader", "dispatch"),
    ("pending_handle", 12, "dispatch", "dispatcher", "handling"),
    ("handling", 42, "dispatch", "dispatcher", "handling"),
    ("suspended", 4, "dispatch", "dispatcher", "handling"),
    ("handed_over", 5, "dispatch", "dispatcher", "pass_on"),
    ("pending_check", 5, "pass_on", "dispatcher", "send_check"),
    ("checking", 5, "send_check", "operator", "check"),
    ("pending_close", 4, "send_check", "operator", "close"),
)
BEFORE_FILING = {"reported", "accepted", "verifying", "pending_filing"}
STINT_STAGE = {
    "pending_handle": "pending_handle", "handling": "handling", "suspended": "suspended", "handed_over": "handed_over",
    "pending_check": "accepted", "checking": "accepted", "pending_close": "accepted", "closed": "accepted",
}  # fmt: skip
MINUTES = {"accept": 15, "send_verify": 15, "verify": 30, "filing": 15, "dispatch": 15, "pass_on": 15,
           "send_check": 15, "check": 30, "close": 15}  # fmt: skip
TOLD_YELLOW, TOLD_DUE = 81, 101  # levels of cases/escalation.py: the lamp of 80 per cent, the deadline
AFTER_HANDLING_S = (15 + 15 + 30 + 15) * 60
COMMAND_CLOCKS = {"dispatch", "pass_on"}
SOURCES = ("collector",) * 6 + ("hotline",) * 3 + ("web",)
WORDS = ("已处理完毕。", "现场已恢复。", "已清运并冲洗。", "经核查，结果属实。")


class Days(dict):
    """Day number since 1970 → its date in ISO form."""

    def __missing__(self, day: int) -> str:
        self[day] = made = datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m-%d")
        return made


_days = Days()
_times = [f"T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}+00:00" for s in range(DAY)]


def iso(second: int) -> str:
    """Return a second since 1970 as the program writes instants in UTC; PostgreSQL reads it too."""
    return _days[second // DAY] + _times[second % DAY]


def read_ground() -> Ground:
    """Build the county (places, people, catalogue) if need be, and read what rows refer to."""
    from django.utils import timezone

    from accounts.models import Appointment, Department
    from accounts.roles import Role
    from citymgmt.demo import building, people, tables
    from components.models import FilingCondition

    at = timezone.now().replace(microsecond=0)
    start = at - timezone.timedelta(days=4 * 365)
    building.build_ground(start=start, at=at, share=0.05, say=lambda text: None)
    people.take_seats(people.Town.remember(), at=at)

    ground = Ground()
    by_kind = {one.kind: one for one in Department.objects.all()}
    supervision = by_kind[Department.Kind.SUPERVISION_CENTRE]
    command = by_kind[Department.Kind.COMMAND_CENTRE]
    ground.supervision, ground.supervision_path = supervision.pk, supervision.path
    ground.command, ground.command_path = command.pk, command.path
    held: dict[str, list] = {}
    for one in Appointment.objects.select_related("user", "department").order_by("id"):
        held.setdefault(one.role, []).append(one)
    for name, role in (("collectors", Role.COLLECTOR), ("operators", Role.ACCEPTANCE_OPERATOR),
                       ("leaders", Role.DUTY_LEADER), ("dispatchers", Role.DISPATCHER)):  # fmt: skip
        setattr(ground, name, [(one.user_id, one.user.staff_number) for one in held[role]])
    for one in Department.objects.exclude(evaluation_group=""):
        handlers = [held_by.user_id for held_by in held[Role.HANDLER] if held_by.department_id == one.pk]
        ground.departments[one.pk] = (one.code, one.path, handlers)
    by_code = {code: key for key, (code, _path, _handlers) in ground.departments.items()}

    lexemes = _lexemes_of()
    ground.spots = list(_spots(lexemes))
    conditions: dict[str, list] = {}
    for one in FilingCondition.objects.filter(is_active=True).select_related("minor_class").order_by("number"):
        if one.minor_class.scheme == "GBT47678":
            conditions.setdefault(one.minor_class.code, []).append(one)
    answerable = {row["class"]: row["department"] for row in tables.rows("responsibilities")}
    fallback = sorted(by_code)
    for row in tables.rows("problems"):
        minor = conditions[row["class"]][0].minor_class
        code = answerable.get(row["class"], fallback[len(ground.problems) % len(fallback)])
        for description in row["descriptions"].split("|"):
            condition = conditions[row["class"]][len(ground.problems) % len(conditions[row["class"]])]
            ground.problems += [Problem(
                class_id=minor.pk,
                class_code=minor.code,
                department=by_code.get(code, by_code[fallback[0]]),
                condition_id=condition.pk,
                condition=condition.number,
                close_condition=condition.close_condition_zh.replace("\n", " "),
                limit_value=condition.limit_value or Decimal(4),
                limit_unit=condition.limit_unit or "working_hour",
                description=description,
                lexemes=lexemes(f"{description} {minor.name_zh}"),
            )] * max(1, int(row["weight"]) // 5)  # fmt: skip
    ground.constants = _constants(ground)
    return ground


def _lexemes_of():
    """Return a function that gives a text's lexemes as the database would index them, without positions."""
    from django.db import connection

    from cases.querysets import bigrams

    known: dict[str, str] = {}

    def lexemes(text: str) -> str:
        if text not in known:
            with connection.cursor() as cursor:
                cursor.execute("SELECT strip(to_tsvector('simple', %s))::text", [bigrams(text)])
                known[text] = cursor.fetchone()[0]
        return known[text]

    return lexemes


def _spots(lexemes):
    """Yield places inside the cells with all that a case keeps of its place."""
    from django.contrib.gis.geos import Point

    from grid.locate import describe, locate
    from grid.models import UnitGrid

    cells = list(UnitGrid.objects.current().order_by("code").values_list("centre", flat=True))
    step = max(1, len(cells) // SPOTS)
    for centre in cells[::step]:
        point = Point(centre.x, centre.y, srid=4490)
        place = locate(point)
        if place is None:
            continue
        address = describe(point)
        row = "\t".join((
            address, str(place.unit_grid.pk), place.community_code, place.chain,
            str(place.duty_grid.pk) if place.duty_grid else NULL, str(place.road.pk) if place.road else NULL,
            place.road_class,
        ))  # fmt: skip
        yield Spot(
            point.x, point.y, place.unit_grid.code, place.community_code[:9], row, lexemes(f"{address} {place.chain}")
        )


def _constants(ground: Ground) -> dict[str, tuple[list[str], str]]:
    """Return for each table the columns that are the same in every row: centres, and the models' own defaults."""
    from django.apps import apps

    own = {"supervision_centre_id": ground.supervision, "command_centre_id": ground.command,
           "schedule_version": "calendar-1"}  # fmt: skip
    constants = {}
    for model in apps.get_app_config("cases").get_models():
        table = model._meta.db_table
        if table not in TABLES:
            continue
        left = [one for one in model._meta.concrete_fields if one.column not in TABLES[table]]
        values = [own.get(one.column, one.get_default()) for one in left]
        constants[table] = ([one.column for one in left], "".join(f"\t{_copied(value)}" for value in values))
    return constants


def _copied(value) -> str:
    """Return a default as COPY writes it."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return rf"\\x{value.hex()}"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


# --- The rows -------------------------------------------------------------------------------------------------------


class Writer:
    """Makes rows of cases number first … last − 1 and pours them in."""

    def __init__(self, ground: Ground, *, now: int, number_of_open: int, closed: int, lean: bool, seed: int) -> None:
        self.ground, self.now, self.closed, self.number_of_open, self.lean = ground, now, closed, number_of_open, lean
        self.dice = random.Random(seed)
        self.rows: dict[str, list[str]] = {table: [] for table in TABLES}
        self.constant = {table: ground.constants[table][1] for table in TABLES}
        self.stages = [row for row in OPEN_STAGES for _ in range(row[1])]
        self.point = struct.Struct("<BIIdd")
        self.checked = 0
        from cases import clocks

        self.calendar = clocks.calendar()

    def uuid(self) -> str:
        h = f"{self.dice.getrandbits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-8{h[17:20]}-{h[20:]}"

    def closed_case(self, number: int) -> None:
        """A case that was reported, dispatched and closed at some time in the last three years."""
        dice = self.dice.random
        reported = self.now - YEARS_OF_CLOSED_S + int((YEARS_OF_CLOSED_S - 4 * DAY) * number / self.closed)
        dispatched = reported + 600 + int(1800 * dice())
        handed_over = dispatched + 1200 + int(2 * DAY * dice() * dice())
        closed = handed_over + 1800 + int(5400 * dice())
        self.case(number, "closed", "dispatch", "dispatcher", "", reported=reported, entered=dispatched,
                  dispatched=dispatched, handed_over=handed_over, closed=closed)  # fmt: skip

    def open_case(self, number: int) -> None:
        """A case on which somebody has still to do something."""
        dice = self.dice.random
        stage, _share, verb, who, clock = self.stages[int(dice() * len(self.stages))]
        if clock == "handling":  # with departments for up to twelve days, most for less than four
            dispatched = self.now - 60 - int(12 * DAY * dice() * dice())
            entered, handed_over = dispatched, 0
        else:
            entered = self.now - 30 - int(5400 * dice() * dice())
            handed_over = entered if stage in STINT_STAGE else 0
            dispatched = handed_over - 3600 - int(DAY * dice()) if handed_over else 0
        reported = (dispatched or entered) - 300 - int(2400 * dice())
        self.case(number, stage, verb, who, clock, reported=reported, entered=entered, dispatched=dispatched,
                  handed_over=handed_over, closed=0)  # fmt: skip

    def case(self, number: int, stage: str, verb: str, who: str, clock: str, *, reported: int, entered: int,
             dispatched: int, handed_over: int, closed: int) -> None:  # fmt: skip
        dice, ground, rows = self.dice.random, self.ground, self.rows
        spot = ground.spots[int(dice() * len(ground.spots))]
        problem = ground.problems[int(dice() * len(ground.problems))]
        source = SOURCES[int(dice() * 10)]
        public_id, seen = self.uuid(), iso(reported)
        filed = stage not in BEFORE_FILING
        filed_at = iso(dispatched or entered) if filed else NULL
        day = _days[(reported + 8 * 3600) // DAY].replace("-", "")
        serial = f"{number:05d}"
        division = spot.street[:6]
        events: list[tuple] = []

        # who took part
        reporter = ground.collectors[int(dice() * len(ground.collectors))]
        operator = ground.operators[number % len(ground.operators)]
        parts: dict[int, tuple[str, str]] = {}
        facts = f'{{"class":"{problem.class_code}","source":"{source}","unit_grid":"{spot.grid_code}"}}'
        if source == "collector":
            parts[reporter[0]] = ("supervision", "hand")
            actor = (reporter, "supervision", "hand", "collector", ground.supervision, ground.supervision_path)
        elif source == "hotline":
            parts[operator[0]] = ("supervision", "")
            actor = (operator, "supervision", "", "acceptance_operator", ground.supervision, ground.supervision_path)
        else:
            actor = (None, "citizen", "", "", None, "")
        events.append((reported, "report", "", "reported", actor, facts, ""))
        if verb:
            actor = self.actor(who, number)
            parts.setdefault(actor[0][0], (actor[1], actor[2]))
            events.append((entered, verb, "reported", stage if not closed else "pending_handle", actor, "{}", ""))
        if closed:
            actor = self.actor("closer", number)
            parts[actor[0][0]] = (actor[1], actor[2])
            text = WORDS[number % len(WORDS)] if number % 3 == 0 else ""
            facts = '{"is_duplicate":false}'
            events.append((closed, "close", "pending_handle", "closed", actor, facts, text))

        # the department's stint and the collector's task
        stint = task = NULL
        _code, path, handlers = ground.departments[problem.department]
        suspended = stage == "suspended"
        limit = due = yellow = total = None
        if dispatched and not (closed and self.lean):
            total, due, yellow = self.promise(problem, dispatched)
        if stage in STINT_STAGE and not (closed and self.lean):
            stint = str(number)
            handler = str(handlers[number % len(handlers)]) if handlers and number % 10 < 7 else NULL
            rows["cases_handlingstint"].append(
                f"{number}\t{self.uuid()}\t{number}\t{problem.department}\t{path}\t{STINT_STAGE[stage]}\t{handler}\t"
                f"{self.actor('dispatcher', number)[0][0]}\t{iso(dispatched)}\t"
                f"{NULL if stage == 'pending_handle' else iso(dispatched + 300)}\t"
                f"{iso(handed_over) if handed_over else NULL}\t"
                f"{iso(closed or entered) if STINT_STAGE[stage] == 'accepted' else NULL}\t{iso(due)}\t"
                f"{iso(self.now + DAY * (2 + number % 20)) if suspended else NULL}"
                f"{self.constant['cases_handlingstint']}\n"
            )
        holder_user = NULL
        if clock in ("verify", "check"):
            task = str(number)
            others = ground.collectors
            at_hand = others[(others.index(reporter) + 1 + number % (len(others) - 1)) % len(others)]
            holder_user = str(at_hand[0])
            rows["cases_fieldtask"].append(
                f"{number}\t{self.uuid()}\t{number}\t{clock}\tsent\t{holder_user}\t{operator[0]}\t{iso(entered)}\t"
                f"{iso(entered + MINUTES[clock] * 60)}{self.constant['cases_fieldtask']}\n"
            )

        # clocks
        lamp = (NULL, NULL, NULL)
        sequence = len(events)
        if not (closed and self.lean):
            overall_due = due + AFTER_HANDLING_S if due else None
            self.clock(number, 0, "overall", ground.supervision, NULL, reported, stopped=closed, due=overall_due,
                       sequence=sequence)  # fmt: skip
            if stint != NULL:
                self.clock(number, 1, "handling", problem.department, NULL, dispatched, stint=stint,
                           stopped=handed_over, limit=f"{problem.limit_value}\t{problem.limit_unit}", due=due,
                           yellow=yellow, total=total, paused=suspended, sequence=sequence,
                           unit=problem.limit_unit)  # fmt: skip
                lamp = (iso(dispatched), iso(yellow), iso(due))
            if clock and clock != "handling":
                minutes = MINUTES[clock]
                ends, nearly = entered + minutes * 60, entered + minutes * 48
                holder = ground.command if clock in COMMAND_CLOCKS else ground.supervision
                on_stint = stint if clock == "pass_on" else NULL
                self.clock(number, 2, clock, holder, holder_user, entered, stint=on_stint, task=task, due=ends,
                           limit=f"{minutes / 60:.6f}\tcontinuous_hour", yellow=nearly, sequence=sequence)  # fmt: skip
                lamp = (iso(entered), iso(nearly), iso(ends))
        if not clock:
            side, holder, lamp = "", NULL, (NULL, NULL, NULL)
        elif clock == "handling":
            side, holder = "department", str(problem.department)
        elif clock in COMMAND_CLOCKS:
            side, holder = "command", str(ground.command)
        else:
            side, holder = "supervision", str(ground.supervision)

        # parts and events
        for place, (person, (part_side, proof)) in enumerate(parts.items()):
            rows["cases_casepart"].append(
                f"{number * 4 + place}\t{number}\t{person}\t{part_side}\t{'t' if proof == 'hand' else 'f'}\t"
                f"{'t' if proof == 'judged' else 'f'}{self.constant['cases_casepart']}\n"
            )
        last = self.events(number, public_id, events)

        near = self.dice.getrandbits(16)
        x, y = spot.x + (near & 255) * 4e-7 - 5e-5, spot.y + (near >> 8) * 4e-7 - 5e-5
        point = self.point.pack(1, 0x20000001, 4490, x, y).hex()
        urgency = 0 if number % 20 else 1 + (number % 100 == 0)
        limit = f"{problem.limit_value}\t{problem.limit_unit}" if filed else f"{NULL}\t"
        rows["cases_case"].append(
            f"{number}\t{public_id}\t{division}-{day}-{serial}\t{source}\t{stage}\t{problem.class_id}\t"
            f"{problem.condition_id if filed else NULL}\t{problem.description}\t{urgency}\t{point}\t{spot.row}\t"
            f"{reporter[0] if source == 'collector' else NULL}\t{side}\t{holder}\t{holder_user}\t{limit}\t"
            f"{problem.close_condition if filed else ''}\t{clock}\t{lamp[0]}\t{lamp[1]}\t{lamp[2]}\t"
            f"{'t' if suspended else 'f'}\t{seen}\t{seen}\t{filed_at}\t{iso(closed) if closed else NULL}\t"
            f"{iso(closed or entered)}\t{sequence}\t{sequence}\t\\\\x{last}\t"
            f"{problem.lexemes} {spot.lexemes} {_number_lexemes(division, day, serial)}"
            f"{self.constant['cases_case']}\n"
        )

    def actor(self, who: str, number: int) -> tuple:
        """Return person, side, proof, role, department and its path."""
        ground = self.ground
        if who == "dispatcher":
            return (ground.dispatchers[number % len(ground.dispatchers)], "command", "hand", "dispatcher",
                    ground.command, ground.command_path)  # fmt: skip
        if who == "operator":
            return (ground.operators[number % len(ground.operators)], "supervision", "", "acceptance_operator",
                    ground.supervision, ground.supervision_path)  # fmt: skip
        return (ground.leaders[number % len(ground.leaders)], "supervision", "judged" if who == "closer" else "",
                "duty_leader", ground.supervision, ground.supervision_path)  # fmt: skip

    def promise(self, problem: Problem, start: int) -> tuple[int, int, int]:
        """Return the seconds of a limit, its deadline and its yellow point, by the city's own calendar."""
        from cases import time_limits

        begins, unit = datetime.fromtimestamp(start, UTC), time_limits.Unit(problem.limit_unit)
        total = time_limits.limit_seconds(time_limits.Limit(problem.limit_value, unit), self.calendar, on=begins)
        due = time_limits.add(begins, total, unit, self.calendar).at
        yellow = time_limits.add(begins, int(total * Decimal("0.8")), unit, self.calendar).at
        return total, int(due.timestamp()), int(yellow.timestamp())

    def clock(self, number: int, place: int, name: str, holder: int, user: str, started: int, *, sequence: int,
              stint: str = NULL, task: str = NULL, limit: str = f"{NULL}\t", due: int | None = None,
              yellow: int | None = None, total: int | None = None, stopped: int = 0, paused: bool = False,
              unit: str = "") -> None:  # fmt: skip
        from cases import time_limits

        now, used = self.now, 0
        if total is not None and (stopped or paused):
            begins = datetime.fromtimestamp(started, UTC)
            ends = datetime.fromtimestamp(stopped or started + 600, UTC)
            used = time_limits.used_seconds(begins, ends, time_limits.Unit(unit), self.calendar)
        told, look = 0, NULL
        if yellow is not None and not stopped:
            told = TOLD_DUE if now > due else TOLD_YELLOW if now >= yellow else 0
            look = NULL if told == TOLD_DUE else iso(due if told else yellow)
        state = "stopped" if stopped else "paused" if paused else "running"
        resume = NULL
        if paused:
            resume = look = iso(now + DAY * (2 + number % 20))
        start, until = iso(started), iso(due) if due else NULL
        key = number * 4 + place
        self.rows["cases_stageclock"].append(
            f"{key}\t{number}\t{stint}\t{task}\t{name}\t{holder}\t{user}\t{state}\t{limit}\t{start}\t{start}\t{used}\t"
            f"{until}\t{iso(yellow) if yellow else NULL}\t{iso(started + 600) if paused else NULL}\t{resume}\t"
            f"{iso(stopped) if stopped else NULL}\t{look}\t{told}{self.constant['cases_stageclock']}\n"
        )
        entries, constant = self.rows["cases_clockentry"], self.constant["cases_clockentry"]
        first = min(sequence, 1 if name == "overall" else 2)
        entries.append(f"{key * 2}\t{key}\t{number}\tstart\t{start}\t{start}\t{NULL}\t{until}\t0\t{first}{constant}\n")
        if stopped or paused:
            at, kind = (iso(stopped), "stop") if stopped else (iso(started + 600), "pause")
            entries.append(
                f"{key * 2 + 1}\t{key}\t{number}\t{kind}\t{at}\t{at}\t{until}\t{until}\t{used}\t{sequence}{constant}\n"
            )

    def events(self, number: int, public_id: str, events: list[tuple]) -> str:
        """Write the chain of a case and return the hash of its last link, in hexadecimal."""
        rows, constant, previous = self.rows["cases_caseevent"], self.constant["cases_caseevent"], ""
        for sequence, (second, verb, frm, to, actor, facts, text) in enumerate(events, 1):
            person, side, proof, role, department, path = actor
            at, name = iso(second), f'"{person[1]}"' if person else "null"
            said = "null"
            if text:
                salt = self.dice.randbytes(16)
                said = f'"{hashlib.sha256(salt + text.encode()).hexdigest()}"'
                self.rows["cases_eventtext"].append(
                    f"{number * 4 + sequence}\t{number}\t{sequence}\t\\\\x{salt.hex()}\t{text}"
                    f"{self.constant['cases_eventtext']}\n"
                )
            # The canonical bytes of cases.history.payload, written straight down: keys in their order, no blanks.
            data = (
                f'{{"actor":{name},"at":"{at}","case":"{public_id}",'
                f'"claimed_at":null,"department":"{path}","facts":{facts},"format":1,"from_stage":"{frm}",'
                f'"outcome":"","previous":"{previous}","proof":"{proof}","recorded_at":"{at}","role":"{role}",'
                f'"sequence":{sequence},"side":"{side}","subject":"case","subject_id":"{public_id}","text":{said},'
                f'"to_stage":"{to}","verb":"{verb}"}}'
            ).encode()
            if self.checked < 2000:
                self._check(data, previous)
            previous = hashlib.sha256(data).hexdigest()
            rows.append(
                f"{number * 4 + sequence}\t{number}\t{sequence}\t{at}\t{at}\t{verb}\tcase\t{public_id}\t{side}\t"
                f"{proof}\t{person[0] if person else NULL}\t{role}\t{department or NULL}\t{frm}\t{to}\t{facts}\t"
                f"\\\\x{data.hex()}\t\\\\x{previous}{constant}\n"
            )
        return previous

    def _check(self, data: bytes, previous: str) -> None:
        """The first bytes are compared with the program's own."""
        from cases import history

        self.checked += 1
        said = {key: value for key, value in json.loads(data).items() if key not in ("format", "previous")}
        if history.payload(said, previous=bytes.fromhex(previous)) != data:
            raise SystemExit("bench/city.py writes other bytes than cases/history.py: bring it up to date")

    def pour(self, cursor) -> None:
        """Pour in what was made."""
        for table, columns in TABLES.items():
            names = ", ".join([*columns, *self.ground.constants[table][0]])
            cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN", StringIO("".join(self.rows[table])))
            self.rows[table] = []


def _number_lexemes(division: str, day: str, serial: str) -> str:
    """Return what the text search makes of a case number and its pairs of characters."""
    whole = f"{division}-{day}-{serial}"
    pairs = {whole[place : place + 2] for place in range(len(whole) - 1)}
    found = {division, f"-{day}", f"-{serial}", *(pair for pair in pairs if not pair.endswith("-"))}
    found |= {pair[0] for pair in pairs if pair.endswith("-")}
    return " ".join(f"'{one}'" for one in found)


def _write(task) -> int:
    """Write a stretch of cases in a process of its own."""
    ground, now, first, last, number_of_open, closed, lean = task
    writer = Writer(ground, now=now, number_of_open=number_of_open, closed=closed, lean=lean, seed=first)
    connection = psycopg2.connect(os.environ["DATABASE_OWNER_URL"])
    with connection, connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for number in range(first, last):
            (writer.closed_case if number <= closed else writer.open_case)(number)
            if number % CHUNK == 0:
                writer.pour(cursor)
                connection.commit()
        writer.pour(cursor)
    connection.close()
    return last - first


# --- Filling --------------------------------------------------------------------------------------------------------

FOREIGN = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE contype = 'f' AND conrelid = ANY(%s::regclass[]) ORDER BY conrelid, oid
"""
UNIQUE = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE contype = 'u' AND conrelid = ANY(%s::regclass[]) ORDER BY conrelid, oid
"""
INDEXES = """
    SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
     WHERE indrelid = ANY(%s::regclass[])
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
     ORDER BY indrelid, indexrelid
"""


def fill(*, open: int, closed: int, lean: bool, made_at: datetime) -> None:
    """Pour the cases into the database that the environment names, which holds none."""
    from django.db import connection as django_connection

    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True)

    say("building the county")
    ground = read_ground()
    from cases import clocks

    clocks.calendar()
    django_connection.close()
    now, total = int(made_at.timestamp()), open + closed
    with psycopg2.connect(os.environ["DATABASE_OWNER_URL"]) as connection, connection.cursor() as cursor:
        tables = list(TABLES)
        kept = {}
        for name, query in (("foreign", FOREIGN), ("unique", UNIQUE), ("indexes", INDEXES)):
            cursor.execute(query, [tables])
            kept[name] = cursor.fetchall()
        for table, name, _definition in [*kept["foreign"], *kept["unique"]]:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for _table, name, _definition in kept["indexes"]:
            cursor.execute(f"DROP INDEX {name}")
    connection.close()

    say(f"pouring in {total} cases")
    poured = time.monotonic()
    step = 50_000
    tasks = [
        (ground, now, first, min(first + step, total + 1), open, closed, lean) for first in range(1, total + 1, step)
    ]
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        done = 0
        for written in pool.imap_unordered(_write, tasks):
            done += written
            if done % 500_000 < step:
                say(f"{done} cases, {done / (time.monotonic() - poured):.0f} a second")

    say("indexes and constraints")
    indexes = [definition for _table, _name, definition in kept["indexes"]]
    uniques = [f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {rule}' for table, name, rule in kept["unique"]]
    foreign = [f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {rule}' for table, name, rule in kept["foreign"]]
    with ThreadPoolExecutor(PROCESSES) as threads:
        list(threads.map(_run, [*indexes, *uniques]))
    for statement in foreign:
        _run(statement)
    _finish(total)
    say(f"{total} cases stand")


def _run(statement: str) -> None:
    connection = psycopg2.connect(os.environ["DATABASE_OWNER_URL"])
    with connection, connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute("SET max_parallel_maintenance_workers = 1")
        cursor.execute(statement)
    connection.close()


def _finish(total: int) -> None:
    """Set the sequences behind the rows, gather statistics, and look at some rows as the program sees them."""
    connection = psycopg2.connect(os.environ["DATABASE_OWNER_URL"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        cursor.execute("SELECT setval('cases_number_seq', %s)", [total])
        for table in TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
    connection.close()
    _look_at_some()


def _look_at_some() -> None:
    """Some cases are compared with what the program would have written: search words and chain."""
    from django.db import connection

    from cases import history
    from cases.actions import search_vector
    from cases.models import Case

    for case in (
        Case.objects.select_related("minor_class").order_by("?")[:20]
        if Case.objects.count() < 2_000_000
        else (Case.objects.select_related("minor_class").order_by("id")[:20])
    ):
        with connection.cursor() as cursor:
            sql, values = Case.objects.annotate(made=search_vector(case)).values("made").query.sql_with_params()
            cursor.execute(f"SELECT strip(made) = strip(search), made::text, search::text FROM ({sql} LIMIT 1) made, "
                           "cases_case WHERE id = %s", [*values, case.pk])  # fmt: skip
            same, made, kept = cursor.fetchone()
        if not same:
            raise SystemExit(f"the search words of {case.number} differ:\n{made}\n{kept}")
        previous = b""
        for event in case.events.order_by("sequence"):
            said = json.loads(bytes(event.payload))
            if said["previous"] != previous.hex() or history.digest(bytes(event.payload)) != bytes(event.hash):
                raise SystemExit(f"the chain of {case.number} is broken")
            previous = bytes(event.hash)
        if previous != bytes(case.last_hash):
            raise SystemExit(f"the chain of {case.number} does not end where it should")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=100_000)
    parser.add_argument("--closed", type=int, default=1_000_000)
    parser.add_argument("--lean", action="store_true", help="closed cases without stints and clocks")
    parser.add_argument("--database", default=DATABASE)
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--made-at", help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.fill:
        _start_django()
        fill(open=said.open, closed=said.closed, lean=said.lean, made_at=datetime.fromisoformat(said.made_at))
        return
    began = time.monotonic()
    city = use(open=said.open, closed=said.closed, lean=said.lean, database=said.database)
    print(json.dumps({"database": city.database, "open": city.open, "closed": city.closed,
                      "seconds": round(time.monotonic() - began)}))  # fmt: skip


if __name__ == "__main__":
    main()
