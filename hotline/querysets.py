"""The named questions asked of calls."""

from datetime import datetime

from django.apps import apps
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import VaultRecord
from accounts.permissions import appointments_of
from accounts.roles import Role
from cases.models import Case
from cases.workflow import FINAL, OPEN


class CallQuerySet(QuerySet):
    """Calls, as the desks ask for them."""

    def visible_to(self, user, at: datetime) -> "CallQuerySet":
        """Return the calls a person may see: a seat its own, a duty leader those of his centre, nobody else any."""
        seen = Q(pk__in=[])
        for appointment in appointments_of(user, at):
            if appointment.role == Role.DUTY_LEADER:
                seen |= Q(centre=appointment.department_id)
            elif appointment.role == Role.ACCEPTANCE_OPERATOR:
                seen |= Q(centre=appointment.department_id, seat=user)
        return self.filter(seen)

    def with_row(self) -> "CallQuerySet":
        """Fetch what one row of the list shows, in one query."""
        return self.select_related("seat", "case__minor_class").defer("case__search", "case__last_hash")


class CallBackQuerySet(QuerySet):
    """Calls back to citizens."""

    def owed(self, user, at: datetime) -> QuerySet:
        """Return the cases of this desk that have ended and whose reporter left a number but was not told the result.

        The oldest first. Whether a number was left is known without opening anything. Whoever reported what was
        attached to another case hears how that one ends.
        """
        calls = apps.get_model("hotline", "Call").objects
        reachable = VaultRecord.objects.filter(phone_index__isnull=False)
        joined = calls.filter(
            Exists(reachable.filter(public_id=OuterRef("reporter_ref"))), case=OuterRef("pk"), result="joined"
        )
        return (
            Case.objects.visible_to(user, at)
            .filter(Exists(reachable.filter(public_id=OuterRef("reporter_ref"))) | Exists(joined), stage__in=FINAL)
            .exclude(merged_into__stage__in=OPEN)
            .exclude(Exists(self.filter(case=OuterRef("pk"), outcome="told")))
            .order_by("moved_at", "id")
        )
