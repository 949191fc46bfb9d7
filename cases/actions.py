"""What happens to a case when somebody presses a button. `report` opens one; `move` alone changes a stage.

Every function takes its subject first, the person (`by`, None for the system) and the judged instant (`at`) by keyword.
Free text goes beside the event; no personal data and no free text inside it.
"""

from collections.abc import Callable, Collection, Iterable
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, F, Func, Model, OuterRef, Q, Value
from django.utils import timezone

from accounts.models import Department, User
from accounts.permissions import appointments_of
from accounts.roles import Role
from cases import calendars, clocks, history, permissions, workflow
from cases.models import (
    CalendarDay,
    CalendarState,
    CalendarVersion,
    Case,
    CaseEvent,
    CasePart,
    Directive,
    EventText,
    Evidence,
    FieldTask,
    HandlingStint,
    LimitOverride,
    Request,
    SeasonSpan,
    StageClock,
    WorkScheduleSpan,
)
from cases.querysets import bigrams
from cases.time_limits import Unit
from cases.workflow import (
    Also,
    DirectiveStage,
    Move,
    Outcome,
    RequestStage,
    Stage,
    StintStage,
    Subject,
    TaskStage,
)
from citymgmt.errors import Refusal
from grid import locate as grid_locate
from office import settings as office_settings
from office.actions import forget_files
from office.batch import Batch
from office.models import StoredFile
from office.rows import Rows

UNSENT_FILES_KEPT_DAYS = 3


class MoveNotAllowed(Refusal):
    """The table knows no such move from the stage the case is in now; facts: number, verb, stage, who, when, what."""

    code = "move_not_allowed"


class NotYours(Refusal):
    """The person holds no appointment for this move on this case; facts: number, verb."""

    code = "not_yours"


class OtherSide(Refusal):
    """The person has already acted on another side of this case; facts: number, side."""

    code = "other_side"


class HandAndJudge(Refusal):
    """Whoever saw, dispatched or handled it never checks or closes it; facts: number."""

    code = "hand_and_judge"


class OutsideTheGrid(Refusal):
    """The point lies in no unit grid."""

    code = "outside_the_grid"


class NoCentre(Refusal):
    """No supervision or command centre looks after this area; facts: area_code."""

    code = "no_centre"


class FactMissing(Refusal):
    """The move needs a fact that was not given; facts: verb, fact."""

    code = "fact_missing"


class NotACollector(Refusal):
    """The person sent is no collector, or may not go because of an earlier part in the case; facts: name."""

    code = "not_a_collector"


class NotThatCondition(Refusal):
    """The filing condition belongs to another class, or has no limit and is not in force; facts: condition."""

    code = "not_that_condition"


class TooEarly(Refusal):
    """A problem bound to an hour of the day is checked in the same hour; facts: not_before."""

    code = "too_early"


class TooLateToReopen(Refusal):
    """The case was closed too long ago, or reopened often enough; facts: number, days, times."""

    code = "too_late_to_reopen"


class CloseConditionNotMet(Refusal):
    """A case is closed only when its close condition is confirmed; facts: condition."""

    code = "close_condition_not_met"


class FirstIsItself(Refusal):
    """A case cannot be attached to itself; facts: number."""

    code = "first_is_itself"


class FirstHasEnded(Refusal):
    """The case to attach to is over, or was attached to another one itself; facts: number."""

    code = "first_has_ended"


class FirstOfOthers(Refusal):
    """Others are attached to this case, so it stays the first; facts: number, others."""

    code = "first_of_others"


class HandledAlready(Refusal):
    """A department has begun, so the case is no longer attached to another; facts: number."""

    code = "handled_already"


class AttachedForGood(Refusal):
    """The first case ended too long ago to undo the attaching; facts: number, first, days."""

    code = "attached_for_good"


class ReportNumberTaken(Refusal):
    """The number that came with a report belongs to somebody else's report."""

    code = "report_number_taken"


class MayNotRegister(Refusal):
    """The person holds no appointment that writes reports down."""

    code = "may_not_register"


# — the move ————————————————————————————————————————————————————————————————————————————————————————


class Step:
    """A move being made: the locked case, its stints and tasks, and what the button's own function adds to it."""

    def __init__(self, *, case: Case, subject, rule: Move, outcome: Outcome, by: User | None, at: datetime) -> None:
        self.case, self.subject, self.rule, self.outcome, self.by, self.at = case, subject, rule, outcome, by, at
        self.recorded_at = timezone.now()  # the server's own time; what is judged is `at`
        self.appointment: Any = None
        self.from_stage = ""
        self.stints: list[HandlingStint] = []
        self.tasks: list[FieldTask] = []
        self.facts: dict[str, Any] = {}
        self.is_described_anew = False
        self.restart: set[int] = set()
        self.extend: dict[int, int] = {}
        self.batch = Batch()  # what the move writes in the end, in one statement

    def new_task(self, *, kind: str, collector: User, requirement: str, **when) -> FieldTask:
        """Send one collector or inspector out."""
        task = FieldTask.objects.create(
            case=self.case, kind=kind, stage=TaskStage.SENT, collector=collector, sent_by=self.by, sent_at=self.at,
            requirement=requirement, **when,
        )  # fmt: skip
        self.tasks.append(task)
        return task

    def new_stint(
        self,
        department: Department,
        *,
        is_lead: bool,
        rule: str,
        is_required: bool = True,
        parent: HandlingStint | None = None,
        limit: tuple[Decimal, str] | None = None,
    ) -> HandlingStint:
        """Put the case into a department's hands: a new stint, or the returned one again (its clock resumes).

        `parent` is the stint on the level above, whose own obligation the new one then is no part of; `limit` is a
        (value, unit) of its own instead of the case's promise.
        """
        above = parent.pk if parent else None
        for stint in self.stints:
            came_back = stint.stage in (StintStage.RETURNED, StintStage.WITHDRAWN) and not stint.is_undone
            if came_back and stint.department_id == department.pk and stint.parent_id == above:
                stint.stage, stint.ended_at, stint.is_lead = StintStage.PENDING_HANDLE, None, is_lead
                stint.proposal_rule, stint.sent_at = rule, self.at
                stint.is_required = is_required and parent is None
                stint.dispatch_verdict = ""
                stint.save(update_fields=[
                    "stage", "ended_at", "is_lead", "proposal_rule", "is_required", "sent_at", "dispatch_verdict",
                ])  # fmt: skip
                self.restart.add(stint.pk)
                return stint
        value, unit = limit or (None, "")
        stint = HandlingStint.objects.create(
            case=self.case, department=department, department_path=department.path, is_lead=is_lead,
            is_required=is_required and parent is None, stage=StintStage.PENDING_HANDLE, dispatched_by=self.by,
            dispatched_at=self.at, sent_at=self.at, proposal_rule=rule, parent=parent,
            from_department_id=parent.department_id if parent else None, limit_value=value, limit_unit=unit,
        )  # fmt: skip
        self.stints.append(stint)
        return stint

    def new_request(self, *, kind: str, ground: str = "", until: datetime | None = None, **terms) -> Request:
        """Ask the centres for something on behalf of the stint this move is made on.

        `terms`: the chain of roles that decide, the length asked for.
        """
        due = self.subject.due_at
        request = Request(
            case=self.case, stint=self.subject, kind=kind, stage=RequestStage.PENDING, ground=ground, until=until,
            asked_by=self.by, asked_at=self.at, was_overdue=bool(due and self.at > due), **terms,
        )  # fmt: skip
        self.batch.insert([request])
        return request


def move(
    subject,
    verb: str,
    *,
    by: User | None,
    at: datetime,
    outcome: str = "",
    text: str = "",
    claimed_at: datetime | None = None,
    facts: dict[str, Any] | None = None,
    files: Iterable[tuple[StoredFile, str]] = (),
    effect: Callable[[Step], None] | None = None,
    savepoint: bool = True,
) -> Case:
    """Make one move and return the case as it stands afterwards; all of it in one transaction, or none.

    Steps: 1 lock the case; 2 find the move in the table; 3 ask permissions; 4 take the person's part in the case
    (the database refuses a second side); 5 the button's own effect; 6 next stages, of the subject and of what follows
    from it; 7 clocks; 8 evidence; 9 one event; 10 save, and tell the live channel after commit.

    `subject` is a case, stint, task, request or directive; `savepoint` False: part of a transaction that is lost with
    it. Raises MoveNotAllowed, NotYours, OtherSide, HandAndJudge, or whatever
    the effect refuses with.
    """
    at = at.replace(microsecond=0)  # judged in whole seconds, as clocks count
    with transaction.atomic(savepoint=savepoint):
        case = _locked(subject)
        kind = permissions.type_of[type(subject)]
        stints = list(case.stints.select_related("department")) if case.filed_at else []
        tasks = list(case.tasks.all()) if case.stage in WITH_TASKS or _is_on_the_spot(case, kind) else []
        desks = topics_of_case(case, stints)
        fresh = _fresh(subject, case, [*stints, *tasks])
        rule = workflow.find(kind, verb, stage=fresh.stage, case_stage=case.stage, kind=getattr(fresh, "kind", ""))
        if rule is None:
            raise not_allowed(case, kind, verb)
        step = Step(case=case, subject=fresh, rule=rule, outcome=rule.outcome(outcome), by=by, at=at)
        step.facts.update(facts or {})
        if by is not None:
            step.appointment = permissions.appointment_for(by, rule, case=case, subject=fresh, at=at)
            if step.appointment is None:
                raise NotYours(number=case.number, verb=rule.label)
        from_stage = step.from_stage = case.stage
        step.stints, step.tasks = stints, tasks
        before = {id(row): _picture(row) for row in (*step.stints, *step.tasks)}
        if effect is not None:
            effect(step)
        _advance(step)
        sequence = case.event_count + 1
        clocks.Turn(
            case=case, at=at, recorded_at=step.recorded_at, sequence=sequence, stints=step.stints, tasks=step.tasks,
            waiting_counts=step.outcome.waiting_counts, rework=step.outcome.rework, restart=step.restart,
            extend=step.extend,
        ).run(step.batch)  # fmt: skip
        files = list(files)
        _add_evidence(step.batch, case, files, by=by, at=at, recorded_at=step.recorded_at, subject=fresh)
        _append_event(
            step.batch, case, verb=verb, subject=kind, subject_id=fresh.public_id, outcome=outcome,
            side=_side(rule, by), proof=rule.proof, by=by, appointment=step.appointment, at=at, claimed_at=claimed_at,
            recorded_at=step.recorded_at, from_stage=from_stage, text=text,
            facts={**step.facts, **({"files": [file.sha256 for file, _usage in files]} if files else {})},
        )  # fmt: skip
        _save(step, before)
        _write(step.batch, case, by, side=rule.side, proof=rule.proof)
        tell_live(case, desks | topics_of_case(case, step.stints), step.stints)
        return case


_LOCK = "SELECT version, last_hash FROM cases_case WHERE id = %s FOR NO KEY UPDATE"


def _locked(subject) -> Case:
    """Lock the case of a subject and return it as it stands: what the caller read, where nobody wrote since. One query.

    Every write raises the version. The caller's own object is left as it is.
    """
    known = subject if isinstance(subject, Case) else subject._state.fields_cache.get("case")
    case_id = subject.pk if isinstance(subject, Case) else subject.case_id
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [case_id])
        version, last_hash = cursor.fetchone()
    if known is None or not known.is_as_read or known.version != version or _is_narrow(known):
        case = Case.objects.defer("search").select_related("minor_class").get(pk=case_id)
    else:
        case = copy(known)
        case._state = copy(known._state)
        case._state.fields_cache = dict(known._state.fields_cache)
        case.last_hash = bytes(last_hash)
    case.is_as_read = False  # from here on it is moved
    return case


def _is_narrow(case: Case) -> bool:
    return not case.get_deferred_fields() <= {"search", "last_hash"}


def _fresh(subject, case: Case, rows: list):
    """Return the subject as it stands under the lock: one object for each row."""
    if isinstance(subject, Case):
        return case
    return next((row for row in rows if row == subject), None) or type(subject).objects.get(pk=subject.pk)


WITH_TASKS = (Stage.VERIFYING, Stage.INSPECTING, Stage.CHECKING)  # where a collector or inspector is out


def _is_on_the_spot(case: Case, kind: Subject) -> bool:
    """True where a move may be about a spot check of a closed case: an appeal, or an answer to a leader, never is."""
    return case.stage == Stage.CLOSED and kind in (Subject.CASE, Subject.TASK)


def _side(rule: Move, by: User | None) -> str:
    return rule.side if by is not None or rule.side == workflow.CITIZEN else workflow.SYSTEM


def not_allowed(case: Case, kind: Subject, verb: str) -> MoveNotAllowed:
    """Return the refusal of a move that is not possible now, with who did what last."""
    rule = workflow.BY_VERB.get((kind, verb))
    last = case.events.select_related("actor").order_by("-sequence").first()
    return MoveNotAllowed(
        number=case.number,
        verb=rule.label if rule else verb,
        stage=workflow.LABELS[Stage(case.stage)],
        who=str(last.actor) if last and last.actor else "",
        when=last.at if last else None,
        what=_verb_label(last) if last else "",
    )


def _verb_label(event: CaseEvent) -> str:
    return workflow.label_of(Subject(event.subject), event.verb)


_TAKE_PART = """
    INSERT INTO cases_casepart AS part (case_id, actor_id, side, had_hand, has_judged)
    VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (case_id, actor_id) DO UPDATE
       SET had_hand = part.had_hand OR EXCLUDED.had_hand, has_judged = part.has_judged OR EXCLUDED.has_judged
     WHERE part.side = EXCLUDED.side
       AND NOT ((part.had_hand OR EXCLUDED.had_hand) AND (part.has_judged OR EXCLUDED.has_judged))
"""


def _write(batch: Batch, case: Case, by: User | None, *, side: str, proof: str) -> None:
    """Write everything gathered and, last, this person's part in the case.

    Raises OtherSide, HandAndJudge; the transaction then takes everything back. Free of races: the database decides.
    """
    binds = by is not None and side in workflow.BINDING
    if binds:
        hand, judged = proof == workflow.HAND, proof == workflow.JUDGED
        batch.add(_TAKE_PART, [case.pk, by.pk, side, hand, judged])
    written = batch.write()
    if binds and not written:
        part = CasePart.objects.get(case=case, actor=by)
        if part.side != side:
            raise OtherSide(number=case.number, side=part.side)
        raise HandAndJudge(number=case.number)


def _advance(step: Step) -> None:
    """Set the next stages: of the subject, of what the table says follows, and of the case."""
    case, outcome, subject = step.case, step.outcome, step.subject
    own = (
        subject.stint_id if isinstance(subject, Request) else subject.pk if isinstance(subject, HandlingStint) else None
    )
    if outcome.to and subject is not case:
        subject.stage = outcome.to
    for also in outcome.also:
        _follow(step, also, own=own)
    if not outcome.stays:
        case.stage = outcome.case or workflow.case_stage_of((s.stage, s.is_required) for s in step.stints)
    for stint in step.stints:
        if stint.stage in (StintStage.ACCEPTED, StintStage.RETURNED, StintStage.WITHDRAWN):
            stint.ended_at = stint.ended_at or step.at
            if stint.stock_at is not None:
                stint.left_stock_at = stint.left_stock_at or step.at
        else:
            stint.ended_at = stint.left_stock_at = None
    if case.stage == Stage.PENDING_CHECK and step.from_stage in workflow.WITH_DEPARTMENTS:
        case.checking_centre = centre_that_checks_first(case, step.at)
    if case.stage != Stage.CLOSED:
        case.closed_at = None
    elif case.closed_at is None:
        case.closed_at = step.at


def _follow(step: Step, also: Also, *, own: int | None) -> None:
    if also.subject is Subject.REQUEST:
        pending = step.case.requests.filter(stage__in=also.frm)
        if also.own:
            pending = pending.filter(stint=own)
        if also.kinds:
            pending = pending.filter(kind__in=also.kinds)
        if isinstance(step.subject, Request):  # its own stage is the move's
            pending = pending.exclude(pk=step.subject.pk)
        step.batch.update_all(pending, stage=also.to)
        return
    rows = step.stints if also.subject is Subject.STINT else step.tasks
    only = _meant(step, also, own=own)
    for row in rows:
        if row.stage in also.frm and (only is None or row.pk in only) and (not also.kinds or row.kind in also.kinds):
            row.stage = also.to
            if step.outcome.rework and also.subject is Subject.STINT:
                row.rework_count += 1


def _meant(step: Step, also: Also, *, own: int | None) -> set[int] | None:
    """Return the ids of the stints that a consequence is limited to; None: all of them."""
    if also.own:
        return {own} if own else set()
    if also.above:
        return {stint.parent_id for stint in step.stints if stint.pk == own and stint.parent_id}
    if not also.below:
        return None
    found, grown = {own}, True
    while grown:
        more = {stint.pk for stint in step.stints if stint.parent_id in found} - found
        found, grown = found | more, bool(more)
    return found - {own}


_CASE_FIELDS = [
    "stage", "version", "filing_condition", "urgency", "limit_value", "limit_unit", "close_condition", "description",
    "minor_class", "component", "address", "clock", "clock_started_at", "yellow_at", "due_at", "clock_paused",
    "holder_side",
    "holder_department", "holder_user", "filed_at", "closed_at", "moved_at", "is_self_handled", "is_duplicate",
    "is_system_dispatched", "needs_dispatch_review", "is_ownerless", "undo_until", "needs_filing_review", "merged_into",
    "suggested_first", "event_count", "last_hash", "close_type", "close_errors", "reopened_count", "emergency_at",
    "checking_centre",
]  # fmt: skip
_STINT_FIELDS = [
    "stage", "handler", "received_at", "submitted_at", "handed_over_at", "ended_at", "due_at", "rework_count",
    "extension_count", "suspension_count", "suspended_until", "suspended_overdue", "is_shirked", "is_lead",
    "is_required", "on_behalf_of", "dispatch_verdict", "deferred_at", "stock_at", "left_stock_at", "is_undone",
]  # fmt: skip


_TASK_FIELDS = ["stage", "result", "answered_at", "point", "due_at"]


def _fields(row: HandlingStint | FieldTask) -> list[str]:
    return _STINT_FIELDS if isinstance(row, HandlingStint) else _TASK_FIELDS


def _picture(row: HandlingStint | FieldTask) -> tuple:
    return tuple(getattr(row, name) for name in _fields(row))


def _save(step: Step, before: dict[int, tuple]) -> None:
    case = step.case
    case.version += 1
    case.moved_at = step.at
    if step.is_described_anew:
        case.search = search_vector(case)
    step.batch.update(case, [*_CASE_FIELDS, "search"] if step.is_described_anew else _CASE_FIELDS)
    for row in (*step.stints, *step.tasks):
        if before.get(id(row)) != _picture(row):
            step.batch.update(row, _fields(row))
    if isinstance(step.subject, Request):
        step.batch.update(step.subject, ["stage", "step", "decided_by", "decided_at"])
    if isinstance(step.subject, Directive):
        step.batch.update(step.subject, ["stage", "reply", "replied_by", "replied_at", "settled_at", "told_at"])


def topics_of_case(case: Case, stints: Iterable[HandlingStint] = ()) -> set[str]:
    """Return the desks that the case concerns as it stands: its centres, and the departments that have it in hand.

    The command centre comes in when it may see the case: from filing on.
    """
    centres = {case.supervision_centre_id, case.checking_centre_id, case.command_centre_id if case.filed_at else None}
    departments = {stint.department_id for stint in stints if stint.stage in workflow.STINT_OPEN}
    if case.holder_side == "department":
        departments.add(case.holder_department_id)
    return {f"centre:{centre}" for centre in centres - {None}} | {f"department:{one}" for one in departments - {None}}


def tell_live(case: Case, topics: Collection[str] = (), stints: Iterable[HandlingStint] = ()) -> None:
    """Publish the change after commit: id, version, stages and topics, never data. A silent channel fails nothing.

    `topics`: the desks it concerned before and concerns now; where nothing moved, those it concerns as it stands.
    """
    from citymgmt.live_publish import publish

    parts: dict[str, list[str]] = {}
    for stint in stints:
        parts.setdefault(f"department:{stint.department_id}", []).append(str(stint.stage))
    message = {"case_id": str(case.public_id), "version": case.version, "stage": str(case.stage), "parts": parts,
               "topics": sorted(topics or topics_of_case(case))}  # fmt: skip
    transaction.on_commit(lambda: publish(**message), robust=True)


def _append_event(
    batch: Batch,
    case: Case,
    *,
    verb: str,
    subject: Subject,
    subject_id: UUID,
    outcome: str,
    side: str,
    proof: str,
    by: User | None,
    appointment,
    at: datetime,
    claimed_at: datetime | None,
    recorded_at: datetime,
    from_stage: str,
    text: str,
    facts: dict[str, Any],
) -> None:
    """Chain one event to the case; its text lies beside it."""
    sequence = case.event_count + 1
    content: dict[str, Any] = {
        "case": str(case.public_id),
        "sequence": sequence,
        "at": at.isoformat(),
        "claimed_at": claimed_at.isoformat() if claimed_at else None,
        "recorded_at": recorded_at.isoformat(),
        "verb": verb,
        "subject": str(subject),
        "subject_id": str(subject_id),
        "outcome": outcome,
        "side": str(side),
        "proof": proof,
        "actor": by.staff_number if by else None,
        "role": str(appointment.role) if appointment else "",
        "department": appointment.department.path if appointment else "",
        "from_stage": str(from_stage),
        "to_stage": str(case.stage),
        "facts": facts,
        "text": None,
    }
    if text:
        salt = history.salt()
        batch.insert([EventText(case=case, sequence=sequence, salt=salt, text=text)])
        content["text"] = history.text_hash(text, salt=salt)
    data = history.payload(content, previous=bytes(case.last_hash))
    case.event_count, case.last_hash = sequence, history.digest(data)
    event = CaseEvent(
        case=case, sequence=sequence, at=at, claimed_at=claimed_at, recorded_at=recorded_at, verb=verb, subject=subject,
        subject_id=subject_id, outcome=outcome, side=side, proof=proof, actor=by,
        role=appointment.role if appointment else "", department_id=appointment.department_id if appointment else None,
        from_stage=from_stage, to_stage=case.stage, facts=facts, format_version=history.FORMAT_VERSION, payload=data,
        hash=case.last_hash,
    )  # fmt: skip
    batch.insert([event])


def _add_evidence(
    batch: Batch,
    case: Case,
    files: Iterable[tuple[StoredFile, str]],
    *,
    by: User | None,
    at: datetime,
    recorded_at: datetime,
    subject,
) -> None:
    """Hang stored files on a case, each with its usage (near, far, before, after, verify, check …)."""
    batch.insert([
        Evidence(
            case=case, file=file, usage=usage, added_by=by, at=at, recorded_at=recorded_at,
            stint=subject if isinstance(subject, HandlingStint) else None,
            task=subject if isinstance(subject, FieldTask) else None,
            from_reporter=by is None and case.source in workflow.PUBLIC_SOURCES,
        )
        for file, usage in files
    ])  # fmt: skip


def forget_unused_files(*, at: datetime, at_most: int = 5000) -> int:
    """Erase the files that were kept for a form and never became evidence; return how many.

    A form may hold them for two days (office.forms); a day more makes sure that nobody is about to send it.
    """
    before = at - timedelta(days=UNSENT_FILES_KEPT_DAYS)
    used = Evidence.objects.filter(file=OuterRef("pk"))
    unused = StoredFile.objects.filter(~Exists(used), recorded_at__lt=before).order_by("pk")
    return forget_files(unused[:at_most])


# — the report ——————————————————————————————————————————————————————————————————————————————————————


def report(
    *,
    by: User | None,
    at: datetime,
    source: str,
    minor_class,
    point,
    description: str = "",
    address: str = "",
    public_id: UUID | None = None,
    component=None,
    files: Iterable[tuple[StoredFile, str]] = (),
    claimed_at: datetime | None = None,
    reporter_ref: UUID | None = None,
    urgency: int = Case.Urgency.NORMAL,
    accuracy_m=None,
    point_crs: str = "CGCS2000",
    is_self_handled: bool = False,
    beside: Callable[[Case], Iterable[Model]] = lambda case: (),
    suggested_first: Case | None = None,
) -> Case:
    """Take in a problem and return its case, waiting in the acceptance pool. The same `public_id` twice is one report.

    `by` is a collector (saw it himself), a desk registering somebody else's call, or None for a citizen or a machine.
    `is_self_handled`: the collector put a small thing right himself 自行处置; it is judged and closed without dispatch.
    `beside` returns what a room above writes together with a new case; it is not called for one that is known.
    `suggested_first` is the open case that it is the same as, in the reporter's eyes; the desk decides. Raises
    OutsideTheGrid, NoCentre.
    """
    at = at.replace(microsecond=0)
    public_id = public_id or uuid4()
    key, serial, is_known = _next_numbers(public_id)
    if is_known:
        return Case.objects.get(public_id=public_id)
    place = grid_locate.locate(point)
    if place is None:
        raise OutsideTheGrid()
    supervision, command = centres_of(place.community_code, at)
    appointment = _reporting_appointment(by, at) if by else None
    saw_it = appointment is not None and appointment.role in (Role.COLLECTOR, Role.VIDEO_OPERATOR)
    recorded_at = timezone.now()
    case = Case(
        pk=key,
        public_id=public_id,
        number=_number(serial, place.community_code, at),
        source=source,
        stage=Stage.REPORTED,
        minor_class=minor_class,
        component=component,
        description=description,
        urgency=urgency,
        point=point,
        point_crs=point_crs,
        accuracy_m=accuracy_m,
        address=address or grid_locate.describe(point),
        unit_grid=place.unit_grid,
        area_code=place.community_code,
        area_names=place.chain,
        duty_grid=place.duty_grid,
        road=place.road,
        road_class=place.road_class,
        supervision_centre=supervision,
        command_centre=command,
        reported_by=by if saw_it else None,
        reporter_ref=reporter_ref,
        suggested_first=suggested_first,
        reported_at=at,
        claimed_at=claimed_at,
        recorded_at=recorded_at,
        moved_at=at,
        is_self_handled=is_self_handled,
        version=1,
    )
    link_to_chain(case)
    case.search = search_vector(case)
    try:
        with transaction.atomic():
            _take_in(case, by=by, appointment=appointment, saw_it=saw_it, files=list(files), beside=beside)
    except IntegrityError:  # the same report came in twice at once
        known = Case.objects.filter(public_id=public_id).first()
        if known is None:
            raise
        return known
    return case


def _take_in(
    case: Case, *, by: User | None, appointment, saw_it: bool, files: list[tuple[StoredFile, str]], beside
) -> None:
    """Write a new case, its reporter's part in it, its first clocks, its evidence and its first event."""
    citizens = case.reporter_ref is not None or case.source in workflow.PUBLIC_SOURCES
    side = workflow.CITIZEN if citizens else workflow.SYSTEM
    proof = workflow.HAND if saw_it else ""
    if by is not None:
        side = workflow.SUPERVISION
    at, recorded_at = case.reported_at, case.recorded_at
    batch = Batch()
    clocks.Turn(case=case, at=at, recorded_at=recorded_at, sequence=1, stints=[], tasks=[], is_new=True).run(batch)
    _add_evidence(batch, case, files, by=by, at=at, recorded_at=recorded_at, subject=case)
    _append_event(
        batch, case, verb="report", subject=Subject.CASE, subject_id=case.public_id, outcome="", side=side, proof=proof,
        by=by, appointment=appointment, at=at, claimed_at=case.claimed_at, recorded_at=recorded_at, from_stage="",
        text="",
        facts={
            "source": str(case.source),
            "class": case.minor_class.code,
            "unit_grid": case.unit_grid.code,
            **({"component": case.component.identifier} if case.component else {}),
            **({"files": [file.sha256 for file, _usage in files]} if files else {}),
        },
    )  # fmt: skip
    batch.insert([case])
    for row in beside(case):
        batch.insert([row])
    _write(batch, case, by, side=side, proof=proof)
    tell_live(case)


def link_to_chain(case: Case) -> None:
    """Say on the row (not saved) whether the problem came back 反复: after which case, in which chain. One query."""
    before = Case.objects.closed_here(
        case.point, minor_class=case.minor_class, at=case.reported_at, area_code=case.area_code,
        component=case.component_id,
    )  # fmt: skip
    last = before.values_list("pk", "chain_id", "recurrence").first()
    case.recurs_of_id = last[0] if last else None
    case.chain_id = (last[1] or last[0]) if last else None
    case.recurrence = last[2] + 1 if last else 0


def _reporting_appointment(by: User, at: datetime):
    mine = appointments_of(by, at)
    return next((a for a in mine if a.role in (Role.COLLECTOR, Role.VIDEO_OPERATOR)), mine[0] if mine else None)


CENTRE_LEVEL = {
    Department.Kind.SUPERVISION_CENTRE: "cases.supervision_level",
    Department.Kind.COMMAND_CENTRE: "cases.command_level",
}


def centres_of(area_code: str, at: datetime) -> tuple[Department, Department]:
    """Return the supervision and the command centre that look after an area.

    Of the centres whose area it lies in each kind's setting takes the nearest or the highest (运行模式: how many levels
    of supervision and command a city has). Raises NoCentre.
    """
    day = timezone.localdate(at)
    around = [one for one in _centres(day) if area_code.startswith(one.area_code)]
    found = []
    for kind, setting in CENTRE_LEVEL.items():
        centres = [one for one in around if one.kind == kind]
        if not centres:
            raise NoCentre(area_code=area_code)
        level = office_settings.get(setting, on=day, area_code=area_code)
        found.append(centres[0] if level == "highest" else centres[-1])
    return found[0], found[1]


_CENTRES = Rows(
    "FROM accounts_department d WHERE d.kind = ANY(%s) AND d.valid_from <= %s "
    "AND (d.valid_to IS NULL OR d.valid_to > %s) ORDER BY d.area_code",
    d=Department,
)


def _centres(day: date) -> list[Department]:
    """Return the centres of a day, those of larger areas first."""
    return [centre for (centre,) in _CENTRES([str(kind) for kind in CENTRE_LEVEL], day, day)]


TWO_LEVELS = 2


def centre_that_checks_first(case: Case, at: datetime) -> Department | None:
    """Return the centre below the filing one that checks before it does; None where there is one level of checks."""
    day = timezone.localdate(at)
    if office_settings.get("cases.check_levels", on=day, area_code=case.area_code) < TWO_LEVELS:
        return None
    nearest = [
        one for one in _centres(day)
        if one.kind == Department.Kind.SUPERVISION_CENTRE and case.area_code.startswith(one.area_code)
    ][-1]  # fmt: skip
    return nearest if nearest.pk != case.supervision_centre_id else None


def _next_numbers(public_id: UUID) -> tuple[int, int, bool]:
    """Return the key and the serial number of the next case, and whether this report is known already.

    A report that fails, or comes again, leaves gaps in both.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval('cases_case_id_seq'), nextval('cases_number_seq'),"
            " EXISTS (SELECT FROM cases_case WHERE public_id = %s)",
            [public_id],
        )
        return cursor.fetchone()


def _number(serial: int, area_code: str, at: datetime) -> str:
    day = at.astimezone(timezone.get_default_timezone())
    pattern = office_settings.get("cases.number_pattern", on=timezone.localdate(at), area_code=area_code)
    return pattern.format(division=area_code[:6], date=f"{day:%Y%m%d}", serial=serial)


def search_vector(case: Case) -> Func:
    """Return the expression that fills Case.search: number, address, area, description, class names."""
    text = " ".join([case.number, case.address, case.area_names, case.description, case.minor_class.name_zh])
    return Func(Value("simple"), Value(bigrams(text)), function="to_tsvector", template="to_tsvector(%(expressions)s)")


# — supervision: is it a case? ———————————————————————————————————————————————————————————————————————


def accept(case: Case, *, by: User | None, at: datetime, opinion: str = "", facts: dict | None = None) -> Case:
    """Take the report in 受理. Sources that a citizen stands behind are verified on the spot first."""
    sources = office_settings.get("cases.verify_sources", on=timezone.localdate(at), area_code=case.area_code)
    return move(
        case, "accept", by=by, at=at, outcome="to_verify" if case.source in sources else "", text=opinion, facts=facts
    )


def refuse(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """Refuse the report 不予受理, with a reason."""
    return move(case, "refuse", by=by, at=at, text=_needed(reason, "refuse", "reason"))


def answer_at_once(case: Case, *, by: User, at: datetime, opinion: str) -> Case:
    """Answer a question on the phone and end it 当即办理."""
    return move(case, "answer_at_once", by=by, at=at, text=_needed(opinion, "answer_at_once", "opinion"))


def describe(case: Case, *, by: User, at: datetime, description: str, minor_class=None, address: str = "") -> Case:
    """Put the facts into the desk's own words before filing: description, and where wrong the class and the address.

    What a citizen wrote stays in the vault; what stands here goes to the department.
    """

    def correct(step: Step) -> None:
        step.is_described_anew = True
        step.case.description = _needed(description, "describe", "description")
        if address:
            step.case.address = address
        if minor_class is not None and minor_class.pk != step.case.minor_class_id:
            step.facts.update({"class": minor_class.code, "class_before": step.case.minor_class.code})
            step.case.minor_class, step.case.component = minor_class, None
            link_to_chain(step.case)
            step.case.save(update_fields=["recurs_of", "chain", "recurrence"])

    return move(case, "describe", by=by, at=at, text=description, effect=correct)


def send_verify(case: Case, *, by: User | None, at: datetime, collector: User, opinion: str = "") -> Case:
    """Send a collector to verify that the problem exists 发核实. Raises NotACollector."""

    def send(step: Step) -> None:
        _must_be_collector(collector, step, proof=workflow.HAND)
        step.new_task(kind=FieldTask.Kind.VERIFY, collector=collector, requirement=opinion)

    return move(
        case, "send_verify", by=by, at=at, text=opinion, facts={"collector": collector.staff_number}, effect=send
    )


def skip_verify(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """Submit for filing without verification, saying why."""
    return move(case, "skip_verify", by=by, at=at, text=_needed(reason, "skip_verify", "reason"))


def verify(
    task: FieldTask, *, by: User, at: datetime, result: str, opinion: str = "", files=(), point=None, claimed_at=None
) -> Case:
    """Answer a verification on the spot 核实: "true", "untrue" or "cannot"."""
    return _answer(task, "verify", by=by, at=at, result=result, opinion=opinion, files=files, point=point,
                   claimed_at=claimed_at, usage=Evidence.Usage.VERIFY)  # fmt: skip


def withdraw_verify(task: FieldTask, *, by: User, at: datetime, reason: str) -> Case:
    """Call the collector back; another may be sent."""
    return move(task, "withdraw_verify", by=by, at=at, text=_needed(reason, "withdraw_verify", "reason"))


def file(
    case: Case, *, by: User | None, at: datetime, condition, opinion: str = "", urgent: bool = False,
    facts: dict | None = None,
) -> Case:  # fmt: skip
    """File the case 立案 under a filing condition: its limit is now a promise, frozen. Raises NotThatCondition.

    `facts` are written into the event too: why the system filed it.
    """

    def take_the_promise(step: Step) -> None:
        if condition.minor_class_id != step.case.minor_class_id or not condition.is_active:
            raise NotThatCondition(condition=str(condition))
        step.case.filing_condition, step.case.close_condition = condition, condition.close_condition_zh
        if urgent:
            step.case.urgency = max(step.case.urgency, Case.Urgency.URGENT)
        promise = promised_limit(condition, step.case, at)
        step.case.limit_value, step.case.limit_unit = promise.value, promise.unit
        step.case.filed_at = at
        limit = f"{promise.value} {promise.unit}" if promise.unit else "none"
        step.facts.update(condition=condition.number, limit=limit, limit_from=promise.origin, urgent=urgent)
        if promise.override:
            step.facts.update(limit_override=str(promise.override.public_id))

    return move(case, "file", by=by, at=at, text=opinion, facts=facts, effect=take_the_promise)


@dataclass(frozen=True)
class Promise:
    """A limit and where it comes from: "condition", "override", "default" (the city's), or "none"."""

    value: Decimal | None
    unit: str
    origin: str
    override: LimitOverride | None = None


def promised_limit(condition, case: Case, at: datetime) -> Promise:
    """Return the limit that filing this case under a condition at an instant promises; one query.

    The condition's own limit, else the city's default; then the narrowest row of the limits for some cases that holds
    on the day: with a limit of its own in its place, or a share of it. A seasonal condition counts in its season.
    """
    day = timezone.localdate(at)
    rows = LimitOverride.objects.on(day).fitting(
        condition, area_code=case.area_code, area_class=case.unit_grid.area_class, road_class=case.road_class,
        urgency=case.urgency,
    )  # fmt: skip
    hours = office_settings.get("cases.limit.default_working_hours", on=day, area_code=case.area_code)
    return promise_of(condition, rows, default_hours=hours)


def promise_of(condition, rows: Iterable[LimitOverride], *, default_hours: int) -> Promise:
    """Return what a condition promises, given the limits for some cases that fit and the city's default (0: none)."""
    override = max(rows, key=_narrowness, default=None)
    if override is not None and override.limit_value is not None:
        return Promise(override.limit_value, override.limit_unit, "override", override)
    usual = _usual_limit(condition, default_hours)
    if override is None or usual.value is None:
        return usual
    value = (usual.value * override.share).quantize(_MILLIONTH, ROUND_HALF_UP)
    return Promise(value, usual.unit, "override", override)


_MILLIONTH = Decimal("0.000001")


def _usual_limit(condition, default_hours: int) -> Promise:
    if condition.limit_value is not None:
        seasonal = condition.season == condition.Season.PLANTING and condition.limit_unit == Unit.WORKING_DAY
        return Promise(condition.limit_value, str(Unit.PLANTING_DAY) if seasonal else condition.limit_unit, "condition")
    if default_hours:
        return Promise(Decimal(default_hours), str(Unit.WORKING_HOUR), "default")
    return Promise(None, "", "none")


def _narrowness(row: LimitOverride) -> tuple:
    """Order rows by what they name: the condition, the class, the longest area, road, urgency, class of area."""
    return (
        row.filing_condition_id is not None, row.minor_class_id is not None, len(row.area_code), bool(row.road_class),
        row.urgency is not None, bool(row.area_class), row.valid_from, row.pk,
    )  # fmt: skip


# — limits for some cases ————————————————————————————————————————————————————————————————————————————


def add_limit(*, by: User, at: datetime, **row) -> LimitOverride:
    """Write a limit for some cases: who files from its first day on promises that instead of the usual one."""
    _keeper_of_limits(by, at)
    return LimitOverride.objects.create(**row, changed_by=by, changed_at=at)


def change_limit(limit: LimitOverride, *, by: User, at: datetime, valid_from: date, **row) -> LimitOverride:
    """Change a limit for some cases from a day on; the row of before ends there and stays. Raises LimitBegan."""
    _keeper_of_limits(by, at)
    with transaction.atomic():
        limit = LimitOverride.objects.select_for_update(no_key=True).get(pk=limit.pk)
        if valid_from < limit.valid_from:
            raise LimitBegan(on=limit.valid_from)
        if valid_from > limit.valid_from:
            _end_limit(limit, by=by, at=at, on=valid_from)
            return add_limit(by=by, at=at, valid_from=valid_from, **row)
        for name, value in row.items():
            setattr(limit, name, value)
        limit.changed_by, limit.changed_at = by, at
        limit.save()
    return limit


def end_limit(limit: LimitOverride, *, by: User, at: datetime, on: date) -> None:
    """Let a limit for some cases hold no longer from a day on; what was promised by it stays. Raises LimitBegan."""
    _keeper_of_limits(by, at)
    if on <= limit.valid_from:
        raise LimitBegan(on=limit.valid_from + timedelta(days=1))
    _end_limit(limit, by=by, at=at, on=on)


def _end_limit(limit: LimitOverride, *, by: User, at: datetime, on: date) -> None:
    limit.valid_to, limit.changed_by, limit.changed_at = on, by, at
    limit.save(update_fields=["valid_to", "changed_by", "changed_at"])


def _keeper_of_limits(by: User, at: datetime) -> None:
    if not permissions.may_keep_limits(by, at=at):
        raise PermissionDenied


def not_file(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """Refuse to file 不予立案, with a reason."""
    return move(case, "not_file", by=by, at=at, text=_needed(reason, "not_file", "reason"))


def back_to_acceptance(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """Send a report back to the acceptance desk, with a reason."""
    return move(case, "back_to_acceptance", by=by, at=at, text=_needed(reason, "back_to_acceptance", "reason"))


def void(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """End it as not a case 作废: what is still open at departments and collectors ends with it."""
    return move(case, "void", by=by, at=at, text=_needed(reason, "void", "reason"))


# — supervision: the same problem was reported before ————————————————————————————————————————————————


def attach(case: Case, *, by: User | None, at: datetime, first: Case, opinion: str = "") -> Case:
    """Attach a report to the first case of the same problem 并案: it ends here, its reporter hears how the first ends.

    A first that was attached itself stands for the case it is attached to. Both histories name the other case. Free
    of races: both rows are locked in the order of their keys. Raises FirstIsItself, FirstHasEnded, FirstOfOthers,
    NotYours.
    """
    return _attach(case, "attach", by=by, at=at, first=first, opinion=opinion)


def attach_filed(case: Case, *, by: User | None, at: datetime, first: Case, opinion: str = "") -> Case:
    """Attach a filed case that no department has begun to handle. Raises HandledAlready too."""
    return _attach(case, "attach_filed", by=by, at=at, first=first, opinion=opinion)


def _attach(case: Case, verb: str, *, by: User | None, at: datetime, first: Case, opinion: str) -> Case:
    at, rule = at.replace(microsecond=0), workflow.BY_VERB[(Subject.CASE, verb)]

    def join(step: Step) -> None:
        untouched = (StintStage.PENDING_HANDLE, StintStage.RETURNED, StintStage.WITHDRAWN)
        if any(stint.stage not in untouched for stint in step.stints):
            raise HandledAlready(number=step.case.number)
        step.case.merged_into = first
        step.facts.update(first=first.number)

    with transaction.atomic():
        rows = _locked_in_order(case.pk, first.merged_into_id or first.pk)
        first = rows[first.merged_into_id or first.pk]
        if first.pk == case.pk:
            raise FirstIsItself(number=case.number)
        if first.stage in workflow.FINAL:
            raise FirstHasEnded(number=first.number)
        appointment = permissions.appointment_for(by, rule, case=first, subject=first, at=at) if by else None
        if by is not None and appointment is None:
            raise NotYours(number=first.number, verb=rule.label)
        attached = move(case, verb, by=by, at=at, text=opinion, effect=join, savepoint=False)
        _note(first, "attached", by=by, appointment=appointment, at=at, facts={"case": attached.number})
        _carry_hands(attached, first)
    return attached


def detach(case: Case, *, by: User | None, at: datetime, reason: str) -> Case:
    """Undo an attaching: the case stands again where it stood before, with new clocks. Raises AttachedForGood."""
    at = at.replace(microsecond=0)
    reason = _needed(reason, "detach", "reason")

    def leave(step: Step) -> None:
        step.facts.update(first=first.number)
        step.case.merged_into = step.case.suggested_first = None

    with transaction.atomic():
        rows = _locked_in_order(case.pk, *([case.merged_into_id] if case.merged_into_id else []))
        first = rows.get(rows[case.pk].merged_into_id)
        if first is None:
            raise not_allowed(rows[case.pk], Subject.CASE, "detach")
        if not permissions.may_detach_from(first, at):
            days = office_settings.get("cases.detach_days", on=timezone.localdate(at), area_code=first.area_code)
            raise AttachedForGood(number=case.number, first=first.number, days=days)
        came = case.events.filter(verb__in=("attach", "attach_filed")).order_by("-sequence")
        back_to = workflow.BACK_TO.get(came.values_list("from_stage", flat=True).first(), Stage.ACCEPTED)
        left = move(case, "detach", by=by, at=at, outcome=workflow.BACK_AS[back_to], text=reason, effect=leave)
        appointment = permissions.appointment_for(
            by, workflow.BY_VERB[(Subject.CASE, "detach")], case=left, subject=left, at=at
        ) if by else None  # fmt: skip
        _note(first, "detached", by=by, appointment=appointment, at=at, facts={"case": left.number})
    return left


def _locked_in_order(*ids: int) -> dict[int, Case]:
    """Lock several cases, always in the order of their keys: two who lock the same ones never wait in a ring."""
    rows = Case.objects.defer("search").select_for_update(no_key=True, of=("self",)).filter(pk__in=ids)
    return {row.pk: row for row in rows.order_by("pk")}


def _note(case: Case, verb: str, *, by: User | None, appointment, at: datetime, facts: dict[str, Any]) -> None:
    """Append an event to a locked case that changes neither its stage nor its clocks: something happened beside it."""
    side = workflow.SUPERVISION if by is not None else workflow.SYSTEM
    batch = Batch()
    _append_event(
        batch, case, verb=verb, subject=Subject.CASE, subject_id=case.public_id, outcome="", side=side, proof="", by=by,
        appointment=appointment, at=at, claimed_at=None, recorded_at=timezone.now(), from_stage=case.stage, text="",
        facts=facts,
    )  # fmt: skip
    case.version += 1
    batch.update(case, ["version", "event_count", "last_hash"])
    _write(batch, case, by, side=side, proof="")
    tell_live(case)


# Whoever has judged the first already keeps his judgement; nobody who saw the same problem judges it from now on.
# Asked after both rows are locked, in a statement of its own: how many are attached to the one attached now.
_CARRY_HANDS = """
    WITH carried AS (
        INSERT INTO cases_casepart AS part (case_id, actor_id, side, had_hand, has_judged)
        SELECT %s, actor_id, side, true, false FROM cases_casepart WHERE case_id = %s AND had_hand AND side = %s
        ON CONFLICT (case_id, actor_id) DO UPDATE SET had_hand = true
         WHERE part.side = EXCLUDED.side AND NOT part.has_judged
    )
    SELECT count(*) FROM cases_case WHERE merged_into_id = %s
"""


def _carry_hands(attached: Case, first: Case) -> None:
    """Whoever saw the attached report's problem saw the first case's: he never checks or closes it.

    Raises FirstOfOthers: what others are attached to is not attached itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CARRY_HANDS, [first.pk, attached.pk, workflow.SUPERVISION, attached.pk])
        [others] = cursor.fetchone()
    if others:
        raise FirstOfOthers(number=attached.number, others=others)


# — supervision: is it done? —————————————————————————————————————————————————————————————————————————


def send_inspection(case: Case, *, by: User, at: datetime, inspector: User, opinion: str = "") -> Case:
    """Have an inspector look at the claimed result before a collector is sent 督查. Raises NotACollector."""

    def send(step: Step) -> None:
        _must_go(inspectors_for(step.case, day=timezone.localdate(at)), inspector)
        step.new_task(kind=FieldTask.Kind.INSPECT, collector=inspector, requirement=opinion)

    return move(
        case, "send_inspection", by=by, at=at, text=opinion, facts={"inspector": inspector.staff_number}, effect=send
    )


def inspect(task: FieldTask, *, by: User, at: datetime, result: str, opinion: str = "", files=()) -> Case:
    """Answer an inspection 督查: "pass" (a check may be sent) or "fail" (rework at the same department)."""
    return _answer(task, "inspect", by=by, at=at, result=result, opinion=opinion, files=files, point=None,
                   claimed_at=None, usage=Evidence.Usage.CHECK)  # fmt: skip


def withdraw_inspection(task: FieldTask, *, by: User, at: datetime, reason: str) -> Case:
    """Call the inspector back; the check may be sent."""
    return move(task, "withdraw_inspection", by=by, at=at, text=_needed(reason, "withdraw_inspection", "reason"))


def send_check(
    case: Case, *, by: User | None, at: datetime, collector: User, same_period: bool = False, opinion: str = ""
) -> Case:
    """Send a collector who had no hand in it to check the result 发核查.

    `same_period` 同时段核查: not before the hour of the day at which the problem was seen. Raises NotACollector.
    """

    def send(step: Step) -> None:
        _must_be_collector(collector, step, proof=workflow.JUDGED)
        when = same_hour(step.case.reported_at, after=at) if same_period else None
        step.new_task(kind=FieldTask.Kind.CHECK, collector=collector, requirement=opinion, not_before=when)

    facts = {"collector": collector.staff_number, **({"same_period": True} if same_period else {})}
    return move(case, "send_check", by=by, at=at, text=opinion, facts=facts, effect=send)


SAME_HOUR = timedelta(minutes=30)


def same_hour(seen_at: datetime, *, after: datetime) -> datetime:
    """Return the next instant, not before `after`, from which it is about the hour of the day of `seen_at` again."""
    zone = timezone.get_default_timezone()
    local = after.astimezone(zone)
    begins = datetime.combine(local.date(), seen_at.astimezone(zone).time(), tzinfo=zone) - SAME_HOUR
    if begins + 2 * SAME_HOUR < local:
        begins += timedelta(days=1)
    return max(begins, after)


def check(
    task: FieldTask, *, by: User, at: datetime, result: str, opinion: str = "", files=(), point=None, claimed_at=None
) -> Case:
    """Answer a check on the spot 核查: "pass", "fail" (back to the same department: rework) or "cannot".

    Where the centre below checks first, what passed there is checked by the filing centre too. Raises TooEarly.
    """
    if task.not_before and at < task.not_before:
        raise TooEarly(not_before=task.not_before)
    if result == "pass_up":  # not for anybody to say: it follows from whose check it is
        raise FactMissing(verb="check", fact="result")
    if result == "pass" and Case.objects.filter(pk=task.case_id, checking_centre__isnull=False).exists():
        result = "pass_up"
    return _answer(task, "check", by=by, at=at, result=result, opinion=opinion, files=files, point=point,
                   claimed_at=claimed_at, usage=Evidence.Usage.CHECK)  # fmt: skip


def withdraw_check(task: FieldTask, *, by: User, at: datetime, reason: str) -> Case:
    """Call the checking collector back; another may be sent."""
    return move(task, "withdraw_check", by=by, at=at, text=_needed(reason, "withdraw_check", "reason"))


def close(
    case: Case, *, by: User, at: datetime, met: bool, is_duplicate: bool = False, errors: int = 0, opinion: str = ""
) -> Case:
    """Close the case 结案 once its close condition is confirmed; with errors it is a provisional close 预结案.

    Raises CloseConditionNotMet.
    """

    def confirm(step: Step) -> None:
        if not met:
            raise CloseConditionNotMet(condition=step.case.close_condition)
        step.case.is_duplicate, step.case.close_errors = is_duplicate, errors
        step.case.close_type = _close_type(step)
        step.facts.update(is_duplicate=is_duplicate, close_type=str(step.case.close_type), errors=errors)

    return move(case, "close", by=by, at=at, text=opinion, effect=confirm)


def _close_type(step: Step) -> str:
    late = any(
        stint.is_required and stint.due_at and stint.handed_over_at and stint.handed_over_at > stint.due_at
        for stint in step.stints
        if stint.stage == StintStage.ACCEPTED
    )
    if step.case.close_errors:
        return Case.CloseType.ERROR
    return Case.CloseType.OVERTIME if late else Case.CloseType.NORMAL


def force_close(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """Close the case although it has not gone its way 强制结案, with a reason; what is still open ends with it."""

    def mark(step: Step) -> None:
        step.case.close_type = Case.CloseType.SPECIAL
        step.facts.update(close_type=str(Case.CloseType.SPECIAL))

    return move(case, "force_close", by=by, at=at, text=_needed(reason, "force_close", "reason"), effect=mark)


def close_self_handled(case: Case, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Close what its collector put right himself 自行处置结案. Whoever reported it never closes it."""

    def only_such(step: Step) -> None:
        if not step.case.is_self_handled:
            raise not_allowed(step.case, Subject.CASE, "close_self_handled")

    return move(case, "close_self_handled", by=by, at=at, text=opinion, effect=only_such)


def reopen(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """Open a closed case again for the citizen who says it is not solved. Raises TooLateToReopen."""
    return move(case, "reopen", by=by, at=at, text=_needed(reason, "reopen", "reason"), effect=_open_again)


def still_unsolved(case: Case, *, at: datetime, ground: str = "") -> Case:
    """The citizen himself says 仍未解决: a collector who has not checked it yet looks again. Raises TooLateToReopen."""
    return move(case, "still_unsolved", by=None, at=at, facts={"ground": ground}, effect=_open_again)


def may_be_reopened(case: Case, at: datetime) -> bool:
    """True while a closed case may be opened again: some days, some times (settings)."""
    days, times = _reopening(case, at)
    return case.closed_at is not None and at <= case.closed_at + timedelta(days=days) and case.reopened_count < times


def _reopening(case: Case, at: datetime) -> tuple[int, int]:
    day = timezone.localdate(at)
    return (
        office_settings.get("cases.reopen_days", on=day, area_code=case.area_code),
        office_settings.get("cases.reopen_times", on=day, area_code=case.area_code),
    )


def _open_again(step: Step) -> None:
    if not may_be_reopened(step.case, step.at):
        days, times = _reopening(step.case, step.at)
        raise TooLateToReopen(number=step.case.number, days=days, times=times)
    step.case.reopened_count += 1
    step.case.close_type, step.case.close_errors = "", 0
    step.case.checking_centre = None
    step.facts.update(reopened=step.case.reopened_count)


def withdraw_report(case: Case, *, at: datetime) -> Case:
    """The citizen takes his report back before it is filed: it ends there. Raises FirstOfOthers."""

    def alone(step: Step) -> None:
        if others := step.case.merged_cases.count():
            raise FirstOfOthers(number=step.case.number, others=others)

    return move(case, "withdraw_report", by=None, at=at, facts={"ground": "withdrawn"}, effect=alone)


def note_withdrawal(case: Case, *, at: datetime) -> Case:
    """The citizen no longer needs it, but the city does, or others who reported it: noted once, and it goes on."""

    def once(step: Step) -> None:
        if step.case.events.filter(verb="note_withdrawal").exists():
            raise not_allowed(step.case, Subject.CASE, "note_withdrawal")

    return move(case, "note_withdrawal", by=None, at=at, facts={"ground": "withdrawn"}, effect=once)


def send_spot_check(case: Case, *, by: User, at: datetime, inspector: User, opinion: str = "") -> Case:
    """Have an inspector look at a closed case 抽查, one at a time; the case stays closed. Raises NotACollector."""

    def send(step: Step) -> None:
        if any(task.kind == FieldTask.Kind.SPOT and task.stage == TaskStage.SENT for task in step.tasks):
            raise not_allowed(step.case, Subject.CASE, "send_spot_check")
        _must_go(inspectors_for(step.case, day=timezone.localdate(at)), inspector)
        hours = office_settings.get("cases.spot_check_hours", on=timezone.localdate(at), area_code=step.case.area_code)
        step.new_task(
            kind=FieldTask.Kind.SPOT, collector=inspector, requirement=opinion, due_at=at + timedelta(hours=hours)
        )

    return move(
        case, "send_spot_check", by=by, at=at, text=opinion, facts={"inspector": inspector.staff_number}, effect=send
    )


def spot_check(task: FieldTask, *, by: User, at: datetime, result: str, opinion: str = "", files=()) -> Case:
    """Answer a spot check: "pass" or "fail". A failed one may be reopened by the desk."""
    return _answer(task, "spot_check", by=by, at=at, result=result, opinion=opinion, files=files, point=None,
                   claimed_at=None, usage=Evidence.Usage.CHECK)  # fmt: skip


def check_again(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """Have the result checked again before deciding."""
    return move(case, "check_again", by=by, at=at, text=_needed(reason, "check_again", "reason"))


def rework(case: Case, *, by: User, at: datetime, reason: str) -> Case:
    """Send the case back to the same department 返工; its old deadline stands."""
    return move(case, "rework", by=by, at=at, text=_needed(reason, "rework", "reason"))


def _answer(task: FieldTask, verb: str, *, by, at, result, opinion, files, point, claimed_at, usage) -> Case:
    if result not in workflow.BY_VERB[(Subject.TASK, verb)].outcomes:
        raise FactMissing(verb=verb, fact="result")

    def answer(step: Step) -> None:
        step.subject.result, step.subject.answered_at, step.subject.point = result, at, point
        if result == "pass_up":
            step.case.checking_centre = None

    return move(
        task, verb, by=by, at=at, outcome=result, text=opinion, claimed_at=claimed_at,
        files=[(file, usage) for file in files], effect=answer,
    )  # fmt: skip


def _must_be_collector(collector: User, step: Step, *, proof: str) -> None:
    _must_go(collectors_for(step.case, proof=proof, day=timezone.localdate(step.at)), collector)


def _must_go(able, person: User) -> None:
    if not able.filter(pk=person.pk).exists():
        raise NotACollector(name=str(person))


def collectors_for(case: Case, *, proof: str, day: date):
    """Return the collectors who may be sent on this day: to verify (proof HAND) or to check (JUDGED).

    Nobody who already stands on another side of this case, and nobody who would judge what he had a hand in. What was
    reopened is checked by somebody who has not checked it yet.
    """
    able = _unbound(Role.COLLECTOR, case, proof=proof, day=day)
    if proof == workflow.JUDGED and case.reopened_count:
        checked = FieldTask.objects.filter(case=case, kind=FieldTask.Kind.CHECK, result__in=("pass", "pass_up"))
        able = able.filter(~Exists(checked.filter(collector=OuterRef("pk"))))
    return able


def inspectors_for(case: Case, *, day: date):
    """Return the inspectors who may look at the result on this day: nobody who had a hand in it."""
    return _unbound(Role.INSPECTOR, case, proof=workflow.JUDGED, day=day)


def _unbound(role: Role, case: Case, *, proof: str, day: date):
    barred = Q(had_hand=True) if proof == workflow.JUDGED else Q(has_judged=True)
    parts = CasePart.objects.filter(case=case, actor=OuterRef("pk")).filter(barred | ~Q(side=workflow.SUPERVISION))
    return User.objects.holding(role, day=day).filter(~Exists(parts))


def _needed(text: str, verb: str, fact: str) -> str:
    if not text.strip():
        raise FactMissing(verb=verb, fact=fact)
    return text.strip()


# — whoever pushes: no stage changes —————————————————————————————————————————————————————————————————————


def urge(case: Case, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Urge whoever holds the case 催办; no clock changes. The next sweep tells them."""
    return _push(case, "urge", by=by, at=at, text=opinion, kind=Directive.Kind.URGE, level=Directive.Level.NONE)


def supervise(
    case: Case,
    *,
    by: User,
    at: datetime,
    level: str,
    demand: str,
    needs_reply: bool = False,
    reply_by: date | None = None,
) -> Case:
    """Put a case under supervision 督办: what is demanded, of which kind, and whether a reply is required."""
    return _push(
        case, "supervise", by=by, at=at, text=_needed(demand, "supervise", "demand"), kind=Directive.Kind.SUPERVISE,
        level=level, needs_reply=needs_reply, reply_by=reply_by,
    )  # fmt: skip


def instruct(
    case: Case, *, by: User, at: datetime, demand: str, needs_reply: bool = False, reply_by: date | None = None
) -> Case:
    """Write a leader's instruction on a case 领导批示."""
    return _push(
        case, "instruct", by=by, at=at, text=_needed(demand, "instruct", "demand"), kind=Directive.Kind.INSTRUCT,
        level=Directive.Level.LEADER, needs_reply=needs_reply, reply_by=reply_by,
    )  # fmt: skip


def _push(
    case: Case, verb: str, *, by: User, at: datetime, text: str, kind: str, level: str, needs_reply: bool = False,
    reply_by: date | None = None,
) -> Case:  # fmt: skip
    def push(step: Step) -> None:
        step.batch.insert([
            Directive(
                case=step.case, kind=kind, level=level, demand=text[:500], needs_reply=needs_reply, reply_by=reply_by,
                stage=DirectiveStage.OPEN if needs_reply else DirectiveStage.SETTLED, given_by=by, given_at=at,
                settled_at=None if needs_reply else at,
                to_department_id=step.case.holder_department_id or step.case.supervision_centre_id,
            )
        ])  # fmt: skip
        step.facts.update(kind=str(kind), level=str(level), needs_reply=needs_reply)

    return move(case, verb, by=by, at=at, text=text, effect=push)


def reply(directive: Directive, *, by: User, at: datetime, reply: str) -> Case:
    """Answer a supervision or an instruction; whoever demanded it settles it."""

    def answer(step: Step) -> None:
        step.subject.reply = _needed(reply, "reply", "reply")[:2000]
        step.subject.replied_by, step.subject.replied_at = by, at
        step.subject.told_at = None  # the next sweep tells whoever demanded it

    return move(directive, "reply", by=by, at=at, text=reply, effect=answer)


def settle(directive: Directive, *, by: User, at: datetime, opinion: str = "") -> Case:
    """Say that what was demanded is done 销号."""

    def end(step: Step) -> None:
        step.subject.settled_at = at

    return move(directive, "settle", by=by, at=at, text=opinion, effect=end)


# — the calendar ————————————————————————————————————————————————————————————————————————————————————


def load_calendar(
    *, days: Iterable[dict], spans: Iterable[dict], official_until, seasons: Iterable[dict] = (), source: str = ""
) -> tuple[int, int]:
    """Load holidays, make-up days, working hours and seasons; return how many days and spans are known.

    May be repeated: a day is written anew, hours and seasons only where there are none at all.
    """
    with transaction.atomic():
        before = calendars.Calendars(calendars.kept_rows(), 0)
        CalendarDay.objects.bulk_create(
            [CalendarDay(**day) for day in days],
            update_conflicts=True, unique_fields=["date"], update_fields=["kind", "name", "source"],
        )  # fmt: skip
        for model, rows in ((WorkScheduleSpan, spans), (SeasonSpan, seasons)):
            if not model.objects.exists():
                model.objects.bulk_create([model(**row) for row in rows])
        recorded_at = timezone.now()
        calendars.note_version(before, by=None, at=recorded_at, official_until=official_until, source=source)
    return CalendarDay.objects.count(), WorkScheduleSpan.objects.count()


CASES_AT_ONCE = 100


def follow_calendar(*, at: datetime, at_most: int | None = None) -> tuple[int, int]:
    """Let open clocks follow the changes of the calendar; return how many cases were looked at and deadlines moved.

    In batches, each one transaction: killed at any instant, a batch is done or not, and the next run goes on with what
    is still behind. A case that somebody is moving just now is left to the next batch. The change is over once nothing
    has been behind for longer than any process may hold on to the calendar of before.
    """
    pending = list(CalendarVersion.objects.filter(recounted_at__isnull=True))
    if not pending:
        return 0, 0
    clocks.forget_calendar()
    changed = [one for version in pending for one in calendars.stretches_of(version)]
    waiting = StageClock.objects.filter(clocks.behind(changed, at=at, version=clocks.calendar_version()))
    looked = moved = 0
    while at_most is None or looked < at_most:
        with transaction.atomic():
            ids = list(waiting.order_by("case_id").values_list("case_id", flat=True).distinct()[:CASES_AT_ONCE])
            cases = list(
                Case.objects.defer("search").select_for_update(skip_locked=True, no_key=True, of=("self",))
                .filter(pk__in=ids).order_by("pk")
            )  # fmt: skip
            if not cases:
                break
            here = clocks.follow_calendar(cases, at=at, recorded_at=timezone.now())  # recorded_at: the server's own
            CalendarVersion.objects.filter(pk=pending[-1].pk).update(moved=F("moved") + here)
        looked, moved = looked + len(cases), moved + here
    settled = at - calendars.KNOWN_EVERYWHERE
    if not waiting.exists():
        CalendarVersion.objects.filter(recounted_at__isnull=True, made_at__lte=settled).update(recounted_at=at)
    return looked, moved


class LimitBegan(Refusal):
    """A limit for some cases cannot be changed or ended before it began; facts: on."""

    code = "limit_began"


class CalendarMoved(Refusal):
    """The calendar was changed since this preview was made; facts: version."""

    code = "calendar_moved"


def import_calendar(rows: calendars.Rows, *, by: User, at: datetime, based_on: int, source: str) -> CalendarVersion:
    """Put another calendar in the place of version `based_on`; open clocks then follow. Raises CalendarMoved."""
    if not permissions.may_keep_calendar(by, at=at):
        raise PermissionDenied
    with transaction.atomic():
        state = CalendarState.objects.select_for_update().first()
        version = state.version if state else 0
        if version != based_on:
            raise CalendarMoved(version=version)
        return calendars.keep(rows, by=by, at=at, source=source)
