"""What routing is told about a case: responsibilities, departments, whose the component is, earlier outcomes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import Department
from cases.models import Case, HandlingStint
from cases.workflow import Stage, StintStage
from citymgmt.wording import worded
from dispatch import routing
from dispatch.models import ResponsibilityRule
from dispatch.permissions import departments_to_dispatch_to
from dispatch.routing import Outcome, Problem, Proposal, Row, Rule
from office import settings


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
        """What the estimate rests on, in the language of the page."""
        outcome = self.proposal.outcome
        if not outcome.total:
            return gettext(routing.NO_EXPERIENCE)
        return worded(gettext(routing.EXPERIENCE), {"right": outcome.right, "total": outcome.total})


def suggestions(
    case: Case, *, at: datetime, departments: list[Department] | None = None, with_outcomes: bool = True
) -> list[Suggestion]:
    """Return who should get the case, the best first; two queries, and one more where the departments are not given.

    Without outcomes: by the rules alone, one query less, and no word of how sure it is.
    """
    if departments is None:
        departments = list(departments_to_dispatch_to(at))
    by_id = {one.pk: one for one in departments}
    by_code = {one.code: one for one in departments}
    proposals = routing.choose(
        problem_of(case),
        departments=[
            routing.Department(
                code=one.code, kind=one.kind, types=one.department_type, area_code=one.area_code, sort=one.sort
            )
            for one in departments
        ],
        rows=rows_about(case, at=at),
        outcomes={
            by_id[pk].code: outcome for pk, outcome in (outcomes_of(case, at=at) if with_outcomes else {}).items()
            if pk in by_id
        },
    )  # fmt: skip
    if case.is_ownerless:  # 无主案件: the place answers for it
        proposals.sort(key=lambda one: one.rule is not Rule.STREET)
    return [Suggestion(by_code[one.department_code], one) for one in proposals]


def problem_of(case: Case) -> Problem:
    """Return what routing must know of a case."""
    what, component = case.minor_class, case.component
    return Problem(
        kind=what.kind,
        class_code=what.code,
        department_type=what.department_type,
        area_code=case.area_code,
        road_class=case.road_class,
        component=component.identifier if component else "",
        owner_code=component.owner.code if component and component.owner else "",
        maintainer_code=component.maintainer.code if component and component.maintainer else "",
    )


def rows_about(case: Case, *, at: datetime) -> list[Row]:
    """Return the rows of the responsibility table that may fit the case; one query."""
    what = case.minor_class
    found = ResponsibilityRule.objects.on(timezone.localdate(at)).about(
        kind=what.kind, class_id=what.pk, major_code=what.major_code, area_code=case.area_code
    )
    return [
        Row(
            department_code=row.department.code,
            kind=row.kind,
            major_code=row.major_code,
            class_code=what.code if row.minor_class_id else "",
            area_code=row.area_code,
            road_class=row.road_class,
            owner_code=row.owner.code if row.owner else "",
            sort=row.sort,
            words=words_of(row, case),
        )
        for row in found.select_related("department", "owner")
    ]


def words_of(row: ResponsibilityRule, case: Case) -> str:
    """Return the conditions of a row that fits a case, in the language of the page: 暴露垃圾 · 桃溪街道 · 主干道."""
    what = case.minor_class
    named = (
        what.name if row.minor_class_id else what.major_name if row.major_code else "",
        row.area_name or row.area_code,
        row.get_road_class_display(),
        row.owner.name if row.owner else "",
    )
    return " · ".join(str(one) for one in named if one)


def outcomes_of(case: Case, *, at: datetime) -> dict[int, Outcome]:
    """Return what became of earlier dispatches of the case's class, by department id; one query.

    Right is one that ended as done there; wrong one that was returned or taken back. A voided case proves nothing.
    """
    days = settings.get("dispatch.outcome_days", on=timezone.localdate(at), area_code=case.area_code)
    came_back = Q(stage__in=(StintStage.RETURNED, StintStage.WITHDRAWN)) & ~Q(case__stage=Stage.VOIDED)
    found = (
        HandlingStint.objects.filter(
            case__minor_class=case.minor_class_id, dispatched_at__gte=at - timedelta(days=days), dispatched_at__lt=at
        )
        .exclude(case=case.pk)
        .order_by()
        .values("department")
        .annotate(right=Count("pk", filter=Q(stage=StintStage.ACCEPTED)), wrong=Count("pk", filter=came_back))
    )
    return {row["department"]: Outcome(right=row["right"], wrong=row["wrong"]) for row in found}


def rule_of(department: Department, found: list[Suggestion]) -> Rule:
    """Return the rule under which a department was proposed, BY_HAND when it was not."""
    return next((one.proposal.rule for one in found if one.department.pk == department.pk), Rule.BY_HAND)
