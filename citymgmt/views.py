"""The front door: everybody's start, tickets for the live channel, the state of the house, pages for what failed."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.permissions import appointments_of, topics_of
from accounts.roles import ROLES
from citymgmt.live_publish import make_ticket
from citymgmt.middleware import problem, wants_json
from office import health


def home(request: HttpRequest) -> HttpResponse:
    """The desk of the first role in the order of the loop; who has none today reads why the house is empty."""
    appointments = appointments_of(request.user, timezone.now())
    if appointments:
        return redirect(ROLES[appointments[0].role].home_url_name)
    if request.user.is_superuser:
        return redirect("accounts:maintenance")
    return render(request, "accounts/no_role.html")


@login_not_required
def technical_log_in(request: HttpRequest) -> HttpResponse:
    """The technical pages have no door of their own: throttling, lock and first password hold for everybody."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", "/admin/"))


@never_cache
def live_ticket(request: HttpRequest) -> JsonResponse:
    """A ticket with which this person's page may listen to news."""
    topics = topics_of(request.user, timezone.now())
    return JsonResponse({"ticket": make_ticket(user_id=request.user.pk, topics=topics)})


@login_not_required
@never_cache
def state(request: HttpRequest) -> HttpResponse:
    """Whether the house stands, for machines: 503 only when nothing can be served. No detail that helps a stranger."""
    checks = health.checks(at=timezone.now())
    can_serve = all(check.ok for check in checks if check.name == "database")
    status = 200 if can_serve else 503
    if wants_json(request) or request.GET.get("format") == "json":
        body = {"ok": all(check.ok for check in checks), "checks": {check.name: check.ok for check in checks}}
        return JsonResponse(body, status=status)
    lines = [f"{check.name}: {'ok' if check.ok else 'FAILED'}" for check in checks]
    return HttpResponse("\n".join(lines) + "\n", status=status, content_type="text/plain; charset=utf-8")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    reason = str(exception)
    words = reason or _("Your role does not open this page.")
    if wants_json(request):
        return problem(status=403, code="forbidden", detail=words)
    template = "_ui/refusal.html" if getattr(request, "htmx", False) else "403.html"
    return render(request, template, {"sentence": words, "reason": reason}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    words = _("There is nothing at this address, or it is not yours to see.")
    if wants_json(request):
        return problem(status=404, code="not_found", detail=words)
    template = "_ui/refusal.html" if getattr(request, "htmx", False) else "404.html"
    return render(request, template, {"sentence": words}, status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """Something went wrong on our side. The page stands on nothing that could be what broke."""
    if wants_json(request):
        return problem(status=500, code="broken", detail=_("Something went wrong on our side. Try again."))
    return render(request, "500.html", status=500)
