"""Escalation 逐级告警: at which points of a clock's time whom to tell, and by which means. Pure: no Django.

A chain is a list of steps. What was told is remembered as a level on one scale that no chain can shift: 1 when the
clock starts, 1 + p at p per cent of its time, 101 at the deadline, 101 + n when it is n minutes overdue (in the clock's
own time: working minutes where it counts working time). A chain changed in the middle of a clock therefore neither
tells again what lies at or below that level nor forgets what lies above it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cases.workflow import Clock


def _(text: str) -> str:
    """Mark a label for translation; it is translated where it is shown."""
    return text


class When(StrEnum):
    """What a step waits for."""

    SHARE = "share"  # so many per cent of the clock's time are used; 0 is its start
    LAMP = "lamp"  # its lamp turns yellow
    OVERDUE = "overdue"  # so many minutes after the deadline, 0 being the deadline itself


class Audience(StrEnum):
    """To whom a step speaks."""

    HOLDER = "holder"
    HANDLER = "handler"
    CONTACT = "contact"
    SUPERIOR = "superior"
    DUTY_LEADER = "duty_leader"
    COMMANDER = "commander"
    LEADER = "leader"


class Means(StrEnum):
    """How a step speaks, beside the message box that it always uses."""

    MAIL = "mail"
    SMS = "sms"
    CHAT = "chat"


WHEN_LABELS: dict[When, str] = {
    When.SHARE: _("per cent of the time used"),
    When.LAMP: _("when the lamp turns yellow"),
    When.OVERDUE: _("minutes overdue"),
}
AUDIENCE_LABELS: dict[Audience, str] = {
    Audience.HOLDER: _("Whoever holds the clock"),
    Audience.HANDLER: _("Handler"),
    Audience.CONTACT: _("Department's contact"),
    Audience.SUPERIOR: _("Superior"),
    Audience.DUTY_LEADER: _("Duty leader"),
    Audience.COMMANDER: _("Commander"),
    Audience.LEADER: _("Leader of the area"),
}
MEANS_LABELS: dict[Means, str] = {Means.MAIL: _("Mail"), Means.SMS: _("Text message"), Means.CHAT: _("Chat robot")}

STARTED, DUE = 1, 101
MOST_OVERDUE = 30_000  # minutes; the level fits a small integer
MOST_STEPS, MOST_REPEATS = 8, 7
NUMBER_OF_STEPS = _("A chain has one to eight steps.")


@dataclass(frozen=True)
class Step:
    """One row of a chain. `number` is per cent or minutes; overdue, it may be repeated every so many minutes."""

    when: When
    number: int
    to: tuple[Audience, ...]
    by: tuple[Means, ...] = ()
    repeat_minutes: int = 0
    repeat_times: int = 0
    at_night: bool = False  # goes out in quiet hours too

    @property
    def faults(self) -> list[str]:
        """Return what is wrong with the step, as sentences to translate; [] when it may be kept."""
        found = []
        if not self.to:
            found.append(_("Somebody must be told."))
        if self.when is When.SHARE and not 0 <= self.number <= 99:
            found.append(_("A share lies between 0 and 99 per cent; the deadline is 0 minutes overdue."))
        last = self.number + self.repeat_minutes * self.repeat_times
        if self.when is When.OVERDUE and not 0 <= self.number <= last <= MOST_OVERDUE:
            found.append(_("No more than 30,000 minutes overdue, repeats included."))
        if self.repeat_times and (self.when is not When.OVERDUE or self.repeat_minutes < 5):
            found.append(_("Only what is overdue is repeated, every five minutes at most."))
        if not 0 <= self.repeat_times <= MOST_REPEATS:
            found.append(_("At most seven repeats."))
        return found


@dataclass(frozen=True)
class Point:
    """A point of a clock's time at which a step speaks. Two steps may share a point."""

    level: int
    step: Step

    @property
    def is_lamp(self) -> bool:
        """True where the clock itself says when: its yellow point."""
        return self.step.when is When.LAMP

    def seconds(self, total: int) -> int:
        """Return after how many seconds of a clock with so many in all the point is reached."""
        if self.level < DUE:
            return total * (self.level - STARTED) // 100
        return total + (self.level - DUE) * 60


def points(steps: Iterable[Step], *, yellow_percent: int) -> list[Point]:
    """Return the points of a chain in the order of their levels; the lamp's level is that of its share."""
    found = []
    for step in steps:
        if step.when is When.OVERDUE:
            minutes = [step.number + step.repeat_minutes * times for times in range(step.repeat_times + 1)]
            found += [Point(DUE + one, step) for one in minutes]
        else:
            found.append(Point(STARTED + (yellow_percent if step.when is When.LAMP else step.number), step))
    return sorted(found, key=lambda point: point.level)


@dataclass(frozen=True)
class Chain:
    """Steps for the clocks that a row names; what is left empty means any."""

    key: int
    steps: tuple[Step, ...]
    kind: str = ""
    major_code: str = ""
    class_id: int | None = None
    clock: str = ""
    urgency: int | None = None
    area_code: str = ""
    valid_from: date = date.min
    valid_to: date | None = None


@dataclass(frozen=True)
class Facts:
    """What decides which chain a clock follows."""

    kind: str
    major_code: str
    class_id: int
    clock: str
    urgency: int
    area_code: str


def fits(chain: Chain, facts: Facts, *, on: date) -> bool:
    """Return whether a row speaks of this clock on this day."""
    return (
        chain.valid_from <= on
        and (chain.valid_to is None or on < chain.valid_to)
        and chain.class_id in (None, facts.class_id)
        and chain.kind in ("", facts.kind)
        and chain.major_code in ("", facts.major_code)
        and chain.clock in ("", facts.clock)
        and chain.urgency in (None, facts.urgency)
        and facts.area_code.startswith(chain.area_code)
    )


def narrowness(chain: Chain) -> tuple[object, ...]:
    """Return how narrow a row is: class before clock before urgency before area; of equals the one that began last."""
    of_class = 3 if chain.class_id is not None else 2 if chain.major_code else 1 if chain.kind else 0
    return (
        of_class, bool(chain.clock), chain.urgency is not None, len(chain.area_code), chain.valid_from, chain.key
    )  # fmt: skip


def choose(chains: Iterable[Chain], facts: Facts, *, on: date) -> tuple[Step, ...]:
    """Return the steps that a clock follows on a day: of the narrowest row that fits, else as delivered."""
    fitting = [chain for chain in chains if fits(chain, facts, on=on)]
    return max(fitting, key=narrowness).steps if fitting else as_delivered(facts.clock)


# Who works away from the desk is told at once what has come to him; a desk has its queue before its eyes.
TOLD_AT_ONCE = frozenset({Clock.HANDLING, Clock.VERIFY, Clock.CHECK})
ARRIVAL = Step(When.SHARE, 0, (Audience.HOLDER, Audience.HANDLER))
DELIVERED: Sequence[Step] = (
    Step(When.LAMP, 0, (Audience.HOLDER, Audience.HANDLER)),
    Step(When.OVERDUE, 0, (Audience.HOLDER, Audience.HANDLER, Audience.SUPERIOR)),
    Step(When.OVERDUE, 120, (Audience.LEADER,)),
)


def as_delivered(clock: str) -> tuple[Step, ...]:
    """Return the steps of a clock for which the city wrote no row."""
    return (ARRIVAL, *DELIVERED) if clock in TOLD_AT_ONCE else tuple(DELIVERED)
