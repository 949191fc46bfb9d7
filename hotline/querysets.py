"""The named questions asked of calls."""

from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.permissions import appointments_of
from accounts.roles import Role


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
