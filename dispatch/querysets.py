"""The named questions of the dispatch desk and of a department's desk."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.querysets import valid_on
from cases import workflow
from cases.models import Case, EventText, HandlingStint, Request, StageClock
from cases.workflow import RequestStage, Stage, StintStage
from grid.models import Area


class ResponsibilityQuerySet(QuerySet):
    """Rows of the responsibility table."""

    def on(self, day: date):
        """Return the rows that hold on a day."""
        return self.filter(valid_on(day))

    def not_over(self, day: date):
        """Return the rows that hold on a day or will hold later."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day))

    def about(self, *, kind: str, class_id: int, major_code: str, area_code: str):
        """Return the rows whose class and place may fit; the routing decides which do, and their order."""
        codes = ["", *(area_code[:length] for length in range(1, len(area_code) + 1))]
        area = Area.objects.current().filter(code=OuterRef("area_code"))
        return self.filter(
            Q(minor_class=class_id) | Q(minor_class=None, kind__in=["", kind], major_code__in=["", major_code]),
            area_code__in=codes,
        ).annotate(area_name=Subquery(area.values("name_zh")[:1]))


class SafeClassQuerySet(QuerySet):
    """Classes declared safe."""

    def in_force(self, day: date):
        """Return the rows that hold on a day and were not switched off."""
        return self.filter(valid_on(day), switched_off_at__isnull=True)


class StraightQuerySet(QuerySet):
    """Decisions about what goes straight through."""

    def went(self):
        """Return those that went straight through."""
        return self.filter(went=True)

    def wrong(self):
        """Return those that turned out wrong: undone, judged wrong, returned or taken back, never a case after all."""
        settled = self.model._meta.get_field("stint").related_model
        came_back = Exists(
            settled.objects.filter(pk=OuterRef("stint"), stage__in=(StintStage.RETURNED, StintStage.WITHDRAWN))
        )
        never_a_case = Q(case__stage__in=(Stage.VOIDED, Stage.NOT_FILED, Stage.NOT_ACCEPTED, Stage.MERGED))
        judged = ~Q(filing_verdict__in=["", "right"]) | ~Q(dispatch_verdict__in=["", "right"])
        return self.went().filter(came_back | never_a_case | judged | Q(undone_at__isnull=False))


@dataclass(frozen=True)
class Tab:
    """One list of a desk 栏. A list that only grows is not counted on every page."""

    name: str
    label: str
    wanted: Q
    is_counted: bool = True


def desk_tabs(at: datetime) -> tuple[Tab, ...]:
    """Return the lists of the dispatch desk in the order they are shown; each is a condition on cases."""
    asked = Exists(Request.objects.filter(case=OuterRef("pk"), stage=RequestStage.PENDING))
    handed_over = Exists(HandlingStint.objects.filter(case=OuterRef("pk"), stage=StintStage.HANDED_OVER))
    returning = Exists(HandlingStint.objects.filter(case=OuterRef("pk"), stage=StintStage.RETURNING))
    with_departments = Q(stage__in=workflow.WITH_DEPARTMENTS)
    return (
        Tab("to_dispatch", _("To dispatch"), Q(stage=Stage.PENDING_DISPATCH) & ~Q(returning)),
        Tab("requests", _("Requests"), with_departments & Q(asked)),
        Tab("results", _("Results to pass on"), with_departments & Q(handed_over)),
        Tab("review", _("Automatic dispatches"), Q(needs_dispatch_review=True)),
        Tab("working", _("With departments"), Q(stage__in=(Stage.PENDING_HANDLE, Stage.HANDLING, Stage.HANDED_OVER))),
        Tab("overdue", _("Overdue"), with_departments & Q(due_at__lt=at, clock_paused=False)),
        Tab("suspended", _("Suspended"), Q(stage=Stage.SUSPENDED)),
        Tab("later", _("Being checked"), Q(stage__in=(Stage.PENDING_CHECK, Stage.CHECKING, Stage.PENDING_CLOSE))),
        Tab("done", _("Ended"), Q(stage__in=workflow.FINAL), is_counted=False),
    )


def department_tabs(at: datetime) -> tuple[Tab, ...]:
    """Return the lists of a department's desk in the order they are shown; each is a condition on stints."""
    asked = Exists(Request.objects.filter(stint=OuterRef("pk"), stage=RequestStage.PENDING))
    working = Q(stage__in=(StintStage.PENDING_HANDLE, StintStage.HANDLING))
    given_back = Q(stage__in=(StintStage.RETURNED, StintStage.WITHDRAWN))
    return (
        Tab("to_receive", _("To receive"), Q(stage=StintStage.PENDING_HANDLE)),
        Tab("in_hand", _("In hand"), Q(stage=StintStage.HANDLING)),
        Tab("overdue", _("Overdue"), working & Q(due_at__lt=at)),
        Tab("requests", _("Requests"), Q(asked)),
        Tab("suspended", _("Suspended"), Q(stage=StintStage.SUSPENDED)),
        Tab("handed_over", _("Handed over"), Q(stage=StintStage.HANDED_OVER)),
        Tab("done", _("Done"), Q(stage=StintStage.ACCEPTED), is_counted=False),
        Tab("given_back", _("Returned or withdrawn"), given_back, is_counted=False),
    )


def counted(rows: QuerySet, tabs: tuple[Tab, ...]) -> list[tuple[Tab, int | None]]:
    """Return each list with how many rows it holds, None for those not counted; one query."""
    wanted = {tab.name: Count("pk", filter=tab.wanted) for tab in tabs if tab.is_counted}
    numbers = rows.aggregate(**wanted)
    return [(tab, numbers.get(tab.name)) for tab in tabs]


def stints_of(user, *, departments) -> QuerySet:
    """Return the stints of these departments, and those assigned to this person, with what one row of a list shows."""
    clock = StageClock.objects.filter(stint=OuterRef("pk"), name=workflow.Clock.HANDLING)
    is_working = Q(
        stage__in=(StintStage.PENDING_HANDLE, StintStage.HANDLING, StintStage.RETURNING, StintStage.SUSPENDED)
    )
    asked = Request.objects.filter(stint=OuterRef("pk"), stage=RequestStage.PENDING)
    return (
        HandlingStint.objects.filter(Q(department__in=departments) | Q(handler=user))
        .select_related("case__minor_class", "department", "handler")
        .defer("case__search", "case__last_hash")
        .annotate(
            yellow_at=Subquery(clock.values("yellow_at")[:1]),
            clock_paused=Exists(clock.filter(state=StageClock.State.PAUSED)),
            is_working=ExpressionWrapper(is_working, output_field=BooleanField()),
            asked=Subquery(asked.values("kind")[:1]),
        )
    )


def requests_with_words(case: Case) -> QuerySet:
    """Return the requests of a case that wait for a decision, each with the words it was asked with; one query."""
    words = EventText.objects.filter(case=OuterRef("case"), sequence=OuterRef("sequence")).values("text")
    asking = case.events.filter(
        verb__in=("ask_return", "ask_extension", "ask_suspension"),
        subject_id=OuterRef("stint__public_id"),
        at=OuterRef("asked_at"),
    ).annotate(words=Subquery(words[:1]))
    return (
        case.requests.pending()
        .select_related("stint__department", "asked_by")
        .annotate(words=Subquery(asking.values("words")[:1]))
        .order_by("asked_at", "id")
    )


def waiting_for_dispatch() -> QuerySet:
    """Return the cases to be dispatched where no return is being decided."""
    returning = HandlingStint.objects.filter(case=OuterRef("pk"), stage=StintStage.RETURNING)
    cases = Case.objects.filter(~Exists(returning), stage=Stage.PENDING_DISPATCH)
    return cases.select_related("minor_class", "component__owner", "component__maintainer").defer("search", "last_hash")
