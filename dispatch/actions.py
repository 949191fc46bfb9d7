"""What happens when somebody presses a button of the command centre or of a department. One function for each move.

Each refuses first, in words; then `cases.actions.move` does the rest in one transaction. What a department asks for
(return, extension, suspension) becomes a request that the command centre grants or refuses.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from accounts.models import Department, User
from cases import clocks, time_limits, workflow
from cases.actions import FactMissing, MoveNotAllowed, Step, move, not_allowed
from cases.models import Approval, Case, Evidence, HandlingStint, Request
from cases.time_limits import Limit, Unit
from cases.workflow import RequestStage, StintStage
from citymgmt.errors import Refusal
from dispatch import approval, facts, routing, terms
from dispatch.models import ApprovalRule, Ground, ResponsibilityRule
from dispatch.permissions import (
    is_handler_of,
    left_to_the_system,
    may_be_dispatched_to,
    may_keep_responsibilities,
)
from dispatch.querysets import waiting_for_dispatch
from office import settings
from office.models import StoredFile


class NoDepartment(Refusal):
    """A case is dispatched to somebody; facts: number."""

    code = "no_department"


class NotADepartment(Refusal):
    """The department does not exist (any more), or is a centre; facts: department."""

    code = "not_a_department"


class HasItAlready(Refusal):
    """The department has the case in hand, or has done its part; facts: department, number."""

    code = "has_it_already"


class StillWithDepartments(Refusal):
    """The case cannot leave the command centre while a department has it; facts: number, departments."""

    code = "still_with_departments"


class NothingToConfirm(Refusal):
    """The dispatch was not automatic, or somebody confirmed it already; facts: number."""

    code = "nothing_to_confirm"


class NotAHandler(Refusal):
    """The person does not handle for this department; facts: name, department."""

    code = "not_a_handler"


class AskedAlready(Refusal):
    """One request at a time: another one of this department is being decided; facts: request."""

    code = "asked_already"


class NoDeadline(Refusal):
    """There is no limit that could be extended; facts: number."""

    code = "no_deadline"


class OverdueAlready(Refusal):
    """Neither extension nor suspension once the deadline has passed; facts: due_at."""

    code = "overdue_already"


class ExtendedOften(Refusal):
    """As many extensions as the city allows were granted; facts: limit."""

    code = "extended_often"


class AskedOften(Refusal):
    """As many requests of this kind as the city allows were made or granted; facts: request, limit."""

    code = "asked_often"


class NotThatGround(Refusal):
    """The ground does not hold now, or not for this request; facts: ground."""

    code = "not_that_ground"


class PaperNeeded(Refusal):
    """The city wants a paper with this request; facts: request."""

    code = "paper_needed"


class ReturnTooLate(Refusal):
    """The time in which the case could be given back is over; facts: until."""

    code = "return_too_late"


class AssignmentFirst(Refusal):
    """A department revokes its own assignment before it gives the case back; facts: handler."""

    code = "assignment_first"


class LengthTooLong(Refusal):
    """More time is asked for than the city allows; facts: days."""

    code = "length_too_long"


class ApprovedAlready(Refusal):
    """Nobody agrees twice to the same request; facts: number."""

    code = "approved_already"


class IsTheLead(Refusal):
    """The lead department cannot be that: it leads already, and the case waits for it; facts: department."""

    code = "is_the_lead"


class OwnWork(Refusal):
    """Nobody handles a thing by proxy for himself; facts: department."""

    code = "own_work"


class SuspendedOften(Refusal):
    """As many suspensions as the city allows were granted; facts: limit."""

    code = "suspended_often"


class NotThatDate(Refusal):
    """A suspension ends on a day after today, not too far away; facts: first, last."""

    code = "not_that_date"


class PictureNeeded(Refusal):
    """The city wants a picture of the result; facts: number."""

    code = "picture_needed"


# — command: who does it? ———————————————————————————————————————————————————————————————————————————


def dispatch(
    case: Case,
    *,
    by: User | None,
    at: datetime,
    department: Department | None,
    assisting: Iterable[Department] = (),
    opinion: str = "",
    rule: str = routing.Rule.BY_HAND,
    also: Callable[[Step], None] | None = None,
) -> Case:
    """Put the case into the hands of a lead department and, where needed, of assisting ones 派遣.

    Each gets a stint with its own clock; a department that gave the case back and gets it again goes on with what was
    left. `rule` says under which rule of the routing the lead was proposed; `also` does what else belongs to it. Raises
    NoDepartment, NotADepartment, HasItAlready.
    """
    if department is None:
        raise NoDepartment(number=case.number)
    others = [one for one in dict.fromkeys(assisting) if one != department]

    def send(step: Step) -> None:
        for one in (department, *others):
            _refuse_as_target(one, step)
        for one in (department, *others):
            stint = step.new_stint(one, is_lead=one == department, rule=rule if one == department else "")
            stint.handler = stint.received_at = stint.submitted_at = None
        step.case.is_system_dispatched = step.case.needs_dispatch_review = by is None
        step.facts.update(department=department.code, assisting=[one.code for one in others], rule=str(rule))
        if also is not None:
            also(step)

    return move(case, "dispatch", by=by, at=at, text=opinion, effect=send)


def _refuse_as_target(department: Department, step: Step) -> None:
    if not may_be_dispatched_to(department, at=step.at):
        raise NotADepartment(department=department.name)
    holding = (*workflow.STINT_OPEN, StintStage.ACCEPTED)
    if any(stint.department_id == department.pk and stint.stage in holding for stint in step.stints):
        raise HasItAlready(department=department.name, number=step.case.number)


def back_to_filing(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """Send the case back to filing: it should not have been filed so. Raises StillWithDepartments."""

    def alone(step: Step) -> None:
        holding = [stint.department.name for stint in step.stints if stint.stage in workflow.STINT_OPEN]
        if holding:
            raise StillWithDepartments(number=step.case.number, departments=holding)

    return move(case, "back_to_filing", by=by, at=at, text=_said(reason, "back_to_filing"), effect=alone)


def review_dispatch(
    case: Case, *, by: User, at: datetime, verdict: str = "right", opinion: str = "", savepoint: bool = True
) -> Case:
    """Say whether what the system dispatched went to the right department. Raises NothingToConfirm."""

    def confirm(step: Step) -> None:
        if not step.case.needs_dispatch_review:
            raise NothingToConfirm(number=step.case.number)
        step.case.needs_dispatch_review = False
        step.facts.update(verdict=verdict)

    return move(case, "review_dispatch", by=by, at=at, text=opinion, effect=confirm, savepoint=savepoint)


def withdraw_dispatch(stint: HandlingStint, *, by: User, at: datetime, reason: str) -> Case:
    """Take the case back from a department; it may be dispatched anew."""

    def looked_at(step: Step) -> None:
        step.case.needs_dispatch_review = False

    return move(stint, "withdraw_dispatch", by=by, at=at, text=_said(reason, "withdraw_dispatch"), effect=looked_at)


def add_assisting(
    case: Case, *, by: User, at: datetime, department: Department, is_optional: bool = False, opinion: str = ""
) -> Case:
    """Bring in one more department beside the lead. Raises NotADepartment, HasItAlready.

    The case waits for it unless it is optional: then it ends with the case, done or not.
    """

    def add(step: Step) -> None:
        _refuse_as_target(department, step)
        stint = step.new_stint(department, is_lead=False, rule="", is_required=not is_optional)
        stint.handler = stint.received_at = stint.submitted_at = None
        step.facts.update(department=department.code, required=not is_optional)

    return move(case, "add_assisting", by=by, at=at, text=opinion, effect=add)


def make_lead(stint: HandlingStint, *, by: User, at: datetime, reason: str) -> Case:
    """Let another of the case's departments lead; the one that led assists from now on. Raises IsTheLead."""

    def lead(step: Step) -> None:
        if step.subject.is_lead:
            raise IsTheLead(department=step.subject.department.name)
        for one in step.stints:
            one.is_lead = one is step.subject
        step.subject.is_required = True
        step.facts.update(department=step.subject.department.code)

    return move(stint, "make_lead", by=by, at=at, text=_said(reason, "make_lead"), effect=lead)


def set_required(stint: HandlingStint, *, by: User, at: datetime, required: bool, reason: str) -> Case:
    """Say whether the case waits for an assisting department. Raises IsTheLead."""

    def change(step: Step) -> None:
        if step.subject.is_lead:
            raise IsTheLead(department=step.subject.department.name)
        step.subject.is_required = required
        step.facts.update(department=step.subject.department.code, required=required)

    return move(stint, "set_required", by=by, at=at, text=_said(reason, "set_required"), effect=change)


def set_proxy(stint: HandlingStint, *, by: User, at: datetime, owner: Department, reason: str) -> Case:
    """Note that this department does the work for another, the owner, who is judged by it 代处置. Raises OwnWork."""

    def mark(step: Step) -> None:
        if owner.pk == step.subject.department_id:
            raise OwnWork(department=owner.name)
        step.subject.on_behalf_of = owner
        step.facts.update(owner=owner.code)

    return move(stint, "set_proxy", by=by, at=at, text=_said(reason, "set_proxy"), effect=mark)


def mark_ownerless(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """Register a case whose owner nobody can find 无主案件: the street of the place is proposed first."""

    def mark(step: Step) -> None:
        step.case.is_ownerless = True

    return move(case, "mark_ownerless", by=by, at=at, text=_said(reason, "mark_ownerless"), effect=mark)


# — supervision: was it dispatched to the right department? —————————————————————————————————————————


def confirm_dispatch(stint: HandlingStint, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Say that this dispatch was right, whatever became of it."""
    return _judge(stint, "confirm_dispatch", HandlingStint.Verdict.ACCURATE, by=by, at=at, text=opinion)


def wrong_dispatch(stint: HandlingStint, *, by: User, at: datetime, reason: str) -> Case:
    """Say that this dispatch, ended by now, was wrong 错误派遣: it counts against whoever made it."""
    text = _said(reason, "wrong_dispatch")
    return _judge(stint, "wrong_dispatch", HandlingStint.Verdict.WRONG, by=by, at=at, text=text)


def recall_wrong_dispatch(stint: HandlingStint, *, by: User, at: datetime, reason: str) -> Case:
    """Say that a dispatch was wrong while the department still has the case: it is to be dispatched anew at once."""
    text = _said(reason, "recall_wrong_dispatch")
    return _judge(stint, "recall_wrong_dispatch", HandlingStint.Verdict.WRONG, by=by, at=at, text=text)


def _judge(stint: HandlingStint, verb: str, verdict: str, *, by: User, at: datetime, text: str) -> Case:
    def judge(step: Step) -> None:
        step.subject.dispatch_verdict = verdict
        step.facts.update(department=step.subject.department.code)

    return move(stint, verb, by=by, at=at, text=text, effect=judge)


# — departments: do it ——————————————————————————————————————————————————————————————————————————————


def receive(stint: HandlingStint, *, by: User, at: datetime, handler: User | None = None, opinion: str = "") -> Case:
    """Take the case in at the department and, if known, say who goes. The clock has run since the dispatch.

    Raises NotAHandler.
    """

    def take(step: Step) -> None:
        step.subject.received_at = at
        if handler is not None:
            _assign(step, handler)

    return move(stint, "receive", by=by, at=at, text=opinion, effect=take)


def assign(stint: HandlingStint, *, by: User, at: datetime, handler: User, opinion: str = "") -> Case:
    """Say who goes, or who goes instead. Raises NotAHandler."""
    return move(stint, "assign", by=by, at=at, text=opinion, effect=lambda step: _assign(step, handler))


def _assign(step: Step, handler: User) -> None:
    if not is_handler_of(handler, step.subject.department, step.at):
        raise NotAHandler(name=handler.name, department=step.subject.department.name)
    step.subject.handler, step.subject.submitted_at = handler, None
    step.facts.update(handler=handler.staff_number)


def submit_result(
    stint: HandlingStint, *, by: User, at: datetime, opinion: str, files: Iterable[StoredFile] = ()
) -> Case:
    """Report from the street that it is done. The clock runs on until the department hands over."""

    def submit(step: Step) -> None:
        step.subject.submitted_at = at

    return move(
        stint, "submit_result", by=by, at=at, text=_said(opinion, "submit_result", "opinion"), files=_after(files),
        effect=submit,
    )  # fmt: skip


def record_result(
    stint: HandlingStint, *, by: User, at: datetime, opinion: str, files: Iterable[StoredFile] = (), link: str = ""
) -> Case:
    """Write down that a crew without an account has done it 登记班组结果; the department confirms by handing over.

    `link` is the number of the one-case link by which the crew said so, if any.
    """

    def submit(step: Step) -> None:
        step.subject.received_at = step.subject.received_at or at
        step.subject.submitted_at = at
        note_link(step, link)

    return move(
        stint, "record_result", by=by, at=at, text=_said(opinion, "record_result", "opinion"), files=_after(files),
        effect=submit,
    )  # fmt: skip


def note_link(step: Step, link: str) -> None:
    """Say among the facts of a move by which one-case link it was made."""
    if link:
        step.facts.update(link=link)


def hand_over(
    stint: HandlingStint, *, by: User, at: datetime, opinion: str, files: Iterable[StoredFile] = (), link: str = ""
) -> Case:
    """Hand the result to the centre 批转: this instant is judged. Raises PictureNeeded."""
    pictures = _after(files)

    def finish(step: Step) -> None:
        if not pictures and _wants_picture(step):
            raise PictureNeeded(number=step.case.number)
        step.subject.received_at = step.subject.received_at or at
        step.subject.handed_over_at = at
        note_link(step, link)

    return move(
        stint, "hand_over", by=by, at=at, text=_said(opinion, "hand_over", "opinion"), files=pictures, effect=finish
    )


def _wants_picture(step: Step) -> bool:
    if not settings.get("dispatch.result_needs_picture", on=timezone.localdate(step.at), area_code=step.case.area_code):
        return False
    since = step.subject.dispatched_at
    return not step.case.evidence.filter(stint=step.subject, usage=Evidence.Usage.AFTER, at__gte=since).exists()


def _after(files: Iterable[StoredFile]) -> list[tuple[StoredFile, str]]:
    return [(file, Evidence.Usage.AFTER) for file in files]


# — departments: ask ————————————————————————————————————————————————————————————————————————————————


def ask_return(
    stint: HandlingStint, *, by: User, at: datetime, ground: str, reason: str, files: Iterable[StoredFile] = ()
) -> Case:
    """Give the case back, with a ground and a reason 回退. The clock pauses; refused, the waiting counts after all.

    Raises AskedAlready, ReturnTooLate, AssignmentFirst, NotThatGround, PaperNeeded, AskedOften.
    """
    if not ground:
        raise FactMissing(verb="ask_return", fact="ground")
    files = list(files)

    def ask(step: Step) -> None:
        one_at_a_time(step)
        until = terms.return_until(step.subject, step.case, at=at)
        if until is not None and at > until:
            raise ReturnTooLate(until=until)
        if step.subject.handler is not None:
            raise AssignmentFirst(handler=step.subject.handler.name)
        open_request(step, Request.Kind.RETURN, ground=ground, files=files)

    return move(
        stint, "ask_return", by=by, at=at, text=_said(reason, "ask_return"), files=_reference(files), effect=ask
    )


def ask_extension(
    stint: HandlingStint,
    *,
    by: User,
    at: datetime,
    reason: str,
    ground: str = "",
    length: Decimal | None = None,
    files: Iterable[StoredFile] = (),
) -> Case:
    """Ask for one more original limit 延期, or for a length of its own in the limit's unit.

    The clock runs on while it is being decided. Raises AskedAlready, NoDeadline, OverdueAlready, ExtendedOften,
    LengthTooLong, NotThatGround, PaperNeeded.
    """
    files = list(files)

    def ask(step: Step) -> None:
        one_at_a_time(step)
        if step.subject.due_at is None:
            raise NoDeadline(number=step.case.number)
        _not_overdue(step)
        open_request(step, Request.Kind.EXTENSION, ground=ground, files=files, length=length)

    return move(
        stint, "ask_extension", by=by, at=at, text=_said(reason, "ask_extension"), files=_reference(files), effect=ask
    )


def ask_suspension(
    stint: HandlingStint,
    *,
    by: User,
    at: datetime,
    until: date,
    reason: str,
    ground: str = "",
    files: Iterable[StoredFile] = (),
) -> Case:
    """Ask for the clock to stand still until a day 挂账. It runs on while that is being decided.

    Raises AskedAlready, NotThatDate, OverdueAlready, SuspendedOften, NotThatGround, PaperNeeded.
    """
    files = list(files)

    def ask(step: Step) -> None:
        one_at_a_time(step)
        _refuse_past(step, until)
        _not_overdue(step)
        open_request(step, Request.Kind.SUSPENSION, ground=ground, files=files, until=until)
        step.facts.update(until=until.isoformat())

    return move(
        stint, "ask_suspension", by=by, at=at, text=_said(reason, "ask_suspension"), files=_reference(files), effect=ask
    )


def start_of(day: date) -> datetime:
    """Return the first instant of a day: a suspension "until" a day ends then."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_default_timezone())


def open_request(
    step: Step,
    kind: str,
    *,
    ground: str = "",
    files: Sequence[StoredFile] = (),
    until: date | None = None,
    length: Decimal | None = None,
) -> Request:
    """Write down a request under the terms that hold for it: its chain is frozen now.

    Raises NotThatGround, PaperNeeded, NotThatDate, LengthTooLong, ExtendedOften, SuspendedOften, AskedOften.
    """
    day = timezone.localdate(step.at)
    days = (until - day).days if until else _days(length, step) if length else 0
    holding = _terms(step, step.subject, kind, ground=ground, days=days, is_custom=length is not None)
    known = {one.code for one in terms.grounds(day, kind=kind)}
    if ground and (ground not in known or (holding.grounds and ground not in holding.grounds)):
        raise NotThatGround(ground=ground)
    if holding.needs_file and not files:
        raise PaperNeeded(request=Request.Kind(kind).label)
    _not_too_long(step, holding, days=days, until=until)
    _not_too_often(step.subject, kind, holding)
    step.facts.update(chain=list(holding.chain), **({"ground": ground} if ground else {}))
    return step.new_request(
        kind=kind, ground=ground, until=start_of(until) if until else None, chain=list(holding.chain), length=length
    )


def one_at_a_time(step: Step) -> None:
    """Refuse a second request of a department while the first is being decided."""
    pending = next((one for one in _asked(step.subject) if one.stage == RequestStage.PENDING), None)
    if pending is not None:
        raise AskedAlready(request=pending.get_kind_display())


def _terms(step: Step, stint: HandlingStint, kind: str, **asked) -> approval.Terms:
    return terms.terms_of(kind, stint, step.case, at=step.at, granted=_times(stint, kind), **asked)


def _times(stint: HandlingStint, kind: str) -> int:
    """Return how often it was granted; of returns, how often it was asked and decided."""
    if kind == Request.Kind.EXTENSION:
        return stint.extension_count
    if kind == Request.Kind.SUSPENSION:
        return stint.suspension_count
    counted = ("granted", "refused") if kind in (Request.Kind.RETURN, Request.Kind.APPEAL) else ("granted",)
    return sum(one.kind == kind and one.stage in counted for one in _asked(stint))


def _asked(stint: HandlingStint) -> list[Request]:
    """Return whatever was asked for on a stint; read once."""
    prefetch_related_objects([stint], "requests")
    return list(stint.requests.all())


OFTEN = {Request.Kind.EXTENSION: ExtendedOften, Request.Kind.SUSPENSION: SuspendedOften}


def _not_too_often(stint: HandlingStint, kind: str, holding: approval.Terms) -> None:
    if holding.max_count is not None and _times(stint, kind) >= holding.max_count:
        facts = {"limit": holding.max_count}
        raise OFTEN[kind](**facts) if kind in OFTEN else AskedOften(request=Request.Kind(kind).label, **facts)


def _not_too_long(step: Step, holding: approval.Terms, *, days: int, until: date | None) -> None:
    if holding.max_days is None or days <= holding.max_days:
        return
    if until is None:
        raise LengthTooLong(days=holding.max_days)
    day = timezone.localdate(step.at)
    raise NotThatDate(first=day + timedelta(days=1), last=day + timedelta(days=holding.max_days))


def _days(length: Decimal, step: Step) -> int:
    """Return a length in the limit's unit as whole days, rounded up."""
    unit = Unit(step.subject.limit_unit or step.case.limit_unit)
    a_day = Limit(Decimal(1), Unit.WORKING_DAY if unit in time_limits.WORKING else Unit.CALENDAR_DAY)
    calendar = clocks.calendar(step.case.area_code)
    one = time_limits.limit_seconds(a_day, calendar, on=step.at)
    return -(-time_limits.limit_seconds(Limit(length, unit), calendar, on=step.at) // one)


def _not_overdue(step: Step) -> None:
    due_at = step.subject.due_at
    if due_at is not None and step.at > due_at:
        raise OverdueAlready(due_at=due_at)


def _refuse_past(step: Step, until: date) -> None:
    first = timezone.localdate(step.at) + timedelta(days=1)
    if until < first:
        longest = _terms(step, step.subject, Request.Kind.SUSPENSION).max_days
        raise NotThatDate(first=first, last=first + timedelta(days=(longest or 1) - 1))


def _reference(files: Iterable[StoredFile]) -> list[tuple[StoredFile, str]]:
    return [(file, Evidence.Usage.REFERENCE) for file in files]


# — command: decide what departments ask ————————————————————————————————————————————————————————————


def grant_return(request: Request, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Accept that the case was not the department's: its stint ends and no longer counts."""
    return move(request, "grant_return", by=by, at=at, text=opinion, effect=granted)


def refuse_return(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Send the case back to the department that returned it: the waiting counts, and it is marked as shirked 推诿."""

    def refuse(step: Step) -> None:
        stint = refused(step)
        stint.is_shirked = True
        stint.received_at = stint.received_at or at

    return move(request, "refuse_return", by=by, at=at, text=_said(reason, "refuse_return"), effect=refuse)


def grant_extension(request: Request, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Add one original limit, or the length asked for, to the current deadline. Raises ExtendedOften, OverdueAlready.

    What counts is when the department asked: asked in time and decided late, the new deadline holds; asked after the
    deadline it never cures lateness.
    """

    def extend(step: Step) -> None:
        stint = granted(step)
        if step.subject.was_overdue:
            raise OverdueAlready(due_at=stint.due_at)
        _may_still(step, stint)
        stint.extension_count += 1
        step.extend[stint.pk] = one_limit_seconds(stint, step.case, length=step.subject.length)
        step.facts.update(extension=stint.extension_count)

    return move(request, "grant_extension", by=by, at=at, text=opinion, effect=extend)


def one_limit_seconds(stint: HandlingStint, case: Case, *, length: Decimal | None = None) -> int:
    """Return the work seconds of the limit that was promised, without extensions; or of another length in its unit."""
    clock = stint.clocks.get(name=workflow.Clock.HANDLING)
    limit = Limit(length or clock.limit_value, Unit(clock.limit_unit))
    began = clock.limit_began_at or clock.started_at
    return time_limits.limit_seconds(limit, clocks.calendar(case.area_code), on=began)


def refuse_extension(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Leave the deadline as it is. A refusal does not count among the extensions."""
    return move(request, "refuse_extension", by=by, at=at, text=_said(reason, "refuse_extension"), effect=refused)


def grant_suspension(request: Request, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Let the clock stand still until the day that was asked for. Raises SuspendedOften, NotThatDate.

    Granted after the deadline it stays overdue in all counts, however long it stands.
    """

    def suspend(step: Step) -> None:
        stint = granted(step)
        until = timezone.localdate(step.subject.until)
        if until <= timezone.localdate(at):  # the day has come while it was being decided
            raise NotThatDate(first=timezone.localdate(at) + timedelta(days=1), last=until)
        _may_still(step, stint)
        stint.suspension_count += 1
        stint.suspended_until = step.subject.until
        stint.suspended_overdue = stint.due_at is not None and at > stint.due_at
        step.facts.update(until=timezone.localdate(step.subject.until).isoformat())

    return move(request, "grant_suspension", by=by, at=at, text=opinion, effect=suspend)


def refuse_suspension(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Let the clock run on. A refusal does not count among the suspensions."""
    return move(request, "refuse_suspension", by=by, at=at, text=_said(reason, "refuse_suspension"), effect=refused)


def granted(step: Step) -> HandlingStint:
    """Write down the last word on a request, in its favour, and return the stint that asked. Raises ApprovedAlready."""
    return _decide(step, is_granted=True)


def refused(step: Step) -> HandlingStint:
    """Write down a refusal of a request, and return the stint that asked. Raises ApprovedAlready."""
    return _decide(step, is_granted=False)


def _decide(step: Step, *, is_granted: bool) -> HandlingStint:
    note_opinion(step, is_granted=is_granted)
    step.subject.decided_by, step.subject.decided_at = step.by, step.at
    return next(stint for stint in step.stints if stint.pk == step.subject.stint_id)


def note_opinion(step: Step, *, is_granted: bool) -> None:
    """Keep what one of those who are asked says about a request. Raises ApprovedAlready."""
    if step.subject.step and step.subject.approvals.filter(by=step.by).exists():
        raise ApprovedAlready(number=step.case.number)
    step.batch.insert([
        Approval(
            request=step.subject, step=step.subject.step, role=step.appointment.role, by=step.by, at=step.at,
            is_granted=is_granted, event_sequence=step.case.event_count + 1,
        )
    ])  # fmt: skip


def _may_still(step: Step, stint: HandlingStint) -> None:
    """Refuse what was asked in time and may not be granted any more: another one was granted meanwhile."""
    request = step.subject
    holding = _terms(step, stint, request.kind, ground=request.ground, is_custom=request.length is not None)
    _not_too_often(stint, request.kind, holding)


def resume(stint: HandlingStint, *, by: User, at: datetime, opinion: str = "") -> Case:
    """End a suspension before its day: the clock goes on with what was left."""
    return move(stint, "resume", by=by, at=at, text=opinion)


# — command: the result comes back ——————————————————————————————————————————————————————————————————


def pass_on(stint: HandlingStint, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Pass the result on to supervision; once every department's is passed on, the check is due."""
    return move(stint, "pass_on", by=by, at=at, text=opinion)


def refuse_hand_over(stint: HandlingStint, *, by: User, at: datetime, reason: str) -> Case:
    """Send the result back to the department: its clock goes on as if it had never handed over."""
    return move(stint, "refuse_hand_over", by=by, at=at, text=_said(reason, "refuse_hand_over"))


def _said(text: str, verb: str, fact: str = "reason") -> str:
    if not text.strip():
        raise FactMissing(verb=verb, fact=fact)
    return text.strip()


# — what is more than a case —————————————————————————————————————————————————————————————————————————————


def transfer_to_emergency(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """Hand a case over to those who answer for emergencies 转应急; it stays filed and is marked."""

    def mark(step: Step) -> None:
        if step.case.emergency_at is not None:
            raise not_allowed(step.case, workflow.Subject.CASE, "transfer_to_emergency")
        step.case.emergency_at, step.case.urgency = step.at, Case.Urgency.VERY_URGENT

    return move(case, "transfer_to_emergency", by=by, at=at, text=_said(reason, "transfer_to_emergency"), effect=mark)


def cancel_emergency(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """Take a case back from emergency: it goes on as before."""

    def unmark(step: Step) -> None:
        if step.case.emergency_at is None:
            raise not_allowed(step.case, workflow.Subject.CASE, "cancel_emergency")
        step.case.emergency_at = None

    return move(case, "cancel_emergency", by=by, at=at, text=_said(reason, "cancel_emergency"), effect=unmark)


# — the system: where no seat may ———————————————————————————————————————————————————————————————————


def dispatch_what_no_seat_may(*, at: datetime, at_most: int = 50) -> int:
    """In a merged hall, dispatch by the proposal what every dispatcher on duty has acted on already; return how many.

    Marked as the system's, to be confirmed by the next seat. A case without a proposal waits for a person, and so does
    one whose proposed department gave it back.
    """
    waiting = list(waiting_for_dispatch().order_by("due_at", "id")[:at_most])
    merged = [case for case in waiting if _is_merged(case, at)]
    done = 0
    for case in left_to_the_system(merged, at) if merged else ():
        done += system_dispatch(case, at=at)
    return done


def _is_merged(case: Case, at: datetime) -> bool:
    return settings.get("office.merged_hall", on=timezone.localdate(at), area_code=case.area_code)


def system_dispatch(case: Case, *, at: datetime) -> bool:
    """Dispatch one case by the best proposal; False when there is none, or somebody was quicker."""
    tried = set(case.stints.values_list("department", flat=True))
    best = next((one for one in facts.suggestions(case, at=at) if one.department.pk not in tried), None)
    if best is None:
        return False
    try:
        dispatch(case, by=None, at=at, department=best.department, rule=best.proposal.rule)
    except MoveNotAllowed:  # a person dispatched it in this very moment
        return False
    return True


# — the responsibility table ————————————————————————————————————————————————————————————————————————


def add_responsibility(*, by: User, at: datetime, **row) -> ResponsibilityRule:
    """Write a new row: from a day on, somebody answers for a class at a place."""
    _keeper(by, at)
    return ResponsibilityRule.objects.create(**row)


def add_approval_rule(*, by: User, at: datetime, **row) -> ApprovalRule:
    """Write a new rule: from a day on, these must agree to such requests."""
    _keeper(by, at)
    return _said_anew(ApprovalRule.objects.create(**row))


def add_ground(*, by: User, at: datetime, **row) -> Ground:
    """Write a ground of the city's own; a built-in one of the same code holds no longer."""
    _keeper(by, at)
    return _said_anew(Ground.objects.create(**row))


def _said_anew(row):
    """Let every request from now on be asked under the rows as they are; other processes follow in ten seconds."""
    terms.forget()
    transaction.on_commit(terms.forget)
    return row


def add_precedent(
    case: Case, *, department: Department, valid_from: date, area_code: str | None = None, note: str = ""
) -> ResponsibilityRule:
    """Let a joint decision on a case hold for the next ones: its class, its place, its component's owner.

    It goes before the responsibility table. `area_code` is the beginning of the code for which it holds, the case's own
    street unless told otherwise. Whoever decided answers for it; here nobody is asked. An older precedent for exactly
    the same ends where this one begins.
    """
    owner = case.component.owner if case.component else None
    place = case.area_code[:STREET_DIGITS] if area_code is None else area_code
    same = {"minor_class": case.minor_class, "area_code": place, "owner": owner, "origin": PRECEDENT}
    earlier = ResponsibilityRule.objects.not_over(valid_from).filter(**same)
    earlier.filter(valid_from__gte=valid_from).delete()
    earlier.filter(valid_from__lt=valid_from).update(valid_to=valid_from)
    return ResponsibilityRule.objects.create(
        **same, department=department, case_number=case.number, valid_from=valid_from, note=note
    )


PRECEDENT = ResponsibilityRule.Origin.PRECEDENT
STREET_DIGITS = 9


def end_responsibility(row: ResponsibilityRule | ApprovalRule | Ground, *, by: User, at: datetime, on: date) -> None:
    """Let a row hold no longer from a day on; a row that has not begun yet never holds."""
    _keeper(by, at)
    if on <= row.valid_from:
        row.delete()
    else:
        row.valid_to = on
        row.save(update_fields=["valid_to"])
    _said_anew(row)


def _keeper(by: User, at: datetime) -> None:
    if not may_keep_responsibilities(by, at=at):
        raise PermissionDenied
