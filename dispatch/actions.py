"""What happens when somebody presses a button of the command centre or of a department. One function for each move.

Each refuses first, in words; then `cases.actions.move` does the rest in one transaction. What a department asks for
(return, extension, suspension) becomes a request that the command centre grants or refuses.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import Department, User
from cases import clocks, time_limits, workflow
from cases.actions import FactMissing, MoveNotAllowed, Step, move
from cases.models import Case, Evidence, HandlingStint, Request
from cases.time_limits import Limit, Unit
from cases.workflow import StintStage
from citymgmt.errors import Refusal
from dispatch import facts, routing
from dispatch.models import ResponsibilityRule, ReturnGround
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
) -> Case:
    """Put the case into the hands of a lead department and, where needed, of assisting ones 派遣.

    Each gets a stint with its own clock; a department that gave the case back and gets it again goes on with what was
    left. `rule` says under which rule of the routing the lead was proposed. Raises NoDepartment, NotADepartment,
    HasItAlready.
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


def review_dispatch(case: Case, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Confirm what the system dispatched while no seat could. Raises NothingToConfirm."""

    def confirm(step: Step) -> None:
        if not step.case.needs_dispatch_review:
            raise NothingToConfirm(number=step.case.number)
        step.case.needs_dispatch_review = False

    return move(case, "review_dispatch", by=by, at=at, text=opinion, effect=confirm)


def withdraw_dispatch(stint: HandlingStint, *, by: User, at: datetime, reason: str) -> Case:
    """Take the case back from a department; it may be dispatched anew."""

    def looked_at(step: Step) -> None:
        step.case.needs_dispatch_review = False

    return move(stint, "withdraw_dispatch", by=by, at=at, text=_said(reason, "withdraw_dispatch"), effect=looked_at)


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


def hand_over(stint: HandlingStint, *, by: User, at: datetime, opinion: str, files: Iterable[StoredFile] = ()) -> Case:
    """Hand the result to the centre 批转: this instant is judged. Raises PictureNeeded."""
    pictures = _after(files)

    def finish(step: Step) -> None:
        if not pictures and _wants_picture(step):
            raise PictureNeeded(number=step.case.number)
        step.subject.received_at = step.subject.received_at or at
        step.subject.handed_over_at = at

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

    Raises AskedAlready.
    """
    if ground not in ReturnGround.values:
        raise FactMissing(verb="ask_return", fact="ground")

    def ask(step: Step) -> None:
        _one_at_a_time(step)
        step.new_request(kind=Request.Kind.RETURN, ground=ground)
        step.facts.update(ground=ground)

    return move(
        stint, "ask_return", by=by, at=at, text=_said(reason, "ask_return"), files=_reference(files), effect=ask
    )


def ask_extension(
    stint: HandlingStint, *, by: User, at: datetime, reason: str, files: Iterable[StoredFile] = ()
) -> Case:
    """Ask for one more original limit 延期. The clock runs on while it is being decided.

    Raises AskedAlready, NoDeadline, OverdueAlready, ExtendedOften.
    """

    def ask(step: Step) -> None:
        _one_at_a_time(step)
        if step.subject.due_at is None:
            raise NoDeadline(number=step.case.number)
        _not_overdue(step)
        _may_extend(step, step.subject)
        step.new_request(kind=Request.Kind.EXTENSION)

    return move(
        stint, "ask_extension", by=by, at=at, text=_said(reason, "ask_extension"), files=_reference(files), effect=ask
    )


def ask_suspension(
    stint: HandlingStint, *, by: User, at: datetime, until: date, reason: str, files: Iterable[StoredFile] = ()
) -> Case:
    """Ask for the clock to stand still until a day 挂账. It runs on while that is being decided.

    Raises AskedAlready, NotThatDate, OverdueAlready, SuspendedOften.
    """

    def ask(step: Step) -> None:
        _one_at_a_time(step)
        _refuse_date(step, until)
        _not_overdue(step)
        _may_suspend(step, step.subject)
        step.new_request(kind=Request.Kind.SUSPENSION, until=start_of(until))
        step.facts.update(until=until.isoformat())

    return move(
        stint, "ask_suspension", by=by, at=at, text=_said(reason, "ask_suspension"), files=_reference(files), effect=ask
    )


def start_of(day: date) -> datetime:
    """Return the first instant of a day: a suspension "until" a day ends then."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_default_timezone())


def _one_at_a_time(step: Step) -> None:
    pending = step.subject.requests.pending().first()
    if pending is not None:
        raise AskedAlready(request=pending.get_kind_display())


def _not_overdue(step: Step) -> None:
    due_at = step.subject.due_at
    if due_at is not None and step.at > due_at:
        raise OverdueAlready(due_at=due_at)


def _may_extend(step: Step, stint: HandlingStint) -> None:
    limit = _setting("dispatch.extensions", step)
    if stint.extension_count >= limit:
        raise ExtendedOften(limit=limit)


def _may_suspend(step: Step, stint: HandlingStint) -> None:
    limit = _setting("dispatch.suspensions", step)
    if stint.suspension_count >= limit:
        raise SuspendedOften(limit=limit)


def _refuse_date(step: Step, until: date) -> None:
    first = timezone.localdate(step.at) + timedelta(days=1)
    last = timezone.localdate(step.at) + timedelta(days=_setting("dispatch.suspension_days", step))
    if not first <= until <= last:
        raise NotThatDate(first=first, last=last)


def _setting(key: str, step: Step):
    return settings.get(key, on=timezone.localdate(step.at), area_code=step.case.area_code)


def _reference(files: Iterable[StoredFile]) -> list[tuple[StoredFile, str]]:
    return [(file, Evidence.Usage.REFERENCE) for file in files]


# — command: decide what departments ask ————————————————————————————————————————————————————————————


def grant_return(request: Request, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Accept that the case was not the department's: its stint ends and no longer counts."""
    return move(request, "grant_return", by=by, at=at, text=opinion, effect=_decide)


def refuse_return(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Send the case back to the department that returned it: the waiting counts, and it is marked as shirked 推诿."""

    def refuse(step: Step) -> None:
        stint = _decide(step)
        stint.is_shirked = True
        stint.received_at = stint.received_at or at

    return move(request, "refuse_return", by=by, at=at, text=_said(reason, "refuse_return"), effect=refuse)


def grant_extension(request: Request, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Add one original limit to the current deadline. Raises ExtendedOften, OverdueAlready.

    What counts is when the department asked: asked in time and decided late, the new deadline holds; asked after the
    deadline it never cures lateness.
    """

    def extend(step: Step) -> None:
        stint = _decide(step)
        if step.subject.was_overdue:
            raise OverdueAlready(due_at=stint.due_at)
        _may_extend(step, stint)
        stint.extension_count += 1
        step.extend[stint.pk] = one_limit_seconds(stint, step.case)
        step.facts.update(extension=stint.extension_count)

    return move(request, "grant_extension", by=by, at=at, text=opinion, effect=extend)


def one_limit_seconds(stint: HandlingStint, case: Case) -> int:
    """Return the work seconds of the limit that was promised, without extensions."""
    clock = stint.clocks.get(name=workflow.Clock.HANDLING)
    limit = Limit(clock.limit_value, Unit(clock.limit_unit))
    began = clock.limit_began_at or clock.started_at
    return time_limits.limit_seconds(limit, clocks.calendar(case.area_code), on=began)


def refuse_extension(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Leave the deadline as it is. A refusal does not count among the extensions."""
    return move(request, "refuse_extension", by=by, at=at, text=_said(reason, "refuse_extension"), effect=_decide)


def grant_suspension(request: Request, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Let the clock stand still until the day that was asked for. Raises SuspendedOften, NotThatDate.

    Granted after the deadline it stays overdue in all counts, however long it stands.
    """

    def suspend(step: Step) -> None:
        stint = _decide(step)
        _may_suspend(step, stint)
        _refuse_date(step, timezone.localdate(step.subject.until))
        stint.suspension_count += 1
        stint.suspended_until = step.subject.until
        stint.suspended_overdue = stint.due_at is not None and at > stint.due_at
        step.facts.update(until=timezone.localdate(step.subject.until).isoformat())

    return move(request, "grant_suspension", by=by, at=at, text=opinion, effect=suspend)


def refuse_suspension(request: Request, *, by: User, at: datetime, reason: str) -> Case:
    """Let the clock run on. A refusal does not count among the suspensions."""
    return move(request, "refuse_suspension", by=by, at=at, text=_said(reason, "refuse_suspension"), effect=_decide)


def _decide(step: Step) -> HandlingStint:
    """Note who decided, and return the stint that asked."""
    step.subject.decided_by, step.subject.decided_at = step.by, step.at
    return next(stint for stint in step.stints if stint.pk == step.subject.stint_id)


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


def end_responsibility(row: ResponsibilityRule, *, by: User, at: datetime, on: date) -> None:
    """Let a row hold no longer from a day on; a row that has not begun yet never holds."""
    _keeper(by, at)
    if on <= row.valid_from:
        row.delete()
        return
    row.valid_to = on
    row.save(update_fields=["valid_to"])


def _keeper(by: User, at: datetime) -> None:
    if not may_keep_responsibilities(by, at=at):
        raise PermissionDenied
