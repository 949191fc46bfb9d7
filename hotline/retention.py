"""How long what callers said about themselves is kept where no case of their own answers for it.

The record of a call that was registered is its case's (cases/retention.py). Here are the others: calls that became no
case, counted from the call; calls joined to somebody else's case, counted from its end.
"""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import vault
from accounts.models import VaultRecord
from cases.models import Case, LegalHold
from cases.workflow import FINAL
from hotline.models import Call
from office.retention import Rule, ended_long_ago, run, shortest

SETTING = "hotline.keep_caller_days"


def _callers(*, at: datetime) -> QuerySet:
    before = shortest(SETTING, at=at)
    if before is None:
        return Call.objects.none()
    kept = VaultRecord.objects.filter(erased_at__isnull=True, created_at__lt=before)
    held = LegalHold.objects.filter(case=OuterRef("case"), ended_at__isnull=True)
    own = Case.objects.filter(reporter_ref=OuterRef("reporter_ref"))
    alone = Q(case__isnull=True) & ended_long_ago(SETTING, at=at, ended="ended_at", area="centre__area_code")
    joined = Q(case__stage__in=FINAL) & ended_long_ago(SETTING, at=at, ended="case__moved_at", area="case__area_code")
    return (
        Call.objects.filter(alone | joined, ~Exists(held), ~Exists(own), reporter_ref__in=kept.values("public_id"))
        .select_related("case")
        .defer("case__search")
        .order_by("received_at", "id")
    )


def _erase_callers(calls: list[Call], *, at: datetime, why: str) -> int:
    return sum(
        vault.erase(call.reporter_ref, by=None, rule="callers", why=why, at=at,
                    number=call.case.number if call.case else "")
        for call in calls
    )  # fmt: skip


RULES = (Rule("callers", _("Name, number and words of other callers"), SETTING, _callers, _erase_callers),)


def erase_what_is_due(*, at: datetime) -> int:
    """Erase what has been kept long enough by the rules of this room; return how many pieces."""
    return sum(run(rule, at=at) for rule in RULES)
