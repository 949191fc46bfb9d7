"""Clocks follow stages: compare what should run (workflow.RUNNING, PAUSED) with what does, and write the difference.

One pass per move, constant queries: read the case's clocks, update them in one statement, create new ones and their
entries in one statement each. Deadlines are counted by `cases.time_limits`; nothing here adds minutes by itself.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models.expressions import RawSQL
from django.utils import timezone

from cases import calendars, chains, time_limits, workflow
from cases.escalation import DUE, STARTED, Point
from cases.models import Case, ClockEntry, FieldTask, HandlingStint, StageClock
from cases.time_limits import Limit, Unit
from cases.work_calendar import WorkCalendar
from cases.workflow import Clock, Stage, StintStage, Subject, TaskStage
from office import settings as office_settings
from office.batch import Batch


def calendar(area_code: str = "") -> WorkCalendar:
    """Return the working calendar of a place, read from the database at most every ten seconds."""
    return calendars.current().of(area_code)


def calendar_version() -> str:
    """Return the version that clocks started now are counted with."""
    return calendars.current().version


def forget_calendar() -> None:
    """Make this process read the calendar anew."""
    calendars.forget()


# Which setting holds the limit of a desk's or a collector's clock, in minutes on a continuous clock.
STAGE_LIMIT_SETTINGS: dict[Clock, str] = {
    Clock.ACCEPT: "cases.limit.accept_minutes",
    Clock.SEND_VERIFY: "cases.limit.send_verify_minutes",
    Clock.VERIFY: "cases.limit.verify_minutes",
    Clock.FILING: "cases.limit.filing_minutes",
    Clock.DISPATCH: "cases.limit.dispatch_minutes",
    Clock.PASS_ON: "cases.limit.pass_on_minutes",
    Clock.SEND_CHECK: "cases.limit.send_check_minutes",
    Clock.CHECK: "cases.limit.check_minutes",
    Clock.CLOSE: "cases.limit.close_minutes",
}
AFTER_HANDLING = (Clock.PASS_ON, Clock.SEND_CHECK, Clock.CHECK, Clock.CLOSE)
COMMAND_CLOCKS = (Clock.DISPATCH, Clock.PASS_ON)
HOLDER_SIDE = {Clock.HANDLING: "department", Clock.DISPATCH: "command", Clock.PASS_ON: "command"}


def stage_minutes(clock: Clock, case: Case, at: datetime) -> int:
    """Return the minutes that a desk or a collector has."""
    return office_settings.get(STAGE_LIMIT_SETTINGS[clock], on=timezone.localdate(at), area_code=case.area_code)


def _limit(clock: Clock, case: Case, at: datetime) -> tuple[Decimal | None, str]:
    if clock is Clock.OVERALL:
        return None, ""
    if clock is Clock.HANDLING:
        return case.limit_value, case.limit_unit
    return Decimal(stage_minutes(clock, case, at)) / 60, str(Unit.CONTINUOUS_HOUR)


@dataclass
class Turn:
    """One turning of a case's clocks at one instant. Fill the wishes, then `run()`."""

    case: Case
    at: datetime
    recorded_at: datetime
    sequence: int
    stints: list[HandlingStint]
    tasks: list[FieldTask]
    is_new: bool = False  # a report just taken in: there are no clocks to read
    waiting_counts: bool = False
    restart: set[int] = field(default_factory=set)  # stints that come back after a return: the clock resumes from now
    extend: dict[int, int] = field(default_factory=dict)  # stint id → work seconds granted
    entries: list[ClockEntry] = field(default_factory=list)
    told_anew: set[int] = field(default_factory=set)  # clocks that ring anew, whatever the sweep noted meanwhile

    def run(self, batch: Batch) -> None:
        """Start, pause, resume, extend and stop what the stages ask for; project it on case, stints and tasks.

        What changes is put into the batch.
        """
        self.clocks = [] if self.is_new else list(StageClock.objects.filter(case=self.case).order_by("id"))
        new: list[StageClock] = []
        wanted = self._wanted()
        before = {clock.pk: _fingerprint(clock) for clock in self.clocks}
        for clock in self.clocks:
            if clock.state != StageClock.State.STOPPED and self._key(clock) not in wanted:
                self._stop(clock)
        for key, (name, paused) in wanted.items():
            clock = self._find(key)
            if clock is None:
                clock = self._start(name, key)
                new.append(clock)
            self._bring_to(clock, paused=paused)
        for clock in self.clocks:
            if (
                clock.stint_id in self.extend
                and clock.name == Clock.HANDLING
                and clock.state != StageClock.State.STOPPED
            ):
                self._extend(clock, self.extend[clock.stint_id])
        self._overall([*self.clocks, *new])
        for clock in self.clocks:
            names = [name for name, was in zip(_MUTABLE, before[clock.pk], strict=True) if getattr(clock, name) != was]
            if clock.pk in self.told_anew and "told_level" not in names:
                names.append("told_level")
            batch.update(clock, names)
        started = batch.insert(new, returning=("id", "name", "stint_id", "task_id"))
        for entry in self.entries:
            entry.clock_id = entry.clock.pk or _key_of_new(entry.clock, started)
        batch.insert(self.entries)
        self.clocks += new
        self._project()

    # what should run

    def _wanted(self) -> dict[tuple, tuple[Clock, bool]]:
        wanted: dict[tuple, tuple[Clock, bool]] = {}
        if self.case.stage not in workflow.FINAL:
            wanted[("case", 0, Clock.OVERALL)] = (Clock.OVERALL, False)
            name = workflow.RUNNING.get((Subject.CASE, Stage(self.case.stage)))
            if name:
                wanted[("case", 0, name)] = (name, False)
            for stint in self.stints:
                stage = StintStage(stint.stage)
                name = workflow.RUNNING.get((Subject.STINT, stage)) or workflow.PAUSED.get((Subject.STINT, stage))
                if name:
                    wanted[("stint", stint.pk, name)] = (name, (Subject.STINT, stage) in workflow.PAUSED)
            for task in self.tasks:
                if task.stage == TaskStage.SENT:
                    name = workflow.RUNNING[(Subject.TASK, task.kind)]
                    wanted[("task", task.pk, name)] = (name, False)
        return wanted

    def _key(self, clock: StageClock) -> tuple:
        if clock.stint_id:
            return ("stint", clock.stint_id, clock.name)
        if clock.task_id:
            return ("task", clock.task_id, clock.name)
        return ("case", 0, clock.name)

    def _find(self, key: tuple) -> StageClock | None:
        """Return the clock to go on with: the open one, or for handling and the whole case the one of before."""
        mine = [clock for clock in self.clocks if self._key(clock) == key]
        for clock in mine:
            if clock.state != StageClock.State.STOPPED:
                return clock
        if mine and key[2] in (Clock.HANDLING, Clock.OVERALL):
            return mine[-1]
        return None

    # what is done to a clock

    def _start(self, name: Clock, key: tuple) -> StageClock:
        value, unit = _limit(name, self.case, self.at)
        clock = StageClock(
            case=self.case,
            stint_id=key[1] if key[0] == "stint" else None,
            task_id=key[1] if key[0] == "task" else None,
            name=name,
            state=StageClock.State.RUNNING,
            limit_value=value,
            limit_unit=unit,
            schedule_version=calendar_version(),
            started_at=self.at,
            running_since=self.at,
        )
        clock.holder_department_id, clock.holder_user_id = self._holder(clock)
        self._count(clock)
        self._note(clock, ClockEntry.Kind.START, before=None)
        return clock

    def _bring_to(self, clock: StageClock, *, paused: bool) -> None:
        if clock.state == StageClock.State.STOPPED:
            self._reopen(clock)
        if paused and clock.state == StageClock.State.RUNNING:
            self._pause(clock)
        elif not paused and clock.state == StageClock.State.PAUSED:
            self._resume(clock)

    def _pause(self, clock: StageClock) -> None:
        clock.used_seconds = used_now(clock, self.at)
        clock.state, clock.paused_at, clock.next_look_at = StageClock.State.PAUSED, self.at, None
        stint = self._stint(clock)
        if stint is not None and stint.stage == StintStage.SUSPENDED:
            clock.resume_at = clock.next_look_at = stint.suspended_until
        self._note(clock, ClockEntry.Kind.PAUSE, before=clock.due_at)

    def _resume(self, clock: StageClock) -> None:
        before = clock.due_at
        if self.waiting_counts:  # the pause is taken back: running since it began, so the old deadline stands
            clock.running_since = clock.paused_at
        else:
            clock.running_since = self.at
        clock.state, clock.paused_at, clock.resume_at = StageClock.State.RUNNING, None, None
        self._count(clock)
        self._note(clock, ClockEntry.Kind.RESUME, before=before)

    def _reopen(self, clock: StageClock) -> None:
        """Let a stopped clock run on: after a return from now with what was left, otherwise to its old deadline."""
        before = clock.due_at
        clock.running_since = self.at if clock.stint_id in self.restart else clock.stopped_at
        clock.state, clock.stopped_at, clock.told_level = StageClock.State.RUNNING, None, 0
        clock.rounds += 1
        self.told_anew.add(clock.pk)
        self._count(clock)
        self._note(clock, ClockEntry.Kind.REOPEN, before=before)

    def _extend(self, clock: StageClock, seconds: int) -> None:
        if clock.state != StageClock.State.RUNNING:
            raise ValueError("a clock that stands still is extended by resuming it first")
        before = clock.due_at
        clock.extra_seconds += seconds
        clock.told_level = STARTED  # it is no news that it is there
        self.told_anew.add(clock.pk)
        self._count(clock)
        self._note(clock, ClockEntry.Kind.EXTEND, before=before)

    def _stop(self, clock: StageClock) -> None:
        if clock.state == StageClock.State.RUNNING:
            clock.used_seconds = used_now(clock, self.at)
        clock.state, clock.stopped_at = StageClock.State.STOPPED, self.at
        clock.paused_at = clock.resume_at = clock.next_look_at = None
        self._note(clock, ClockEntry.Kind.STOP, before=clock.due_at)

    def _count(self, clock: StageClock) -> None:
        """Set deadline, yellow point and next look from what is left of the limit."""
        if clock.limit_value is None:
            return
        share = office_settings.get(
            "cases.lamp.yellow_share", on=timezone.localdate(self.at), area_code=self.case.area_code
        )
        unit, total = Unit(clock.limit_unit), total_seconds(clock)
        since = clock.running_since
        due = time_limits.add(since, max(0, total - clock.used_seconds), unit, calendar())
        yellow = time_limits.add(since, max(0, int(total * Decimal(str(share))) - clock.used_seconds), unit, calendar())
        clock.due_at, clock.yellow_at, clock.is_provisional = due.at, min(yellow.at, due.at), due.provisional
        clock.next_look_at = next_look(clock, self.case, at=self.at)

    def _overall(self, clocks: list[StageClock]) -> None:
        """The whole case is due when handling is due plus what the desks after it may take."""
        dues = [clock.due_at for clock in clocks if clock.name == Clock.HANDLING and clock.due_at]
        overall = next((clock for clock in clocks if clock.name == Clock.OVERALL), None)
        if not dues or overall is None or overall.state == StageClock.State.STOPPED:
            return
        due = max(dues) + timedelta(minutes=sum(stage_minutes(clock, self.case, self.at) for clock in AFTER_HANDLING))
        if due != overall.due_at:
            before, overall.due_at = overall.due_at, due
            self._note(overall, ClockEntry.Kind.RECOMPUTE, before=before)

    def _note(self, clock: StageClock, kind: str, *, before: datetime | None) -> None:
        self.entries.append(
            ClockEntry(
                clock=clock,
                case=self.case,
                kind=kind,
                at=self.at,
                recorded_at=self.recorded_at,
                due_before=before,
                due_after=clock.due_at,
                used_seconds=clock.used_seconds,
                event_sequence=self.sequence,
            )
        )

    # who holds it

    def _stint(self, clock: StageClock) -> HandlingStint | None:
        return next((stint for stint in self.stints if stint.pk == clock.stint_id), None)

    def _holder(self, clock: StageClock) -> tuple[int | None, int | None]:
        if clock.task_id:
            task = next(task for task in self.tasks if task.pk == clock.task_id)
            return self.case.supervision_centre_id, task.collector_id
        if clock.name == Clock.HANDLING:
            return self._stint(clock).department_id, None
        if clock.name in COMMAND_CLOCKS:
            return self.case.command_centre_id, None
        return self.case.supervision_centre_id, None

    def _project(self) -> None:
        """Copy the clock that matters now to the case, and each handling and task clock's deadline to its subject."""
        open_clocks = [c for c in self.clocks if c.state != StageClock.State.STOPPED and c.name != Clock.OVERALL]
        running = [clock for clock in open_clocks if clock.state == StageClock.State.RUNNING]
        lamp = min(running or open_clocks, key=_pressing, default=None)
        case = self.case
        case.clock = lamp.name if lamp else ""
        case.clock_started_at = lamp.started_at if lamp else None
        case.yellow_at = lamp.yellow_at if lamp else None
        case.due_at = lamp.due_at if lamp else None
        case.clock_paused = bool(lamp) and lamp.state == StageClock.State.PAUSED
        case.holder_side = HOLDER_SIDE.get(lamp.name, "supervision") if lamp else ""
        case.holder_department_id = lamp.holder_department_id if lamp else None
        case.holder_user_id = lamp.holder_user_id if lamp else None
        tasks = {task.pk: task for task in self.tasks}
        for clock in self.clocks:
            if clock.name == Clock.HANDLING and (stint := self._stint(clock)) is not None:
                stint.due_at = clock.due_at
            elif clock.task_id in tasks:
                tasks[clock.task_id].due_at = clock.due_at


_MUTABLE = [
    "state", "used_seconds", "extra_seconds", "running_since", "due_at", "yellow_at", "paused_at", "resume_at",
    "stopped_at", "next_look_at", "told_level", "rounds", "is_provisional",
]  # fmt: skip


def _key_of_new(clock: StageClock, started: str) -> RawSQL:
    """Return the key that a clock gets in this very statement: one clock of a name for the case, a stint or a task."""
    return RawSQL(
        f"(SELECT id FROM {started} WHERE name = %s"
        " AND stint_id IS NOT DISTINCT FROM %s AND task_id IS NOT DISTINCT FROM %s)",
        [str(clock.name), clock.stint_id, clock.task_id],
    )


def _pressing(clock: StageClock) -> tuple:
    """Order clocks by their deadline; one without a limit presses least, of two the older one."""
    return clock.due_at is None, clock.due_at or clock.started_at, clock.pk is None, clock.pk or 0


def _fingerprint(clock: StageClock) -> tuple:
    return tuple(getattr(clock, name) for name in _MUTABLE)


def total_seconds(clock: StageClock) -> int:
    """Return the work seconds of a clock's limit with everything granted on top."""
    limit = Limit(clock.limit_value, Unit(clock.limit_unit))
    return time_limits.limit_seconds(limit, calendar(), on=clock.started_at) + clock.extra_seconds


def used_now(clock: StageClock, at: datetime) -> int:
    """Return the work seconds used up to an instant; a paused or stopped clock has used what it had used."""
    if clock.state != StageClock.State.RUNNING or clock.limit_value is None:
        return clock.used_seconds
    since = clock.running_since
    return clock.used_seconds + time_limits.used_seconds(since, max(at, since), Unit(clock.limit_unit), calendar())


def next_look(clock: StageClock, case: Case, *, at: datetime) -> datetime | None:
    """Return when the sweep must look at a running clock again: at the next point of its chain, if there is one."""
    if clock.due_at is None or clock.name == Clock.OVERALL:
        return None
    points = chains.points_of(clock, case, at=at)
    return next((instant_of(clock, point) for point in points if point.level > clock.told_level), None)


def instant_of(clock: StageClock, point: Point) -> datetime:
    """Return when a running clock reaches a point of its chain, if nothing is done."""
    if point.is_lamp:
        return clock.yellow_at
    if point.level == DUE:
        return clock.due_at
    left = point.seconds(total_seconds(clock)) - clock.used_seconds
    return time_limits.add(clock.running_since, max(0, left), Unit(clock.limit_unit), calendar()).at


@dataclass(frozen=True)
class Explained:
    """A clock and how its limit was used up: one line for each stretch that counted, the entries beside them."""

    clock: StageClock
    entries: list[ClockEntry]
    lines: list[time_limits.Line]
    total_seconds: int


def explain(clock: StageClock) -> Explained:
    """Return how a clock's deadline came about. A clock without a limit has no lines."""
    entries = list(clock.entries.all())
    if clock.limit_value is None:
        return Explained(clock, entries, [], 0)
    total = total_seconds(clock)
    lines = time_limits.explain(_stretches(entries), total, Unit(clock.limit_unit), calendar())
    return Explained(clock, entries, lines, total)


def _stretches(entries: list[ClockEntry]) -> list[tuple[datetime, datetime | None]]:
    """Return when the clock ran. A pause taken back, or a stop after which the old deadline stood, counts too."""
    stretches: list[tuple[datetime, datetime | None]] = []
    for entry in entries:
        if entry.kind in (ClockEntry.Kind.START, ClockEntry.Kind.RESUME, ClockEntry.Kind.REOPEN):
            if stretches and entry.due_before == entry.due_after:
                stretches[-1] = (stretches[-1][0], None)
            else:
                stretches.append((entry.at, None))
        elif entry.kind in (ClockEntry.Kind.PAUSE, ClockEntry.Kind.STOP) and stretches and stretches[-1][1] is None:
            stretches[-1] = (stretches[-1][0], entry.at)
    return stretches
