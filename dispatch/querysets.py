"""The named questions of the dispatch desk and of a department's desk."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_noop as _

from accounts.querysets import valid_on
from cases import workflow
from cases.models import Case, HandlingStint, Request
from cases.workflow import RequestStage, Stage, StintStage


class ResponsibilityQuerySet(QuerySet):
    """Rows of the responsibility table."""

    def on(self, day: date):
        """Return the rows that hold on a day."""
        return self.filter(valid_on(day))

    def about(self, *, kind: str, class_id: int, major_code: str, area_code: str):
        """Return the rows whose class and place may fit; the routing decides which do, and their order."""
        codes = ["", *(area_code[:length] for length in range(1, len(area_code) + 1))]
        return self.filter(
            Q(minor_class=class_id) | Q(minor_class=None, kind__in=["", kind], major_code__in=["", major_code]),
            area_code__in=codes,
        )


@dataclass(frozen=True)
class Tab:
    """One list of a desk."""

    label: str
    wanted: Q


def _overdue(at: datetime) -> Q:
    return Q(due_at__lt=at, clock_paused=False)


def desk_tabs(at: datetime) -> dict[str, Tab]:
    """Return the lists of the dispatch desk by name, in the order they are shown; each is a condition on cases."""
    asked = Exists(Request.objects.filter(case=OuterRef("pk"), stage=RequestStage.PENDING))
    handed_over = Exists(HandlingStint.objects.filter(case=OuterRef("pk"), stage=StintStage.HANDED_OVER))
    working = Q(stage__in=workflow.WITH_DEPARTMENTS)
    return {
        "to_dispatch": Tab(_("To dispatch"), Q(stage=Stage.PENDING_DISPATCH)),
        "requests": Tab(_("Requests"), working & Q(asked)),
        "results": Tab(_("Results to pass on"), working & Q(handed_over)),
        "review": Tab(_("Automatic dispatches to confirm"), Q(needs_dispatch_review=True)),
        "with_departments": Tab(
            _("With departments"), Q(stage__in=(Stage.PENDING_HANDLE, Stage.HANDLING, Stage.HANDED_OVER))
        ),
        "overdue": Tab(_("Overdue"), working & _overdue(at)),
        "suspended": Tab(_("Suspended"), Q(stage=Stage.SUSPENDED)),
        "all": Tab(_("All open"), Q(stage__in=workflow.OPEN)),
        "closed": Tab(_("Closed"), Q(stage=Stage.CLOSED)),
    }


def department_tabs(at: datetime) -> dict[str, Tab]:
    """Return the lists of a department's desk by name, in the order they are shown; each is a condition on stints."""
    asked = Exists(Request.objects.filter(stint=OuterRef("pk"), stage=RequestStage.PENDING))
    working = Q(stage__in=(StintStage.PENDING_HANDLE, StintStage.HANDLING))
    return {
        "to_receive": Tab(_("To receive"), Q(stage=StintStage.PENDING_HANDLE)),
        "in_hand": Tab(_("In hand"), Q(stage=StintStage.HANDLING)),
        "overdue": Tab(_("Overdue"), working & Q(due_at__lt=at)),
        "requests": Tab(_("Requests being decided"), Q(asked)),
        "suspended": Tab(_("Suspended"), Q(stage=StintStage.SUSPENDED)),
        "handed_over": Tab(_("Handed over"), Q(stage=StintStage.HANDED_OVER)),
        "done": Tab(_("Done"), Q(stage=StintStage.ACCEPTED)),
        "given_back": Tab(_("Returned and withdrawn"), Q(stage__in=(StintStage.RETURNED, StintStage.WITHDRAWN))),
    }


# Lists that only grow are not counted on every page.
UNCOUNTED = frozenset({"all", "closed", "done", "given_back"})


def counts(rows: QuerySet, tabs: dict[str, Tab]) -> dict[str, int]:
    """Return how many rows each counted list holds; one query."""
    return rows.aggregate(
        **{name: Count("pk", filter=tab.wanted) for name, tab in tabs.items() if name not in UNCOUNTED}
    )


def stints_of(user, *, departments) -> QuerySet:
    """Return the stints on a department's desk: its own and those below it; a handler's are those assigned to him."""
    return HandlingStint.objects.filter(Q(department__in=departments) | Q(handler=user))


def waiting_for_dispatch() -> QuerySet:
    """Return the cases to be dispatched where no return is being decided."""
    returning = HandlingStint.objects.filter(case=OuterRef("pk"), stage=StintStage.RETURNING)
    cases = Case.objects.filter(~Exists(returning), stage=Stage.PENDING_DISPATCH)
    return cases.select_related("minor_class", "component__owner", "component__maintainer").defer("search", "last_hash")
