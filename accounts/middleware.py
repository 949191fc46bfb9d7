"""What every page depends on: the language, the lock of a desk left alone, a password still to be chosen.

Then who is asking in the API: the library's settings name these two classes, so nothing here leans on its views.
"""

import hashlib
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings as installation
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode
from django.utils.translation import get_supported_language_variant
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header

from accounts import actions
from accounts.oidc import IN_SESSION
from accounts.permissions import appointments_of
from accounts.roles import Role
from citymgmt.middleware import Problem, problem, wants_json
from office import ratelimit, settings

LANGUAGES = dict(installation.LANGUAGES)


class UserLanguage:
    """The person's own language, else the one chosen in this browser, else Chinese; never the browser's wish.

    A program says which it wants, with ?lang or Accept-Language.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = asked_language(request) if request.path.startswith("/api/") else ""
        chosen = chosen or (request.user.language if request.user.is_authenticated else "")
        chosen = chosen or request.COOKIES.get(installation.LANGUAGE_COOKIE_NAME, "")
        language = chosen if chosen in LANGUAGES else installation.LANGUAGE_CODE
        request.LANGUAGE_CODE = language
        with translation.override(language):
            response = self.get_response(request)
        patch_vary_headers(response, ("Cookie",))
        response.headers.setdefault("Content-Language", language)
        return response


def asked_language(request: HttpRequest) -> str:
    """The language that a program asks for, "" where it asks for none of ours."""
    wanted = [request.GET["lang"]] if "lang" in request.GET else []
    wanted += [code for code, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", ""))]
    for code in wanted:
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return ""


# --- The lock of a desk left alone ---
# When somebody was last at work stands in a signed cookie, so watching it writes nothing into the database. A cookie
# that is missing, old or of another session means: ask for the password.

SEEN_COOKIE = f"{installation.INSTANCE}_seen"
RENEW_AFTER_SECONDS = 60
# Pages ask by themselves for news; that is not a person at work. They say so with this header.
QUIET_HEADER = "X-Quiet"
FIELD_ROLES = {Role.COLLECTOR, Role.HANDLER}
IDLE_SETTING = {"desk": "accounts.idle_minutes", "field": "accounts.idle_minutes_field"}

_signer = signing.TimestampSigner(salt="accounts.seen")


def note_presence(response: HttpResponse, request: HttpRequest, *, at: datetime) -> None:
    """Remember in the browser that this person was at work now; called at log-in, on unlocking and while he works."""
    response.set_cookie(
        SEEN_COOKIE,
        seen_cookie(request.session.session_key, place=place_of(request.user, at)),
        secure=installation.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def place_of(user, at: datetime) -> str:
    """Return "field" for who works on a phone in the street only, "desk" for everybody else."""
    roles = {appointment.role for appointment in appointments_of(user, at)}
    return "field" if roles and roles <= FIELD_ROLES else "desk"


def idle_minutes(place: str, at: datetime) -> int:
    """Return after how many minutes without use a place asks for the password."""
    return settings.get(IDLE_SETTING[place], on=timezone.localdate(at))


def seen_cookie(session_key: str, *, place: str = "desk") -> str:
    """Signed: where somebody works, in which session, and the second in which it was made."""
    return _signer.sign(f"{place}:{_session_mark(session_key)}")


def _session_mark(session_key: str | None) -> str:
    return hashlib.sha256((session_key or "").encode()).hexdigest()[:20]


class IdleLock:
    """Ask for the password again at a desk that was left alone, and lead back to the page afterwards."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.presence_due = False
        response = self.get_response(request)
        if request.presence_due and request.user.is_authenticated:
            note_presence(response, request, at=timezone.now())
        return response

    def process_view(self, request: HttpRequest, view, args, kwargs) -> HttpResponse | None:
        if not getattr(view, "login_required", True) or not request.user.is_authenticated:
            return None
        if getattr(view, "open_while_locked", False):
            return None
        return None if note_work(request) else locked(request)


def note_work(request: HttpRequest) -> bool:
    """Whether this browser is at work and not locked; if so, the cookie that says it is renewed in time."""
    idle_seconds = _idle_seconds(request)
    if idle_seconds is None:
        return False
    request.presence_due = idle_seconds > RENEW_AFTER_SECONDS and QUIET_HEADER not in request.headers
    return True


def _idle_seconds(request: HttpRequest) -> float | None:
    """For how long nobody was at work in this browser; None: too long, or not known."""
    cookie = request.COOKIES.get(SEEN_COOKIE, "")
    try:
        place, _colon, mark = _signer.unsign(cookie).partition(":")
    except signing.BadSignature:
        return None
    now = timezone.now()
    idle_seconds = now.timestamp() - signing.b62_decode(cookie.rsplit(":", 2)[1])
    longest = idle_minutes(place, now) * 60
    return idle_seconds if mark == _session_mark(request.session.session_key) and idle_seconds <= longest else None


def locked(request: HttpRequest) -> HttpResponse:
    """Lead to the lock: a page by redirect, a fragment by htmx's header, a program by an error."""
    if wants_json(request):
        return problem(status=401, code="locked", detail=_("This desk is locked: enter the password again."))
    if request.htmx:
        response = HttpResponse(status=401)
        response["HX-Redirect"] = lock_address(urlsplit(request.htmx.current_url or "/"))
        return response
    # What was being sent cannot be sent again by a redirect: go back to the page where it was typed.
    came_from = request.build_absolute_uri() if request.method == "GET" else request.headers.get("Referer", "/")
    return redirect(lock_address(urlsplit(came_from)))


def lock_address(page) -> str:
    back = page.path + (f"?{page.query}" if page.query else "")
    return f"{reverse('accounts:lock')}?{urlencode({'next': back})}"


def owes_password(request: HttpRequest) -> bool:
    """Whether this person must choose a password first; who came by single sign-on needs none."""
    return request.user.must_change_password and IN_SESSION not in request.session


class FirstPassword:
    """Whoever got his password from somebody else chooses his own before anything else."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view, args, kwargs) -> HttpResponse | None:
        if not getattr(view, "login_required", True) or not request.user.is_authenticated:
            return None
        if not owes_password(request) or getattr(view, "open_while_locked", False):
            return None
        if getattr(view, "chooses_password", False):
            return None
        if wants_json(request):
            return problem(status=403, code="first_password", detail=_("Choose a password of your own first."))
        if request.htmx:
            response = HttpResponse(status=403)
            response["HX-Redirect"] = reverse("accounts:password")
            return response
        return redirect("accounts:password")


# --- Who is asking, in the API: a program with a token, or a page with its session ---

SCHEME = b"bearer"
# As for passwords (django-axes): so many wrong ones, then a pause. A whole house may sit behind one address, so what
# counts first is the address with the beginning of the token it tries.
WRONG_TOKENS = installation.AXES_FAILURE_LIMIT
WRONG_TOKENS_OF_AN_ADDRESS = 10 * WRONG_TOKENS
PAUSE_SECONDS = int(installation.AXES_COOLOFF_TIME * 3600)


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer city_…`: the token's person, with whatever that person is appointed to at this moment."""

    def authenticate(self, request):
        said = get_authorization_header(request).split()
        if not said or said[0].lower() != SCHEME:
            return None
        at, secret = timezone.now(), b" ".join(said[1:]).decode("latin-1")
        tries = self._tries(request, secret)
        if any(ratelimit.tries("token", who, seconds=PAUSE_SECONDS, at=at) >= most for who, most in tries):
            raise Problem("too_often", wait_seconds=PAUSE_SECONDS - int(at.timestamp()) % PAUSE_SECONDS)
        token = actions.use_token(secret, at=at)
        if token is None:
            for who, most in tries:
                ratelimit.allowed("token", who, limit=most, seconds=PAUSE_SECONDS, at=at)
            raise Problem("token_not_valid")
        if token.user.must_change_password:
            raise Problem("first_password")
        return token.user, token

    def _tries(self, request, secret: str) -> tuple[tuple[str, int], ...]:
        visitor = ratelimit.visitor(request)
        return (f"{visitor} {secret[:12]}", WRONG_TOKENS), (visitor, WRONG_TOKENS_OF_AN_ADDRESS)

    def authenticate_header(self, request) -> str:
        return 'Bearer realm="api"'


class DeskSession(SessionAuthentication):
    """A page of ours: its session, its mark against forgery, and the lock of a desk left alone."""

    def authenticate(self, request):
        found = super().authenticate(request)
        if found is None:
            return None
        if not note_work(request._request):
            raise Problem("locked")
        if owes_password(request._request):
            raise Problem("first_password")
        return found

    def enforce_csrf(self, request) -> None:
        try:
            super().enforce_csrf(request)
        except Exception as error:
            raise Problem("csrf_failed") from error
