"""How long private things are kept 保存期限: what a rule is, and the office's own.

Each room has its rules beside what it keeps, in the same shape; the page that shows what would be erased walks them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from office import settings
from office.actions import READINGS_KEPT_AT_LEAST_DAYS, forget_readings, note_erasure
from office.models import ReadLog

IN_A_BATCH = 500
IN_A_NIGHT = 50_000


@dataclass(frozen=True)
class Rule:
    """One kind of private thing: what is due now, and how it is erased.

    `setting` gives days, 0: for good. `due(at=)` is a queryset, the oldest first; `erase(rows, at=, why=)` erases some
    of its rows and leaves tombstones; `shown(row)` is what the page says of a row.
    """

    name: str
    label: str
    setting: str
    due: Callable[..., QuerySet]
    erase: Callable[..., int]
    shown: Callable[..., str] = str


def why(rule: Rule, *, at: datetime) -> str:
    """Return what is noted as the reason of an erasure: the rule's setting and its value for the city that day."""
    return f"{rule.setting} = {settings.get(rule.setting, on=timezone.localdate(at))}"


def run(rule: Rule, *, at: datetime, at_most: int = IN_A_NIGHT) -> int:
    """Erase in batches what is due by a rule and return how many pieces were; may be stopped at any instant."""
    erased = 0
    while erased < at_most:
        rows = list(rule.due(at=at)[:IN_A_BATCH])
        done = rule.erase(rows, at=at, why=why(rule, at=at)) if rows else 0
        if not done:
            break
        erased += done
    return erased


def ended_long_ago(setting: str, *, at: datetime, ended: str, area: str) -> Q:
    """Return the condition that something ended before what the setting keeps, area by area.

    `ended` and `area` are the names of the columns that say when and where. Nothing satisfies it where days are 0.
    """
    long_ago, smaller = Q(pk__in=[]), Q(pk__in=[])
    for code in settings.areas(setting):
        here = Q(**{f"{area}__startswith": code}) if code else Q()
        days = settings.get(setting, on=timezone.localdate(at), area_code=code)
        if days:
            long_ago |= here & Q(**{f"{ended}__lt": at - timedelta(days=days)}) & ~smaller
        smaller |= here
    return long_ago


def shortest(setting: str, *, at: datetime) -> datetime | None:
    """Return the instant before which something may be due anywhere, None where nothing ever is."""
    kept = [settings.get(setting, on=timezone.localdate(at), area_code=code) for code in settings.areas(setting)]
    return max((at - timedelta(days=days) for days in kept if days), default=None)


# — the log of reading —


def _old_readings(*, at: datetime) -> QuerySet:
    return ReadLog.objects.filter(at__lt=_readings_before(at)).select_related("reader").order_by("at", "id")


def _readings_before(at: datetime) -> datetime:
    days = settings.get("office.keep_readings_days", on=timezone.localdate(at))
    return at - timedelta(days=max(days, READINGS_KEPT_AT_LEAST_DAYS))


def _forget_readings(rows: list[ReadLog], *, at: datetime, why: str) -> int:
    # The oldest are taken by the database's own function; these rows are the oldest.
    forgotten = forget_readings(before=_readings_before(at), at_most=len(rows))
    if forgotten:
        note_erasure(by=None, rule="readings", why=why, about="", at=at, pieces=forgotten)
    return forgotten


RULES = (
    Rule("readings", _("Who looked at private data"), "office.keep_readings_days", _old_readings, _forget_readings),
)
