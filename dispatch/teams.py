"""Inside a department: its handlers, and the departments and teams below it (city → district → team 二级派遣).

A department that gives a case on keeps its own stint, clock and obligation; the level below gets a stint with a clock
of its own. Results and returns go one level up.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from accounts.models import Department, User
from cases.actions import FactMissing, Step, move
from cases.models import Case, Evidence, HandlingStint, Request
from cases.time_limits import Unit
from cases.workflow import StintStage
from citymgmt.errors import Refusal
from dispatch import terms
from dispatch.actions import HasItAlready, NotThatGround, note_link
from dispatch.permissions import may_be_given_on_to
from office import settings
from office.models import StoredFile


class NotAssigned(Refusal):
    """Nobody was assigned; facts: number."""

    code = "not_assigned"


class NothingSubmitted(Refusal):
    """The handler has submitted nothing that could be sent back; facts: number."""

    code = "nothing_submitted"


class SubmittedAlready(Refusal):
    """A handler gives back only before he has submitted his result; facts: number."""

    code = "submitted_already"


class NotBelow(Refusal):
    """A case is given on only to a department below one's own; facts: department, own."""

    code = "not_below"


class NoMoreLevels(Refusal):
    """The city dispatches on so many levels only; facts: levels."""

    code = "no_more_levels"


# — handlers ————————————————————————————————————————————————————————————————————————————————————————


def revoke(stint: HandlingStint, *, by: User, at: datetime, reason: str) -> Case:
    """Take the assignment back 撤销指派: the case lies with the department again. Raises NotAssigned."""

    def take_back(step: Step) -> None:
        if step.subject.handler is None:
            raise NotAssigned(number=step.case.number)
        step.facts.update(handler=step.subject.handler.staff_number)
        step.subject.handler = step.subject.submitted_at = None

    return move(stint, "revoke", by=by, at=at, text=_said(reason, "revoke"), effect=take_back)


def send_back_result(stint: HandlingStint, *, by: User, at: datetime, reason: str) -> Case:
    """Send a handler's or a crew's result back; the department's clock runs all the while. Raises NothingSubmitted."""

    def send_back(step: Step) -> None:
        if step.subject.submitted_at is None:
            raise NothingSubmitted(number=step.case.number)
        step.subject.submitted_at = None

    return move(stint, "send_back_result", by=by, at=at, text=_said(reason, "send_back_result"), effect=send_back)


def give_back(stint: HandlingStint, *, by: User, at: datetime, reason: str) -> Case:
    """The handler gives the case back to his department, before he has submitted a result. Raises SubmittedAlready."""

    def back(step: Step) -> None:
        if step.subject.submitted_at is not None:
            raise SubmittedAlready(number=step.case.number)
        step.facts.update(handler=step.subject.handler.staff_number)
        step.subject.handler = None

    return move(stint, "give_back", by=by, at=at, text=_said(reason, "give_back"), effect=back)


# — the level below —————————————————————————————————————————————————————————————————————————————————


def sub_dispatch(
    stint: HandlingStint,
    *,
    by: User,
    at: datetime,
    department_below: Department,
    hours: Decimal | None = None,
    opinion: str = "",
) -> Case:
    """Give the case on to a department below one's own. Its limit: so many working hours, else a share of the case's.

    A department that had it before goes on with its own stint. Raises NotBelow, NoMoreLevels, HasItAlready.
    """

    def give(step: Step) -> None:
        own, department = step.subject, department_below
        levels = _setting("dispatch.levels", step)
        if terms.level_of(own) >= levels:
            raise NoMoreLevels(levels=levels)
        if not may_be_given_on_to(department, own.department, at=at):
            raise NotBelow(department=department.name, own=own.department.name)
        own.received_at = own.received_at or at
        below = [one for one in step.stints if one.department_id == department.pk]
        done = next((s for s in below if s.parent_id == own.pk and s.stage == StintStage.ACCEPTED), None)
        if done is not None:  # it was sent back for rework: the same clock goes on
            done.stage, done.rework_count = StintStage.HANDLING, done.rework_count + 1
        elif any(one.ended_at is None for one in below):
            raise HasItAlready(department=department.name, number=step.case.number)
        else:
            made = step.new_stint(department, is_lead=own.is_lead, rule="", parent=own, limit=_limit(step, hours))
            made.handler = made.received_at = made.submitted_at = None
        step.facts.update(department=department.code, level=terms.level_of(own) + 1)

    return move(stint, "sub_dispatch", by=by, at=at, text=opinion, effect=give)


def _limit(step: Step, hours: Decimal | None) -> tuple[Decimal, str] | None:
    own = step.subject
    if hours:
        return hours, str(Unit.WORKING_HOUR)
    value, unit = (
        (own.limit_value, own.limit_unit) if own.limit_value else (step.case.limit_value, step.case.limit_unit)
    )
    if value is None:
        return None
    share = Decimal(str(_setting("dispatch.level_share", step)))
    return (value * share).quantize(Decimal("0.000001")), unit


def hand_up(
    stint: HandlingStint, *, by: User, at: datetime, opinion: str, files: Iterable[StoredFile] = (), link: str = ""
) -> Case:
    """Hand the result to the level above: this instant is judged for the level below."""

    def finish(step: Step) -> None:
        step.subject.received_at = step.subject.received_at or at
        step.subject.handed_over_at = at
        note_link(step, link)

    return move(
        stint, "hand_up", by=by, at=at, text=_said(opinion, "hand_up", "opinion"), effect=finish,
        files=[(file, Evidence.Usage.AFTER) for file in files],
    )  # fmt: skip


def return_up(stint: HandlingStint, *, by: User, at: datetime, ground: str, reason: str) -> Case:
    """Give the case back to the level above; the clock pauses until that has decided. Raises NotThatGround."""

    def back(step: Step) -> None:
        if ground not in {one.code for one in terms.grounds(timezone.localdate(at), kind=Request.Kind.RETURN)}:
            raise NotThatGround(ground=ground)
        step.facts.update(ground=ground)

    return move(stint, "return_up", by=by, at=at, text=_said(reason, "return_up"), effect=back)


def accept_up(stint: HandlingStint, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Take the result of the level below; one's own is still to be handed over."""
    return move(stint, "accept_up", by=by, at=at, text=opinion)


def refuse_up(stint: HandlingStint, *, by: User, at: datetime, reason: str) -> Case:
    """Send the result back to the level below: its clock goes on as if it had never handed over."""
    return move(stint, "refuse_up", by=by, at=at, text=_said(reason, "refuse_up"))


def accept_return_up(stint: HandlingStint, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Take the case back from the level below: it was sent there wrongly."""

    def wrong(step: Step) -> None:
        step.subject.dispatch_verdict = HandlingStint.Verdict.WRONG

    return move(stint, "accept_return_up", by=by, at=at, text=opinion, effect=wrong)


def refuse_return_up(stint: HandlingStint, *, by: User, at: datetime, reason: str) -> Case:
    """Leave the case with the level below: the waiting counts, and it is marked as shirked."""

    def shirk(step: Step) -> None:
        step.subject.is_shirked = True
        step.subject.received_at = step.subject.received_at or at

    return move(stint, "refuse_return_up", by=by, at=at, text=_said(reason, "refuse_return_up"), effect=shirk)


def recall(stint: HandlingStint, *, by: User, at: datetime, reason: str) -> Case:
    """Take the case back from the level below, and from whoever is below that."""
    return move(stint, "recall", by=by, at=at, text=_said(reason, "recall"))


def _setting(key: str, step: Step):
    return settings.get(key, on=timezone.localdate(step.at), area_code=step.case.area_code)


def _said(text: str, verb: str, fact: str = "reason") -> str:
    if not text.strip():
        raise FactMissing(verb=verb, fact=fact)
    return text.strip()
