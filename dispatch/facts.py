"""What routing is told about a case: responsibilities, departments, whose the component is, earlier outcomes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from accounts.models import Department
from cases.models import Case
from citymgmt.wording import worded
from dispatch import experience, routing
from dispatch.models import ResponsibilityRule
from dispatch.permissions import all_to_dispatch_to
from dispatch.routing import Problem, Proposal, Row, Rule
from grid.models import Area, DutyGrid, Road
from office import settings
from office.rows import Rows


@dataclass(frozen=True)
class Suggestion:
    """A proposal with its department, in words."""

    department: Department
    proposal: Proposal

    @property
    def id(self) -> str:
        """The department's public number, as forms send it."""
        return str(self.department.public_id)

    @property
    def label(self) -> str:
        return gettext(routing.RULE_LABELS[self.proposal.rule])

    @property
    def reason(self) -> str:
        """Why this department, in the language of the page."""
        return worded(gettext(routing.REASONS[self.proposal.rule]), self.proposal.facts)

    @property
    def experience(self) -> str:
        """What the estimate rests on, in the language of the page: the narrowest place with outcomes, and the city."""
        known = self.proposal.experience
        level, narrow = known.narrowest()
        said = [_counted(level, narrow)]
        if level in ("street", "district") and known.city.total > narrow.total:
            said.append(_counted("city", known.city))
        return " ".join(said)

    @property
    def how_sure(self) -> str:
        """How sure, in words and in the language of the page."""
        return gettext(self.proposal.words)


def _counted(level: str, outcome: routing.Outcome) -> str:
    return worded(gettext(routing.EXPERIENCE[level]), {"right": outcome.right, "total": outcome.total})


def suggestions(
    case: Case, *, at: datetime, departments: list[Department] | None = None, with_outcomes: bool = True
) -> list[Suggestion]:
    """Return who should get the case, the best first; two queries, and one more where the departments are not given.

    Without outcomes: by the rules alone, one query less, and no word of how sure it is.
    """
    if departments is None:
        departments = all_to_dispatch_to(at)
    known = experience.about(case, at=at) if with_outcomes else experience.Known()
    by_id = {one.pk: one for one in departments}
    by_code = {one.code: one for one in departments}
    rows = rows_about(case, at=at)
    proposals = routing.choose(
        problem_of(case, at=at, cell_code=cell_code_in(rows)),
        departments=as_routing_knows(departments),
        rows=rows,
        experience={by_id[pk].code: one for pk, one in known.departments.items() if pk in by_id},
        by_rule=known.rules,
        class_by_rule=known.class_by_rule,
        order=order_of(case, at=at),
    )
    if case.is_ownerless:  # 无主案件: the place answers for it
        proposals.sort(key=lambda one: one.rule is not Rule.STREET)
    return [Suggestion(by_code[one.department_code], one) for one in proposals]


def as_routing_knows(departments: Iterable[Department]) -> list[routing.Department]:
    """Return departments as routing knows them."""
    return [
        routing.Department(
            code=one.code, kind=one.kind, types=one.department_type, area_code=one.area_code, sort=one.sort
        )
        for one in departments
    ]


COMMUNITY_DIGITS = 12
ORDER_SETTINGS = {"component": "dispatch.order_component", "event": "dispatch.order_event"}


def order_of(case: Case, *, at: datetime) -> list[str]:
    """Return the city's order of owner, maintainer, catalogue and street for this kind of case."""
    return settings.get(ORDER_SETTINGS[case.minor_class.kind], on=timezone.localdate(at), area_code=case.area_code)


def cell_code_in(rows: list[Row]) -> str:
    """Return the code of the case's own unit grid where a row about it names one: no other unit grid's is read."""
    return next((row.area_code for row in rows if len(row.area_code) > COMMUNITY_DIGITS), "")


def problem_of(case: Case, *, at: datetime, cell_code: str = "") -> Problem:
    """Return what routing must know of a case that is dispatched at some time."""
    what, component = case.minor_class, case.component
    return Problem(
        kind=what.kind,
        class_code=what.code,
        department_type=what.department_type,
        area_code=case.area_code,
        cell_code=cell_code,
        duty_grid=str(case.duty_grid_id or ""),
        road=str(case.road_id or ""),
        road_class=case.road_class,
        at=timezone.localtime(at),
        component=component.identifier if component else "",
        owner_code=component.owner.code if component and component.owner else "",
        maintainer_code=component.maintainer.code if component and component.maintainer else "",
    )


_ABOUT = Rows(
    """
    FROM dispatch_responsibilityrule r
    JOIN accounts_department d ON d.id = r.department_id
    LEFT JOIN accounts_department o ON o.id = r.owner_id
    LEFT JOIN grid_dutygrid g ON g.id = r.duty_grid_id
    LEFT JOIN grid_road w ON w.id = r.road_id
    LEFT JOIN grid_area a ON a.code = r.area_code AND a.valid_to IS NULL
    WHERE r.valid_from <= %(day)s AND (r.valid_to IS NULL OR r.valid_to > %(day)s)
      AND (r.minor_class_id = %(class)s
           OR r.minor_class_id IS NULL AND r.kind IN ('', %(kind)s) AND r.major_code IN ('', %(major)s))
      AND (r.area_code = ANY(%(areas)s) OR r.area_code = (SELECT code FROM grid_unitgrid WHERE id = %(cell)s))
    ORDER BY r.sort, r.id
    """,
    r=ResponsibilityRule, d=(Department, "code"), o=(Department, "code", "name_zh", "name_en", "short_name"),
    g=(DutyGrid, "name_zh", "name_en"), w=(Road, "name_zh", "name_en"), a=(Area, "name_zh"),
)  # fmt: skip


def rows_about(case: Case, *, at: datetime) -> list[Row]:
    """Return the rows of the responsibility table whose class and place may fit the case; one query.

    The routing decides which do, and their order.
    """
    what, code = case.minor_class, case.area_code
    found = _ABOUT(**{
        "day": timezone.localdate(at), "class": what.pk, "kind": what.kind, "major": what.major_code,
        "areas": ["", *(code[:length] for length in range(1, len(code) + 1))], "cell": case.unit_grid_id,
    })  # fmt: skip
    rows = []
    for row, row.department, row.owner, row.duty_grid, row.road, area in found:
        row.area_name = area.name_zh if area else ""
        rows.append(row_of(row, what))
    return rows


def row_of(row: ResponsibilityRule, what) -> Row:
    """Return a row of the table as routing knows it, said about a class that it may fit."""
    return Row(
        department_code=row.department.code,
        kind=row.kind,
        major_code=row.major_code,
        class_code=what.code if row.minor_class_id else "",
        area_code=row.area_code,
        duty_grid=str(row.duty_grid_id or ""),
        road=str(row.road_id or ""),
        road_class=row.road_class,
        owner_code=row.owner.code if row.owner else "",
        hours=(row.opens_at, row.closes_at) if row.opens_at else None,
        weekdays=row.weekdays,
        season=(row.season_from, row.season_to) if row.season_from else None,
        precedent=row.case_number if row.origin == ResponsibilityRule.Origin.PRECEDENT else "",
        newest=row.valid_from.isoformat() if row.origin == ResponsibilityRule.Origin.PRECEDENT else "",
        sort=row.sort,
        words=words_of(row, what),
    )


def words_of(row: ResponsibilityRule, what) -> str:
    """Return the conditions of a row in the language of the page: 暴露垃圾 · 桃溪街道 · 主干道 · 18:00–02:00."""
    named = (
        what.name if row.minor_class_id else what.major_name if row.major_code else "",
        getattr(row, "area_name", "") or row.area_code,
        row.duty_grid.name if row.duty_grid else "",
        row.road.name if row.road else "",
        row.get_road_class_display(),
        row.owner.name if row.owner else "",
        times_of(row),
    )
    return " · ".join(str(one) for one in named if one)


WEEKDAYS = (
    gettext_lazy("Monday"), gettext_lazy("Tuesday"), gettext_lazy("Wednesday"), gettext_lazy("Thursday"),
    gettext_lazy("Friday"), gettext_lazy("Saturday"), gettext_lazy("Sunday"),
)  # fmt: skip


def times_of(row: ResponsibilityRule) -> str:
    """Return when a row holds, in the language of the page; "" for always."""
    said = []
    if row.opens_at:
        said.append(f"{row.opens_at:%H:%M}–{row.closes_at:%H:%M}")
    if row.weekdays:
        said.append(gettext(", ").join(str(WEEKDAYS[int(digit) - 1]) for digit in row.weekdays))
    if row.season_from:
        said.append(f"{row.season_from} – {row.season_to}")
    return " ".join(said)


def rule_of(department: Department, found: list[Suggestion]) -> Rule:
    """Return the rule under which a department was proposed, BY_HAND when it was not."""
    return next((one.proposal.rule for one in found if one.department.pk == department.pk), Rule.BY_HAND)
