"""What would have gone straight through, and how many of those would have been wrong: counted from what happened.

Nothing is looked up that was not known when the report came in: open cases near by, the collector's earlier reports and
the outcomes of earlier dispatches are those of that moment (outcomes: of the days before). Whether it would have been
right is known from what people did afterwards.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.conf import settings as site
from django.db import connection
from django.utils import timezone

from accounts.models import Department
from cases import workflow
from cases.workflow import Stage, StintStage
from components.models import FilingCondition, MinorClass
from dispatch import facts, routing, safety
from dispatch.certainty import Experience, Outcome
from dispatch.experience import LEVELS
from dispatch.models import ResponsibilityRule
from dispatch.permissions import DISPATCHABLE
from dispatch.straight import is_danger
from office import settings

# What kept it from being a case after all, or from ending where it would have been sent.
WRONG = {
    Stage.NOT_ACCEPTED: "not_a_case",
    Stage.NOT_FILED: "not_a_case",
    Stage.VOIDED: "not_a_case",
    Stage.MERGED: "duplicate",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One report of the past: what would have been decided, and what became of it ("" while that is not known)."""

    number: str
    public_id: str
    reported_at: datetime
    against: tuple[str, ...]
    department_code: str
    sure: float
    verdict: str

    @property
    def went(self) -> bool:
        return not self.against

    @property
    def is_settled(self) -> bool:
        return bool(self.verdict)

    @property
    def is_wrong(self) -> bool:
        return self.verdict not in ("", safety.RIGHT)

    @property
    def is_routine(self) -> bool:
        """Neither urgent nor dangerous, and no open case of the class near by."""
        return not {"urgent", "dangerous", "near"} & set(self.against)


@dataclass
class Trial:
    """The figures of a rule tried on the past."""

    lines: list[Line] = field(default_factory=list)

    @property
    def reports(self) -> int:
        return len(self.lines)

    @property
    def routine(self) -> int:
        return sum(line.is_routine for line in self.lines)

    @property
    def went(self) -> list[Line]:
        return [line for line in self.lines if line.went]

    @property
    def wrong(self) -> list[Line]:
        """Those that would have gone through and turned out wrong."""
        return [line for line in self.went if line.is_wrong]

    @property
    def settled(self) -> int:
        """How many that would have gone through have an outcome."""
        return sum(line.is_settled for line in self.went)

    @property
    def went_share(self) -> float:
        """Share of the routine reports that would have gone through."""
        return len(self.went) / self.routine if self.routine else 0.0

    @property
    def wrong_share(self) -> float:
        return len(self.wrong) / self.settled if self.settled else 0.0

    @property
    def against(self) -> list[tuple[str, int]]:
        """What spoke against the others, the most frequent first."""
        return Counter(code for line in self.lines for code in line.against).most_common()


def try_out(
    minor_class: MinorClass,
    *,
    since: datetime,
    until: datetime,
    area_code: str = "",
    needs_far_picture: bool = True,
    accuracy_m: float = 30,
    least_sure: float = 0.9,
    learn_until: datetime | None = None,
    at_most: int = 5000,
) -> Trial:
    """Try a rule on the collectors' reports of a class between two instants; seven queries, whatever their number.

    `learn_until`: nothing that became known later is used. A report whose class the desk corrected counts under the
    class that it has now.
    """
    day = timezone.localdate(until)
    demands = safety.Demands(
        needs_far_picture=needs_far_picture, accuracy_m=accuracy_m, least_sure=least_sure,
        least_outcomes=settings.get("dispatch.straight_least_outcomes", on=day, area_code=area_code),
        least_reports=settings.get("dispatch.straight_reports", on=day, area_code=area_code),
    )  # fmt: skip
    conditions = [
        safety.Condition(id=one.pk, words=one.condition_zh, is_danger=is_danger(one, minor_class.kind))
        for one in FilingCondition.objects.filter(minor_class=minor_class).in_use(day)
    ]
    router = _Router(minor_class, day=day, until=until, learn_until=learn_until)
    trial = Trial()
    for report in _reports(minor_class, since=since, until=until, area_code=area_code, demands=demands, limit=at_most):
        condition = safety.condition_of(conditions, report["description"])
        proposal = router.proposal(report)
        seen = safety.Seen(
            is_urgent=False,
            usages=frozenset(report["usages"] or ()),
            accuracy_m=report["accuracy_m"],
            has_near=report["has_near"],
            reports_filed=report["reports_filed"],
            condition=condition,
            sure=proposal.confidence if proposal else None,
            outcomes=proposal.experience.rests_on if proposal else 0,
        )
        trial.lines.append(
            Line(
                number=report["number"],
                public_id=str(report["public_id"]),
                reported_at=report["reported_at"],
                against=tuple(safety.against(seen, demands)),
                department_code=proposal.department_code if proposal else "",
                sure=proposal.confidence if proposal else 0.0,
                verdict=_verdict(report, proposal, condition),
            )
        )
    return trial


def _verdict(report: dict, proposal: routing.Proposal | None, condition: safety.Condition | None) -> str:
    """Return what people's own work says of the decision; "" while it is not known."""
    if report["stage"] in WRONG:
        return WRONG[report["stage"]]
    if report["done_by"] is None:
        return ""
    if condition is not None and report["filing_condition_id"] != condition.id:
        return "wrong_condition"
    came_back = report["came_back"] or ()
    if proposal is None or proposal.department_code != report["done_by"] or proposal.department_code in came_back:
        return "wrong_department"
    return safety.RIGHT


# As it was when the report came in; but stage, condition and departments as they are now.
_REPORTS = f"""
    SELECT c.id, c.number, c.public_id, c.reported_at, c.description, c.accuracy_m::float, c.stage,
           c.filing_condition_id, c.area_code, cell.code AS cell_code, c.duty_grid_id, c.road_id, c.road_class,
           p.identifier AS component, own.code AS owner_code, keeper.code AS maintainer_code,
           (SELECT array_agg(DISTINCT e.usage) FROM cases_evidence e
             WHERE e.case_id = c.id AND e.stint_id IS NULL AND e.task_id IS NULL AND e.at <= c.reported_at) AS usages,
           EXISTS (SELECT 1 FROM cases_case n
             WHERE n.minor_class_id = c.minor_class_id AND n.id <> c.id
               AND n.reported_at BETWEEN c.reported_at - make_interval(hours => %(hours)s) AND c.reported_at
               AND (n.stage <> ALL(%(final)s) OR coalesce(n.closed_at, n.moved_at) > c.reported_at)
               AND (ST_DWithin(n.point::geography, c.point::geography, %(metres)s)
                    OR n.component_id = c.component_id OR %(on_road)s AND n.road_id = c.road_id)) AS has_near,
           (SELECT count(*) FROM (SELECT 1 FROM cases_case f WHERE f.reported_by_id = c.reported_by_id
               AND f.filed_at < c.reported_at LIMIT %(least_reports)s) AS first_ones) AS reports_filed,
           (SELECT d.code FROM cases_handlingstint s JOIN accounts_department d ON d.id = s.department_id
             WHERE s.case_id = c.id AND s.is_lead AND s.stage = '{StintStage.ACCEPTED}' ORDER BY s.id DESC LIMIT 1
           ) AS done_by,
           (SELECT array_agg(d.code) FROM cases_handlingstint s JOIN accounts_department d ON d.id = s.department_id
             WHERE s.case_id = c.id AND s.is_lead AND s.stage IN ('{StintStage.RETURNED}', '{StintStage.WITHDRAWN}')
           ) AS came_back
      FROM cases_case c
      JOIN grid_unitgrid cell ON cell.id = c.unit_grid_id
      LEFT JOIN components_component p ON p.id = c.component_id
      LEFT JOIN accounts_department own ON own.id = p.owner_id
      LEFT JOIN accounts_department keeper ON keeper.id = p.maintainer_id
     WHERE c.minor_class_id = %(class)s AND c.source = 'collector' AND NOT c.is_practice
       AND c.reported_at >= %(since)s AND c.reported_at < %(until)s AND starts_with(c.area_code, %(area)s)
     ORDER BY c.reported_at DESC LIMIT %(limit)s
"""


def _reports(
    minor_class: MinorClass, *, since: datetime, until: datetime, area_code: str, demands: safety.Demands, limit: int
) -> list[dict]:
    day = timezone.localdate(until)
    params = {
        "class": minor_class.pk,
        "since": since,
        "until": until,
        "area": area_code,
        "final": [str(stage) for stage in workflow.FINAL],
        "hours": _own_or(minor_class.near_hours, "cases.near_hours", day, area_code),
        "metres": _own_or(minor_class.near_metres, "cases.near_metres", day, area_code),
        "on_road": minor_class.near_on_road,
        "least_reports": demands.least_reports,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_REPORTS, params)
        names = [column.name for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return sorted(found, key=lambda report: report["reported_at"])


def _own_or(own: int | None, key: str, day: date, area_code: str) -> int:
    return settings.get(key, on=day, area_code=area_code) if own is None else own


class _Router:
    """Proposals for one class as they would have been made, day by day."""

    def __init__(self, minor_class: MinorClass, *, day: date, until: datetime, learn_until: datetime | None) -> None:
        self.minor_class = minor_class
        departments = list(Department.objects.valid(day).filter(kind__in=DISPATCHABLE))
        self.departments = facts.as_routing_knows(departments)
        self.rows = [
            (row.valid_from, row.valid_to, facts.row_of(row, minor_class))
            for row in ResponsibilityRule.objects.about_class(minor_class).select_related(
                "department", "owner", "duty_grid", "road"
            )
        ]
        self.order = settings.get(facts.ORDER_SETTINGS[minor_class.kind], on=day)
        half_life = settings.get("dispatch.outcome_half_life_days", on=day)
        oldest = day - timedelta(days=settings.get("dispatch.outcome_days", on=day))
        code_of = {one.pk: one.code for one in departments}
        self.past = _Past(minor_class, code_of, oldest=oldest, before=learn_until or until, half_life=half_life)

    def proposal(self, report: dict) -> routing.Proposal | None:
        """Return the best proposal for a report; reports come in the order of time."""
        when = timezone.localtime(report["reported_at"])
        self.past.go_to(when.date())
        problem = routing.Problem(
            kind=self.minor_class.kind, class_code=self.minor_class.code,
            department_type=self.minor_class.department_type, area_code=report["area_code"],
            cell_code=report["cell_code"], duty_grid=str(report["duty_grid_id"] or ""),
            road=str(report["road_id"] or ""), road_class=report["road_class"], at=when,
            component=report["component"] or "", owner_code=report["owner_code"] or "",
            maintainer_code=report["maintainer_code"] or "",
        )  # fmt: skip
        rows = [row for first, end, row in self.rows if first <= when.date() and (end is None or when.date() < end)]
        found = routing.choose(
            problem, departments=self.departments, rows=rows, experience=self.past.at(report["area_code"]),
            by_rule=self.past.rules, class_by_rule=self.past.class_by_rule, order=self.order,
        )  # fmt: skip
        return found[0] if found else None


# Each dispatch on the day its outcome was known; a rule's over all classes, beside the class's own.
_PAST = """
    SELECT (s.ended_at AT TIME ZONE %(zone)s)::date AS day, k.area_code, k.department_id, k.rule, k.is_right, count(*)
      FROM dispatch_settledstint k JOIN cases_handlingstint s ON s.id = k.stint_id
     WHERE k.minor_class_id = %(class)s AND k.month >= %(since)s AND s.ended_at < %(before)s
     GROUP BY 1, 2, 3, 4, 5
"""
_PAST_OF_RULES = """
    SELECT (s.ended_at AT TIME ZONE %(zone)s)::date AS day, k.rule, k.is_right, count(*)
      FROM dispatch_settledstint k JOIN cases_handlingstint s ON s.id = k.stint_id
     WHERE k.kind = %(kind)s AND k.month >= %(since)s AND s.ended_at < %(before)s
     GROUP BY 1, 2, 3
"""


class _Past:
    """What was known of earlier dispatches on a day: of the days before it. Days are gone through once, forwards."""

    def __init__(
        self, minor_class: MinorClass, code_of: dict[int, str], *, oldest: date, before: datetime, half_life: int
    ) -> None:
        params = {
            "class": minor_class.pk, "kind": minor_class.kind, "since": oldest.replace(day=1), "before": before,
            "zone": site.TIME_ZONE,
        }  # fmt: skip
        self.rules: dict[str, Outcome] = {}
        self.class_by_rule: dict[str, Outcome] = {}
        self._waiting: dict[date, list[tuple]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(_PAST, params)
            for day, area_code, department_id, rule, is_right, number in cursor.fetchall():
                self._waiting[day].append(("", rule, is_right, number, self.class_by_rule))
                if department_id in code_of:
                    self._waiting[day].append((area_code, code_of[department_id], is_right, number, None))
            cursor.execute(_PAST_OF_RULES, params)
            for day, rule, is_right, number in cursor.fetchall():
                self._waiting[day].append(("", rule, is_right, number, self.rules))
        self._days = sorted(self._waiting)
        self._fade = 0.5 ** (1 / half_life) if half_life else 1.0
        self._day: date | None = None
        self._known: dict[tuple[str, str], Outcome] = {}

    def go_to(self, day: date) -> None:
        """Take in everything that was known before a day."""
        while self._days and self._days[0] < day:
            known_on = self._days.pop(0)
            self._grow_older((known_on - (self._day or known_on)).days)
            self._day = known_on
            for area_code, whose, is_right, number, by_rule in self._waiting[known_on]:
                outcome = Outcome.of(number if is_right else 0, 0 if is_right else number)
                if by_rule is not None:
                    by_rule[whose] = by_rule.get(whose, Outcome()) + outcome
                else:
                    for digits in LEVELS.values():
                        key = (area_code[:digits], whose)
                        self._known[key] = self._known.get(key, Outcome()) + outcome

    def _grow_older(self, days: int) -> None:
        share = self._fade**days
        if share < 1:
            for kept in (self._known, self.rules, self.class_by_rule):
                for key, one in kept.items():
                    kept[key] = Outcome(one.right, one.wrong, one.weighed_right * share, one.weighed_wrong * share)

    def at(self, area_code: str) -> dict[str, Experience]:
        """Return what is known at a place, by code of department."""
        codes = {whose for _area, whose in self._known}
        return {
            code: Experience(
                **{name: self._known.get((area_code[:digits], code), Outcome()) for name, digits in LEVELS.items()}
            )
            for code in codes
        }


def try_all(classes: Iterable[MinorClass], **rule) -> Iterator[Line]:
    """Try a rule on several classes and yield each report."""
    for minor_class in classes:
        yield from try_out(minor_class, **rule).lines
