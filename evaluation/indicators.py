"""What is counted, and what is divided by what 统计口径. Pure: no Django.

A fact is one thing that somebody owed or did, as it stood at the cut-off: a stint (one case at one department), a case
(all its required stints together), a report, a task of one post. `measures_of_*` says in which counts a fact stands;
a count is the number of facts that stand in it, so that every number opens exactly what it counted. Source of the
rules: the domain's counting rules; where cities differ the counting basis is a choice.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple


def _(text: str) -> str:
    """Mark a label for translation; it is translated where it is shown."""
    return text


class Basis(StrEnum):
    """Which instant places a stint in a period. Printed under every table."""

    OBLIGATION = "obligation"  # finished early: when finished; otherwise when it falls due
    CREATED = "created"
    FILED = "filed"
    DUE = "due"
    COMPLETED = "completed"


BASIS_LABELS: dict[str, str] = {
    Basis.OBLIGATION: _("by obligation: counted when finished, at the latest when due"),
    Basis.CREATED: _("by the time of the report"),
    Basis.FILED: _("by the time of filing"),
    Basis.DUE: _("by the deadline"),
    Basis.COMPLETED: _("by the time of completion"),
}


class Ruling(StrEnum):
    """What an upheld appeal makes of a stint; the case itself is never edited."""

    NONE = ""
    EXCLUDE = "exclude"
    RESTATE = "restate"


class Left(StrEnum):
    """How a stint ended without a hand-over."""

    NO = ""
    RETURNED = "returned"  # the return was accepted: it was the wrong department
    WITHDRAWN = "withdrawn"
    VOIDED = "voided"


@dataclass(frozen=True)
class Window:
    """A period [start, end) seen from a cut-off: what happened later is not known."""

    start: datetime
    end: datetime
    cutoff: datetime
    basis: Basis = Basis.OBLIGATION

    def holds(self, at: datetime | None) -> bool:
        """True when something happened in the period and was known at the cut-off."""
        return at is not None and self.start <= at < self.end and at <= self.cutoff

    def known(self, at: datetime | None) -> datetime | None:
        """Return the instant, or None when it lies after the cut-off."""
        return at if at is not None and at <= self.cutoff else None


@dataclass(frozen=True, kw_only=True, slots=True)
class StintFact:
    """One case at one department. `due_at` is the deadline in force at the cut-off, `handled_at` the last hand-over."""

    reported_at: datetime
    filed_at: datetime
    due_at: datetime | None
    handled_at: datetime | None = None
    closed_at: datetime | None = None
    suspended_at: datetime | None = None  # of the suspension that still lasts
    left: Left = Left.NO
    left_at: datetime | None = None
    failed_checks: int = 0
    extensions: int = 0
    is_shirked: bool = False
    ruling: Ruling = Ruling.NONE


def measures_of_stint(fact: StintFact, window: Window) -> tuple[str, ...]:
    """Return the counts in which a stint stands; a name stands twice when it counts twice (rework_times).

    Once in one period: at min(due, handed over). Not due and not finished: in no rate. Suspended before due, returned,
    voided or withdrawn in time: out. Whatever happens after the deadline never improves a count.
    """
    if fact.filed_at > window.cutoff:
        return ()
    found: list[str] = []
    handled, due = window.known(fact.handled_at), fact.due_at
    left_at = window.known(fact.left_at)
    left = fact.left if left_at is not None else Left.NO
    moment = _moment(fact, handled, window.basis)
    if fact.ruling is Ruling.EXCLUDE:
        return ("exempted",) if window.holds(moment) else ()
    if left is not Left.NO:
        if window.holds(left_at):
            found.append(_LEFT_COUNTS[left])
        was_late = due is not None and left_at is not None and due < (handled or left_at)
        if left is Left.RETURNED or not was_late:
            return tuple(found)
    if window.holds(fact.filed_at):
        found.append("filed")
    if due is None:  # without a promise there is no verdict
        if window.holds(handled):
            found.append("handled_without_limit")
        elif handled is None:
            found.append("open_without_limit")
        return tuple(found)
    suspended_at = window.known(fact.suspended_at)
    if handled is None and suspended_at is not None and suspended_at <= due:
        return (*found, "suspended")
    if handled is None and due >= window.cutoff:
        return (*found, "to_handle_not_due")
    if not window.holds(moment):
        if window.basis is Basis.OBLIGATION and moment is not None and moment < window.start:
            if handled is None:
                found.append("legacy_to_handle")
            elif window.holds(handled):
                found.append("legacy_handled")
        return tuple(found)
    return (*found, *_verdict(fact, handled, due, window))


_LEFT_COUNTS = {Left.RETURNED: "dispatched_wrongly", Left.WITHDRAWN: "withdrawn", Left.VOIDED: "voided"}


def _moment(fact: StintFact, handled: datetime | None, basis: Basis) -> datetime | None:
    """Return the instant that places a stint in a period."""
    if basis is Basis.OBLIGATION:
        return min((at for at in (fact.due_at, handled) if at is not None), default=None)
    return {
        Basis.CREATED: fact.reported_at,
        Basis.FILED: fact.filed_at,
        Basis.DUE: fact.due_at,
        Basis.COMPLETED: handled,
    }[basis]


def _verdict(fact: StintFact, handled: datetime | None, due: datetime, window: Window) -> list[str]:
    """Return the counts of an obligation that stands in the period."""
    found = ["need_handle", "need_close"]
    closed = window.known(fact.closed_at) is not None
    if handled is None:
        found.append("overdue_to_handle")
        on_time = False
    else:
        on_time = handled <= due or fact.ruling is Ruling.RESTATE
        found += ["handled", "handled_on_time" if on_time else "handled_overdue"]
        if fact.failed_checks:
            found += ["reworked", *["rework_times"] * fact.failed_checks]
    found.append("closed" if closed else "to_close")
    if closed:
        found.append("closed_on_time" if on_time else "closed_overdue")
    if fact.ruling is Ruling.RESTATE:
        found.append("appeal_restated")
    if fact.extensions:
        found.append("extended")
    if fact.is_shirked:
        found.append("shirked")
    return found


# What concerns one department only, or is counted from the report.
_NOT_OF_A_CASE = frozenset({"filed", "voided", "withdrawn", "dispatched_wrongly"})


def measures_of_case(stints: Iterable[StintFact], window: Window) -> tuple[str, ...]:
    """Return the counts in which a case stands by what its required stints owed; areas are counted by it."""
    fact = whole_case(stints)
    if fact is None:
        return ()
    return tuple(name for name in measures_of_stint(fact, window) if name not in _NOT_OF_A_CASE)


def whole_case(stints: Iterable[StintFact]) -> StintFact | None:
    """Return the obligation of a case: on time only if all its required stints are. None when no stint counts.

    Stints whose return was accepted, or that were taken back, do not speak for the case.
    """
    mine = [fact for fact in stints if fact.left not in (Left.RETURNED, Left.WITHDRAWN)]
    if not mine:
        return None
    late = [fact for fact in mine if fact.due_at and fact.handled_at and fact.handled_at > fact.due_at]
    waiting = [fact for fact in mine if fact.handled_at is None]
    if late:
        speaks = min(late, key=_deadline)
    elif waiting:  # one that runs speaks before one that is suspended
        speaks = min(waiting, key=lambda fact: (fact.suspended_at is not None, fact.due_at is None, _deadline(fact)))
    else:
        speaks = max(mine, key=lambda fact: (fact.due_at is not None, _deadline(fact)))
    return replace(
        speaks,
        handled_at=None if waiting else max(fact.handled_at for fact in mine if fact.handled_at),
        suspended_at=None if late else speaks.suspended_at,
        failed_checks=max(fact.failed_checks for fact in mine),
        extensions=max(fact.extensions for fact in mine),
        is_shirked=any(fact.is_shirked for fact in mine),
    )


def _deadline(fact: StintFact) -> datetime:
    return fact.due_at or fact.filed_at


class End(StrEnum):
    """How a report ended before it became a case."""

    NO = ""
    NOT_ACCEPTED = "not_accepted"
    NOT_FILED = "not_filed"
    VOIDED = "voided"
    MERGED = "merged"
    SELF_HANDLED = "self_handled"
    ANSWERED_AT_ONCE = "answered_at_once"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFact:
    """One report and what became of it by the cut-off."""

    reported_at: datetime
    source: str
    is_public: bool = False
    accepted_at: datetime | None = None
    verified_true: bool = False
    filed_at: datetime | None = None
    closed_at: datetime | None = None
    end: End = End.NO
    ended_at: datetime | None = None


def measures_of_report(fact: ReportFact, window: Window) -> tuple[str, ...]:
    """Return the counts in which a report stands: those of its cohort by the report, those of filing by the filing."""
    found: list[str] = []
    filed = window.known(fact.filed_at)
    end = fact.end if window.known(fact.ended_at) is not None else End.NO
    if window.holds(fact.reported_at):
        found += ["reported", _cohort(fact, end, window)]
        if fact.is_public:
            found.append("public_reported")
        if fact.source in _BY_SOURCE:
            found.append(_BY_SOURCE[fact.source])
        if filed is not None:
            found.append("valid_reported")
    if window.holds(filed):
        found.append("filed_cases")
        if end is End.VOIDED:
            found.append("voided_after_filing")
        else:
            found.append("filed")
            if fact.is_public and fact.verified_true:
                found.append("public_verified")
    if window.holds(fact.ended_at):
        if end is End.NOT_FILED:
            found.append("not_filed")
        elif end is End.VOIDED:
            found.append("voided")
        elif end is End.MERGED:
            found.append("merged")
        elif end is End.ANSWERED_AT_ONCE:
            found.append("answered_at_once")
    return tuple(found)


_BY_SOURCE = {"collector": "collector_reported", "video": "video_reported", "sensor": "sensor_reported"}


def _cohort(fact: ReportFact, end: End, window: Window) -> str:
    accepted = window.known(fact.accepted_at) is not None
    if end is End.NOT_ACCEPTED:
        return "not_accepted"
    if end is End.SELF_HANDLED:
        return "self_handled"
    if end in (End.VOIDED, End.MERGED) and not accepted:
        return f"{end}_before_accept"
    return "accepted" if accepted or end is End.ANSWERED_AT_ONCE else "to_accept"


class Task(StrEnum):
    """A task of a post, measured against the limit of its own step."""

    ACCEPT = "accept"
    SEND_VERIFY = "send_verify"
    VERIFY = "verify"
    FILE = "file"
    DISPATCH = "dispatch"
    SEND_CHECK = "send_check"
    CHECK = "check"
    CLOSE = "close"


PAST = {
    Task.ACCEPT: "accepted",
    Task.SEND_VERIFY: "sent_verify",
    Task.VERIFY: "verified",
    Task.FILE: "filed",
    Task.DISPATCH: "dispatched",
    Task.SEND_CHECK: "sent_check",
    Task.CHECK: "checked",
    Task.CLOSE: "closed",
}
ACCURACY = frozenset({Task.FILE, Task.DISPATCH})


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFact:
    """One task that a person held. `is_accurate`: nothing came back because of it by the cut-off."""

    task: Task
    due_at: datetime | None
    done_at: datetime | None = None
    is_accurate: bool = True


def measures_of_task(fact: TaskFact, window: Window) -> tuple[str, ...]:
    """Return the counts in which a task stands: done in the period, or fallen due in it and still waiting."""
    past, done = PAST[fact.task], window.known(fact.done_at)
    if done is None:
        if fact.due_at is None or fact.due_at >= window.cutoff:
            return (f"to_{fact.task}",)
        return (f"need_{fact.task}", f"overdue_to_{fact.task}") if window.holds(fact.due_at) else ()
    if not window.holds(done):
        return ()
    on_time = fact.due_at is None or done <= fact.due_at
    found = [f"need_{fact.task}", past, f"{past}_on_time" if on_time else f"{past}_overdue"]
    if fact.task in ACCURACY:
        found.append(f"{past}_accurately" if fact.is_accurate else f"{past}_wrongly")
    return tuple(found)


def add_up(measures: Iterable[Iterable[str]]) -> Counter[str]:
    """Return the counts over many facts."""
    total: Counter[str] = Counter()
    for names in measures:
        total.update(names)
    return total


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"
    NEITHER = ""


class Indicator(NamedTuple):
    """A ratio of two counts: `numerator` ÷ `denominator`, each a sum of counts with a sign."""

    label: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    direction: Direction = Direction.UP
    cap: bool = True

    def of(self, counts: Mapping[str, int]) -> Fraction | None:
        """Return the exact ratio, at most 1 (an average per grid may be more); None over nothing."""
        below = _sum(counts, self.denominator)
        if below <= 0:
            return None
        ratio = Fraction(_sum(counts, self.numerator), below)
        return min(ratio, Fraction(1)) if self.cap else ratio


def _sum(counts: Mapping[str, int], names: tuple[str, ...]) -> int:
    return sum(-counts.get(name[1:], 0) if name.startswith("-") else counts.get(name, 0) for name in names)


UP, DOWN = Direction.UP, Direction.DOWN
# Every ratio, once: dashboards, rankings and drill-down all read this table.
INDICATORS: dict[str, Indicator] = {
    "handle_rate": Indicator(_("Handling rate"), ("handled",), ("need_handle",)),
    "on_time_handle_rate": Indicator(_("On-time handling rate"), ("handled_on_time",), ("need_handle",)),
    "overdue_handle_rate": Indicator(_("Overdue handling rate"), ("handled_overdue",), ("need_handle",), DOWN),
    "overdue_to_handle_rate": Indicator(
        _("Overdue unhandled rate"), ("overdue_to_handle",), ("need_handle",), DOWN
    ),
    "handled_on_time_over_handled": Indicator(
        _("On time among the handled"), ("handled_on_time",), ("handled",)
    ),
    "close_rate": Indicator(_("Closing rate"), ("closed",), ("need_close",)),
    "on_time_close_rate": Indicator(_("On-time closing rate"), ("closed_on_time",), ("need_close",)),
    "overdue_close_rate": Indicator(_("Overdue closing rate"), ("closed_overdue",), ("need_close",), DOWN),
    "closed_over_accepted_rate": Indicator(_("Closed over accepted"), ("closed",), ("accepted",)),
    "rework_rate": Indicator(_("Rework rate"), ("reworked",), ("handled",), DOWN),
    "rework_rate_over_need_close": Indicator(
        _("Rework rate (over cases to close)"), ("reworked",), ("need_close",), DOWN
    ),
    "first_pass_rate": Indicator(_("First-pass rate"), ("handled", "-reworked"), ("handled",)),
    "extension_rate": Indicator(_("Extension rate"), ("extended",), ("need_handle",), DOWN),
    "suspension_rate": Indicator(_("Suspension rate"), ("suspended",), ("need_handle", "suspended"), DOWN),
    "valid_report_rate": Indicator(_("Valid report rate"), ("valid_reported",), ("reported",)),
    "missed_rate": Indicator(_("Missed report rate"), ("missed",), ("filed_in_reach",), DOWN),
    "public_share_rate": Indicator(_("Share of public reports"), ("public_verified",), ("filed",), DOWN),
    "on_time_verify_rate": Indicator(_("On-time verification rate"), ("verified_on_time",), ("need_verify",)),
    "on_time_check_rate": Indicator(_("On-time check rate"), ("checked_on_time",), ("need_check",)),
    "on_time_send_verify_rate": Indicator(
        _("Verifications sent on time"), ("sent_verify_on_time",), ("need_send_verify",)
    ),
    "on_time_send_check_rate": Indicator(_("Checks sent on time"), ("sent_check_on_time",), ("need_send_check",)),
    "on_time_accept_rate": Indicator(_("On-time acceptance rate"), ("accepted_on_time",), ("accepted",)),
    "file_rate": Indicator(_("Filing rate"), ("filed",), ("reported",), Direction.NEITHER),
    "on_time_file_rate": Indicator(_("On-time filing rate"), ("filed_on_time",), ("filed",)),
    "accurate_file_rate": Indicator(_("Accurate filing rate"), ("filed_accurately",), ("filed",)),
    "on_time_dispatch_rate": Indicator(_("On-time dispatch rate"), ("dispatched_on_time",), ("need_dispatch",)),
    "accurate_dispatch_rate": Indicator(
        _("Accurate dispatch rate"), ("dispatched_accurately",), ("need_dispatch",)
    ),
    "wrong_dispatch_rate": Indicator(_("Wrong dispatch rate"), ("dispatched_wrongly",), ("dispatched",), DOWN),
    "filed_per_grid": Indicator(
        _("Cases filed per unit grid"), ("filed",), ("grids",), Direction.NEITHER, cap=False
    ),
}  # fmt: skip

COUNT_LABELS: dict[str, str] = {
    "reported": _("Reported"),
    "collector_reported": _("Reported by collectors"),
    "public_reported": _("Reported by the public"),
    "video_reported": _("Reported by cameras"),
    "sensor_reported": _("Reported by sensors"),
    "public_verified": _("Public reports verified"),
    "valid_reported": _("Valid reports"),
    "accepted": _("Accepted"),
    "not_accepted": _("Not accepted"),
    "to_accept": _("Waiting for acceptance"),
    "answered_at_once": _("Answered at once"),
    "self_handled": _("Self-handled"),
    "filed": _("Filed"),
    "not_filed": _("Not filed"),
    "merged": _("Merged"),
    "voided": _("Voided"),
    "voided_after_filing": _("Voided after filing"),
    "withdrawn": _("Taken back"),
    "need_handle": _("To be handled"),
    "handled": _("Handled"),
    "handled_on_time": _("Handled on time"),
    "handled_overdue": _("Handled overdue"),
    "overdue_to_handle": _("Overdue, unhandled"),
    "to_handle_not_due": _("Not yet due"),
    "legacy_handled": _("Left-over, handled"),
    "legacy_to_handle": _("Left-over, unhandled"),
    "handled_without_limit": _("Handled, without a limit"),
    "open_without_limit": _("Open, without a limit"),
    "suspended": _("Suspended"),
    "extended": _("Extended"),
    "reworked": _("Reworked"),
    "rework_times": _("Times of rework"),
    "shirked": _("Shirked"),
    "exempted": _("Exempted"),
    "appeal_restated": _("Restated on appeal"),
    "need_close": _("To be closed"),
    "closed": _("Closed"),
    "closed_on_time": _("Closed on time"),
    "closed_overdue": _("Closed overdue"),
    "to_close": _("Waiting for closing"),
    "accepted_on_time": _("Accepted on time"),
    "need_send_verify": _("Verifications to be sent"),
    "sent_verify_on_time": _("Verifications sent on time"),
    "need_verify": _("To be verified"),
    "verified": _("Verified"),
    "verified_on_time": _("Verified on time"),
    "overdue_to_verify": _("Overdue, unverified"),
    "filed_on_time": _("Filed on time"),
    "filed_accurately": _("Filed accurately"),
    "filed_wrongly": _("Filed wrongly"),
    "need_dispatch": _("To be dispatched"),
    "dispatched": _("Dispatched"),
    "dispatched_on_time": _("Dispatched on time"),
    "dispatched_accurately": _("Dispatched accurately"),
    "dispatched_wrongly": _("Dispatched wrongly"),
    "need_send_check": _("Checks to be sent"),
    "sent_check_on_time": _("Checks sent on time"),
    "need_check": _("To be checked"),
    "checked": _("Checked"),
    "checked_on_time": _("Checked on time"),
    "overdue_to_check": _("Overdue, unchecked"),
    "grids": _("Unit grids"),
}


def value_of(name: str, counts: Mapping[str, int]) -> Fraction | int | None:
    """Return an indicator by name: a ratio of the table, otherwise the count itself."""
    indicator = INDICATORS.get(name)
    return indicator.of(counts) if indicator else counts.get(name, 0)


def label_of(name: str) -> str:
    """Return the English label of a count or ratio, to be translated."""
    return INDICATORS[name].label if name in INDICATORS else COUNT_LABELS.get(name, name)
