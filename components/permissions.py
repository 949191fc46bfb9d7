"""Who may look at the catalogue and the inventory and who may change them."""

from datetime import datetime

from django.core.exceptions import PermissionDenied

from accounts.permissions import acting
from accounts.roles import Role

PERMISSIONS: dict[str, frozenset[Role]] = {
    "see_catalogue": frozenset(Role),
    "see_components": frozenset(Role),
    "maintain_catalogue": frozenset({Role.ADMINISTRATOR}),
    "maintain_components": frozenset({Role.ADMINISTRATOR}),
}


def may(user, what: str, *, at: datetime) -> bool:
    """May this person do this here, now? `what` is a key of PERMISSIONS. Whoever set the program up may do all."""
    if getattr(user, "is_superuser", False) and user.is_active:
        return True
    return acting(user, roles=PERMISSIONS[what], at=at) is not None


def require(user, what: str, *, at: datetime) -> None:
    """Raise PermissionDenied unless this person may do this here, now."""
    if not may(user, what, at=at):
        raise PermissionDenied
