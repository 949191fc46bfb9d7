"""Single sign-on 统一身份认证 with the city's own identity provider: OpenID Connect, authorization code with PKCE.

Authlib speaks the protocol. What it leaves to whoever uses it is done here: the issuer is the one we were given, the
audience is we ourselves, a signature needs a key that the provider alone holds. See docs/decisions/0021.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import DjangoOAuth2App, OAuth
from django.conf import settings as installation
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from joserfc.errors import JoseError

from accounts.models import User
from accounts.permissions import appointments_of
from citymgmt.errors import Refusal

log = logging.getLogger(__name__)

ANSWER_SECONDS = 5
LEEWAY = timedelta(seconds=60)  # by which two clocks may differ
# Signatures that only the provider can make: not "none", and nothing that a shared secret makes.
SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
IN_SESSION = "sign_on"


class SignOnFailed(Refusal):
    """What came back is not what was asked for, or not from the provider; the log says what was wrong."""

    code = "sign_on_failed"


class SignOnCancelled(Refusal):
    """The provider let nobody in: cancelled there, or refused there."""

    code = "sign_on_cancelled"


class ProviderSilent(Refusal):
    """The provider does not answer."""

    code = "provider_silent"


class NoStaffNumber(Refusal):
    """The provider does not say who it is in our numbers; facts: claim."""

    code = "sign_on_nameless"


class NoAccount(Refusal):
    """Nobody here has this staff number; facts: staff_number. Accounts are never made silently."""

    code = "sign_on_unknown"


class AccountClosed(Refusal):
    """The account of this staff number is no longer active; facts: staff_number."""

    code = "sign_on_closed"


class NoAppointment(Refusal):
    """The account works, but nobody appointed its person to anything for today; facts: person."""

    code = "sign_on_no_role"


class SomebodyElse(Refusal):
    """Somebody else signed on at a locked desk; facts: person, whose desk it is."""

    code = "sign_on_other"


@dataclass(frozen=True)
class Arrival:
    """Somebody came back from the provider: who, for which page, whether to open the lock of a desk he had left.

    `kept` is what logging out there takes later.
    """

    user: User
    back: str
    opens_lock: bool
    kept: dict


def begin(request: HttpRequest, *, back: str, at: datetime) -> HttpResponse:
    """Lead to the provider. Whoever is logged in already, at a locked desk, must prove anew who he is.

    Raises ProviderSilent, SignOnFailed.
    """
    held = request.user.pk if request.user.is_authenticated else None
    anew = {"prompt": "login", "max_age": "0"} if held else {}
    with _told():
        client = _client()
        asked = client.create_authorization_url(installation.SITE_URL + reverse("accounts:sign_on_back"), **anew)
        client.save_authorize_data(
            request, redirect_uri=installation.SITE_URL + reverse("accounts:sign_on_back"), back=back, held=held,
            asked_at=at.timestamp(), **asked,
        )  # fmt: skip
    return HttpResponse(status=302, headers={"Location": asked["url"]})


def finish(request: HttpRequest, *, at: datetime) -> Arrival:
    """Return who came back. Raises the refusals above."""
    provider = installation.OIDC
    with _told():
        client = _client()
        asked = client.framework.get_state_data(request.session, request.GET.get("state"))
        if asked is None:
            raise _failed("nothing was asked for in this browser under this state, or it was answered already")
        if request.GET.get("iss", provider["issuer"]) != provider["issuer"]:
            raise _failed("the answer names another provider")
        ours = {"iss": provider["issuer"], "aud": provider["client_id"]}
        options = {claim: {"essential": True, "values": [value]} for claim, value in ours.items()}
        token = client.authorize_access_token(request, claims_options=options, leeway=LEEWAY.seconds)
        claims = token.get("userinfo")
        if claims is None:
            raise _failed("an answer without an ID token says nothing about anybody")
        staff_number = _staff_number(client, token, claims, claim=provider["claim"])
    if asked["held"] and claims.get("auth_time", 0) < asked["asked_at"] - LEEWAY.seconds:
        raise _failed("asked anew for a locked desk, the provider let an older session answer")
    user = _account(staff_number, at=at)
    opens_lock = request.user.is_authenticated
    if asked["held"] and asked["held"] != user.pk:
        raise SomebodyElse(person=request.user.name if opens_lock else "")
    opens_lock = opens_lock and request.user == user
    return Arrival(user, asked["back"], opens_lock=opens_lock, kept={"id_token": token["id_token"]})


def _staff_number(client: DjangoOAuth2App, token: dict, claims: dict, *, claim: str) -> str:
    """Return the claim that carries the staff number, from the ID token or else from the provider's page about him."""
    said = claims.get(claim)
    if said is None and "userinfo_endpoint" in client.server_metadata:
        about = client.userinfo(token=token)
        # The page is signed by nobody: it must speak of the very person of the ID token.
        said = about.get(claim) if about.get("sub") == claims["sub"] else None
    if not isinstance(said, str | int) or not str(said).strip():
        raise NoStaffNumber(claim=claim)
    return str(said).strip()


def _account(staff_number: str, *, at: datetime) -> User:
    user = User.objects.filter(staff_number=staff_number).first()
    if user is None:
        raise NoAccount(staff_number=staff_number)
    if not user.is_active:
        raise AccountClosed(staff_number=staff_number)
    if not appointments_of(user, at) and not user.is_superuser:
        raise NoAppointment(person=user.name)
    return user


def way_out(request: HttpRequest) -> str:
    """Return where to end the session at the provider too, "" where there is none to end or it cannot be asked."""
    kept = request.session.get(IN_SESSION)
    if not kept or not installation.OIDC:
        return ""
    try:
        with _told():
            client = _client()
            if "end_session_endpoint" not in client.server_metadata:
                return ""
            back = installation.SITE_URL + reverse("accounts:login")
            return client.create_logout_url(back, kept["id_token"], client_id=client.client_id)["url"]
    except Refusal:
        return ""


# --- The client: one for each process, which asks the provider once where everything is ---


def _client() -> DjangoOAuth2App:
    """Return the client, knowing its provider. Raises what requests raises, SignOnFailed."""
    provider = installation.OIDC
    client = _made(provider["issuer"], provider["client_id"], provider["client_secret"], provider["scope"])
    known = client.load_server_metadata()
    if known.get("issuer") != provider["issuer"]:
        raise _failed(f"the provider calls itself {known.get('issuer')!r}, not {provider['issuer']!r} (OIDC_ISSUER)")
    said = known.get("id_token_signing_alg_values_supported") or ["RS256"]
    known["id_token_signing_alg_values_supported"] = [one for one in said if one in SIGNED_BY] or ["RS256"]
    return client


@cache
def _made(issuer: str, client_id: str, client_secret: str, scope: str) -> DjangoOAuth2App:
    return OAuth().register(
        "city",
        client_id=client_id,
        client_secret=client_secret,
        server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": scope, "code_challenge_method": "S256", "default_timeout": ANSWER_SECONDS},
    )


CANCELLED = {"access_denied", "login_required", "interaction_required", "consent_required"}


def _failed(why: str) -> SignOnFailed:
    log.warning("single sign-on refused: %s", why)
    return SignOnFailed()


@contextmanager
def _told() -> Iterator[None]:
    """Make what the libraries raise a refusal that somebody can act on; the log keeps what it was."""
    try:
        yield
    except requests.RequestException as error:
        log.error("single sign-on: no proper answer from the provider: %s", type(error).__name__)
        raise ProviderSilent from error
    except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
        log.warning("single sign-on refused: %s: %s", type(error).__name__, error)
        raise (SignOnCancelled if getattr(error, "error", "") in CANCELLED else SignOnFailed) from error
