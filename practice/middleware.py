"""In the practice area each request that changes something is followed: what was refused is noted, the others answer.

On the real site this is not there at all.
"""

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from cases import workflow
from practice import actions
from practice.models import Run

# There are no passwords here: whoever is out comes in again from the real site.
CLOSED = {"accounts:login", "accounts:lock", "accounts:password"}
REFUSED = {403, 409, 422}


class Lessons:
    """Follows the trainee who has a lesson in hand."""

    def __init__(self, get_response):
        if not settings.PRACTICE_OF:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "POST" and request.user.is_authenticated and not _is_ours(request):
            self._follow(request, response)
        return response

    def process_view(self, request: HttpRequest, view, args, kwargs) -> HttpResponse | None:
        return redirect("practice:door") if request.resolver_match.view_name in CLOSED else None

    def _follow(self, request: HttpRequest, response: HttpResponse) -> None:
        run = Run.objects.in_hand(request.user).select_related("user").first()
        if run is None:
            return
        if response.status_code in REFUSED and request.resolver_match is not None:
            actions.note_refusal(run, _named(request))
        actions.follow(run, at=timezone.now())


def _is_ours(request: HttpRequest) -> bool:
    return request.resolver_match is not None and request.resolver_match.namespace == "practice"


def _named(request: HttpRequest) -> str:
    """What was being done, as the table of moves calls it; otherwise the name of the page."""
    verb = request.resolver_match.kwargs.get("verb", "")
    return next((move.label for move in workflow.MOVES if move.verb == verb), request.resolver_match.view_name)
