"""Who may look at places and who may change them. Tiles and lists ask the same questions."""

from datetime import datetime

from django.core.exceptions import PermissionDenied

from accounts.permissions import acting
from accounts.roles import Role

PERMISSIONS: dict[str, frozenset[Role]] = {
    # Streets and cells are no secret among those who work with them.
    "see_places": frozenset(Role),
    "maintain_places": frozenset({Role.ADMINISTRATOR}),
}


def may(user, what: str, *, at: datetime) -> bool:
    """May this person do this here, now? `what` is a key of PERMISSIONS. Whoever set the program up may do both."""
    if getattr(user, "is_superuser", False) and user.is_active:
        return True
    return acting(user, roles=PERMISSIONS[what], at=at) is not None


def require(user, what: str, *, at: datetime) -> None:
    """Raise PermissionDenied unless this person may do this here, now."""
    if not may(user, what, at=at):
        raise PermissionDenied
