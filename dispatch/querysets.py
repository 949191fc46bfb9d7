"""The named questions of the dispatch desk and of a department's desk."""

from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from accounts.permissions import acting
from accounts.querysets import valid_on
from accounts.roles import Role
from cases import workflow
from cases.models import Case, Directive, EventText, HandlingStint, Request, StageClock
from cases.querysets import counted, merged
from cases.workflow import DirectiveStage, RequestStage, Stage, StintStage, Subject
from grid.models import Area


class DatedQuerySet(QuerySet):
    """Rows that hold from a day on, until another day."""

    def on(self, day: date):
        """Return the rows that hold on a day."""
        return self.filter(valid_on(day))

    def not_over(self, day: date):
        """Return the rows that hold on a day or will hold later."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day))


class ResponsibilityQuerySet(DatedQuerySet):
    """Rows of the responsibility table."""

    def about_class(self, minor_class):
        """Return the rows whose class may fit, wherever and whenever."""
        of_any = Q(kind__in=["", minor_class.kind], major_code__in=["", minor_class.major_code])
        return self.filter(Q(minor_class=minor_class) | Q(of_any, minor_class=None)).with_area()

    def with_area(self):
        """Fetch the name of each row's area."""
        area = Area.objects.current().filter(code=OuterRef("area_code"))
        return self.annotate(area_name=Subquery(area.values("name_zh")[:1]))


class SafeClassQuerySet(QuerySet):
    """Classes declared safe."""

    def in_force(self, day: date):
        """Return the rows that hold on a day and were not switched off."""
        return self.filter(valid_on(day), switched_off_at__isnull=True)

    def shown(self, at: datetime):
        """Return the rows in force or switched off lately, each with how many went and how many of these were wrong."""
        decisions = self.model._meta.get_field("decisions").related_model.objects.filter(safe_class=OuterRef("pk"))

        def number(rows):
            counted = rows.order_by().values("safe_class").annotate(number=Count("pk")).values("number")
            return Coalesce(Subquery(counted), 0)

        return self.annotate(
            looked_at=number(decisions), went=number(decisions.went()), wrong=number(decisions.went().wrong())
        ).order_by("switched_off_at", "minor_class__kind", "minor_class__major_code", "minor_class__minor_code", "id")


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
    """One list of a desk 栏: stages and what else holds. A list that only grows is not counted on every page."""

    name: str
    label: str
    stages: tuple[str, ...]
    also: Q = field(default_factory=Q)
    is_counted: bool = True
    is_folded: bool = False  # it stands under "more"

    @property
    def wanted(self) -> Q:
        """The condition on the rows of this list."""
        return Q(stage__in=self.stages) & self.also


def desk_tabs(at: datetime) -> tuple[Tab, ...]:
    """Return the lists of the dispatch desk in the order they are shown; each is a condition on cases."""
    asked = Q(pk__in=Request.objects.filter(stage=RequestStage.PENDING).values("case"))
    handed_over = Q(pk__in=HandlingStint.objects.filter(stage=StintStage.HANDED_OVER).values("case"))
    returning = Exists(HandlingStint.objects.filter(case=OuterRef("pk"), stage=StintStage.RETURNING, parent=None))
    with_departments = workflow.WITH_DEPARTMENTS
    supervised = Directive.objects.filter(stage=DirectiveStage.OPEN).values("case")
    return (
        Tab("to_dispatch", _("To dispatch"), (Stage.PENDING_DISPATCH,), ~Q(returning)),
        Tab("requests", _("Requests"), with_departments, asked),
        Tab("returned", _("Returned"), (Stage.PENDING_DISPATCH,), Q(returning)),
        Tab("disputes", _("Disputes"), (Stage.DISPUTED,)),
        Tab("results", _("Results to pass on"), with_departments, handed_over),
        Tab("review", _("Automatic dispatches"), tuple(Stage), Q(needs_dispatch_review=True) | Q(undo_until__gte=at)),
        Tab("working", _("With departments"), (Stage.PENDING_HANDLE, Stage.HANDLING, Stage.HANDED_OVER)),
        Tab("overdue", _("Overdue"), with_departments, Q(due_at__lt=at, clock_paused=False)),
        Tab("directives", _("Supervised"), workflow.OPEN, Q(pk__in=supervised)),
        Tab("suspended", _("Suspended"), (Stage.SUSPENDED,)),
        Tab("later", _("Being checked"), (Stage.PENDING_CHECK, Stage.CHECKING, Stage.PENDING_CLOSE), is_folded=True),
        Tab("void", _("Void"), (Stage.VOIDED,), is_counted=False, is_folded=True),
        Tab("done", _("Ended"), tuple(workflow.FINAL), is_counted=False, is_folded=True),
    )


UP_FOR_DECISION = (StintStage.HANDED_UP, StintStage.RETURNING)


def department_tabs(at: datetime) -> tuple[Tab, ...]:
    """Return the lists of a department's desk in the order they are shown; each is a condition on stints."""
    asked = Q(pk__in=Request.objects.filter(stage=RequestStage.PENDING).values("stint"))
    working = (StintStage.PENDING_HANDLE, StintStage.HANDLING, StintStage.DELEGATED)
    from_below = Q(
        pk__in=HandlingStint.objects.filter(stage__in=UP_FOR_DECISION, parent__isnull=False).values("parent")
    )
    answer_owed = Exists(
        Directive.objects.filter(case=OuterRef("case"), to_department=OuterRef("department"), stage=DirectiveStage.OPEN)
    )
    given_back = (StintStage.RETURNED, StintStage.WITHDRAWN)
    return (
        Tab("to_receive", _("To receive"), (StintStage.PENDING_HANDLE,)),
        Tab("in_hand", _("In hand"), (StintStage.HANDLING,)),
        Tab("submitted", _("Results to confirm"), (StintStage.HANDLING,), Q(submitted_at__isnull=False)),
        Tab("rework", _("Back for rework"), (StintStage.PENDING_HANDLE, StintStage.HANDLING), Q(rework_count__gt=0)),
        Tab("below", _("With the level below"), (StintStage.DELEGATED,)),
        Tab("from_below", _("From the level below"), (StintStage.DELEGATED,), from_below),
        Tab("overdue", _("Overdue"), working, Q(due_at__lt=at)),
        Tab("directives", _("Supervised"), (*workflow.STINT_OPEN, StintStage.ACCEPTED), Q(answer_owed)),
        Tab("requests", _("Requests"), workflow.STINT_OPEN, asked),
        Tab("suspended", _("Suspended"), (StintStage.SUSPENDED,)),
        Tab("handed_over", _("Handed over"), (StintStage.HANDED_OVER, StintStage.HANDED_UP)),
        Tab("done", _("Done"), (StintStage.ACCEPTED,), is_counted=False, is_folded=True),
        Tab("given_back", _("Returned or withdrawn"), given_back, is_counted=False, is_folded=True),
    )


def numbered(rows: QuerySet, tabs: tuple[Tab, ...]) -> list[tuple[Tab, int | None]]:
    """Return each list with how many rows it holds (as far as they are counted), None for those that are not."""
    counts = counted(rows, [tab.wanted if tab.also else tab.stages for tab in tabs if tab.is_counted])
    numbers = dict(zip((tab.name for tab in tabs if tab.is_counted), counts, strict=True))
    return [(tab, numbers.get(tab.name)) for tab in tabs]


def stints_of(user, *, departments, at: datetime) -> QuerySet:
    """Return the stints of these departments, and those assigned to this person, with what one row of a list shows."""
    clock = StageClock.objects.filter(stint=OuterRef("pk"), name=workflow.Clock.HANDLING)
    is_working = Q(
        stage__in=(
            StintStage.PENDING_HANDLE,
            StintStage.HANDLING,
            StintStage.DELEGATED,
            StintStage.RETURNING,
            StintStage.DISPUTED,
            StintStage.SUSPENDED,
        )
    )
    is_paused = Q(stage__in=[stage for subject, stage in workflow.PAUSED if subject is Subject.STINT])
    asked = Request.objects.filter(stint=OuterRef("pk"), stage=RequestStage.PENDING)
    mine = Q(department__in=departments) if departments else Q(handler=user)
    if departments and acting(user, at=at, roles=(Role.HANDLER,)):
        mine |= Q(handler=user)
    return (
        HandlingStint.objects.filter(mine)
        .select_related("case__minor_class", "department", "handler")
        .defer("case__search", "case__last_hash")
        .annotate(
            yellow_at=Subquery(clock.values("yellow_at")[:1]),
            clock_paused=ExpressionWrapper(is_paused, output_field=BooleanField()),
            is_working=ExpressionWrapper(is_working, output_field=BooleanField()),
            asked=Subquery(asked.values("kind")[:1]),
        )
    )


def with_line(stints: QuerySet) -> QuerySet:
    """Fetch what one line of a department's list shows, and nothing else."""
    return stints.only(
        "public_id", "stage", "due_at", "dispatched_at", "handed_over_at", "rework_count", "is_lead",
        "case__public_id", "limit_unit", "ended_at", "case__limit_unit", "case__area_code", "case__version",
        "case__number", "case__urgency", "case__address", "case__area_names", "case__minor_class__name_zh",
        "case__minor_class__name_en", "department__name_zh", "department__name_en", "handler__name_zh",
        "handler__name_en", "handler__username",
    )  # fmt: skip


def most_pressing(stints: QuerySet, tab: Tab, *, first: int, last: int) -> QuerySet:
    """Return stints number `first` up to, not including, `last` of a list: by deadline, what has ended by its end."""
    if not tab.is_counted:
        return with_line(stints.filter(tab.wanted)).order_by("-ended_at", "-id")[first:last]
    ordered = stints.order_by(F("due_at").asc(nulls_last=True), "id")
    keys = merged(
        ordered.filter(tab.also), tab.stages, columns=("due_at",), order="first ASC NULLS LAST, key", first=first,
        last=last,
    )  # fmt: skip
    return stints.none() if keys is None else with_line(ordered.filter(pk__in=keys))


ASKING = (*(move.verb for move in workflow.MOVES if move.verb.startswith("ask_")), "open_dispute", "raise_dispute")


def requests_with_words(case: Case) -> QuerySet:
    """Return the requests of a case that wait for a decision, each with the words it was asked with; one query."""
    words = EventText.objects.filter(case=OuterRef("case"), sequence=OuterRef("sequence")).values("text")
    asking = case.events.filter(
        verb__in=ASKING,
        subject_id=OuterRef("stint__public_id"),
        at=OuterRef("asked_at"),
    ).annotate(words=Subquery(words[:1]))
    return (
        case.requests.pending()
        .select_related("stint__department", "asked_by")
        .annotate(words=Subquery(asking.values("words")[:1]))
        .order_by("asked_at", "id")
    )


def pending_requests(cases: QuerySet) -> QuerySet:
    """Return the requests about these cases that wait for a decision, the oldest first."""
    rows = Request.objects.pending().filter(case__in=cases).select_related("case__minor_class", "stint__department")
    return rows.order_by("asked_at", "id")


def stint_lists(cases: QuerySet) -> dict[str, QuerySet]:
    """Return the lists of stints about these cases that somebody keeps an eye on, by name."""
    rows = HandlingStint.objects.filter(case__in=cases).select_related("case__minor_class", "department")
    return {
        "stock": rows.filter(stock_at__isnull=False, left_stock_at__isnull=True).order_by("stock_at", "id"),
        "left_stock": rows.filter(left_stock_at__isnull=False).order_by("-left_stock_at", "-id"),
        "returned": rows.filter(stage=StintStage.RETURNED, dispatch_verdict="", parent=None).order_by("ended_at", "id"),
        "ownerless": rows.filter(case__is_ownerless=True, stage__in=workflow.STINT_OPEN, parent=None).order_by("id"),
    }


def deferred_in_hand() -> QuerySet:
    """Return the deferred stints that are still open and not in the stock list yet."""
    rows = HandlingStint.objects.open().filter(deferred_at__isnull=False, stock_at__isnull=True)
    return rows.select_related("case__minor_class", "case__command_centre", "department").order_by("deferred_at", "id")


def waiting_for_dispatch() -> QuerySet:
    """Return the cases to be dispatched where no return is being decided."""
    returning = HandlingStint.objects.filter(case=OuterRef("pk"), stage=StintStage.RETURNING, parent=None)
    cases = Case.objects.filter(~Exists(returning), stage=Stage.PENDING_DISPATCH)
    return cases.select_related("minor_class", "component__owner", "component__maintainer").defer("search", "last_hash")
