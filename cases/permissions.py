"""May this person make this move? One function for every button, asked by `move()` and by the page that draws it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.permissions import appointments_of, departments_of
from accounts.roles import ROLES, Role, Side
from cases import workflow
from cases.models import Case, CasePart, Directive, Evidence, FieldTask, HandlingStint, Request
from cases.workflow import Move, Subject
from office import settings as office_settings

type_of = {
    Case: Subject.CASE, HandlingStint: Subject.STINT, FieldTask: Subject.TASK, Request: Subject.REQUEST,
    Directive: Subject.DIRECTIVE,
}  # fmt: skip


def appointment_for(user, rule: Move, *, case: Case, subject, at: datetime):
    """Return the appointment under which this person may make this move on this subject, or None."""
    roles = workflow.roles_on(rule, subject.chain, subject.step) if isinstance(subject, Request) else rule.roles
    for appointment in appointments_of(user, at):
        if appointment.role not in roles:
            continue
        if appointment.scope_area_code and not case.area_code.startswith(appointment.scope_area_code):
            continue
        if _holds(user, appointment, rule, case=case, subject=subject, at=at):
            return appointment
    return None


def _holds(user, appointment, rule: Move, *, case: Case, subject, at: datetime) -> bool:
    if rule.side == workflow.NO_SIDE:
        return _pushes(user, appointment, rule, case=case, subject=subject, at=at)
    if rule.side == workflow.COMMAND:
        return appointment.department_id == case.command_centre_id
    if rule.side == workflow.DEPARTMENT:
        if appointment.role == Role.HANDLER:
            return subject.handler_id == user.pk
        stint = subject.stint if isinstance(subject, Request) else subject
        return (stint.from_department_id if rule.above else stint.department_id) in departments_of(user, at)
    if appointment.role == Role.COLLECTOR or (appointment.role == Role.INSPECTOR and isinstance(subject, FieldTask)):
        return subject.collector_id == user.pk
    if rule.verb in workflow.OF_THE_CHECKING_CENTRE and case.checking_centre_id:
        return appointment.department_id == case.checking_centre_id
    return appointment.department_id == case.supervision_centre_id


def _pushes(user, appointment, rule: Move, *, case: Case, subject, at: datetime) -> bool:
    """Urging, supervising, instructing: both centres of the case, and leaders in their area. Answering: the addressee.

    Settling: whoever demanded it, or the centres.
    """
    if rule.verb == "reply":
        if appointment.role == Role.DEPARTMENT_OPERATOR:
            return subject.to_department_id in departments_of(user, at)
        return appointment.department_id == subject.to_department_id
    if rule.verb == "settle" and subject.given_by_id == user.pk:
        return True
    if appointment.role == Role.LEADER:
        return rule.verb != "settle"
    return appointment.department_id in (case.supervision_centre_id, case.command_centre_id, case.checking_centre_id)


def conflict(part: CasePart | None, rule: Move) -> str:
    """Return why the part a person already has in a case forbids this move: "other_side", "hand_and_judge" or ""."""
    if part is None or rule.side == workflow.NO_SIDE:
        return ""
    if part.side != rule.side:
        return "other_side"
    if (rule.proof == workflow.JUDGED and part.had_hand) or (rule.proof == workflow.HAND and part.has_judged):
        return "hand_and_judge"
    return ""


@dataclass
class Button:
    """One move that this person may make now. `subject` is the row it is made on, `about` what to call it by.

    `key` presses it where it is drawn.
    """

    rule: Move
    subject: Any
    about: str = ""
    key: str = ""

    @property
    def url_name(self) -> str:
        """Return the name of the door that serves this move."""
        return f"{self.rule.door}:move"


def _levels(case: Case, at: datetime) -> int:
    return office_settings.get("dispatch.levels", on=timezone.localdate(at), area_code=case.area_code)


# When a button that the table allows would only be refused, and so is not drawn: by verb, of (case, subject, at).
POINTLESS: dict[str, Callable[[Case, Any, datetime], bool]] = {
    "review_dispatch": lambda case, subject, at: not case.needs_dispatch_review,
    "review_filing": lambda case, subject, at: not case.needs_filing_review,
    "undo_dispatch": lambda case, subject, at: case.undo_until is None or at > case.undo_until,
    "undo_filing": lambda case, subject, at: case.undo_until is None or at > case.undo_until,
    "detach": lambda case, subject, at: not may_detach_from(case.merged_into, at),
    "close_self_handled": lambda case, subject, at: not case.is_self_handled,
    "transfer_to_emergency": lambda case, subject, at: case.emergency_at is not None,
    "cancel_emergency": lambda case, subject, at: case.emergency_at is None,
    "mark_ownerless": lambda case, subject, at: case.is_ownerless,
    "revoke": lambda case, subject, at: subject.handler_id is None,
    "send_back_result": lambda case, subject, at: subject.submitted_at is None,
    "give_back": lambda case, subject, at: subject.submitted_at is not None,
    "sub_dispatch": lambda case, subject, at: _levels(case, at) == 1,
    "make_lead": lambda case, subject, at: subject.is_lead,
    "set_required": lambda case, subject, at: subject.is_lead,
    "confirm_dispatch": lambda case, subject, at: subject.dispatch_verdict == "accurate",
    "wrong_dispatch": lambda case, subject, at: subject.dispatch_verdict == "wrong",
    "enter_stock": lambda case, subject, at: subject.deferred_at is None or subject.stock_at is not None,
    "ask_deferral": lambda case, subject, at: subject.deferred_at is not None,
    "ask_appeal": lambda case, subject, at: (
        subject.due_at is None or subject.handed_over_at is None or subject.handed_over_at <= subject.due_at
    ),
}


def open_moves(user, case: Case, *, at: datetime, stints=(), tasks=(), requests=(), directives=()) -> list[Button]:
    """Return the buttons this person has on this case now, the likeliest first.

    One query for his part in it, none where the case came `with_part_of` him.
    """
    part = part_of(user, case)
    buttons = []
    for subject in (case, *stints, *tasks, *requests, *directives):
        kind = getattr(subject, "kind", "")
        for rule in workflow.possible(type_of[type(subject)], stage=subject.stage, case_stage=case.stage, kind=kind):
            if rule.verb in POINTLESS and POINTLESS[rule.verb](case, subject, at):
                continue
            if conflict(part, rule):
                continue
            if appointment_for(user, rule, case=case, subject=subject, at=at):
                buttons.append(Button(rule, subject))
    return sorted(buttons, key=lambda button: (TONES.index(button.rule.tone), workflow.MOVES.index(button.rule)))


def part_of(user, case: Case) -> CasePart | None:
    """Return the part this person has in a case; no query where the case came `with_part_of` him."""
    if "my_part" not in case.__dict__:
        return CasePart.objects.filter(case=case, actor=user).first()
    return CasePart(case=case, actor=user, **case.my_part) if case.my_part else None


TONES = ("main", "", "danger", "quiet")  # what is likeliest stands first


def may_detach_from(first: Case, at: datetime) -> bool:
    """True while an attaching to this first case may be undone: as long as it is open, and some days afterwards."""
    days = office_settings.get("cases.detach_days", on=timezone.localdate(at), area_code=first.area_code)
    return first.is_open or at <= first.moved_at + timedelta(days=days)


# Who writes down what came in otherwise than by a collector, a call or the citizens' page, by source.
REGISTERED_BY: dict[str, tuple[Role, ...]] = {
    workflow.Source.VIDEO: (Role.VIDEO_OPERATOR,),
    **dict.fromkeys(
        (workflow.Source.MEDIA, workflow.Source.PETITION, workflow.Source.LEADER, workflow.Source.HIGHER,
         workflow.Source.OTHER),
        (Role.ACCEPTANCE_OPERATOR, Role.DUTY_LEADER),
    ),
    workflow.Source.INSPECTION: (Role.INSPECTOR,),
}  # fmt: skip


def may_register(user, *, at: datetime) -> tuple[str, ...]:
    """Return the sources from which this person may write a report down."""
    held = {appointment.role for appointment in appointments_of(user, at)}
    return tuple(str(source) for source, roles in REGISTERED_BY.items() if held & set(roles))


def may_see_reporter(user, case: Case, at: datetime) -> bool:
    """True for the supervision desk of the case's own centre; never for command, departments, collectors or leaders."""
    return any(
        appointment.role in (Role.ACCEPTANCE_OPERATOR, Role.DUTY_LEADER)
        and appointment.department_id == case.supervision_centre_id
        for appointment in appointments_of(user, at)
    )


def centres_of_reporters(user, at: datetime) -> frozenset[int]:
    """The ids of the supervision centres whose reporters this person may see: those whose desk he sits at."""
    return frozenset(
        appointment.department_id
        for appointment in appointments_of(user, at)
        if appointment.role in (Role.ACCEPTANCE_OPERATOR, Role.DUTY_LEADER)
    )


def may_see_original(user, one: Evidence, at: datetime) -> bool:
    """True for the desk that took it in; a citizen's original stays with supervision, others may see command too.

    Of the case's own centres; a citizen's is not opened by whoever also works for a department.
    """
    held = appointments_of(user, at)
    roles = (Role.ACCEPTANCE_OPERATOR, Role.DUTY_LEADER, Role.INSPECTOR)
    if not one.from_reporter:
        roles = (*roles, Role.DISPATCHER, Role.COMMANDER, Role.EVALUATOR)
    elif any(ROLES[appointment.role].side == Side.DEPARTMENT for appointment in held):
        return False
    centres = (one.case.supervision_centre_id, one.case.command_centre_id)
    return any(appointment.role in roles and appointment.department_id in centres for appointment in held)


def may_keep_calendar(user, *, at: datetime) -> bool:
    """True for administrators, who act on no case: holidays, working hours, seasons."""
    if getattr(user, "is_superuser", False) and user.is_active:
        return True
    return any(appointment.role == Role.ADMINISTRATOR for appointment in appointments_of(user, at))


def may_keep_limits(user, *, at: datetime) -> bool:
    """True for administrators, who act on no case: limits that hold for some cases only."""
    return may_keep_calendar(user, at=at)
