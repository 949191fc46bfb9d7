"""The way from the real site into the practice area: a signed ticket, who comes in which role; good for a minute, once.

Both sites know the key. It signs nothing else, and nothing that the practice area signs is valid on the real site
(citymgmt/settings.py).
"""

import secrets
from dataclasses import asdict, dataclass

from django.conf import settings
from django.core import signing

from citymgmt.errors import Refusal

SECONDS = 60


class TicketNotValid(Refusal):
    """The ticket is forged, damaged or older than a minute."""

    code = "practice_ticket_not_valid"


@dataclass(frozen=True)
class Ticket:
    """Who comes: the number of the staff, names, language, the one role he practises; `nonce` is used once."""

    staff_number: str
    name_zh: str
    name_en: str
    language: str
    role: str
    nonce: str


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(key=settings.PRACTICE_KEY, salt="practice.ticket")


def make_ticket(user, *, role: str, language: str) -> str:
    """Return a ticket for this person in this role, good for a minute; whoever calls has asked whether he holds it."""
    content = Ticket(
        staff_number=user.staff_number, name_zh=user.name_zh, name_en=user.name_en, language=language, role=str(role),
        nonce=secrets.token_hex(16),
    )  # fmt: skip
    return _signer().sign_object(asdict(content))


def read_ticket(text: str) -> Ticket:
    """Return what a ticket says. Raises TicketNotValid."""
    try:
        return Ticket(**_signer().unsign_object(text, max_age=SECONDS))
    except (signing.BadSignature, TypeError, ValueError) as error:
        raise TicketNotValid() from error
