"""The one-case link 一案一链: a department gives one of its cases to a named person on a phone, who needs no account.

Whoever holds the secret address sees the facts of this one case, never its reporter, and hands in the result in the
unit's name. The move is made by the operator who gave the link out, while he still may; whose hands it was stands in
the words of the move, the link's number among its facts, and every opening and step in the link's own log.
"""

import hashlib
import re
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Prefetch, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Department, User
from accounts.permissions import departments_of
from cases import workflow
from cases.actions import NotYours, OtherSide, not_allowed
from cases.models import Case, CasePart, HandlingStint
from cases.permissions import appointment_for, conflict
from cases.workflow import StintStage, Subject
from citymgmt.errors import Refusal
from dispatch import actions, teams
from dispatch.models import CaseLink, Crew, LinkPractice, LinkStep
from office import gateways, settings
from office.actions import Letter, tell, tell_all
from office.models import Reach, StoredFile

TOKEN_PATTERN = r"[A-Za-z0-9_-]{22}"
WORKING = (StintStage.PENDING_HANDLE, StintStage.HANDLING)
RESTING = (StintStage.RETURNING, StintStage.DISPUTED, StintStage.SUSPENDED, StintStage.DELEGATED)


class NoSuchLink(Refusal):
    """No one-case link has this secret."""

    code = "no_such_link"


class LinkRanOut(Refusal):
    """The link is too old; facts: department, phone."""

    code = "link_ran_out"


class LinkTakenBack(Refusal):
    """The department took the link back; facts: department, phone."""

    code = "link_taken_back"


class LinkUsed(Refusal):
    """The result was sent by this link already; facts: when."""

    code = "link_used"


class CaseElsewhere(Refusal):
    """The unit has this case no longer, or not as then; facts: department, phone."""

    code = "case_elsewhere"


class CaseRests(Refusal):
    """Nothing is to be done just now: suspended, or being decided; facts: department, phone."""

    code = "case_rests"


class NoWayToSend(Refusal):
    """No phone number, or no gateway, for what was asked."""

    code = "no_way_to_send"


class CrewNamedAlready(Refusal):
    """The department has a crew of this name; facts: name."""

    code = "crew_named_already"


class CrewNotOurs(Refusal):
    """The crew is another department's, or works for it no longer; facts: name."""

    code = "crew_not_ours"


class Standing(StrEnum):
    """What a link is good for now."""

    OPEN = "open"
    USED = "used"
    REVOKED = "revoked"
    EXPIRED = "expired"
    ELSEWHERE = "elsewhere"
    RESTING = "resting"


# — crews ———————————————————————————————————————————————————————————————————————————————————————————


def keep_crew(crew: Crew, *, by: User, at: datetime) -> Crew:
    """Write a new crew, or a changed one, of a department that this person answers for. Raises CrewNamedAlready."""
    if crew.department_id not in departments_of(by, at):
        raise PermissionDenied
    try:
        with transaction.atomic():
            crew.save()
    except IntegrityError as error:
        raise CrewNamedAlready(name=crew.name) from error
    return crew


def end_crew(crew: Crew, *, by: User, at: datetime, on: date) -> Crew:
    """Let a crew work for its department no longer from a day on; the links it has in hand are taken back."""
    if crew.department_id not in departments_of(by, at):
        raise PermissionDenied
    with transaction.atomic():
        crew.valid_to = max(on, crew.valid_from + timedelta(days=1))
        crew.save(update_fields=["valid_to"])
        for link in CaseLink.objects.filter(crew=crew, revoked_at=None, done_at=None, expires_at__gt=at):
            revoke(link, by=by, at=at)
    return crew


def set_practice(department: Department, *, by: User, at: datetime, confirms: bool) -> None:
    """Say whether this department confirms what its crews send before it goes to the centre."""
    if department.pk not in departments_of(by, at):
        raise PermissionDenied
    LinkPractice.objects.update_or_create(
        department=department, defaults={"confirms": confirms, "changed_by": by, "changed_at": at}
    )


def confirms_results(department: Department, *, at: datetime) -> bool:
    """Return whether a result by link waits for this department's word: its own practice, else the city's."""
    kept = LinkPractice.objects.filter(department=department).values_list("confirms", flat=True).first()
    if kept is not None:
        return kept
    return settings.get("dispatch.link_confirm", on=timezone.localdate(at), area_code=department.area_code)


def practices_of(departments: Iterable[Department], *, at: datetime) -> list[tuple[Department, bool]]:
    """Return departments each with whether it confirms what its crews send; one query for all."""
    departments = list(departments)
    kept = dict(LinkPractice.objects.filter(department__in=departments).values_list("department", "confirms"))
    day = timezone.localdate(at)
    return [
        (one, kept.get(one.pk, settings.get("dispatch.link_confirm", on=day, area_code=one.area_code)))
        for one in departments
    ]


def crews_with_work(departments: Collection[int], *, at: datetime):
    """Return the crews of these departments: each with its open links and what it did in the last thirty days."""
    lately = at - timedelta(days=30)
    return Crew.objects.filter(department__in=departments).not_over(timezone.localdate(at)).select_related(
        "department"
    ).annotate(
        open_links=Count("links", filter=Q(links__done_at=None, links__revoked_at=None, links__expires_at__gt=at)),
        done_lately=Count("links", filter=Q(links__done_at__gte=lately)),
        last_done=Max("links__done_at"),
    ).order_by("department__sort", "department__code", "name")  # fmt: skip


# — giving a link out ———————————————————————————————————————————————————————————————————————————————


def finishing_move(stint: HandlingStint, *, confirms: bool) -> str:
    """Return the verb that a result by link makes: up, to the centre, or written down until the department confirms."""
    if confirms:
        return "record_result"
    return "hand_up" if stint.kind == workflow.SUB else "hand_over"


def may_give(user: User, stint: HandlingStint, *, case: Case, at: datetime) -> bool:
    """True for whoever may hand this stint's result over now: he may let somebody else do the work."""
    rule = workflow.BY_VERB[(Subject.STINT, finishing_move(stint, confirms=False))]
    return stint.stage in WORKING and appointment_for(user, rule, case=case, subject=stint, at=at) is not None


def make(
    stint: HandlingStint,
    *,
    by: User,
    at: datetime,
    name: str,
    phone: str = "",
    crew: Crew | None = None,
    note: str = "",
    channels: Collection[str] = (),
) -> CaseLink:
    """Make a link for one person to handle this stint's case, and send it by these channels.

    Raises NotYours, MoveNotAllowed, OtherSide, CrewNotOurs, NoWayToSend.
    """
    case = stint.case
    verb = finishing_move(stint, confirms=False)
    rule = workflow.BY_VERB[(Subject.STINT, verb)]
    if stint.stage not in WORKING:
        raise not_allowed(case, Subject.STINT, verb)
    if appointment_for(by, rule, case=case, subject=stint, at=at) is None:
        raise NotYours(number=case.number, verb=rule.label)
    part = CasePart.objects.filter(case=case, actor=by).first()
    if conflict(part, rule):
        raise OtherSide(number=case.number, side=part.side)
    day = timezone.localdate(at)
    if crew is not None and not Crew.objects.on(day).filter(pk=crew.pk, department=stint.department_id).exists():
        raise CrewNotOurs(name=crew.name)
    hours = settings.get("dispatch.link_hours", on=day, area_code=case.area_code)
    link = CaseLink(
        stint=stint, sent_at=stint.sent_at, rework_count=stint.rework_count, department_id=stint.department_id,
        crew=crew, name=name, phone=phone, note=note, confirms=confirms_results(stint.department, at=at), made_by=by,
        made_at=at, expires_at=at + timedelta(hours=hours),
    )  # fmt: skip
    link.token_hash = _hashed(token_of(link))
    with transaction.atomic():
        link.save()
        note_step(link, LinkStep.What.MADE, at=at, by=by)
        if channels:
            send(link, by=by, at=at, channels=channels)
    return link


def token_of(link: CaseLink) -> str:
    """Return the secret of a link. It is nowhere kept: whoever has this house's key can make it again."""
    return gateways.secret_of(_secret_name(link))


def _secret_name(link: CaseLink) -> str:
    return f"case-link:{link.public_id}"


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def show(link: CaseLink, *, by: User, at: datetime) -> str:
    """Return the path of a link for somebody who copies it; the look is logged."""
    note_step(link, LinkStep.What.SHOWN, at=at, by=by)
    return reverse("link:page", args=[token_of(link)])


def ways_to_send(link_phone: str, department: Department) -> list[str]:
    """Return the channels that can carry a link now: a text message to the phone, the department's chat robot."""
    ways, there = [], gateways.channels()
    if link_phone and Reach.Channel.SMS in there:
        ways.append(str(Reach.Channel.SMS))
    if Reach.Channel.CHAT in there and gateways.robot([department.code]):
        ways.append(str(Reach.Channel.CHAT))
    return ways


def send(link: CaseLink, *, by: User, at: datetime, channels: Collection[str]) -> None:
    """Put the link into the outbox: by text message to its phone, by the department's robot. Raises NoWayToSend."""
    case, department = link.stint.case, link.stint.department
    possible = ways_to_send(link.phone, department)
    if not set(channels) <= set(possible):
        raise NoWayToSend()
    # What leaves the house names no one: number, class, area, deadline, and the address, which is made on the way out.
    outside = {
        "number": case.number, "what": case.minor_class.name_zh, "area": case.area_names,
        "due_at": link.stint.due_at.isoformat() if link.stint.due_at else "",
    }  # fmt: skip
    token = f"{{secret:{_secret_name(link)}}}"
    address = {Reach.Channel.SMS: link.phone, Reach.Channel.CHAT: gateways.robot([department.code])}
    path = reverse("link:page", args=["x" * 22]).replace("x" * 22, token)
    # Sent again on purpose it goes out again: what makes it one is the instant.
    dedupe = f"case_link:{link.public_id}:{at.timestamp():.0f}"
    tell_all(
        [
            Letter(None, "case_link", {}, case.number, path, dedupe, [channel], outside, address=address[channel])
            for channel in channels
        ],
        at=at,
    )
    note_step(link, LinkStep.What.SENT, at=at, by=by, detail=",".join(sorted(channels)))


def revoke(link: CaseLink, *, by: User, at: datetime) -> None:
    """Take a link back: from now on it opens nothing."""
    with transaction.atomic():
        locked = CaseLink.objects.select_for_update().get(pk=link.pk)
        if locked.department_id not in departments_of(by, at):
            raise PermissionDenied
        if locked.revoked_at is None and locked.done_at is None:
            locked.revoked_at, locked.revoked_by = at, by
            locked.save(update_fields=["revoked_at", "revoked_by"])
            note_step(locked, LinkStep.What.REVOKED, at=at, by=by)


def links_of(stints: Iterable[HandlingStint], *, at: datetime) -> list[CaseLink]:
    """Return the links of these stints, the newest first, each with its steps and its standing; three queries."""
    steps = LinkStep.objects.select_related("by").order_by("-id")
    found = _with_stint(CaseLink.objects.filter(stint__in=[one.pk for one in stints]))
    links = list(found.prefetch_related(Prefetch("steps", steps)).order_by("-id"))
    for link in links:
        link.standing, link.ways = standing(link, at=at), ways_to_send(link.phone, link.stint.department)
    return links


# — opening and using it —————————————————————————————————————————————————————————————————————————————


def _with_stint(links):
    return links.select_related(
        "stint__case__minor_class", "stint__case__filing_condition", "stint__department", "crew", "made_by"
    ).defer("stint__case__search", "stint__case__last_hash")  # fmt: skip


def find(token: str) -> CaseLink:
    """Return the link with this secret, whatever it is good for. Raises NoSuchLink."""
    link = None
    if re.fullmatch(TOKEN_PATTERN, token):
        link = _with_stint(CaseLink.objects.filter(token_hash=_hashed(token))).first()
    if link is None:
        raise NoSuchLink()
    return link


def standing(link: CaseLink, *, at: datetime) -> Standing:
    """Return what a link is good for at this instant."""
    stint = link.stint
    if link.done_at is not None:
        return Standing.USED
    if link.revoked_at is not None:
        return Standing.REVOKED
    if at >= link.expires_at:
        return Standing.EXPIRED
    if (stint.sent_at, stint.rework_count) != (link.sent_at, link.rework_count):
        return Standing.ELSEWHERE
    if stint.stage in RESTING:
        return Standing.RESTING
    return Standing.OPEN if stint.stage in WORKING else Standing.ELSEWHERE


REFUSED = {
    Standing.REVOKED: LinkTakenBack, Standing.EXPIRED: LinkRanOut, Standing.ELSEWHERE: CaseElsewhere,
    Standing.RESTING: CaseRests,
}  # fmt: skip


def refuse_unless_open(link: CaseLink, *, at: datetime) -> None:
    """Raise what a link is no longer good for, in words for whoever holds it."""
    now = standing(link, at=at)
    if now is Standing.USED:
        raise LinkUsed(when=link.done_at)
    department = link.stint.department
    facts = {"department": department.name, "phone": department.phone}
    if now in REFUSED:
        raise REFUSED[now](**facts)
    verb = finishing_move(link.stint, confirms=link.confirms)
    rule = workflow.BY_VERB[(Subject.STINT, verb)]
    if appointment_for(link.made_by, rule, case=link.stint.case, subject=link.stint, at=at) is None:
        raise CaseElsewhere(**facts)  # whoever answers for it works for this unit no longer


def note_step(link: CaseLink, what: str, *, at: datetime, by: User | None = None, detail: str = "") -> None:
    """Write down what happened to a link; `by` None: whoever holds it did it."""
    LinkStep.objects.create(link=link, at=at, what=what, by=by, detail=detail[:80])


DOES = {"record_result": actions.record_result, "hand_over": actions.hand_over, "hand_up": teams.hand_up}


def finish(link: CaseLink, *, at: datetime, words: str, files: Iterable[StoredFile]) -> Case:
    """Hand in what the crew did: pictures and a word, in the name of the unit. Once; two at the same time are one.

    Raises what `refuse_unless_open` and the move raise.
    """
    with transaction.atomic():
        kept = _with_stint(CaseLink.objects.select_for_update(of=("self",))).get(pk=link.pk)
        refuse_unless_open(kept, at=at)
        verb = finishing_move(kept.stint, confirms=kept.confirms)
        case = DOES[verb](
            kept.stint, by=kept.made_by, at=at, opinion=_signed(words, kept), files=files, link=str(kept.public_id)
        )
        kept.done_at = at
        kept.save(update_fields=["done_at"])
        note_step(kept, LinkStep.What.DONE, at=at, detail=verb)
        tell(
            [kept.made_by], code="crew_reported",
            facts={"number": case.number, "what": case.minor_class.name_zh, "where": case.area_names,
                   "crew": who_of(kept)},
            about=case.number, url=reverse("cases:case", args=[case.public_id]), dedupe=f"case_link:{kept.public_id}",
            at=at,
        )  # fmt: skip
    return case


def who_of(link: CaseLink) -> str:
    """Return who holds a link, as the department wrote it: the crew and the person."""
    return " ".join(part for part in (link.crew.name if link.crew else "", link.name) if part)


def _signed(words: str, link: CaseLink) -> str:
    """Return the words of a result with whose they are: the account that made the move is the operator's."""
    return _("%(words)s (by link: %(who)s)") % {"words": words.strip(), "who": who_of(link)}
