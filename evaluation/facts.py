"""The facts that go into evaluation: read from clocks, stints and events as they stood at the cut-off; who is judged.

Three statements, whatever the number of cases and windows; the rules that place a fact in counts are in `indicators`.
Frozen facts are read back from EvalFact, so that a published number opens exactly what it counted.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Count
from django.db.models.functions import Left as Prefix
from django.utils import timezone

from accounts.models import Appointment, Department, in_this_language
from accounts.roles import Role
from cases import workflow
from cases.models import HandlingStint
from cases.workflow import Clock, Stage
from evaluation.indicators import (
    Basis,
    End,
    Left,
    ReportFact,
    StintFact,
    Task,
    TaskFact,
    Window,
    measures_of_case,
    measures_of_report,
    measures_of_stint,
    measures_of_task,
)
from evaluation.models import EvalFact, EvalPeriod
from evaluation.periods import Period
from evaluation.scoring import ObjectType, Scheme, Standing, standings
from grid.models import Area, UnitGrid
from office import settings

Kind = EvalFact.Kind


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact with its dimensions and the counts in which it stands; the same whether read live or kept."""

    kind: str
    case_id: int
    at: datetime
    area_code: str
    unit_grid_id: int
    minor_class_id: int
    source: str
    measures: tuple[str, ...]
    stint_id: int | None = None
    department_id: int | None = None
    user_id: int | None = None
    task: str = ""

    def line(self) -> str:
        """Return the fact as one line, always written the same way: what a frozen period is hashed over."""
        return "|".join(str(getattr(self, name)) for name in _LINE) + "|" + ",".join(self.measures)


_LINE = (
    "kind", "case_id", "at", "area_code", "unit_grid_id", "minor_class_id", "source", "stint_id", "department_id",
    "user_id", "task",
)  # fmt: skip


def fingerprint(facts: Iterable[Fact]) -> str:
    """Return the SHA-256 of facts in any order: counted again from the same events it is the same."""
    lines = sorted(fact.line() for fact in facts)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def window_of(period: Period, *, at: datetime, basis: Basis) -> Window:
    """Return a period as seen at an instant: a running one up to now, one that is over as of its end."""
    start, end = period.window(timezone.get_default_timezone())
    return Window(start, end, min(max(at, start), end), basis)


def month_starts(day: date) -> int:
    """Return the day of the month on which a city's evaluation month begins."""
    return settings.get("evaluation.month_starts_on", on=day)


def basis_on(day: date) -> Basis:
    """Return the counting basis in force on a day."""
    return Basis(settings.get("evaluation.basis", on=day))


# — reading —————————————————————————————————————————————————————————————————————————————————————————————

# A window is a row (n, start, cutoff). A case stands in some count of it only if it had a move since the window began
# or is still open; by deadline also if it was closed before it fell due.
_RELEVANT = """
      FROM unnest(%(n)s::int[], %(starts)s::timestamptz[], %(cutoffs)s::timestamptz[]) AS w(n, start, cutoff)
      JOIN cases_case c ON c.reported_at <= w.cutoff AND NOT c.is_practice
       AND (c.moved_at >= w.start OR c.stage = ANY(%(open)s)
            OR %(by_deadline)s AND c.closed_at >= w.start - interval '1 year')
"""

_CASES = f"""
    SELECT w.n, c.id, c.reported_at, c.source, c.reported_by_id, c.area_code, c.unit_grid_id, c.minor_class_id,
           e.accepted_at, e.filed_at, coalesce(e.verified_true, false), e.stage, e.changed_at
      {_RELEVANT}
      JOIN LATERAL (
        SELECT min(at) FILTER (WHERE verb = 'accept') AS accepted_at,
               max(at) FILTER (WHERE verb = 'file') AS filed_at,
               bool_or(verb = 'verify' AND outcome = 'true') AS verified_true,
               (array_agg(to_stage ORDER BY sequence DESC))[1] AS stage,
               (array_agg(at ORDER BY sequence DESC) FILTER (WHERE from_stage <> to_stage))[1] AS changed_at
          FROM cases_caseevent WHERE case_id = c.id AND at <= w.cutoff
      ) e ON e.stage IS NOT NULL
     ORDER BY w.n, c.id
"""

# The handling clock tells when the department had it, until when, and what it was granted: by its entries up to then.
# A stint counts for its department, or for the nearest evaluated one above it as the tree stood at the dispatch; one
# handled by proxy for its owner; one below the first level only for a department that is evaluated itself.
_STINTS = f"""
    SELECT w.n, s.id, s.case_id, judged.id, s.is_required, s.is_shirked, s.dispatched_at,
           last.kind, last.at, granted.due_after, v.verb, n.extensions, n.failed_checks,
           s.dispatch_verdict, adjusted.at
      {_RELEVANT}
      JOIN cases_stageclock k ON k.case_id = c.id AND k.name = 'handling' AND k.started_at <= w.cutoff
      JOIN cases_handlingstint s ON s.id = k.stint_id AND NOT s.is_undone
      JOIN accounts_department own ON own.id = coalesce(s.on_behalf_of_id, s.department_id)
      LEFT JOIN cases_adjustment adjusted ON adjusted.stint_id = s.id AND adjusted.at <= w.cutoff
      LEFT JOIN LATERAL (
        SELECT CASE WHEN own.is_evaluated THEN own.id ELSE (
            SELECT above.id FROM accounts_department above
             WHERE above.is_evaluated AND starts_with(
                 CASE WHEN s.on_behalf_of_id IS NULL THEN s.department_path ELSE own.path END, above.path)
             ORDER BY length(above.path) DESC LIMIT 1) END AS id
      ) judged ON true
      JOIN LATERAL (
        SELECT kind, at, event_sequence FROM cases_clockentry
         WHERE clock_id = k.id AND at <= w.cutoff AND kind <> 'recompute' ORDER BY id DESC LIMIT 1
      ) last ON true
      JOIN LATERAL (
        SELECT due_after FROM cases_clockentry
         WHERE clock_id = k.id AND at <= w.cutoff ORDER BY id DESC LIMIT 1
      ) granted ON true
      JOIN cases_caseevent v ON v.case_id = k.case_id AND v.sequence = last.event_sequence
      JOIN LATERAL (
        SELECT count(*) FILTER (WHERE y.kind = 'extend') AS extensions,
               count(*) FILTER (WHERE y.kind = 'reopen' AND z.verb IN ('check', 'rework')) AS failed_checks
          FROM cases_clockentry y
          JOIN cases_caseevent z ON z.case_id = y.case_id AND z.sequence = y.event_sequence
         WHERE y.clock_id = k.id AND y.at <= w.cutoff
      ) n ON true
     WHERE s.parent_id IS NULL OR own.is_evaluated
     ORDER BY w.n, s.id
"""

# A task belongs to whoever ended its clock; one that still waits, to the collector who was sent.
_TASKS = f"""
    SELECT w.n, k.case_id, k.name, k.started_at, k.due_at, done.at, done.verb, done.actor_id, k.holder_user_id
      {_RELEVANT}
      JOIN cases_stageclock k ON k.case_id = c.id AND k.name = ANY(%(names)s) AND k.started_at <= w.cutoff
       AND (k.stopped_at IS NULL OR k.stopped_at >= w.start)
      LEFT JOIN LATERAL (
        SELECT y.at, z.verb, z.actor_id
          FROM cases_clockentry y
          JOIN cases_caseevent z ON z.case_id = y.case_id AND z.sequence = y.event_sequence
         WHERE y.clock_id = k.id AND y.kind = 'stop' AND y.at <= w.cutoff ORDER BY y.id DESC LIMIT 1
      ) done ON true
     WHERE done.at IS NULL OR done.at >= w.start
     ORDER BY w.n, k.id
"""

# Which move ends which clock as the task that the clock measures; ended otherwise, nobody did it.
DONE_BY: dict[Clock, dict[str, Task]] = {
    Clock.ACCEPT: {"accept": Task.ACCEPT, "answer_at_once": Task.ACCEPT},
    Clock.SEND_VERIFY: {"send_verify": Task.SEND_VERIFY},
    Clock.VERIFY: {"verify": Task.VERIFY},
    Clock.FILING: {"file": Task.FILE},
    Clock.DISPATCH: {"dispatch": Task.DISPATCH},
    Clock.SEND_CHECK: {"send_check": Task.SEND_CHECK},
    Clock.CHECK: {"check": Task.CHECK},
    Clock.CLOSE: {"close": Task.CLOSE},
}
WAITING: dict[Clock, Task] = {Clock.VERIFY: Task.VERIFY, Clock.CHECK: Task.CHECK}  # with a person while they wait
LEFT_BY: dict[str, Left] = {
    "grant_return": Left.RETURNED,
    "accept_return_up": Left.RETURNED,
    "decide_dispute": Left.RETURNED,
    "void": Left.VOIDED,
    "grant_voiding": Left.VOIDED,
}
WRONG, ACCURATE = HandlingStint.Verdict.WRONG, HandlingStint.Verdict.ACCURATE
HANDED_OVER_BY = frozenset({"hand_over", "hand_up"})
END_OF: dict[str, End] = {
    Stage.NOT_ACCEPTED: End.NOT_ACCEPTED,
    Stage.NOT_FILED: End.NOT_FILED,
    Stage.VOIDED: End.VOIDED,
    Stage.MERGED: End.MERGED,
    Stage.ANSWERED_AT_ONCE: End.ANSWERED_AT_ONCE,
    Stage.SELF_HANDLED_CLOSED: End.SELF_HANDLED,
}
NEVER_FILED = frozenset({*workflow.BEFORE_FILING, Stage.NOT_ACCEPTED, Stage.NOT_FILED, Stage.MERGED})


@dataclass(slots=True)
class _CaseRow:
    """One case as it stood at the cut-off of its window."""

    id: int
    reported_at: datetime
    source: str
    reported_by_id: int | None
    area_code: str
    unit_grid_id: int
    minor_class_id: int
    accepted_at: datetime | None
    filed_at: datetime | None
    verified_true: bool
    stage: str
    changed_at: datetime | None

    def fact(self, kind: str, at: datetime, measures: tuple[str, ...], **more) -> Fact:
        return Fact(
            kind, self.id, at, self.area_code, self.unit_grid_id, self.minor_class_id, self.source, measures, **more
        )


def gather(window: Window, *, tasks: bool = True) -> list[Fact]:
    """Return every fact that stands in some count of a window. Without `tasks`, not those of the posts."""
    return gather_all([window], tasks=tasks)[0]


def gather_all(windows: Sequence[Window], *, tasks: bool = True) -> list[list[Fact]]:
    """Return the facts of several windows, in as many statements as for one."""
    params: dict[str, Any] = {
        "n": list(range(len(windows))),
        "starts": [window.start for window in windows],
        "cutoffs": [window.cutoff for window in windows],
        "open": [str(stage) for stage in workflow.OPEN],
        "by_deadline": any(window.basis is Basis.DUE for window in windows),
        "names": [str(name) for name in DONE_BY],
    }
    cases: list[dict[int, _CaseRow]] = [{} for _window in windows]
    for n, *row in _rows(_CASES, params):
        cases[n][row[0]] = _CaseRow(*row)
    found: list[list[Fact]] = [[] for _window in windows]
    returned: list[set[tuple[int, datetime]]] = [set() for _window in windows]
    required: list[dict[int, list[StintFact]]] = [defaultdict(list) for _window in windows]
    for n, stint_id, case_id, department_id, is_required, is_shirked, dispatched_at, *row in _rows(_STINTS, params):
        *clock, verdict, adjusted_at = row
        case = cases[n].get(case_id)
        if case is None:
            continue
        stint = _stint_fact(case, is_shirked, dispatched_at, *clock, adjusted_at)
        if verdict == WRONG or (stint.left is Left.RETURNED and verdict != ACCURATE):
            returned[n].add((case_id, dispatched_at))
        if is_required:
            required[n][case_id].append(stint)
        measures = measures_of_stint(stint, windows[n])
        if measures:
            more = {"stint_id": stint_id, "department_id": department_id}
            found[n].append(case.fact(Kind.STINT, dispatched_at, measures, **more))
    for n, window in enumerate(windows):
        for case in cases[n].values():
            found[n] += _facts_of_case(case, required[n].get(case.id, []), window)
    if tasks:
        for n, case_id, *task in _rows(_TASKS, params):
            case = cases[n].get(case_id)
            if case is not None:
                found[n] += _facts_of_task(case, task, returned[n], windows[n])
    return found


def _rows(statement: str, params: dict[str, Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def _facts_of_case(case: _CaseRow, stints: list[StintFact], window: Window) -> list[Fact]:
    end = END_OF.get(case.stage, End.NO)
    report = ReportFact(
        reported_at=case.reported_at,
        source=case.source,
        is_public=case.source in workflow.PUBLIC_SOURCES,
        accepted_at=case.accepted_at,
        verified_true=case.verified_true,
        filed_at=None if case.stage in NEVER_FILED else case.filed_at,
        end=end,
        ended_at=case.changed_at if end else None,
    )
    found = []
    if measures := measures_of_report(report, window):
        found.append(case.fact(Kind.REPORT, case.reported_at, measures, user_id=case.reported_by_id))
    if measures := measures_of_case(stints, window):
        found.append(case.fact(Kind.CASE, case.filed_at or case.reported_at, measures))
    return found


def _stint_fact(
    case: _CaseRow, is_shirked: bool, dispatched_at: datetime, kind: str, at: datetime, due_at: datetime | None,
    verb: str, extensions: int, failed_checks: int, adjusted_at: datetime | None,
) -> StintFact:  # fmt: skip
    """Return a stint by the last thing that happened to its clock before the cut-off."""
    handed_over = kind == "stop" and verb in HANDED_OVER_BY
    left, left_at = Left.NO, None
    if kind == "stop" and not handed_over:
        left, left_at = LEFT_BY.get(verb, Left.WITHDRAWN), at
    elif case.stage == Stage.VOIDED:
        left, left_at = Left.VOIDED, case.changed_at
    handled_at = at if handed_over else None
    if handled_at and adjusted_at and due_at:  # an upheld appeal: it counts as done in time
        handled_at = min(handled_at, due_at)
    return StintFact(
        reported_at=case.reported_at,
        filed_at=case.filed_at or dispatched_at,
        due_at=due_at,
        handled_at=handled_at,
        closed_at=case.changed_at if case.stage == Stage.CLOSED else None,
        suspended_at=at if kind == "pause" and verb == "grant_suspension" else None,
        left=left,
        left_at=left_at,
        failed_checks=failed_checks,
        extensions=extensions,
        is_shirked=is_shirked,
    )


def _facts_of_task(case: _CaseRow, row: list, returned: set[tuple[int, datetime]], window: Window) -> list[Fact]:
    name, started_at, due_at, done_at, verb, actor_id, holder_id = row
    task = DONE_BY[name].get(verb) if done_at is not None else WAITING.get(name)
    user_id = actor_id if done_at is not None else holder_id
    if task is None or user_id is None:
        return []
    wrong = (task is Task.FILE and case.stage == Stage.VOIDED) or (
        task is Task.DISPATCH and (case.id, done_at) in returned
    )
    fact = TaskFact(task=task, due_at=due_at, done_at=done_at, is_accurate=not wrong)
    measures = measures_of_task(fact, window)
    return [case.fact(Kind.TASK, started_at, measures, user_id=user_id, task=str(task))] if measures else []


# — kept facts ——————————————————————————————————————————————————————————————————————————————————————————

_KEPT = (
    "kind", "case_id", "at", "area_code", "unit_grid_id", "minor_class_id", "source", "measures", "stint_id",
    "department_id", "user_id", "task",
)  # fmt: skip


def keep(period: EvalPeriod, facts: Iterable[Fact]) -> None:
    """Write down the facts of a period that is being frozen."""
    EvalFact.objects.bulk_create(
        (EvalFact(period=period, **{name: getattr(fact, name) for name in _KEPT}) for fact in facts), batch_size=2000
    )


def kept(period: EvalPeriod) -> list[Fact]:
    """Return the facts of a frozen period."""
    rows = EvalFact.objects.of(period).values_list(*_KEPT)
    return [Fact(*row[:7], tuple(row[7]), *row[8:]) for row in rows]


# — who is judged ———————————————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True, slots=True)
class Judged:
    """One department, area or person that is evaluated, with the group it is compared in."""

    object_type: ObjectType
    key: str
    name_zh: str
    name_en: str
    group: str
    ref: int | str  # the id of a department or person, the code of an area
    grids: int = 0

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return in_this_language(self.name_zh, self.name_en)

    def owns(self, fact: Fact) -> bool:
        """True when a fact counts for this object."""
        if self.object_type is ObjectType.DEPARTMENT:
            return fact.kind == Kind.STINT and fact.department_id == self.ref
        if self.object_type is ObjectType.AREA:
            return fact.kind in (Kind.CASE, Kind.REPORT) and fact.area_code.startswith(str(self.ref))
        if fact.user_id != self.ref:
            return False
        if fact.kind == Kind.REPORT:
            return self.object_type is ObjectType.COLLECTOR
        return fact.kind == Kind.TASK and fact.task in TASKS_OF[self.object_type]


CENTRES = (Department.Kind.SUPERVISION_CENTRE, Department.Kind.COMMAND_CENTRE)
TASKS_OF: dict[ObjectType, frozenset[str]] = {
    ObjectType.COLLECTOR: frozenset({Task.VERIFY, Task.CHECK}),
    ObjectType.ACCEPTANCE_OPERATOR: frozenset({Task.ACCEPT, Task.SEND_VERIFY, Task.SEND_CHECK}),
    ObjectType.DUTY_LEADER: frozenset({Task.FILE, Task.CLOSE}),
    ObjectType.DISPATCHER: frozenset({Task.DISPATCH}),
}
# A collector was there: he reported, verified or checked. Without that an area without cases is grey, not green.
_SEEN = frozenset({"collector_reported", "verified", "checked"})


def judged(object_type: ObjectType, day: date) -> list[Judged]:
    """Return everything of one kind that is evaluated on a day, group by group."""
    if object_type is ObjectType.DEPARTMENT:
        departments = Department.objects.filter(is_evaluated=True).valid(day).exclude(kind__in=CENTRES)
        return [
            Judged(
                object_type, f"{object_type}:{one.public_id}", one.name_zh, one.name_en, one.evaluation_group, one.pk
            )
            for one in departments.order_by("evaluation_group", "sort", "code")
        ]
    if object_type is ObjectType.AREA:
        grids = dict(UnitGrid.objects.on(day).values_list(Prefix("code", 9)).annotate(Count("pk")).order_by())
        return [
            Judged(object_type, f"{object_type}:{one.code}", one.name_zh, one.name_en, one.code[:6], one.code,
                   grids.get(one.code, 0))
            for one in Area.objects.filter(level=Area.Level.STREET).on(day).defer("boundary").order_by("code")
        ]  # fmt: skip
    people = (
        Appointment.objects.filter(role=Role(object_type))
        .valid(day)
        .select_related("user", "department")
        .order_by("department__sort", "department_id", "user__staff_number")
    )
    return [
        Judged(object_type, f"{object_type}:{user.public_id}", user.name_zh, user.name_en, centre, user.pk)
        for user, centre in {one.user_id: (one.user, one.department.code) for one in people}.values()
    ]


def tally(objects: Sequence[Judged], facts: Iterable[Fact]) -> dict[str, Counter[str]]:
    """Return the counts of each object, one pass over the facts. A fact of nobody that is judged counts for nobody."""
    counts: dict[str, Counter[str]] = {one.key: Counter() for one in objects}
    for one in objects:
        if one.object_type is ObjectType.AREA:
            counts[one.key]["grids"] = one.grids
    by_ref: dict[int | str, list[Judged]] = defaultdict(list)
    for one in objects:
        by_ref[one.ref].append(one)
    for fact in facts:
        for ref in (fact.department_id, fact.user_id, fact.area_code[:9]):
            for one in by_ref.get(ref, ()) if ref is not None else ():
                if one.owns(fact):
                    counts[one.key].update(fact.measures)
                if one.object_type is ObjectType.AREA and _SEEN.intersection(fact.measures):
                    counts[one.key]["patrolled"] += 1
    return counts


def stand(scheme: Scheme, objects: Sequence[Judged], counts: Mapping[str, Counter[str]]) -> list[Standing]:
    """Score objects under a scheme by their counts and rank them inside their groups."""
    return standings(scheme, [(one.key, one.group, counts[one.key]) for one in objects])


def of_the_city(facts: Iterable[Fact]) -> Counter[str]:
    """Return the counts of the whole city: reports and cases."""
    total: Counter[str] = Counter()
    for fact in facts:
        if fact.kind in (Kind.CASE, Kind.REPORT):
            total.update(fact.measures)
    return total
