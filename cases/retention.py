"""How long what belongs to a case is kept: reporter, words, pictures, sound. Events are never touched.

A case counts from its end; nothing of a case under a legal hold is erased. What is gone leaves a tombstone, and the
chain of the case still proves itself: events hold hashes only.
"""

from datetime import datetime
from itertools import groupby

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import vault
from accounts.models import VaultRecord
from cases.models import Case, EventText, Evidence, LegalHold
from cases.workflow import FINAL
from citymgmt.errors import Refusal
from office.actions import erase_files, note_erasure
from office.models import StoredFile
from office.retention import Rule, ended_long_ago, run, shortest


class HeldAlready(Refusal):
    """The case is under a legal hold; facts: number."""

    code = "held_already"


class NoSuchCase(Refusal):
    """No case has this number; facts: number."""

    code = "no_such_case"


class ReasonNeeded(Refusal):
    """A legal hold says why."""

    code = "hold_reason_missing"


# — the legal hold ———————————————————————————————————————————————————————————————————————————————————


def hold(case: Case, *, by, at: datetime, why: str) -> LegalHold:
    """Keep everything of a case as it is until the hold is ended 证据保全. Raises ReasonNeeded, HeldAlready."""
    if not why.strip():
        raise ReasonNeeded()
    try:
        with transaction.atomic():
            return LegalHold.objects.create(case=case, by=by, at=at, why=why.strip())
    except IntegrityError as error:
        raise HeldAlready(number=case.number) from error


def end_hold(held: LegalHold, *, by, at: datetime) -> None:
    """Let the rules act on the case again. Ending twice is ending once."""
    LegalHold.objects.filter(pk=held.pk, ended_at__isnull=True).update(ended_by=by, ended_at=at)


def _not_held(case: str) -> Q:
    return ~Exists(LegalHold.objects.filter(case=OuterRef(case), ended_at__isnull=True))


# — what is due ——————————————————————————————————————————————————————————————————————————————————————


def _ended(setting: str, *, at: datetime) -> QuerySet:
    """Return the cases that ended longer ago than the setting keeps, and that nothing holds."""
    long_ago = ended_long_ago(setting, at=at, ended="moved_at", area="area_code")
    return Case.objects.filter(long_ago, _not_held("pk"), stage__in=FINAL).defer("search")


def _reporters(*, at: datetime) -> QuerySet:
    before = shortest("cases.keep_reporter_days", at=at)
    kept = (
        VaultRecord.objects.filter(erased_at__isnull=True, created_at__lt=before)
        if before
        else VaultRecord.objects.none()
    )
    known = _ended("cases.keep_reporter_days", at=at).filter(reporter_ref__in=kept.values("public_id"))
    return known.order_by("moved_at", "id")


def _words(*, at: datetime) -> QuerySet:
    return _ended("cases.keep_words_days", at=at).filter(words_erased_at__isnull=True).order_by("moved_at", "id")


def _files(setting: str, kinds: tuple[str, ...], *, at: datetime) -> QuerySet:
    before = shortest(setting, at=at)
    if before is None:
        return Evidence.objects.none()
    over = ended_long_ago(setting, at=at, ended="case__moved_at", area="case__area_code")
    over &= _not_held("case") & Q(case__stage__in=FINAL)
    # One file may hang on several cases: it is kept as long as one of them needs it.
    needed = Evidence.objects.filter(~over, file=OuterRef("file"))
    return (
        Evidence.objects.filter(
            over, ~Exists(needed), file__kind__in=kinds, file__erased_at__isnull=True, file__recorded_at__lt=before
        )
        .select_related("file", "case__minor_class")
        .defer("case__search")
        .order_by("file__recorded_at", "id")
    )  # fmt: skip


def _pictures(*, at: datetime) -> QuerySet:
    seen = (StoredFile.Kind.PICTURE, StoredFile.Kind.VIDEO, StoredFile.Kind.DOCUMENT)
    return _files("cases.keep_pictures_days", seen, at=at)


def _sounds(*, at: datetime) -> QuerySet:
    return _files("cases.keep_sounds_days", (StoredFile.Kind.SOUND,), at=at)


# — erasing it ———————————————————————————————————————————————————————————————————————————————————————


def _erase_reporters(cases: list[Case], *, at: datetime, why: str) -> int:
    return sum(
        vault.erase(case.reporter_ref, by=None, rule="reporter", why=why, at=at, number=case.number) for case in cases
    )


def _erase_words(cases: list[Case], *, at: datetime, why: str) -> int:
    """Erase the words of the steps of these cases; the salted hashes in the events stay and say nothing any more."""
    for case in cases:
        with transaction.atomic():
            pieces = EventText.objects.filter(case=case, erased_at__isnull=True).update(text="", salt=b"", erased_at=at)
            Case.objects.filter(pk=case.pk).update(words_erased_at=at)
            if pieces:
                note_erasure(by=None, rule="words", why=why, about=str(case.public_id), at=at, number=case.number,
                             pieces=pieces)  # fmt: skip
    return len(cases)


def _erase_pictures(evidence: list[Evidence], *, at: datetime, why: str) -> int:
    return _erase_evidence(evidence, rule="pictures", at=at, why=why)


def _erase_sounds(evidence: list[Evidence], *, at: datetime, why: str) -> int:
    return _erase_evidence(evidence, rule="sounds", at=at, why=why)


def _erase_evidence(evidence: list[Evidence], *, rule: str, at: datetime, why: str) -> int:
    for case, of_case in groupby(sorted(evidence, key=lambda one: one.case_id), key=lambda one: one.case):
        files = [one.file for one in of_case]
        with transaction.atomic():
            note_erasure(by=None, rule=rule, why=why, about=str(case.public_id), at=at, number=case.number,
                         pieces=len(files))  # fmt: skip
            erase_files(files, at=at)
    return len(evidence)


def _evidence_shown(one: Evidence) -> str:
    return f"{one.case.number} {one.get_usage_display()}"


RULES = (
    Rule("reporter", _("Name, number and words of reporters"), "cases.keep_reporter_days", _reporters,
         _erase_reporters),
    Rule("words", _("Words of the steps of a case"), "cases.keep_words_days", _words, _erase_words),
    Rule("pictures", _("Pictures and videos of cases"), "cases.keep_pictures_days", _pictures, _erase_pictures,
         _evidence_shown),
    Rule("sounds", _("Sound recordings of cases"), "cases.keep_sounds_days", _sounds, _erase_sounds, _evidence_shown),
)  # fmt: skip


def erase_what_is_due(*, at: datetime) -> int:
    """Erase what has been kept long enough by the rules of this room; return how many pieces."""
    return sum(run(rule, at=at) for rule in RULES)
