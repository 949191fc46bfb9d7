"""Who takes calls and calls back: the desk of the supervision centre."""

from datetime import datetime

from accounts.permissions import acting
from accounts.roles import Role, Side

SEATS = frozenset({Role.ACCEPTANCE_OPERATOR, Role.DUTY_LEADER})


def seat_of(user, *, at: datetime):
    """Return the appointment under which this person sits at the telephone, or None."""
    if acting(user, side=Side.DEPARTMENT, at=at) is not None:
        return None  # whoever also works for a department never hears who called
    return acting(user, roles=SEATS, at=at)
