"""The alarm sweep: tell each thing once, to whoever holds the clock and, when it is overdue, to his superior.

A running clock carries the instant at which it must be looked at again (`next_look_at`): its yellow point, then its
deadline, then no more. The sweep looks only at clocks whose instant has passed.

1  Claim a few of them: FOR NO KEY UPDATE SKIP LOCKED. A second sweep, or a move that writes one of these clocks just
   now, is not waited for: what it holds is left out and found by the next sweep.
2  Put the messages into the boxes.
3  Note on the clock what was told, and when to look again.
4  Commit. Killed before that, nothing was told and nothing noted, and the next sweep does all of it; killed after it,
   nothing is left to do.

A move does not lock the clocks it reads. It may read a clock, be overtaken by the sweep, and write its old note back;
then the clock is looked at once more, and the message's key (clock, round, level, deadline) keeps it from being told
twice.

A suspension that has come to its day is ended by the move "resume", made by the system at that instant. The move locks
the case, so the sweep holds no clock while it makes it: of two sweeps, or a sweep and a dispatcher, one succeeds, and
the other finds that the table allows no such move any more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Department, Duty, User
from accounts.permissions import appointments_of, nearest_holders, superiors_of
from accounts.roles import Role
from cases import clocks, workflow
from cases.actions import MoveNotAllowed, Step, move
from cases.models import StageClock
from cases.time_limits import Lamp, lamp
from cases.workflow import Clock
from office import settings
from office.actions import tell

BATCH = 100

# Whose clock it is. A collector's clock names its collector.
DESK_OF: dict[Clock, Role] = {
    Clock.ACCEPT: Role.ACCEPTANCE_OPERATOR,
    Clock.SEND_VERIFY: Role.ACCEPTANCE_OPERATOR,
    Clock.FILING: Role.DUTY_LEADER,
    Clock.DISPATCH: Role.DISPATCHER,
    Clock.HANDLING: Role.DEPARTMENT_OPERATOR,
    Clock.PASS_ON: Role.DISPATCHER,
    Clock.SEND_CHECK: Role.ACCEPTANCE_OPERATOR,
    Clock.CLOSE: Role.DUTY_LEADER,
}
LEVELS: dict[Lamp, int] = {Lamp.YELLOW: 1, Lamp.RED: 2}
CODES = {1: "clock_nearly_due", 2: "clock_overdue"}
OVERDUE = 2


def sweep(*, at: datetime) -> tuple[int, int]:
    """Tell whatever is to be told at this instant, end the suspensions that are over; return how many of each."""
    listeners = Listeners(at)
    told = resumed = 0
    while looked := _tell_some(listeners, at=at):
        told += looked
    for clock in _suspensions_over(at):
        resumed += _resume(clock, listeners, at=at)
    return told, resumed


def _tell_some(listeners: "Listeners", *, at: datetime) -> int:
    with transaction.atomic():
        due = list(
            StageClock.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
            .filter(state=StageClock.State.RUNNING, next_look_at__lt=at)
            .select_related("case__minor_class", "holder_department", "holder_user", "stint__handler", "task")
            .defer("case__search", "case__last_hash")
            .order_by("next_look_at", "id")[:BATCH]
        )
        for clock in due:
            level = LEVELS.get(lamp(at, yellow_at=clock.yellow_at, due_at=clock.due_at), 0)
            if level > clock.told_level:
                _tell(CODES[level], clock, listeners.of(clock, level=level), at=at, level=level)
                clock.told_level = level
            clock.next_look_at = clocks.next_look(clock)
        StageClock.objects.bulk_update(due, ["told_level", "next_look_at"])
    return len(due)


def _tell(code: str, clock: StageClock, people: Iterable[User], *, at: datetime, level: int) -> None:
    case, due_at = clock.case, clock.due_at
    tell(
        people,
        code=code,
        facts={
            "number": case.number,
            "what": case.minor_class.name_zh,
            "where": case.address,
            "clock": workflow.CLOCK_LABELS[Clock(clock.name)],
            "holder": (clock.holder_user or clock.holder_department).name_zh,
            "due_at": due_at.isoformat() if due_at else None,
        },
        about=str(case.public_id),
        url=_page(clock),
        dedupe=f"clock:{clock.pk}:{clock.rounds}:{level}:{due_at.isoformat() if due_at else ''}",
        at=at,
    )


def _page(clock: StageClock) -> str:
    if clock.task:
        return reverse("patrol:task", args=[clock.task.public_id])
    return reverse("cases:case", args=[clock.case.public_id])


def _suspensions_over(at: datetime) -> list[StageClock]:
    return list(
        StageClock.objects.filter(state=StageClock.State.PAUSED, next_look_at__lte=at)
        .select_related("stint", "case__minor_class", "holder_department", "holder_user", "stint__handler", "task")
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
            clock.refresh_from_db(fields=["due_at", "rounds"])
            _tell("clock_resumed", clock, listeners.of(clock, level=OVERDUE), at=at, level=0)
    except MoveNotAllowed:
        return False
    return True


@dataclass
class Listeners:
    """Who is to be told about a clock, remembered for one sweep: the same desks come again and again."""

    at: datetime
    desks: dict[tuple[Role, int], list[User]] = field(default_factory=dict)
    superiors: dict[tuple[str, int], list[User]] = field(default_factory=dict)
    on_duty: set[int] | None = None

    def of(self, clock: StageClock, *, level: int) -> set[User]:
        """Return the holder: a collector, a department's desk and its handler, or the desk's people on duty.

        Nobody on duty: all of the desk. Once it is overdue their superiors too.
        """
        if clock.holder_user:
            holders = [clock.holder_user]
        else:
            holders = self._desk(DESK_OF[Clock(clock.name)], clock)
        if clock.stint and clock.stint.handler:
            holders = [*holders, clock.stint.handler]
        if level < OVERDUE:
            return set(holders)
        if clock.name == Clock.HANDLING:
            return {*holders, *self._above(clock.holder_department)}
        return set(holders).union(*(self._above(holder) for holder in holders))

    def _desk(self, role: Role, clock: StageClock) -> list[User]:
        key = (role, clock.holder_department_id)
        if key not in self.desks:
            self.desks[key] = nearest_holders(role, clock.holder_department, self.at)
        mine = [one for one in self.desks[key] if _answers_for(one, role, clock.case.area_code, self.at)]
        if role == Role.DEPARTMENT_OPERATOR:
            return mine
        return [one for one in mine if one.pk in self._on_duty()] or mine

    def _on_duty(self) -> set[int]:
        if self.on_duty is None:
            longest = timedelta(hours=settings.get("accounts.longest_shift_hours", on=timezone.localdate(self.at)))
            self.on_duty = set(Duty.objects.on_duty(self.at, longest=longest).values_list("user", flat=True))
        return self.on_duty

    def _above(self, who: User | Department) -> list[User]:
        key = (type(who).__name__, who.pk)
        if key not in self.superiors:
            self.superiors[key] = superiors_of(who, at=self.at)
        return self.superiors[key]


def _answers_for(user: User, role: Role, area_code: str, at: datetime) -> bool:
    return any(one.role == role and area_code.startswith(one.scope_area_code) for one in appointments_of(user, at))
