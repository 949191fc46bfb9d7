"""How long it is kept for whom a one-case link was made, and whom to ring of a crew that has left.

The words of a move made by link are its case's (cases/retention.py). The link itself and its log stay, without a name.
"""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import LegalHold
from dispatch.models import CaseLink, Crew
from office.actions import note_erasure
from office.retention import Rule, ended_long_ago, run, shortest

SETTING = "dispatch.keep_link_days"


def _holders(*, at: datetime) -> QuerySet:
    if shortest(SETTING, at=at) is None:
        return CaseLink.objects.none()
    held = LegalHold.objects.filter(case=OuterRef("stint__case"), ended_at__isnull=True)
    over = ended_long_ago(SETTING, at=at, ended="expires_at", area="stint__case__area_code")
    return (
        CaseLink.objects.filter(over, ~Exists(held), erased_at__isnull=True)
        .select_related("stint__case").defer("stint__case__search").order_by("expires_at", "id")
    )  # fmt: skip


def _erase_holders(links: list[CaseLink], *, at: datetime, why: str) -> int:
    for link in links:
        CaseLink.objects.filter(pk=link.pk).update(name="", phone="", erased_at=at)
        note_erasure(by=None, rule="link_holders", why=why, about=str(link.public_id), at=at,
                     number=link.stint.case.number)  # fmt: skip
    return len(links)


def _contacts(*, at: datetime) -> QuerySet:
    before = shortest(SETTING, at=at)
    if before is None:
        return Crew.objects.none()
    gone = Q(valid_to__lt=timezone.localdate(before))
    return Crew.objects.filter(gone).exclude(contact="", phone="").order_by("valid_to", "id")


def _erase_contacts(crews: list[Crew], *, at: datetime, why: str) -> int:
    for crew in crews:
        Crew.objects.filter(pk=crew.pk).update(contact="", phone="")
        note_erasure(by=None, rule="crew_contacts", why=why, about=str(crew.public_id), at=at)
    return len(crews)


RULES = (
    Rule("link_holders", _("For whom one-case links were made"), SETTING, _holders, _erase_holders),
    Rule("crew_contacts", _("Contacts of crews that have left"), SETTING, _contacts, _erase_contacts),
)


def erase_what_is_due(*, at: datetime) -> int:
    """Erase what has been kept long enough by the rules of this room; return how many pieces."""
    return sum(run(rule, at=at) for rule in RULES)
