"""The alarm sweep: tell each thing once, to those whom the escalation chain of the clock names, whoever is on duty now.

A running clock carries the instant at which it must be looked at again (`next_look_at`): the next point of its chain
(cases/escalation.py), after the last one no more. The sweep looks only at clocks whose instant has passed.

1  Claim some of them: FOR NO KEY UPDATE SKIP LOCKED. A second sweep, or a move that writes one of these clocks just
   now, is not waited for: what it holds is left out and found by the next sweep.
2  Put the messages into the boxes, and what leaves the house into the outbox. Who comes late tells each person one
   thing only: the furthest point reached, to all whom the points passed concern.
3  Note on the clocks how far they were told, and when to look again.
4  Commit. Killed before that, nothing was told and nothing noted, and the next sweep does all of it; killed after it,
   nothing is left to do.

A move does not lock the clocks it reads. It may read a clock, be overtaken by the sweep, and write its old note back;
then the clock is looked at once more, and the message's key (clock, round, extension, point) keeps it from being told
twice. A move that lets a clock ring anew (a new round, an extension) always says so, whatever it had read.

When a chain began, changed or ended, the next look of clocks that run already may be wrong. Twenty seconds later, when
every process knows the new rows, the sweep looks at every running clock once.

A suspension that has come to its day is ended by the move "resume", made by the system at that instant. The move locks
the case, so the sweep holds no clock while it makes it: of two sweeps, or a sweep and a dispatcher, one succeeds, and
the other finds that the table allows no such move any more.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.permissions import may
from accounts.roles import Role
from accounts.rosters import Staff
from cases import chains, clocks, escalation, workflow
from cases.actions import MoveNotAllowed, Step, move
from cases.escalation import DUE, STARTED, Audience, Point
from cases.models import AlarmChain, Case, Directive, StageClock
from cases.workflow import Clock, DirectiveStage
from citymgmt.errors import Refusal
from office.actions import Letter, tell, tell_all

BATCH = 500

# Whose clock it is. A collector's clock names its collector.
DESK_OF: dict[Clock, Role] = {
    Clock.ACCEPT: Role.ACCEPTANCE_OPERATOR,
    Clock.SEND_VERIFY: Role.ACCEPTANCE_OPERATOR,
    Clock.FILING: Role.DUTY_LEADER,
    Clock.DISPATCH: Role.DISPATCHER,
    Clock.DISPUTE: Role.COMMANDER,
    Clock.HANDLING: Role.DEPARTMENT_OPERATOR,
    Clock.PASS_ON: Role.DISPATCHER,
    Clock.SEND_CHECK: Role.ACCEPTANCE_OPERATOR,
    Clock.CLOSE: Role.DUTY_LEADER,
}
WITH_ALL = ("case__minor_class", "holder_department", "holder_user", "stint__handler", "task")
NOTE = """
UPDATE cases_stageclock AS clock SET told_level = noted.level, next_look_at = noted.next_look_at
FROM unnest(%s::bigint[], %s::smallint[], %s::timestamptz[]) AS noted (id, level, next_look_at)
WHERE clock.id = noted.id
"""


def code_at(level: int) -> str:
    """Return which message a clock at this level of its chain is told with."""
    if level >= DUE:
        return "clock_overdue"
    return "clock_arrived" if level == STARTED else "clock_nearly_due"


def sweep(*, at: datetime) -> tuple[int, int]:
    """Tell whatever is to be told at this instant, end the suspensions that are over; return how many of each."""
    listeners = Listeners(at)
    told = resumed = 0
    while looked := _tell_some(listeners, at=at):
        told += looked
    for clock in _suspensions_over(at):
        resumed += _resume(clock, listeners, at=at)
    changed = chains.waiting(at=at)
    if changed:
        _look_at_all(changed, listeners, at=at)
    while pushed := _tell_pushes(listeners, at=at):
        told += pushed
    return told, resumed


def _tell_pushes(listeners: "Listeners", *, at: datetime) -> int:
    """Tell who holds a case that somebody urged, supervised or instructed; and whoever demanded it of a reply."""
    if not Directive.objects.filter(told_at__isnull=True).exists():
        return 0
    with transaction.atomic():
        pushes = list(
            Directive.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
            .filter(told_at__isnull=True)
            .select_related("case__minor_class", "given_by", "to_department")
            .order_by("pk")[:BATCH]
        )
        running = StageClock.objects.filter(case__in={one.case_id for one in pushes}, state=StageClock.State.RUNNING)
        held: dict[int, list[StageClock]] = {}
        for clock in running.exclude(name=Clock.OVERALL).select_related(*WITH_ALL) if pushes else ():
            held.setdefault(clock.case_id, []).append(clock)
        letters = [letter for one in pushes for letter in listeners.of_push(one, held.get(one.case_id, []))]
        tell_all(letters, at=at)
        Directive.objects.filter(pk__in=[one.pk for one in pushes]).update(told_at=at)
    return len(pushes)


def _tell_some(listeners: "Listeners", *, at: datetime) -> int:
    if not _anything(StageClock.State.RUNNING, next_look_at__lt=at):
        return 0
    with transaction.atomic():
        due = list(_running().filter(next_look_at__lt=at).order_by("next_look_at", "id")[:BATCH])
        if due:
            _look_at(due, listeners, at=at)
    return len(due)


def _look_at_all(changed: list[int], listeners: "Listeners", *, at: datetime) -> None:
    """Count the next look of every running clock anew, and tell what has become due; killed, it begins again.

    A clock that a move or another sweep writes just now is left out: they know the new chains.
    """
    last = 0
    while True:
        with transaction.atomic():
            running = list(_running().filter(pk__gt=last).exclude(name=Clock.OVERALL).order_by("pk")[:BATCH])
            if not running:
                break
            _look_at(running, listeners, at=at)
        last = running[-1].pk
    AlarmChain.objects.filter(pk__in=changed).update(looked_at=at)
    chains.forget()


def _anything(state: str, **when: datetime) -> bool:
    """Ask the index alone: most ticks find nothing, and joining what is told to nobody costs more than the look."""
    return StageClock.objects.filter(state=state, **when).exists()


def _running():
    return (
        StageClock.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .filter(state=StageClock.State.RUNNING)
        .select_related(*WITH_ALL)
        .defer("case__search", "case__last_hash")
    )


def _look_at(running: Sequence[StageClock], listeners: "Listeners", *, at: datetime) -> None:
    letters: list[Letter] = []
    for clock in running:
        if clock.due_at is not None:
            points = clocks.points_of(clock, clock.case, at=at)
            reached = [
                point
                for point in points
                if point.level > clock.told_level and clocks.instant_of(clock, point, clock.case) < at
            ]
            if reached:
                letters += listeners.letters(clock, reached)
                clock.told_level = reached[-1].level
        clock.next_look_at = clocks.next_look(clock, clock.case, at=at)
    tell_all(letters, at=at)
    with connection.cursor() as cursor:
        notes = ([c.pk for c in running], [c.told_level for c in running], [c.next_look_at for c in running])
        cursor.execute(NOTE, notes)


def facts_of(clock: StageClock) -> dict:
    """Return what the message about a clock says."""
    case, due_at = clock.case, clock.due_at
    return {
        "number": case.number,
        "what": case.minor_class.name_zh,
        "where": case.address,
        "clock": workflow.CLOCK_LABELS[Clock(clock.name)],
        "holder": (clock.holder_user or clock.holder_department).name_zh,
        "due_at": due_at.isoformat() if due_at else None,
    }


def outside_facts(case: Case, **more) -> dict:
    """Return what may leave the house about a case: number, class, area and what is named; no address, no free text."""
    return {"number": case.number, "what": case.minor_class.name_zh, "area": case.area_names, **more}


def _page(clock: StageClock) -> str:
    if clock.task:
        return reverse("patrol:task", args=[clock.task.public_id])
    return reverse("cases:case", args=[clock.case.public_id])


def tell_about(
    case: Case,
    people: Iterable[User],
    *,
    code: str,
    dedupe: str,
    at: datetime,
    facts: dict | None = None,
    channels: Sequence[str] = (),
) -> int:
    """Tell people something about a case by hand (催办 urge, 督办 supervise …) and return how many were new.

    `facts` fill the sentence beside number, what and where; by `channels` only number, class and area go out.
    """
    said = {"number": case.number, "what": case.minor_class.name_zh, "where": case.address, **(facts or {})}
    return tell(
        people,
        code=code,
        facts=said,
        about=str(case.public_id),
        url=reverse("cases:case", args=[case.public_id]),
        dedupe=dedupe,
        at=at,
        channels=channels,
        outside=outside_facts(case),
    )


def _suspensions_over(at: datetime) -> list[StageClock]:
    if not _anything(StageClock.State.PAUSED, next_look_at__lte=at):
        return []
    return list(
        StageClock.objects.filter(state=StageClock.State.PAUSED, next_look_at__lte=at)
        .select_related("stint", *WITH_ALL)
        .order_by("next_look_at", "id")
    )


def _resume(clock: StageClock, listeners: "Listeners", *, at: datetime) -> bool:
    """Let a suspended stint go on from the day that had been set, and tell its department; False if it already does."""

    def is_over(step: Step) -> None:
        if step.subject.suspended_until != clock.resume_at:  # resumed and suspended anew in the meantime
            raise MoveNotAllowed(number=step.case.number)

    try:
        with transaction.atomic():  # resumed and told, or neither
            move(clock.stint, "resume", by=None, at=clock.resume_at, effect=is_over)
            clock.refresh_from_db(fields=["due_at", "rounds", "extra_seconds"])
            tell_all(listeners.of_resumption(clock), at=at)
    except MoveNotAllowed:
        return False
    return True


class Listeners:
    """Who is to be told about a clock, remembered for one sweep: the same desks come again and again."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.staff = Staff(at)

    def letters(self, clock: StageClock, reached: Sequence[Point]) -> list[Letter]:
        """Return one letter for each person whom the points reached concern, about the furthest of them."""
        means: dict[Audience, set[str]] = {}
        for point in reached:
            for audience in point.step.to:
                means.setdefault(audience, set()).update(point.step.by)
        return self._letters(
            clock,
            code=code_at(reached[-1].level),
            means=means,
            key=str(reached[-1].level),
            at_night=any(point.step.at_night for point in reached),
        )

    def of_resumption(self, clock: StageClock) -> list[Letter]:
        """Return the letters that say that a suspension is over: to the department, its handler and its superior."""
        means = {one: set() for one in (Audience.HOLDER, Audience.HANDLER, Audience.SUPERIOR)}
        return self._letters(clock, code="clock_resumed", means=means, key=f"resumed:{clock.resume_at.isoformat()}")

    def of_push(self, push: Directive, held: Sequence[StageClock]) -> list[Letter]:
        """Return the letters about a push to whoever holds the case, about a reply to whoever demanded it."""
        case = push.case
        replied = push.stage == DirectiveStage.REPLIED
        people = {push.given_by} if replied else {one for clock in held for one in self._holders(clock)[0]}
        facts = {
            "number": case.number,
            "what": case.minor_class.name_zh,
            "where": case.address,
            "person": (push.replied_by if replied else push.given_by).name_zh,
            "demand": "" if replied else push.demand,
        }
        return [
            Letter(
                one, "push_replied" if replied else f"push_{push.kind}", facts, about=str(case.public_id),
                url=reverse("cases:case", args=[case.public_id]), dedupe=f"push:{push.pk}:{push.stage}",
            )
            for one in people
        ]  # fmt: skip

    def _letters(
        self, clock: StageClock, *, code: str, means: dict[Audience, set[str]], key: str, at_night: bool = False
    ) -> list[Letter]:
        facts, case = facts_of(clock), clock.case
        outside = outside_facts(case, clock=facts["clock"], due_at=facts["due_at"])
        common = {
            "about": str(case.public_id),
            "url": _page(clock),
            "dedupe": f"clock:{clock.pk}:{clock.rounds}:{clock.extra_seconds}:{key}",
            "outside": outside,
            "robots": (clock.holder_department.code,) if clock.holder_department else (),
            "at_night": at_night,
        }
        people: dict[int, tuple[User, set[str]]] = {}
        numbers: dict[str, set[str]] = {}
        unheard = False
        for audience, channels in means.items():
            found, contacts = self._of(audience, clock)
            unheard |= audience == Audience.HOLDER and not found and not contacts
            for one in found:
                people.setdefault(one.pk, (one, set()))[1].update(channels)
            for one in contacts:
                # Whoever has no account has no box: the telephone is all there is.
                numbers.setdefault(one.mobile or one.phone, set()).update({*channels, escalation.Means.SMS})
        letters = [Letter(one, code, facts, channels=channels, **common) for one, channels in people.values()]
        letters += [
            Letter(None, code, facts, channels=channels & {escalation.Means.SMS}, address=number, **common)
            for number, channels in numbers.items()
            if number
        ]
        if unheard:
            letters += [
                Letter(one, "clock_unheard", facts, **common)
                for one in self._duty_leaders(clock)
                if one.pk not in people
            ]
        return letters

    def _of(self, audience: Audience, clock: StageClock):
        """Return the people, and the contacts without an account, whom a clock's step means by this word."""
        case, centre = clock.case, clock.case.supervision_centre_id
        if audience == Audience.HOLDER:
            return self._holders(clock)
        if audience == Audience.HANDLER:
            return ([clock.stint.handler] if clock.stint and clock.stint.handler else []), ()
        if audience == Audience.CONTACT:
            return self.staff.contact(clock.holder_department) or ((), ())
        if audience == Audience.SUPERIOR:
            return self._superiors(clock), ()
        if audience == Audience.DUTY_LEADER:
            return self._duty_leaders(clock), ()
        if audience == Audience.COMMANDER:
            return self.staff.nearest(Role.COMMANDER, self.staff.department(case.command_centre_id)), ()
        return self.staff.leaders_of(clock.holder_department or self.staff.department(centre), case.area_code), ()

    def _holders(self, clock: StageClock):
        if clock.holder_user:
            return ([clock.holder_user] if clock.holder_user.is_active else []), ()
        case = clock.case
        found = self.staff.on_duty(
            DESK_OF[Clock(clock.name)],
            clock.holder_department,
            area_code=case.area_code,
            class_code=case.minor_class.code,
        )
        return found.people, found.contacts

    def _superiors(self, clock: StageClock) -> list[User]:
        """Return who stands above the holder: of a department above it as a whole, of a desk above its people."""
        if clock.name == Clock.HANDLING:
            return self.staff.superiors_of(clock.holder_department)
        return [above for one in self._holders(clock)[0] for above in self.staff.superiors_of(one)]

    def _duty_leaders(self, clock: StageClock) -> Sequence[User]:
        centre = self.staff.department(clock.case.supervision_centre_id)
        return self.staff.on_duty(Role.DUTY_LEADER, centre, area_code=clock.case.area_code).people


# --- Escalation chains 告警升级规则 -------------------------------------------------------------------------------


class ChainNotSound(Refusal):
    """A step of an escalation chain cannot be kept; facts: faults."""

    code = "chain_not_sound"


def keep_chain(
    chain: AlarmChain | None, *, by: User | None, at: datetime, steps: Sequence[escalation.Step], **facts
) -> AlarmChain:
    """Write a new chain, or change one from today on: its row of before ends and stays. Raises ChainNotSound.

    `facts` are the columns that say which clocks it is for, and `valid_from` for a new one.
    """
    _refuse_unless_kept_by(by, at=at)
    faults = [fault for step in steps for fault in step.faults]
    if len(steps) > escalation.MOST_STEPS or not steps:
        faults.append(escalation.NUMBER_OF_STEPS)
    if faults:
        raise ChainNotSound(faults=faults)
    today = timezone.localdate(at)
    written = {"steps": chains.write_steps(steps), "changed_by": by, "changed_at": at}
    with transaction.atomic():
        if chain is not None and chain.valid_from < today:
            AlarmChain.objects.filter(pk=chain.pk).update(valid_to=today, changed_by=by, changed_at=at)
            chain, facts["valid_from"] = None, today
        if chain is None:
            chain = AlarmChain.objects.create(**facts, **written)
        else:
            for name, value in {**facts, **written}.items():
                setattr(chain, name, value)
            chain.save(update_fields=[*facts, *written])
    _forget_chains()
    return chain


def end_chain(chain: AlarmChain, *, by: User | None, at: datetime, on: date) -> None:
    """From this day on the chain no longer holds."""
    _refuse_unless_kept_by(by, at=at)
    chain.valid_to, chain.changed_by, chain.changed_at = max(on, chain.valid_from), by, at
    chain.save(update_fields=["valid_to", "changed_by", "changed_at"])
    _forget_chains()


def _refuse_unless_kept_by(by: User | None, *, at: datetime) -> None:
    if by is not None and not may(by, "maintain_settings", at=at):
        raise PermissionDenied


def _forget_chains() -> None:
    # Now for what follows in this transaction, and again when others can see it.
    chains.forget()
    transaction.on_commit(chains.forget)
