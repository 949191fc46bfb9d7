"""A refusal that leaves a view becomes an answer in words."""

from django.core.exceptions import BadRequest
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException

from citymgmt.errors import Refusal
from citymgmt.refusals import sentence

REFUSED = 409
# Refusals that say more to a program than "not now".
REFUSED_AS: dict[str, int] = {
    "answer_missing": 422,
    "disk_full": 507,
    "fact_missing": 422,
    "file_not_what_it_says": 415,
    "file_too_large": 413,
    "hand_and_judge": 403,
    "key_used_otherwise": 422,
    "may_not_register": 403,
    "no_such_link": 404,
    "not_a_seat": 403,
    "not_yours": 403,
    "other_side": 403,
    "picture_needed": 422,
    "picture_needed_on_the_spot": 422,
    "too_often": 429,
    "vault_not_for_you": 403,
    "vault_reason_missing": 422,
}
TITLES: dict[int, str] = {
    400: _("Not readable"),
    401: _("Not logged in"),
    403: _("Not allowed"),
    404: _("Nothing here"),
    405: _("Method not known here"),
    406: _("Form of answer not known"),
    409: _("Refused"),
    413: _("Too large"),
    415: _("Kind of content not taken"),
    422: _("Not valid"),
    429: _("Too often"),
    500: _("Broken"),
    507: _("No room left"),
}


def wants_json(request: HttpRequest) -> bool:
    """Programs say so in Accept; browsers and htmx ask for HTML."""
    return request.path.startswith("/api/") or (
        request.accepts("application/json") and not request.accepts("text/html")
    )


# Every error that is no refusal of the field: its status, and the sentence that is read.
PROBLEMS: dict[str, tuple[int, str]] = {
    "malformed": (400, _("The request cannot be read: check its address, its cursor and its JSON.")),
    "not_authenticated": (401, _("Log in, or send a token: “Authorization: Bearer …”.")),
    "token_not_valid": (401, _("This token is not valid: it is unknown, revoked or too old.")),
    "locked": (401, _("This desk is locked: enter the password again.")),
    "forbidden": (403, _("Your role does not open this page.")),
    "first_password": (403, _("Choose a password of your own first.")),
    "csrf_failed": (403, _("The page's own mark (X-CSRFToken) is missing or wrong. Load the page again.")),
    "not_found": (404, _("There is nothing at this address, or it is not yours to see.")),
    "method_not_allowed": (405, _("This address does not know this method.")),
    "not_acceptable": (406, _("Answers are JSON. Ask for application/json.")),
    "too_large": (413, _("The request is too large. Hand files in one by one, as a form with files.")),
    "unsupported_media_type": (415, _("Send JSON, or a form with files.")),
    "not_valid": (422, _("Some fields are missing or wrong. Nothing was done.")),
    "too_often": (429, _("That is too many requests. Wait a little, then go on.")),
    "broken": (500, _("Something went wrong on our side. Try again.")),
}


class Problem(APIException):
    """An error of PROBLEMS. `errors` are sentences by field; `wait_seconds` says when to come again."""

    def __init__(self, code: str, *, errors: dict | None = None, wait_seconds: int | None = None) -> None:
        super().__init__(code=code)
        self.code, self.errors, self.wait_seconds = code, errors, wait_seconds


class Facts(DjangoJSONEncoder):
    """Whatever stands among the facts of a refusal is at least its own name."""

    def default(self, o):
        try:
            return super().default(o)
        except TypeError:
            return str(o)


def problem(
    *, status: int, code: str, detail: str, facts: dict | None = None, errors: dict | None = None
) -> JsonResponse:
    """An error for programs, in the form of RFC 9457; `errors` are sentences by field."""
    body: dict = {"type": f"/api/#{code}", "title": TITLES[status], "status": status, "code": code, "detail": detail}
    if facts:
        body["facts"] = facts
    if errors:
        body["errors"] = errors
    answer = JsonResponse(
        body, status=status, encoder=Facts, json_dumps_params={"ensure_ascii": False},
        content_type="application/problem+json",
    )  # fmt: skip
    answer["Cache-Control"] = "no-store"
    return answer


def refused(refusal: Refusal) -> JsonResponse:
    """A refusal for programs: its code, its facts, and the sentence for people."""
    status = REFUSED_AS.get(refusal.code, REFUSED)
    return problem(status=status, code=refusal.code, detail=sentence(refusal), facts=refusal.facts)


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
            return refused(exception)
        template = "_ui/refusal.html" if request.htmx else "refusal.html"
        return render(request, template, {"refusal": exception, "sentence": sentence(exception)}, status=REFUSED)
