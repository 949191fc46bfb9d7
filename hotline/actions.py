"""What the telephone desk and the citizen do: register a call, answer it, report, follow, call back.

Name, number and words go sealed into the vault; what departments will read is the desk's own fact sheet.
"""

import hashlib
import re
import secrets
import unicodedata
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts import vault
from accounts.models import VaultRecord
from cases import actions as case_actions
from cases.actions import FactMissing
from cases.models import Case, Evidence
from cases.workflow import BEFORE_FILING, FINAL, Source
from citymgmt.errors import Refusal
from hotline.models import Call, CallBack, FollowUp
from hotline.permissions import seat_of
from hotline.workflow import UNSOLVED
from office import settings


class NotASeat(Refusal):
    """Calls are taken by the acceptance desk only."""

    code = "not_a_seat"


class CallerNamed(Refusal):
    """The fact sheet holds the caller's name or number, and departments read it."""

    code = "caller_named"


class AnswerMissing(Refusal):
    """A call that becomes no case ends with an answer."""

    code = "answer_missing"


class AlreadyReceived(Refusal):
    """A report of this number is here already and belongs to another link."""

    code = "already_received"


class JoinedCaseOver(Refusal):
    """The case somebody wants to join has ended meanwhile; facts: number."""

    code = "joined_case_over"


class NotYourReport(Refusal):
    """Whoever only follows a report cannot take it back; facts: number."""

    code = "not_your_report"


class LinkUnknown(Refusal):
    """No citizen's link has this secret."""

    code = "link_unknown"


class LinkExpired(Refusal):
    """The matter ended too long ago; facts: days."""

    code = "link_expired"


class NotOverYet(Refusal):
    """There is no result to tell yet; facts: number."""

    code = "not_over_yet"


# — the telephone ———————————————————————————————————————————————————————————————————————————————————


def register_call(
    *,
    by,
    at: datetime,
    kind: str,
    minor_class,
    point,
    description: str,
    name: str = "",
    phone: str = "",
    words: str = "",
    place: str = "",
    urgency: int = Call.Urgency.NORMAL,
    received_at: datetime | None = None,
    happened_at: datetime | None = None,
    public_id: UUID | None = None,
    component=None,
    accuracy_m=None,
) -> Call:
    """Make a case of a call; it waits in the acceptance pool. The same `public_id` twice is one call.

    Raises NotASeat, CallerNamed, and what `cases.actions.report` raises.
    """
    public_id = public_id or uuid4()

    def become(call: Call, sealed: list[VaultRecord]) -> None:
        def beside(case: Case) -> list:
            call.case = case
            return [*sealed, call]

        case_actions.report(
            by=by, at=at, source=Source.HOTLINE, minor_class=minor_class, point=point, description=description,
            address=place, public_id=public_id, component=component, reporter_ref=call.reporter_ref, urgency=urgency,
            accuracy_m=accuracy_m, beside=beside,
        )  # fmt: skip
        if call.case is None:  # the same form sent twice: the first one counts
            raise IntegrityError
        call.pk = Call.objects.values_list("pk", flat=True).get(public_id=public_id)

    return _take(
        become, by=by, at=at, public_id=public_id, name=name, phone=phone, words=words, kind=kind, urgency=urgency,
        result=Call.Result.REGISTERED, received_at=received_at, happened_at=happened_at, place=place,
        summary=description,
    )  # fmt: skip


def join_call(
    case: Case,
    *,
    by,
    at: datetime,
    kind: str,
    name: str = "",
    phone: str = "",
    words: str = "",
    place: str = "",
    summary: str = "",
    urgency: int = Call.Urgency.NORMAL,
    received_at: datetime | None = None,
    happened_at: datetime | None = None,
    public_id: UUID | None = None,
) -> Call:
    """Join a call to a case that is open already: no second case, and the caller is told the result too.

    Raises NotASeat, CallerNamed, JoinedCaseOver.
    """
    if case.stage in FINAL:
        raise JoinedCaseOver(number=case.number)

    def become(call: Call, sealed: list[VaultRecord]) -> None:
        call.case = case
        _keep(call, sealed)

    return _take(
        become, by=by, at=at, public_id=public_id or uuid4(), name=name, phone=phone, words=words, kind=kind,
        urgency=urgency, result=Call.Result.JOINED, received_at=received_at, happened_at=happened_at, place=place,
        summary=summary,
    )  # fmt: skip


def answer_call(
    *,
    by,
    at: datetime,
    kind: str,
    answer: str,
    result: str = Call.Result.ANSWERED,
    summary: str = "",
    name: str = "",
    phone: str = "",
    words: str = "",
    place: str = "",
    urgency: int = Call.Urgency.NORMAL,
    received_at: datetime | None = None,
    happened_at: datetime | None = None,
    public_id: UUID | None = None,
) -> Call:
    """Answer a consultation at once, or say where to turn when it is not ours. Raises NotASeat, AnswerMissing."""
    if not answer.strip():
        raise AnswerMissing()

    def become(call: Call, sealed: list[VaultRecord]) -> None:
        call.answer = answer.strip()
        _keep(call, sealed)

    return _take(
        become, by=by, at=at, public_id=public_id or uuid4(), name=name, phone=phone, words=words, kind=kind,
        urgency=urgency, result=result, received_at=received_at, happened_at=happened_at, place=place, summary=summary,
    )  # fmt: skip


def _take(become, *, by, at: datetime, public_id: UUID, name, phone, words, received_at, **facts) -> Call:
    """Seal what the caller said about himself, let the call become what it becomes, and keep it; all or nothing."""
    seat = seat_of(by, at=at)
    if seat is None:
        raise NotASeat()
    _refuse_naming(name, phone, facts["summary"], facts["place"])
    sealed = _sealed("caller", name=name, phone=phone, words=words, at=at)
    call = Call(
        public_id=public_id, centre=seat.department, seat=by, received_at=min(received_at or at, at), ended_at=at,
        reporter_ref=sealed[0].public_id if sealed else None, **facts,
    )  # fmt: skip
    try:
        become(call, sealed)
    except IntegrityError:
        # The same form sent twice: the first one counts, all of this is taken back.
        known = Call.objects.filter(public_id=public_id).first()
        if known is None:
            raise
        return known
    return call


def _keep(call: Call, sealed: list[VaultRecord]) -> None:
    with transaction.atomic():
        for row in (*sealed, call):
            row.save(force_insert=True)


def _sealed(kind: str, *, name: str, phone: str, words: str, at: datetime) -> list[VaultRecord]:
    """Return what goes to the vault, not written yet; [] where nothing was said."""
    if not (name.strip() or phone.strip() or words.strip()):
        return []
    return [vault.sealed(kind=kind, name=name.strip(), phone=phone.strip(), words=words.strip(), at=at)]


SHORTEST_NUMBER = 5


def _refuse_naming(name: str, phone: str, *texts: str) -> None:
    """Refuse a fact sheet that holds the caller's name or number. Raises CallerNamed."""
    flat = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", " ".join(texts)))
    digits = vault.normal_phone(phone)
    wanted = re.sub(r"\s", "", unicodedata.normalize("NFKC", name))
    if (len(wanted) > 1 and wanted in flat) or (len(digits) >= SHORTEST_NUMBER and digits in flat):
        raise CallerNamed()


def tell_result(case: Case, *, by, at: datetime, outcome: str = CallBack.Outcome.TOLD) -> CallBack:
    """Note that the citizen was called back with the result, or was not reached. Told once.

    Raises NotASeat, NotOverYet.
    """
    if seat_of(by, at=at) is None:
        raise NotASeat()
    if case.leading_case.stage not in FINAL:
        raise NotOverYet(number=case.leading_case.number)
    if outcome == CallBack.Outcome.UNSOLVED:
        with transaction.atomic():
            reason = gettext("Calling back: the citizen says it is not solved.")
            case_actions.reopen(case.leading_case, by=by, at=at, reason=reason)
            return CallBack.objects.create(case=case, by=by, at=at, outcome=outcome)
    told = CallBack.objects.filter(case=case, outcome=CallBack.Outcome.TOLD).first()
    if told is not None:
        return told
    try:
        with transaction.atomic():
            return CallBack.objects.create(case=case, by=by, at=at, outcome=outcome)
    except IntegrityError:
        return CallBack.objects.get(case=case, outcome=CallBack.Outcome.TOLD)


# — the citizen —————————————————————————————————————————————————————————————————————————————————————

TOKEN_BYTES = 16
TOKEN_PATTERN = r"[A-Za-z0-9_-]{22}"


def new_token() -> str:
    """Return a new secret of 128 bits for a link, 22 characters."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def is_token(text: str) -> bool:
    """Whether this may be the secret of a link."""
    return re.fullmatch(TOKEN_PATTERN, text) is not None


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def report_as_citizen(
    *,
    at: datetime,
    minor_class,
    point,
    words: str = "",
    name: str = "",
    phone: str = "",
    place: str = "",
    files=(),
    accuracy_m=None,
    token: str | None = None,
    public_id: UUID | None = None,
) -> Case:
    """Take in a citizen's report and return its case; `token` is the secret by which he follows it.

    All his words, the description of the place too, go to the vault: the desk writes the fact sheet that others read.
    The same `public_id` and `token` twice are one report. Raises AlreadyReceived, OutsideTheGrid, NoCentre.
    """
    public_id, token = public_id or uuid4(), token or new_token()
    said = "\n".join(text.strip() for text in (place, words) if text.strip())
    sealed = _sealed("citizen", name=name, phone=phone, words=said, at=at)
    links: list[FollowUp] = []

    def beside(case: Case) -> list:
        links.append(FollowUp(case=case, token_hash=_hashed(token), created_at=at))
        return [*sealed, *links]

    case = case_actions.report(
        by=None, at=at, source=Source.WEB, minor_class=minor_class, point=point, public_id=public_id,
        reporter_ref=sealed[0].public_id if sealed else None, accuracy_m=accuracy_m,
        files=[(file, Evidence.Usage.BEFORE) for file in files], beside=beside,
    )  # fmt: skip
    return case if links and links[0].case is case else _the_same(case, token)


def _the_same(known: Case, token: str) -> Case:
    if not FollowUp.objects.filter(case=known, token_hash=_hashed(token), is_reporter=True).exists():
        raise AlreadyReceived()
    return known


def join_as_citizen(case: Case, *, at: datetime, token: str) -> FollowUp:
    """Follow a case that somebody else reported; nothing of that person is shown. Raises JoinedCaseOver."""
    if case.stage in FINAL:
        raise JoinedCaseOver(number=case.number)
    link, _created = FollowUp.objects.get_or_create(
        token_hash=_hashed(token), defaults={"case": case, "is_reporter": False, "created_at": at}
    )
    return link


def say_unsolved(link: FollowUp, *, at: datetime, ground: str) -> Case:
    """The citizen says that a closed case is not solved 仍未解决, and in which way. Raises TooLateToReopen.

    What he followed, his own or the first case of the same problem, is opened again.
    """
    if ground not in UNSOLVED:
        raise FactMissing(verb="still_unsolved", fact="ground")
    return case_actions.still_unsolved(link.case.leading_case, at=at, ground=ground)


def withdraw(link: FollowUp, *, at: datetime) -> Case:
    """The citizen takes his own report back: before filing it ends, afterwards it is noted. Raises NotYourReport.

    Where others reported the same and wait for it, it is noted only: nobody takes back what is theirs.
    """
    case = link.case
    if not link.is_reporter:
        raise NotYourReport(number=case.number)
    ends = case.stage in BEFORE_FILING and not _others_wait_for(case)
    return (case_actions.withdraw_report if ends else case_actions.note_withdrawal)(case, at=at)


def _others_wait_for(case: Case) -> bool:
    return (
        case.merged_cases.exists()
        or FollowUp.objects.filter(case=case, is_reporter=False).exists()
        or Call.objects.filter(case=case, result=Call.Result.JOINED).exists()
    )


def follow(token: str, *, at: datetime) -> FollowUp:
    """Return the link that a secret opens, with its case, class and first case. Raises LinkUnknown, LinkExpired.

    A link works while the matter is open and some days after it has ended; attached to another case, as long as that.
    """
    link = (
        FollowUp.objects.select_related("case__minor_class", "case__merged_into")
        .defer("case__search", "case__last_hash", "case__merged_into__search", "case__merged_into__last_hash")
        .filter(token_hash=_hashed(token))
        .first()
    )
    if link is None:
        raise LinkUnknown()
    days = settings.get("hotline.follow_days", on=timezone.localdate(at), area_code=link.case.area_code)
    leading = link.case.leading_case
    if leading.stage in FINAL and leading.moved_at + timedelta(days=days) < at:
        raise LinkExpired(days=days)
    return link
