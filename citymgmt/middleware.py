"""A refusal that leaves a view becomes an answer in words."""

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from citymgmt.errors import Refusal
from citymgmt.refusals import sentence

REFUSED = 409


def wants_json(request: HttpRequest) -> bool:
    """Programs say so in Accept; browsers and htmx ask for HTML."""
    return request.path.startswith("/api/") or (
        request.accepts("application/json") and not request.accepts("text/html")
    )


def problem(*, status: int, code: str, detail: str) -> JsonResponse:
    """An error for programs, in the form of RFC 9457."""
    body = {"type": "about:blank", "title": code, "status": status, "code": code, "detail": detail}
    return JsonResponse(body, status=status, content_type="application/problem+json")


class NoZeroBytes:
    """PostgreSQL takes no text with a zero byte: an address with one is nonsense. Forms refuse it themselves."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("an address with a zero byte")
        return self.get_response(request)


class RefusalMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refusal):
            return None
        if wants_json(request):
            return problem(status=REFUSED, code=exception.code, detail=sentence(exception))
        template = "_ui/refusal.html" if request.htmx else "refusal.html"
        return render(request, template, {"refusal": exception, "sentence": sentence(exception)}, status=REFUSED)
