"""What departments ask more rarely, and how a request walks its chain of approval.

Voiding 作废, deferral 缓办 and the stock list 积存, dispute of responsibility 权责争议 with its joint decision,
overtime appeal 超时申诉; each step of a chain, and the withdrawal of a request. Return, extension and suspension are in
`actions`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Department, User
from accounts.permissions import nearest_holders
from accounts.roles import Role
from cases import clocks, time_limits, workflow
from cases.actions import FactMissing, MoveNotAllowed, Step, move
from cases.models import Adjustment, Case, Evidence, HandlingStint, Request
from cases.workflow import StintStage
from citymgmt.errors import Refusal
from dispatch.actions import NotADepartment, add_precedent, granted, note_opinion, one_at_a_time, open_request, refused
from dispatch.models import JointMeeting, ResponsibilityRule
from dispatch.permissions import may_be_dispatched_to
from dispatch.querysets import deferred_in_hand
from office import settings
from office.actions import tell
from office.models import StoredFile


class NotOverdue(Refusal):
    """The department handed over in time: there is nothing to appeal against; facts: number."""

    code = "not_overdue"


class AppealTooLate(Refusal):
    """The days for an appeal are over; facts: until."""

    code = "appeal_too_late"


class MeetingFirst(Refusal):
    """A dispute is decided after the joint meeting; facts: number."""

    code = "meeting_first"


class NotYetStock(Refusal):
    """A deferred case enters the stock list after some days only; facts: number, days."""

    code = "not_yet_stock"


# — departments: ask ————————————————————————————————————————————————————————————————————————————————


def ask_voiding(
    stint: HandlingStint, *, by: User, at: datetime, reason: str, ground: str = "", files: Iterable[StoredFile] = ()
) -> Case:
    """Ask for the case to be voided: it is none. The clock runs on. Raises AskedAlready, NotThatGround, PaperNeeded."""
    return _ask(stint, "ask_voiding", Request.Kind.VOIDING, by=by, at=at, reason=reason, ground=ground, files=files)


def ask_deferral(
    stint: HandlingStint, *, by: User, at: datetime, reason: str, ground: str = "", files: Iterable[StoredFile] = ()
) -> Case:
    """Ask for a deferral of what cannot be solved for the time being; the clock runs on, and so does the overrun."""
    return _ask(stint, "ask_deferral", Request.Kind.DEFERRAL, by=by, at=at, reason=reason, ground=ground, files=files)


def open_dispute(
    stint: HandlingStint, *, by: User, at: datetime, reason: str, ground: str = "", files: Iterable[StoredFile] = ()
) -> Case:
    """Dispute that this is the department's duty 权责争议: the clock pauses as in a return until it is settled."""
    return _ask(stint, "open_dispute", Request.Kind.DISPUTE, by=by, at=at, reason=reason, ground=ground, files=files)


def raise_dispute(
    stint: HandlingStint, *, by: User, at: datetime, reason: str, ground: str = "", files: Iterable[StoredFile] = ()
) -> Case:
    """Put up for a joint decision what a department keeps sending back; a return still undecided ends with it."""
    return _ask(stint, "raise_dispute", Request.Kind.DISPUTE, by=by, at=at, reason=reason, ground=ground, files=files)


def ask_appeal(
    stint: HandlingStint, *, by: User, at: datetime, reason: str, ground: str = "", files: Iterable[StoredFile] = ()
) -> Case:
    """Appeal against the overrun of a closed case, once 超时申诉. Raises NotOverdue, AppealTooLate, AskedOften."""

    def check(step: Step) -> None:
        own = step.subject
        if own.due_at is None or own.handed_over_at is None or own.handed_over_at <= own.due_at:
            raise NotOverdue(number=step.case.number)
        until = appeal_until(step.case)
        if at > until:
            raise AppealTooLate(until=until)

    return _ask(stint, "ask_appeal", Request.Kind.APPEAL, by=by, at=at, reason=reason, ground=ground, files=files,
                check=check)  # fmt: skip


def appeal_until(case: Case) -> datetime:
    """Return until when a department may appeal against an overrun of a closed case."""
    days = settings.get("dispatch.appeal_days", on=timezone.localdate(case.closed_at), area_code=case.area_code)
    limit, calendar = time_limits.days(days), clocks.calendar(case.area_code)
    return time_limits.deadline(case.closed_at, limit, calendar).at


ALONE = (Request.Kind.VOIDING, Request.Kind.DEFERRAL, Request.Kind.APPEAL)


def _ask(stint, verb: str, kind: str, *, by, at, reason, ground, files, check=None) -> Case:
    files = list(files)

    def ask(step: Step) -> None:
        if check is not None:
            check(step)
        if kind in ALONE:
            one_at_a_time(step)
        open_request(step, kind, ground=ground, files=files)

    return move(
        stint, verb, by=by, at=at, text=_said(reason, verb), effect=ask,
        files=[(file, Evidence.Usage.REFERENCE) for file in files],
    )  # fmt: skip


def withdraw_request(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Take back what is still being decided; a pause that went with it is taken back too."""
    return move(request, "withdraw_request", by=by, at=at, outcome=_ending(request),
                text=_said(reason, "withdraw_request"))  # fmt: skip


# — along the chain —————————————————————————————————————————————————————————————————————————————————


def approve(request: Request, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Agree, for the command centre, and pass the request on to the next in its chain. Raises ApprovedAlready."""
    return move(request, "approve", by=by, at=at, text=opinion, effect=_agree)


def consent(request: Request, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Agree, for the supervision centre, and pass the request on. Raises ApprovedAlready."""
    return move(request, "consent", by=by, at=at, text=opinion, effect=_agree)


def _agree(step: Step) -> None:
    note_opinion(step, is_granted=True)
    step.subject.step += 1
    step.facts.update(next=step.subject.chain[step.subject.step])


def reject(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Refuse a request before it came to the end of its chain."""
    return _turn_down(request, "reject", by=by, at=at, reason=reason)


def decline(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Refuse, for the supervision centre, a request before it came to the end of its chain."""
    return _turn_down(request, "decline", by=by, at=at, reason=reason)


def _turn_down(request: Request, verb: str, *, by: User, at: datetime, reason: str) -> Case:
    def refuse(step: Step) -> None:
        stint = refused(step)
        if step.subject.kind == Request.Kind.RETURN:
            stint.is_shirked = True

    return move(request, verb, by=by, at=at, outcome=_ending(request), text=_said(reason, verb), effect=refuse)


def _ending(request: Request) -> str:
    return request.kind if request.kind in (Request.Kind.RETURN, Request.Kind.DISPUTE) else ""


# — the last word ———————————————————————————————————————————————————————————————————————————————————


def grant_voiding(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """End the case as none 作废: what is open at departments and collectors ends with it."""
    return move(request, "grant_voiding", by=by, at=at, text=_said(reason, "grant_voiding"), effect=granted)


def refuse_voiding(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Say that it is a case."""
    return move(request, "refuse_voiding", by=by, at=at, text=_said(reason, "refuse_voiding"), effect=refused)


def grant_deferral(request: Request, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Defer a case 缓办: after the days that a city sets it enters the stock list by itself."""

    def defer(step: Step) -> None:
        granted(step).deferred_at = at

    return move(request, "grant_deferral", by=by, at=at, text=opinion, effect=defer)


def refuse_deferral(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Leave the case among those to be handled now."""
    return move(request, "refuse_deferral", by=by, at=at, text=_said(reason, "refuse_deferral"), effect=refused)


def grant_appeal(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Uphold an appeal: evaluation takes the stint as on time; the overrun stays to be seen."""

    def adjust(step: Step) -> None:
        stint = granted(step)
        Adjustment.objects.create(case=step.case, stint=stint, request=step.subject, at=at)

    return move(request, "grant_appeal", by=by, at=at, text=_said(reason, "grant_appeal"), effect=adjust)


def refuse_appeal(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Reject an appeal: late it stays."""
    return move(request, "refuse_appeal", by=by, at=at, text=_said(reason, "refuse_appeal"), effect=refused)


# — disputes ————————————————————————————————————————————————————————————————————————————————————————


def call_meeting(
    request: Request, *, by: User, at: datetime, meets_at: datetime, place: str, participants: str, opinion: str = ""
) -> Case:
    """Call the parties together on the spot 现场确权; called again, the new date and place hold."""

    def call(step: Step) -> None:
        said = {"meets_at": meets_at, "place": place, "participants": participants}
        if not JointMeeting.objects.filter(request=step.subject).update(**said):
            step.batch.insert([JointMeeting(request=step.subject, **said)])
        step.facts.update(meets_at=meets_at.isoformat())

    return move(request, "call_meeting", by=by, at=at, text=opinion, effect=call)


def decide_dispute(
    request: Request,
    *,
    by: User,
    at: datetime,
    department: Department,
    reason: str,
    is_precedent: bool = False,
    files: Iterable[StoredFile] = (),
) -> Case:
    """Record the joint decision: the case goes to the department that answers for it, at once.

    Its own department: the clock runs on as if it had never stopped, and the stint is marked as shirked. As a
    precedent it changes the routing of this class in this street from now on. Raises MeetingFirst, NotADepartment.
    """
    own = department.pk == request.stint.department_id

    def decide(step: Step) -> None:
        meeting = JointMeeting.objects.filter(request=step.subject).first()
        if meeting is None and _setting("dispatch.dispute_needs_meeting", step):
            raise MeetingFirst(number=step.case.number)
        stint = refused(step) if own else granted(step)
        if own:
            stint.is_shirked = True
        else:
            _give_to(department, stint, step)
        was_called = meeting is not None
        meeting = meeting or JointMeeting(request=step.subject)
        meeting.department, meeting.decided_at = department, at
        if is_precedent:
            meeting.precedent = _precedent(step.case, department, reason, at=at)
        if was_called:
            step.batch.update(meeting, ["department", "decided_at", "precedent"])
        else:
            step.batch.insert([meeting])
        step.facts.update(department=department.code, precedent=is_precedent)

    return move(
        request, "decide_dispute", by=by, at=at, outcome="own" if own else "theirs",
        text=_said(reason, "decide_dispute"), effect=decide,
        files=[(file, Evidence.Usage.REFERENCE) for file in files],
    )  # fmt: skip


def _give_to(department: Department, stint: HandlingStint, step: Step) -> None:
    """Dispatch to whom the decision names; who assists already takes over the part of the one who disputed."""
    if not may_be_dispatched_to(department, at=step.at):
        raise NotADepartment(department=department.name)
    holding = (*workflow.STINT_OPEN, StintStage.ACCEPTED)
    there = next((s for s in step.stints if s.department_id == department.pk and s.stage in holding), None)
    if there is None:
        there = step.new_stint(department, is_lead=stint.is_lead, rule="decision")
        there.handler = there.received_at = there.submitted_at = None
    there.is_lead, there.is_required = there.is_lead or stint.is_lead, there.is_required or stint.is_required


def _precedent(case: Case, department: Department, reason: str, *, at: datetime) -> ResponsibilityRule:
    return add_precedent(case, department=department, valid_from=timezone.localdate(at), note=reason[:200])


# — the stock list ——————————————————————————————————————————————————————————————————————————————————


def enter_stock(stint: HandlingStint, *, by: User | None, at: datetime, opinion: str = "") -> Case:
    """Enter a deferred case in the stock list 积存. It leaves it when its stint ends. Raises NotYetStock."""

    def enter(step: Step) -> None:
        days = _setting("dispatch.stock_days", step)
        since = step.subject.deferred_at
        if step.subject.stock_at is not None or since is None or step.at < since + timedelta(days=days):
            raise NotYetStock(number=step.case.number, days=days)
        step.subject.stock_at = at

    return move(stint, "enter_stock", by=by, at=at, text=opinion, effect=enter)


def fill_stock(*, at: datetime) -> int:
    """Enter every deferred case whose days have passed, and tell commander and department; return how many."""
    done = 0
    for stint in deferred_in_hand():
        days = settings.get("dispatch.stock_days", on=timezone.localdate(at), area_code=stint.case.area_code)
        if at < stint.deferred_at + timedelta(days=days):
            continue
        try:
            with transaction.atomic():  # entered and told, or neither
                enter_stock(stint, by=None, at=at)
                _tell_of_stock(stint, at=at)
        except (MoveNotAllowed, NotYetStock):  # handed over, or entered by hand, in this very moment
            continue
        done += 1
    return done


def _tell_of_stock(stint: HandlingStint, *, at: datetime) -> None:
    case = stint.case
    people = {
        *nearest_holders(Role.COMMANDER, case.command_centre, at),
        *nearest_holders(Role.DEPARTMENT_OPERATOR, stint.department, at),
    }
    tell(
        people,
        code="entered_stock",
        facts={
            "number": case.number, "what": case.minor_class.name_zh, "where": case.address,
            "department": stint.department.name_zh,
        },
        about=str(case.public_id),
        url=reverse("cases:case", args=[case.public_id]),
        dedupe=f"stock:{stint.pk}:{stint.deferred_at.isoformat()}",
        at=at,
    )  # fmt: skip


def _setting(key: str, step: Step):
    return settings.get(key, on=timezone.localdate(step.at), area_code=step.case.area_code)


def _said(text: str, verb: str) -> str:
    if not text.strip():
        raise FactMissing(verb=verb, fact="reason")
    return text.strip()
