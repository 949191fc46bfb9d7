"""Many cases at once at the command centre: dispatch each by its first proposal, and take that back."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Department
from cases.bulk import BulkDoor, Look, ids_of, serve_begin, serve_go
from cases.workflow import STINT_OPEN, StintStage
from dispatch import actions, facts, handbook
from dispatch.views import department_context, desk_context


def _proposal(case, _case, user, at) -> Look:
    """Return the first proposal of the routing; a department that gave the case back is not asked again unseen."""
    stints = dict(case.stints.values_list("department", "stage"))
    if StintStage.RETURNING in stints.values():
        return Look(_("A return is being decided: decide it first."), is_excepted=True)
    best = next((one for one in facts.suggestions(case, at=at) if one.department.pk not in stints), None)
    if best is None and stints:
        return Look(_("The department proposed had it already. Dispatch it by hand."), is_excepted=True)
    if best is None:
        return Look(_("No rule names a department for this class and place. Choose one."), is_excepted=True)
    words = f"{best.department.name} · {best.label} · {best.proposal.percent}%"
    return Look(words, facts={"department": best.id, "rule": str(best.proposal.rule)})


def _dispatch(row, case, *, by, at, opinion: str = "") -> UUID:
    department = Department.objects.get(public_id=row.facts["department"])
    actions.dispatch(case, by=by, at=at, department=department, opinion=opinion, rule=row.facts["rule"])
    return case.stints.get(department=department, stage__in=STINT_OPEN).public_id


def _department(stint, _case, user, at) -> Look:
    return Look(_("Back from %(department)s.") % {"department": stint.department.name})


def _take_back(row, stint, *, by, at, reason: str) -> UUID:
    actions.withdraw_dispatch(stint, by=by, at=at, reason=reason)
    return stint.public_id


DOORS: dict[str, BulkDoor] = {
    "dispatch": BulkDoor(_dispatch, _proposal),
    "take-back": BulkDoor(_take_back, _department),
    "handbook": BulkDoor(_take_back, file=handbook.bound),
}


@require_POST
def bulk(request: HttpRequest, verb: str) -> HttpResponse:
    """The door of the command centre's bulk verbs."""
    return serve_begin(request, verb, room="dispatch", doors=DOORS)


@require_POST
def go(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Let a run of the command centre begin, or drop it."""
    return serve_go(request, run_id, room="dispatch", doors=DOORS)


@require_safe
def desk_ids(request: HttpRequest) -> HttpResponse:
    """All cases of the dispatch desk's queue that the address asks for, by their ids."""
    return ids_of(desk_context(request, at=timezone.now())["page"])


@require_safe
def department_ids(request: HttpRequest) -> HttpResponse:
    """The same for a department's list."""
    return ids_of(department_context(request, at=timezone.now())["page"])
