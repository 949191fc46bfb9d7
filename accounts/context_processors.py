"""What the frame of every page shows about the person and the house. Looked up only where a page shows it."""

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts.actions import longest_shift
from accounts.maintenance import HELP
from accounts.middleware import idle_minutes, place_of
from accounts.models import Duty
from accounts.permissions import appointments_of, may, pages_shown
from accounts.roles import ROLES
from office import health, settings
from office.models import Message

MOST_COUNTED = 100


def frame(request: HttpRequest) -> dict:
    """For all `centre_name`, `demo_words`; for people what follows, by the names under which the pages know it."""
    at = timezone.now()
    day = timezone.localdate(at)
    everybody = {
        "centre_name": settings.get("office.centre_name", on=day),
        "demo_words": _("Demonstration data, all invented") if settings.get("office.is_demo", on=day) else "",
    }
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return everybody
    return everybody | {
        "page_help": help_here(request),
        "guide_due": SimpleLazyObject(lambda: _guide_due(request, user, at)),
        "appointments": SimpleLazyObject(lambda: appointments_of(user, at)),
        "may_maintain": SimpleLazyObject(lambda: bool(pages_shown(user, at=at))),
        "unread_messages": SimpleLazyObject(lambda: Message.objects.number_unread(user, most=MOST_COUNTED)),
        "idle_minutes": SimpleLazyObject(lambda: idle_minutes(place_of(user, at), at)),
        "is_on_duty": SimpleLazyObject(lambda: _is_on_duty(user, at)),
        "troubles": SimpleLazyObject(lambda: _troubles(request, user, at)),
    }


def help_here(request: HttpRequest) -> str:
    """What this page of maintenance is for, what a change does and from when it holds; "" on every other page."""
    here = request.resolver_match
    return _(HELP[here.view_name]) if here and here.view_name in HELP else ""


def _guide_due(request: HttpRequest, user, at) -> bool:
    """Whether this is the desk of a role whose guide has not opened for this person yet."""
    here = request.resolver_match
    new = {one.role for one in appointments_of(user, at)} - set(user.guides_seen)
    return here is not None and here.view_name in {ROLES[role].home_url_name for role in new}


def _is_on_duty(user, at) -> bool:
    takes_a_seat = any(ROLES[one.role].is_desk for one in appointments_of(user, at))
    return takes_a_seat and Duty.objects.on_duty(at, longest=longest_shift(at)).filter(user=user).exists()


def _troubles(request: HttpRequest, user, at) -> list[health.Check]:
    return health.troubles(language=request.LANGUAGE_CODE, at=at) if may(user, "see_health", at=at) else []
