"""The named questions of the dispatch desk and of a department's desk."""

from datetime import date, datetime

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, User
from accounts.permissions import acting
from accounts.querysets import valid_on
from accounts.roles import Role
from cases import workflow
from cases.models import Case, Directive, EventText, HandlingStint, Request, StageClock
from cases.querysets import IN_ORDER, Keys, Tab, keys_of, merged
from cases.workflow import DirectiveStage, RequestStage, Stage, StintStage, Subject
from components.models import MinorClass
from grid.models import Area
from office.rows import Rows


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


def asked_about(_at: datetime, _user: int) -> Q:
    """Cases about which a department asked something."""
    return Q(pk__in=Request.objects.filter(stage=RequestStage.PENDING).values("case"))


def handed_over(_at: datetime, _user: int) -> Q:
    """Cases of which a department handed over its result."""
    return Q(pk__in=HandlingStint.objects.filter(stage=StintStage.HANDED_OVER).values("case"))


def _returning() -> Exists:
    return Exists(HandlingStint.objects.filter(case=OuterRef("pk"), stage=StintStage.RETURNING, parent=None))


def not_returning(_at: datetime, _user: int) -> Q:
    """Cases that no department is giving back."""
    return ~Q(_returning())


def returning(_at: datetime, _user: int) -> Q:
    """Cases that a department is giving back."""
    return Q(_returning())


def went_by_itself(at: datetime, _user: int) -> Q:
    """What the system dispatched: as long as it may be undone, and what is to be judged afterwards."""
    return Q(needs_dispatch_review=True) | Q(undo_until__gte=at)


def late(at: datetime, _user: int) -> Q:
    """Cases past the deadline of a clock that runs."""
    return Q(due_at__lt=at, clock_paused=False)


def supervised(_at: datetime, _user: int) -> Q:
    """Cases with a supervision or an instruction that is not settled."""
    return Q(pk__in=Directive.objects.filter(stage=DirectiveStage.OPEN).values("case"))


# The lists of the dispatch desk in the order they are shown; each is a condition on cases.
DESK_TABS = (
    Tab("to_dispatch", _("To dispatch"), (Stage.PENDING_DISPATCH,), not_returning),
    Tab("requests", _("Requests"), workflow.WITH_DEPARTMENTS, asked_about),
    Tab("returned", _("Returned"), (Stage.PENDING_DISPATCH,), returning),
    Tab("disputes", _("Disputes"), (Stage.DISPUTED,)),
    Tab("results", _("Results to pass on"), workflow.WITH_DEPARTMENTS, handed_over),
    Tab("review", _("Automatic dispatches"), also=went_by_itself),
    Tab("working", _("With departments"), (Stage.PENDING_HANDLE, Stage.HANDLING, Stage.HANDED_OVER)),
    Tab("overdue", _("Overdue"), workflow.WITH_DEPARTMENTS, late),
    Tab("directives", _("Supervised"), tuple(workflow.OPEN), supervised),
    Tab("suspended", _("Suspended"), (Stage.SUSPENDED,)),
    Tab("later", _("Being checked"), (Stage.PENDING_CHECK, Stage.CHECKING, Stage.PENDING_CLOSE), is_folded=True),
    Tab("void", _("Void"), (Stage.VOIDED,), is_counted=False, is_folded=True),
    Tab("done", _("Ended"), tuple(workflow.FINAL), is_counted=False, is_folded=True),
)

WORKING = (
    StintStage.PENDING_HANDLE, StintStage.HANDLING, StintStage.DELEGATED, StintStage.RETURNING, StintStage.DISPUTED,
    StintStage.SUSPENDED,
)  # fmt: skip
PAUSED = tuple(stage for subject, stage in workflow.PAUSED if subject is Subject.STINT)
UP_FOR_DECISION = (StintStage.HANDED_UP, StintStage.RETURNING)


def asked_of(_at: datetime, _user: int) -> Q:
    """Stints about which the department asked something."""
    return Q(pk__in=Request.objects.filter(stage=RequestStage.PENDING).values("stint"))


def came_from_below(_at: datetime, _user: int) -> Q:
    """Stints of which the level below handed something up."""
    below = HandlingStint.objects.filter(stage__in=UP_FOR_DECISION, parent__isnull=False)
    return Q(pk__in=below.values("parent"))


def owes_an_answer(_at: datetime, _user: int) -> Q:
    """Stints of a department that owes an answer to a supervision of its case."""
    return Q(
        Exists(Directive.objects.filter(case=OuterRef("case"), to_department=OuterRef("department"),
                                        stage=DirectiveStage.OPEN))
    )  # fmt: skip


# The lists of a department's desk in the order they are shown; each is a condition on stints.
DEPARTMENT_TABS = (
    Tab("to_receive", _("To receive"), (StintStage.PENDING_HANDLE,)),
    Tab("in_hand", _("In hand"), (StintStage.HANDLING,)),
    Tab("submitted", _("Results to confirm"), (StintStage.HANDLING,), lambda _at, _user: Q(submitted_at__isnull=False)),
    Tab("rework", _("Back for rework"), (StintStage.PENDING_HANDLE, StintStage.HANDLING),
        lambda _at, _user: Q(rework_count__gt=0)),
    Tab("below", _("With the level below"), (StintStage.DELEGATED,)),
    Tab("from_below", _("From the level below"), (StintStage.DELEGATED,), came_from_below),
    Tab("overdue", _("Overdue"), (StintStage.PENDING_HANDLE, StintStage.HANDLING, StintStage.DELEGATED),
        lambda at, _user: Q(due_at__lt=at)),
    Tab("directives", _("Supervised"), (*workflow.STINT_OPEN, StintStage.ACCEPTED), owes_an_answer),
    Tab("requests", _("Requests"), tuple(workflow.STINT_OPEN), asked_of),
    Tab("suspended", _("Suspended"), (StintStage.SUSPENDED,)),
    Tab("handed_over", _("Handed over"), (StintStage.HANDED_OVER, StintStage.HANDED_UP)),
    Tab("done", _("Done"), (StintStage.ACCEPTED,), is_counted=False, is_folded=True),
    Tab("given_back", _("Returned or withdrawn"), (StintStage.RETURNED, StintStage.WITHDRAWN), is_counted=False,
        is_folded=True),
)  # fmt: skip


def stints_of(user, *, departments, at: datetime) -> QuerySet:
    """Return the stints of these departments, and those assigned to this person, with what one row of a list shows."""
    clock = StageClock.objects.filter(stint=OuterRef("pk"), name=workflow.Clock.HANDLING)
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
            clock_paused=ExpressionWrapper(Q(stage__in=PAUSED), output_field=BooleanField()),
            is_working=ExpressionWrapper(Q(stage__in=WORKING), output_field=BooleanField()),
            asked=Subquery(asked.values("kind")[:1]),
        )
    )


# What one line of a department's list shows, and nothing else.
_LINES = Rows(
    f"""{IN_ORDER % "cases_handlingstint"} JOIN cases_case "case" ON "case".id = one.case_id
    JOIN components_minorclass case__minor_class ON case__minor_class.id = "case".minor_class_id
    JOIN accounts_department department ON department.id = one.department_id
    LEFT JOIN accounts_user handler ON handler.id = one.handler_id ORDER BY given.place""",
    one=(HandlingStint, "public_id", "stage", "due_at", "dispatched_at", "handed_over_at", "rework_count", "is_lead",
         "limit_unit", "ended_at", "case", "department", "handler"),
    case=(Case, "public_id", "limit_unit", "area_code", "version", "number", "urgency", "address", "area_names",
          "minor_class"),
    case__minor_class=(MinorClass, "name_zh", "name_en"),
    department=(Department, "name_zh", "name_en"),
    handler=(User, "name_zh", "name_en", "username"),
    yellow_at="(SELECT yellow_at FROM cases_stageclock WHERE stint_id = one.id "
              f"AND name = '{workflow.Clock.HANDLING}' LIMIT 1)",
    asked="(SELECT kind FROM cases_request WHERE stint_id = one.id "
          f"AND stage = '{RequestStage.PENDING}' LIMIT 1)",
)  # fmt: skip


def lines(keys: Keys | None) -> list[HandlingStint]:
    """Return the stints with these keys as a department's list shows them; one query."""
    found = _LINES.whole(keys[1], within=keys[0]) if keys else []
    for stint in found:
        stint.is_working, stint.clock_paused = stint.stage in WORKING, stint.stage in PAUSED
        stint.asked_label = REQUESTED.get(stint.asked, "")
    return found


REQUESTED = dict(Request.Kind.choices)


def most_pressing(stints: QuerySet, tab: Tab, *, at: datetime, user, first: int, last: int) -> list[HandlingStint]:
    """Return stints number `first` up to, not including, `last` of a list: by deadline, what has ended by its end."""
    if not tab.is_counted:
        return lines(keys_of(stints.filter(tab.holds(at, user)).order_by("-ended_at", "-id")[first:last]))
    ordered = stints.filter(tab.holds_besides(at, user)).order_by(F("due_at").asc(nulls_last=True), "id")
    return lines(merged(ordered, tab.stages, columns=("due_at",), order="first ASC NULLS LAST, key", first=first,
                        last=last))  # fmt: skip


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
