"""Clocks follow stages: compare what should run (workflow.RUNNING, PAUSED) with what does, and write the difference.

One pass per move, constant queries: read the case's clocks, update them in one statement, create new ones and their
entries in one statement each. Deadlines are counted by `cases.time_limits`; nothing here adds minutes by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases import calendars, chains, escalation, time_limits, workflow
from cases.calendars import Stretch
from cases.escalation import DUE, STARTED, Point
from cases.models import Case, ClockEntry, FieldTask, HandlingStint, StageClock
from cases.time_limits import Limit, Unit
from cases.work_calendar import Span, WorkCalendar
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


# — time left, in working time ————————————————————————————————————————————————————————————————————————

SHOWN_AHEAD = timedelta(days=3)  # so long a page may stay open and go on counting by itself


@dataclass(frozen=True)
class WorkingLeft:
    """Time left of a limit in working time: seconds (below 0: late), and where the deadline lies in which calendar."""

    seconds: int
    mark: int
    calendar: str
    day_seconds: int


Shown = TypeVar("Shown", bound=Iterable)


def show_working_time(rows: Shown, *, at: datetime) -> Shown:
    """Set `work` on cases and stints whose limit runs in working time: WorkingLeft, which stands still at night.

    Return the same rows.
    """
    for row in rows:
        is_stint = isinstance(row, HandlingStint)
        case = row.case if is_stint else row
        unit = (row.limit_unit or case.limit_unit) if is_stint else case.limit_unit
        if row.due_at is None or unit not in time_limits.WORKING or not (is_stint or case.clock == Clock.HANDLING):
            continue
        key, here = _counting(case.area_code, unit)
        mark = here.position(row.due_at)
        row.work = WorkingLeft(mark - here.position(at), mark, key, here.day_seconds(timezone.localdate(at)))
    return rows


def _counting(area_code: str, unit: str) -> tuple[str, WorkCalendar]:
    """Return the calendar by which a unit is counted at a place, and its name among those of `work_spans`."""
    known, is_planting = calendars.current(), unit == Unit.PLANTING_DAY
    own = max((area for area in known.areas if area_code.startswith(area)), key=len, default="")
    here = known.of(area_code)
    return (f"{own}~", here.planting) if is_planting and here.planting is not here else (own, here)


def work_spans(at: datetime) -> dict[str, dict]:
    """Return by name of calendar how a page counts on by itself: the working seconds at the first span, and the spans
    of yesterday and the next days, in seconds since 1970.
    """
    known, day = calendars.current(), timezone.localdate(at)
    found: dict[str, dict] = {}
    for area in {"", *known.areas}:
        here = known.of(area)
        for name, counting in ((area, here), (f"{area}~", here.planting)):
            if name.endswith("~") and counting is here:
                continue
            spans = counting.stretches(day - timedelta(days=1), day + SHOWN_AHEAD)
            base = counting.position(spans[0][0]) if spans else counting.position(at)
            found[name] = {"base": base, "spans": [[int(a.timestamp()), int(b.timestamp())] for a, b in spans]}
    return found


# Which setting holds the limit of a desk's or a collector's clock, in minutes on a continuous clock.
STAGE_LIMIT_SETTINGS: dict[Clock, str] = {
    Clock.ACCEPT: "cases.limit.accept_minutes",
    Clock.SEND_VERIFY: "cases.limit.send_verify_minutes",
    Clock.VERIFY: "cases.limit.verify_minutes",
    Clock.FILING: "cases.limit.filing_minutes",
    Clock.DISPATCH: "cases.limit.dispatch_minutes",
    Clock.DISPUTE: "cases.limit.dispute_minutes",
    Clock.PASS_ON: "cases.limit.pass_on_minutes",
    Clock.SEND_CHECK: "cases.limit.send_check_minutes",
    Clock.INSPECT: "cases.limit.inspect_minutes",
    Clock.CHECK: "cases.limit.check_minutes",
    Clock.CLOSE: "cases.limit.close_minutes",
}
AFTER_HANDLING = (Clock.PASS_ON, Clock.SEND_CHECK, Clock.CHECK, Clock.CLOSE)
COMMAND_CLOCKS = (Clock.DISPATCH, Clock.DISPUTE, Clock.PASS_ON)
HOLDER_SIDE = {Clock.HANDLING: "department", **{name: "command" for name in COMMAND_CLOCKS}}


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
    rework: bool = False  # the stints that go on were sent back because the result would not do
    restart: set[int] = field(default_factory=set)  # stints that come back after a return: the clock resumes from now
    extend: dict[int, int] = field(default_factory=dict)  # stint id → work seconds granted
    entries: list[ClockEntry] = field(default_factory=list)
    told_anew: set[int] = field(default_factory=set)  # clocks that ring anew, whatever the sweep noted meanwhile
    known: list[StageClock] | None = None  # the case's clocks, where somebody has read them already

    def run(self, batch: Batch) -> None:
        """Start, pause, resume, extend and stop what the stages ask for; project it on case, stints and tasks.

        What changes is put into the batch.
        """
        if self.known is not None:
            self.clocks = [*self.known]
        else:
            self.clocks = [] if self.is_new else list(StageClock.objects.filter(case=self.case).order_by("id"))
        new: list[StageClock] = []
        wanted = self._wanted()
        before = {clock.pk: _fingerprint(clock) for clock in self.clocks}
        self._catch_up(wanted)
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

    def _catch_up(self, wanted: dict[tuple, tuple[Clock, bool]]) -> None:
        """Let clocks that run, or will again, follow a calendar that changed since they were counted last."""
        version = calendar_version()
        going_on = [clock for key in wanted if (clock := self._find(key)) is not None]
        behind = [
            clock for clock in self.clocks
            if clock.schedule_version != version and clock.limit_unit in time_limits.WORKING
            and (clock.state != StageClock.State.STOPPED or clock in going_on)
        ]  # fmt: skip
        if not behind:
            return
        entries = _entries_of(behind)
        for clock in behind:
            _follow(clock, entries.get(clock.pk, []), self)

    # what is done to a clock

    def _start(self, name: Clock, key: tuple) -> StageClock:
        value, unit = _limit(name, self.case, self.at)
        own = next((s for s in self.stints if key[0] == "stint" and s.pk == key[1] and s.limit_value), None)
        if own is not None and name == Clock.HANDLING:  # a level below has a limit of its own
            value, unit = own.limit_value, own.limit_unit
        begins = self._begins(key)
        clock = StageClock(
            case=self.case,
            stint_id=key[1] if key[0] == "stint" else None,
            task_id=key[1] if key[0] == "task" else None,
            name=name,
            state=StageClock.State.RUNNING,
            limit_value=value,
            limit_unit=unit,
            schedule_version=calendar_version(),
            started_at=begins,
            running_since=begins,
        )
        clock.holder_department_id, clock.holder_user_id = self._holder(clock)
        self._count(clock)
        self._note(clock, ClockEntry.Kind.START, before=None)
        return clock

    def _begins(self, key: tuple) -> datetime:
        """Now; a task that has to wait for its hour of the day begins then."""
        waits = next((task.not_before for task in self.tasks if key[:2] == ("task", task.pk)), None)
        return max(self.at, waits) if waits else self.at

    def _bring_to(self, clock: StageClock, *, paused: bool) -> None:
        if clock.state == StageClock.State.STOPPED:
            self._reopen(clock)
        if paused and clock.state == StageClock.State.RUNNING:
            self._pause(clock)
        elif not paused and clock.state == StageClock.State.PAUSED:
            self._resume(clock)

    def _pause(self, clock: StageClock) -> None:
        clock.used_seconds = used_now(clock, self.at, calendar(self.case.area_code))
        clock.state, clock.paused_at, clock.next_look_at = StageClock.State.PAUSED, self.at, None
        stint = self._stint(clock)
        if stint is not None and stint.stage == StintStage.SUSPENDED:
            clock.resume_at = clock.next_look_at = stint.suspended_until
        self._note(clock, ClockEntry.Kind.PAUSE, before=clock.due_at)

    def _resume(self, clock: StageClock) -> None:
        before, note = clock.due_at, FROM_NOW
        clock.running_since = self.at
        if self.waiting_counts:  # the pause is taken back: running since it began, so the old deadline stands
            clock.running_since, note = clock.paused_at, COUNTS
        clock.state, clock.paused_at, clock.resume_at = StageClock.State.RUNNING, None, None
        self._count(clock)
        self._note(clock, ClockEntry.Kind.RESUME, before=before, note=note)

    def _reopen(self, clock: StageClock) -> None:
        """Let a stopped clock run on to its old deadline; after a return from now, with what was left of the limit.

        Sent back for rework where the city gives a new limit for that, it has the whole limit again.
        """
        before, note = clock.due_at, COUNTS
        since = clock.stopped_at
        clock.state, clock.stopped_at, clock.told_level = StageClock.State.RUNNING, None, 0
        if clock.stint_id in self.restart:
            since, note = self.at, FROM_NOW
        elif self.rework and clock.name == Clock.HANDLING and rework_clock(self.case, self.at) == NEW_LIMIT:
            since, note = self.at, NEW_LIMIT
            clock.earlier_seconds, clock.limit_began_at, clock.extra_seconds = clock.used_seconds, self.at, 0
        clock.running_since = since
        clock.rounds += 1
        self.told_anew.add(clock.pk)
        self._count(clock)
        self._note(clock, ClockEntry.Kind.REOPEN, before=before, note=note)

    def _extend(self, clock: StageClock, seconds: int) -> None:
        """Grant so much more, on top of the present deadline; one that stands still keeps it for when it goes on."""
        if clock.due_at is None:
            return
        before = clock.due_at
        clock.extra_seconds += seconds
        clock.told_level = STARTED  # it is no news that it is there
        self.told_anew.add(clock.pk)
        self._count(clock)
        due = time_limits.add(before, seconds, Unit(clock.limit_unit), calendar(self.case.area_code))
        clock.due_at, clock.is_provisional = due.at, due.provisional
        if clock.state == StageClock.State.RUNNING:
            clock.next_look_at = next_look(clock, self.case, at=self.at)
        self._note(clock, ClockEntry.Kind.EXTEND, before=before, note=str(seconds))

    def _stop(self, clock: StageClock) -> None:
        if clock.state == StageClock.State.RUNNING:
            clock.used_seconds = used_now(clock, self.at, calendar(self.case.area_code))
        clock.state, clock.stopped_at = StageClock.State.STOPPED, max(self.at, clock.started_at)
        clock.paused_at = clock.resume_at = clock.next_look_at = None
        self._note(clock, ClockEntry.Kind.STOP, before=clock.due_at)

    def _count(self, clock: StageClock) -> None:
        """Set deadline, yellow point and next look from what is left of the limit.

        A deadline that had passed already when the clock stood still stays where it was.
        """
        if clock.limit_value is None:
            return
        here, unit = calendar(self.case.area_code), Unit(clock.limit_unit)
        since, used, total = clock.running_since, clock.used_seconds, total_seconds(clock, here)
        if clock.state == StageClock.State.PAUSED:
            since = clock.paused_at
        earlier, share = clock.earlier_seconds, yellow_share(clock.name, self.case, self.at)
        yellow = earlier + int((total - earlier) * share)
        if used <= total or clock.due_at is None:
            due = time_limits.add(since, max(0, total - used), unit, here)
            clock.due_at, clock.is_provisional = due.at, due.provisional
        if used <= yellow or clock.yellow_at is None:
            clock.yellow_at = time_limits.add(since, max(0, yellow - used), unit, here).at
        clock.yellow_at = min(clock.yellow_at, clock.due_at)
        if clock.state == StageClock.State.RUNNING:
            clock.next_look_at = next_look(clock, self.case, at=self.at)

    def _overall(self, clocks: list[StageClock]) -> None:
        """The whole case is due when handling is due plus what the desks after it may take."""
        below = {stint.pk for stint in self.stints if stint.parent_id}
        dues = [c.due_at for c in clocks if c.name == Clock.HANDLING and c.due_at and c.stint_id not in below]
        overall = next((clock for clock in clocks if clock.name == Clock.OVERALL), None)
        if not dues or overall is None or overall.state == StageClock.State.STOPPED:
            return
        due = max(dues) + timedelta(minutes=sum(stage_minutes(clock, self.case, self.at) for clock in AFTER_HANDLING))
        if due != overall.due_at:
            before, overall.due_at = overall.due_at, due
            self._note(overall, ClockEntry.Kind.RECOMPUTE, before=before)

    def _note(self, clock: StageClock, kind: str, *, before: datetime | None, note: str = "") -> None:
        self.entries.append(
            ClockEntry(
                clock=clock,
                case=self.case,
                kind=kind,
                at=max(self.at, clock.started_at),
                recorded_at=self.recorded_at,
                due_before=before,
                due_after=clock.due_at,
                used_seconds=clock.used_seconds,
                event_sequence=self.sequence,
                note=note,
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
        if clock.name == Clock.SEND_CHECK:
            return self.case.checking_centre_id or self.case.supervision_centre_id, None
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
    "stopped_at", "next_look_at", "told_level", "rounds", "is_provisional", "earlier_seconds", "limit_began_at",
    "schedule_version",
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


def total_seconds(clock: StageClock, here: WorkCalendar) -> int:
    """Return the work seconds after which a clock is due: its limit, what was granted, and rounds of earlier limits."""
    limit = Limit(clock.limit_value, Unit(clock.limit_unit))
    seconds = time_limits.limit_seconds(limit, here, on=clock.limit_began_at or clock.started_at)
    return clock.earlier_seconds + seconds + clock.extra_seconds


def used_now(clock: StageClock, at: datetime, here: WorkCalendar) -> int:
    """Return the work seconds used up to an instant; a paused or stopped clock has used what it had used."""
    if clock.state != StageClock.State.RUNNING or clock.limit_value is None:
        return clock.used_seconds
    since = clock.running_since
    return clock.used_seconds + time_limits.used_seconds(since, max(at, since), Unit(clock.limit_unit), here)


def rework_clock(case: Case, at: datetime) -> str:
    """Return what a department gets that must do it again: "same" (the old deadline) or "new_limit"."""
    return office_settings.get("cases.rework_clock", on=timezone.localdate(at), area_code=case.area_code)


def yellow_share(name: str, case: Case, at: datetime) -> Decimal:
    """Return the share of the work time after which a clock shows yellow: of the class, of the clock, or the city's."""
    day = timezone.localdate(at)
    for said in office_settings.get("cases.lamp.yellow_shares", on=day, area_code=case.area_code):
        of, _is, share = said.partition("=")
        if of in (name, case.minor_class.code):
            return Decimal(share)
    return Decimal(str(office_settings.get("cases.lamp.yellow_share", on=day, area_code=case.area_code)))


def next_look(clock: StageClock, case: Case, *, at: datetime) -> datetime | None:
    """Return when the sweep must look at a running clock again: at the next point of its chain, if there is one."""
    if clock.due_at is None or clock.name == Clock.OVERALL:
        return None
    points = points_of(clock, case, at=at)
    return next((instant_of(clock, point, case) for point in points if point.level > clock.told_level), None)


def points_of(clock: StageClock, case: Case, *, at: datetime) -> list[Point]:
    """Return the points at which a clock rings, in order. The lamp's level is that of the share it began with."""
    percent = int(yellow_share(clock.name, case, clock.started_at) * 100)
    return escalation.points(chains.steps_for(case, clock.name, at=at), yellow_percent=percent)


def instant_of(clock: StageClock, point: Point, case: Case) -> datetime:
    """Return when a running clock reaches a point of its chain, if nothing is done."""
    if point.is_lamp:
        return clock.yellow_at
    if point.level == DUE:
        return clock.due_at
    here, earlier = calendar(case.area_code), clock.earlier_seconds
    left = earlier + point.seconds(total_seconds(clock, here) - earlier) - clock.used_seconds
    return time_limits.add(clock.running_since, max(0, left), Unit(clock.limit_unit), here).at


# — what a clock says of itself —————————————————————————————————————————————————————————————————————

# What a resumption or a reopening notes: does the time of standing still count, and is there a new limit?
COUNTS, FROM_NOW, NEW_LIMIT = "counts", "from_now", "new_limit"


@dataclass(frozen=True)
class Row:
    """One line of an explanation: time that counted (`is_ahead`: will count), or what happened at an instant.

    `kind`: work or a key of HAPPENED. `spans` are the working hours of the day.
    """

    kind: str
    begins: datetime
    ends: datetime | None = None
    used_seconds: int = 0
    left_seconds: int = 0
    is_ahead: bool = False
    spans: tuple[Span, ...] = ()
    is_make_up: bool = False
    days: int = 1
    seconds: int = 0  # granted
    due_before: datetime | None = None
    due_after: datetime | None = None

    @property
    def words(self) -> str:
        """What happened, or by which hours the time counts."""
        if self.kind != "work":
            return str(HAPPENED[self.kind])
        if self.days > 1:
            return ngettext("%(n)s day", "%(n)s days", self.days) % {"n": self.days}
        hours = " ".join(f"{_clock(span.opens)}–{_clock(span.closes)}" for span in self.spans) or _("day and night")
        return f"{hours} · {_('make-up working day')}" if self.is_make_up else hours


HAPPENED = {
    "pause": gettext_lazy("Stands still"),
    "resume_from_now": gettext_lazy("Goes on with what was left"),
    "resume_counts": gettext_lazy("Goes on; the waiting counts after all"),
    "extend": gettext_lazy("Extension granted"),
    "recompute": gettext_lazy("Counted anew: the calendar has changed"),
    "reopen_from_now": gettext_lazy("Sent again: goes on with what was left"),
    "reopen_counts": gettext_lazy("Came back: the old deadline stands"),
    "new_limit": gettext_lazy("To be done again, with a new limit"),
    "stop": gettext_lazy("Stopped"),
}


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"


@dataclass(frozen=True)
class Timing:
    """Time used, in seconds of the limit's own unit: in the last round alone 单次, and in all rounds together 捆绑.

    `factor` is used ÷ limit by whichever the city judges by; None without a limit.
    """

    single_seconds: int
    bundled_seconds: int
    factor: Decimal | None


@dataclass(frozen=True)
class Explained:
    """A clock and how its limit was used up, line by line; `limit_seconds` with everything granted on top."""

    clock: StageClock
    entries: list[ClockEntry]
    rows: list[Row]
    limit_seconds: int
    used_seconds: int
    left_seconds: int
    timing: Timing

    @property
    def shown(self) -> list[Row]:
        """The lines for a page: long ones week by week."""
        return folded(self.rows)


def explain(clock: StageClock, *, case: Case, at: datetime) -> Explained:
    """Return how a clock's deadline came about, by the calendar that it was counted with. Without a limit: no lines."""
    entries = list(clock.entries.all())
    if clock.limit_value is None:
        return Explained(clock, entries, [], 0, 0, 0, Timing(0, 0, None))
    here, unit = calendars.of_version(clock.schedule_version).of(case.area_code), Unit(clock.limit_unit)
    account = _Account(unit, here, time_limits.limit_seconds(
        Limit(clock.limit_value, unit), here, on=clock.started_at))  # fmt: skip
    for entry in entries:
        account.take(entry, clock)
    account.finish(clock, at)
    used, rounds = sum(row.used_seconds for row in account.rows if not row.is_ahead), _rounds(entries, unit, here, at)
    return Explained(
        clock, entries, account.rows, total_seconds(clock, here) - clock.earlier_seconds, used,
        total_seconds(clock, here) - used, _timing(clock, rounds, here, case=case, at=at),
    )  # fmt: skip


@dataclass
class _Account:
    """The lines of a clock, kept as its entries are read one after the other."""

    unit: Unit
    here: WorkCalendar
    left: int
    rows: list[Row] = field(default_factory=list)
    since: datetime | None = None  # runs since
    stopped: datetime | None = None  # stands still since

    def take(self, entry: ClockEntry, clock: StageClock) -> None:
        kind = ClockEntry.Kind(entry.kind)
        if self.since is not None and entry.at > self.since:
            self.work(self.since, entry.at)
            self.since = entry.at
        if kind in (ClockEntry.Kind.PAUSE, ClockEntry.Kind.STOP):
            self.since, self.stopped = None, entry.at
        elif kind == ClockEntry.Kind.START:
            self.since = entry.at
        elif kind in (ClockEntry.Kind.RESUME, ClockEntry.Kind.REOPEN):
            if entry.note == COUNTS and self.stopped is not None and self.stopped < entry.at:
                self.work(self.stopped, entry.at)
            self.since = entry.at
        granted = 0
        if kind == ClockEntry.Kind.EXTEND:
            granted = int(entry.note)
            self.left += granted
        elif entry.note == NEW_LIMIT:
            limit = Limit(clock.limit_value, self.unit)
            self.left = granted = time_limits.limit_seconds(limit, self.here, on=entry.at)
        said = str(kind)
        if kind in (ClockEntry.Kind.RESUME, ClockEntry.Kind.REOPEN):
            said = entry.note if entry.note == NEW_LIMIT else f"{kind}_{entry.note}"
        if kind != ClockEntry.Kind.START:
            self.rows.append(
                Row(
                    said,
                    entry.at,
                    left_seconds=self.left,
                    seconds=granted,
                    due_before=entry.due_before,
                    due_after=entry.due_after,
                )
            )

    def work(self, begins: datetime, ends: datetime, *, is_ahead: bool = False) -> None:
        """Add a line for each span worked between two instants."""
        for line in time_limits.explain([(begins, ends)], self.left, self.unit, self.here):
            self.left = line.left_seconds
            day, working = line.begins.date(), self.unit in time_limits.WORKING
            self.rows.append(
                Row(
                    "work",
                    line.begins,
                    line.ends,
                    line.used_seconds,
                    line.left_seconds,
                    is_ahead,
                    self.here.spans(day) if working else (),
                    working and day in self.here.make_up_days,
                )
            )

    def finish(self, clock: StageClock, at: datetime) -> None:
        """Add what a running clock has used since, and how the rest will be used up."""
        if self.since is None:
            return
        now = max(at, self.since)
        self.work(self.since, now)
        if self.left > 0:
            self.work(now, time_limits.add(now, self.left, self.unit, self.here).at, is_ahead=True)


def folded(rows: list[Row], *, at_most: int = 40) -> list[Row]:
    """Return the lines of work week by week where there are more than so many; the sums stay the same."""
    if len(rows) <= at_most:
        return rows
    kept: list[Row] = []
    for row in rows:
        last = kept[-1] if kept else None
        same_week = last is not None and last.begins.isocalendar()[:2] == row.begins.isocalendar()[:2]
        if last is not None and same_week and last.kind == row.kind == "work" and last.is_ahead == row.is_ahead:
            days = last.days + (last.ends.date() != row.begins.date())
            kept[-1] = replace(
                last, ends=row.ends, used_seconds=last.used_seconds + row.used_seconds, left_seconds=row.left_seconds,
                days=days, is_make_up=last.is_make_up or row.is_make_up,
            )  # fmt: skip
        else:
            kept.append(row)
    return kept


def _rounds(entries: list[ClockEntry], unit: Unit, here: WorkCalendar, at: datetime) -> list[int]:
    """Return the time used in each round; what the case spent at the centre between two rounds is in none of them."""
    rounds: list[int] = []
    since = paused = None
    for entry in entries:
        if entry.kind in (ClockEntry.Kind.START, ClockEntry.Kind.REOPEN):
            rounds.append(0)
            since = entry.at
        elif entry.kind == ClockEntry.Kind.RESUME:
            since = paused if entry.note == COUNTS else entry.at
        elif entry.kind in (ClockEntry.Kind.PAUSE, ClockEntry.Kind.STOP) and since is not None:
            rounds[-1] += time_limits.used_seconds(since, entry.at, unit, here)
            since, paused = None, entry.at
    if since is not None:
        rounds[-1] += time_limits.used_seconds(since, at, unit, here)
    return rounds


def _timing(clock: StageClock, rounds: list[int], here: WorkCalendar, *, case: Case, at: datetime) -> Timing:
    judged_by = office_settings.get("cases.timing", on=timezone.localdate(at), area_code=case.area_code)
    used = rounds[-1] if judged_by == "single" else sum(rounds)
    limit = total_seconds(clock, here) - clock.earlier_seconds
    return Timing(rounds[-1], sum(rounds), time_limits.overdue_factor(used, limit))


def _entries_of(found: Iterable[StageClock]) -> dict[int, list[ClockEntry]]:
    entries: dict[int, list[ClockEntry]] = {}
    for entry in ClockEntry.objects.filter(clock__in=[clock.pk for clock in found]).order_by("id"):
        entries.setdefault(entry.clock_id, []).append(entry)
    return entries


def stretches_of_clock(entries: list[ClockEntry]) -> list[tuple[datetime, datetime | None]]:
    """Return when the clock ran. A pause taken back, or a stop after which the old deadline stood, counts too."""
    stretches: list[tuple[datetime, datetime | None]] = []
    stopped: datetime | None = None
    for entry in entries:
        if entry.kind in (ClockEntry.Kind.PAUSE, ClockEntry.Kind.STOP):
            stopped = entry.at
            if stretches and stretches[-1][1] is None:
                stretches[-1] = (stretches[-1][0], entry.at)
        elif entry.kind in (ClockEntry.Kind.START, ClockEntry.Kind.RESUME, ClockEntry.Kind.REOPEN):
            stretches.append((stopped if entry.note == COUNTS and stopped else entry.at, None))
    return stretches


# — when the calendar changes ———————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Recount:
    """What an open clock comes to under some calendar."""

    used_seconds: int
    earlier_seconds: int
    due_at: datetime
    yellow_at: datetime
    is_provisional: bool


def recounted(clock: StageClock, entries: list[ClockEntry], now: WorkCalendar, *, share: Decimal) -> Recount:
    """Count an open clock with a limit anew from the beginning, by what its entries say happened to it."""
    unit, stretches = Unit(clock.limit_unit), stretches_of_clock(entries)
    until = clock.stopped_at or clock.paused_at or clock.running_since
    used = sum(time_limits.used_seconds(begins, min(ends or until, until), unit, now) for begins, ends in stretches)
    earlier, began = 0, clock.started_at
    if clock.limit_began_at is not None:  # the present limit is not the first one
        began = clock.limit_began_at
        past = [(begins, ends) for begins, ends in stretches if begins < began]
        earlier = sum(time_limits.used_seconds(begins, ends or until, unit, now) for begins, ends in past)
        stretches = stretches[len(past) :]
    limit = time_limits.limit_seconds(Limit(clock.limit_value, unit), now, on=began) + clock.extra_seconds
    due = time_limits.runs_out(stretches, limit, unit, now)
    yellow = time_limits.runs_out(stretches, int(limit * share), unit, now)
    return Recount(used, earlier, due.at, min(yellow.at, due.at), due.provisional)


def behind(changed: Iterable[Stretch], *, at: datetime, version: str) -> Q:
    """Return the condition on open clocks that may count otherwise since these days changed, and have not followed yet.

    A clock is touched by a day only if it began before the day was over and was not due before it; time that a clock
    has used up already matters where days of the past were changed.
    """
    hulls: dict[str, tuple[date, date]] = {}
    for area_code, first, last in changed:
        known = hulls.get(area_code, (first, last))
        hulls[area_code] = min(first, known[0]), max(last, known[1])
    touched = Q(pk__in=[])
    for area_code, (first, last) in hulls.items():
        begins, ends = _midnight(first), _midnight(last + timedelta(days=1))
        reaches = Q(due_at__gte=begins)
        if begins <= at:
            reaches |= Q(paused_at__gte=begins) | Q(used_seconds__gt=0, running_since__gte=begins)
        here = Q(case__area_code__startswith=area_code) if area_code else Q()
        touched |= reaches & Q(started_at__lt=ends) & here
    in_work_time = Q(limit_unit__in=[str(unit) for unit in sorted(time_limits.WORKING)])
    return in_work_time & ~Q(state=StageClock.State.STOPPED) & ~Q(schedule_version=version) & touched


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=timezone.get_default_timezone())


LOOKED_AT = 1_000  # clocks that a preview counts anew


@dataclass(frozen=True)
class Movement:
    """What another calendar would do to the clocks that are open: how many it touches, how those looked at move."""

    touched: int
    looked_at: int
    later: int
    earlier: int
    latest: timedelta
    earliest: timedelta


def would_move(after: calendars.Calendars, *, at: datetime) -> Movement:
    """Return what putting this calendar in force would do; nothing is written. Counts at most LOOKED_AT clocks anew."""
    changed = calendars.differences(calendars.current(), after)
    touched = StageClock.objects.filter(behind(changed, at=at, version=after.version))
    looked_at = list(touched.select_related("case").defer("case__search").order_by("due_at")[:LOOKED_AT])
    entries, moves = _entries_of(looked_at), []
    for clock in looked_at:
        there = recounted(clock, entries.get(clock.pk, []), after.of(clock.case.area_code), share=Decimal(1))
        moves.append(there.due_at - clock.due_at)
    nothing = timedelta(0)
    return Movement(
        touched.count(), len(looked_at), sum(move > nothing for move in moves), sum(move < nothing for move in moves),
        max(moves, default=nothing), min(moves, default=nothing),
    )  # fmt: skip


def follow_calendar(cases: list[Case], *, at: datetime, recorded_at: datetime) -> int:
    """Count the open clocks of these locked cases anew where they are behind; return how many deadlines moved.

    Writes clocks, entries with the old and the new deadline, and what shows them: case, stint, task. A constant number
    of queries. An alarm is told again only for a deadline that lies ahead.
    """
    ids = [case.pk for case in cases]
    rows: dict[str, dict[int, list]] = {}
    for name, found in (
        ("clocks", StageClock.objects.filter(case__in=ids).select_for_update(no_key=True, of=("self",)).order_by("id")),
        ("stints", HandlingStint.objects.filter(case__in=ids)),
        ("tasks", FieldTask.objects.filter(case__in=ids)),
    ):
        rows[name] = {}
        for row in found:
            rows[name].setdefault(row.case_id, []).append(row)
    entries = _entries_of(clock for of_case in rows["clocks"].values() for clock in of_case if _is_behind(clock))
    written = _Written()
    for case in cases:
        turn = Turn(case=case, at=at, recorded_at=recorded_at, sequence=case.event_count,
                    stints=rows["stints"].get(case.pk, []), tasks=rows["tasks"].get(case.pk, []))  # fmt: skip
        turn.clocks = rows["clocks"].get(case.pk, [])
        _recount_case(turn, entries, written)
    written.write()
    return written.moved


@dataclass
class _Written:
    """What a batch of recounted cases has to write."""

    clocks: list[StageClock] = field(default_factory=list)
    entries: list[ClockEntry] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    stints: list[HandlingStint] = field(default_factory=list)
    tasks: list[FieldTask] = field(default_factory=list)
    moved: int = 0

    def write(self) -> None:
        StageClock.objects.bulk_update(self.clocks, _MUTABLE)
        ClockEntry.objects.bulk_create(self.entries)
        for case in self.cases:
            case.version += 1
        Case.objects.bulk_update(self.cases, ["version", "yellow_at", "due_at"])
        HandlingStint.objects.bulk_update(self.stints, ["due_at"])
        FieldTask.objects.bulk_update(self.tasks, ["due_at"])


def _is_behind(clock: StageClock) -> bool:
    return (
        clock.state != StageClock.State.STOPPED
        and clock.limit_unit in time_limits.WORKING
        and clock.schedule_version != calendar_version()
    )


def _recount_case(turn: Turn, entries: dict[int, list[ClockEntry]], written: _Written) -> None:
    shown = {id(row): row.due_at for row in (*turn.stints, *turn.tasks)}
    before = {clock.pk: _fingerprint(clock) for clock in turn.clocks}
    moved = sum(_follow(clock, entries.get(clock.pk, []), turn) for clock in turn.clocks if _is_behind(clock))
    if moved:
        turn._overall(turn.clocks)
        turn._project()
    for entry in turn.entries:
        entry.clock_id, entry.note = entry.clock.pk, calendar_version()
    written.moved += moved
    written.clocks += [one for one in turn.clocks if _fingerprint(one) != before[one.pk]]
    written.entries += turn.entries
    if moved:
        written.cases.append(turn.case)
    written.stints += [row for row in turn.stints if row.due_at != shown[id(row)]]
    written.tasks += [row for row in turn.tasks if row.due_at != shown[id(row)]]


def _follow(clock: StageClock, entries: list[ClockEntry], turn: Turn) -> bool:
    """Bring one clock to the calendar in force; True when its deadline, or what it has used, is another one now."""
    share = yellow_share(clock.name, turn.case, turn.at)
    now = recounted(clock, entries, calendar(turn.case.area_code), share=share)
    clock.schedule_version, clock.is_provisional = calendar_version(), now.is_provisional
    if (now.due_at, now.used_seconds) == (clock.due_at, clock.used_seconds):
        return False
    before = clock.due_at
    clock.used_seconds, clock.earlier_seconds = now.used_seconds, now.earlier_seconds
    clock.due_at, clock.yellow_at = now.due_at, now.yellow_at
    if clock.state == StageClock.State.RUNNING:
        if now.due_at > turn.at and now.due_at != before:
            clock.told_level = min(clock.told_level, STARTED)
            turn.told_anew.add(clock.pk)
        clock.next_look_at = next_look(clock, turn.case, at=turn.at)
    turn._note(clock, ClockEntry.Kind.RECOMPUTE, before=before, note=clock.schedule_version)
    return True
