"""Many checks at once: each goes to the collector who is the most suitable for it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from cases import actions
from cases.bulk import BulkDoor, Look, serve_begin, serve_go
from cases.models import FieldTask
from patrol.permissions import who_may_go


def _collector(case, _case, user, at) -> Look:
    first = next(iter(who_may_go(case, FieldTask.Kind.CHECK, at=at)), None)
    if first is None:
        return Look(_("No collector may check it: all had a part in it, or nobody works there."), is_excepted=True)
    duty = _("on duty") if first.is_on_duty else _("off duty")
    return Look(f"{first.collector} · {duty}", facts={"collector": str(first.collector.public_id)})


def _send_check(row, case, *, by, at, opinion: str = "", same_period: bool = False) -> UUID:
    collector = User.objects.get(public_id=row.facts["collector"])
    actions.send_check(case, by=by, at=at, collector=collector, opinion=opinion, same_period=same_period)
    return case.tasks.get(kind=FieldTask.Kind.CHECK, stage="sent").public_id


DOORS: dict[str, BulkDoor] = {"check": BulkDoor(_send_check, _collector)}


@require_POST
def bulk(request: HttpRequest, verb: str) -> HttpResponse:
    """The door of bulk checks."""
    return serve_begin(request, verb, room="patrol", doors=DOORS)


@require_POST
def go(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Let a run of checks begin, or drop it."""
    return serve_go(request, run_id, room="patrol", doors=DOORS)
