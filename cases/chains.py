"""The escalation chains in force, read at most every ten seconds: choosing one costs no query.

What a change means for clocks that run already: `waiting` says which rows began, changed or ended since the sweep last
looked at every running clock because of them.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from cases import escalation
from cases.escalation import Audience, Chain, Facts, Means, Step, When
from cases.models import AlarmChain, Case
from components.models import MinorClass

FRESH_SECONDS = 10.0  # how old this process's copy may be
# By then every process that counts clocks knows a change.
KNOWN_EVERYWHERE = timedelta(seconds=2 * FRESH_SECONDS)


class _Snapshot:
    taken_at: float | None = None
    chains: list[Chain] = []
    classes: dict[int, tuple[str, str]] = {}
    notices: list[tuple[int, list[datetime]]] = []


def forget() -> None:
    """The next question looks into the database."""
    _Snapshot.taken_at = None


def begin_empty() -> None:
    """Begin as a database without rows would: for tests, which start with none."""
    _Snapshot.taken_at, _Snapshot.chains, _Snapshot.notices = time.monotonic(), [], []


def read_steps(rows: list[dict]) -> tuple[Step, ...]:
    """Return the steps as kept in a row's JSON."""
    return tuple(
        Step(
            When(row["when"]),
            row["number"],
            tuple(Audience(one) for one in row["to"]),
            tuple(Means(one) for one in row.get("by", ())),
            row.get("repeat_minutes", 0),
            row.get("repeat_times", 0),
            row.get("at_night", False),
        )
        for row in rows
    )


def write_steps(steps: Iterable[Step]) -> list[dict]:
    """Return the steps as they are kept."""
    return [
        {
            "when": str(step.when),
            "number": step.number,
            "to": [str(one) for one in step.to],
            "by": [str(one) for one in step.by],
            "repeat_minutes": step.repeat_minutes,
            "repeat_times": step.repeat_times,
            "at_night": step.at_night,
        }
        for step in steps
    ]


def _look() -> None:
    rows = list(AlarmChain.objects.all())
    _Snapshot.chains = [
        Chain(
            row.pk,
            read_steps(row.steps),
            kind=row.kind,
            major_code=row.major_code,
            class_id=row.minor_class_id,
            clock=row.clock,
            urgency=row.urgency,
            area_code=row.area_code,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )
        for row in rows
    ]
    if any(row.kind for row in rows):
        _Snapshot.classes = {
            pk: (kind, major) for pk, kind, major in MinorClass.objects.values_list("pk", "kind", "major_code")
        }
    _Snapshot.notices = [(row.pk, _notices(row)) for row in rows]
    _Snapshot.taken_at = time.monotonic()


def _notices(row: AlarmChain) -> list[datetime]:
    """Return the instants at which a row changes what running clocks follow, as far as nobody looked because of it."""
    instants = [max(row.changed_at + KNOWN_EVERYWHERE, _midnight(row.valid_from))]
    if row.valid_to is not None:
        instants.append(max(row.changed_at + KNOWN_EVERYWHERE, _midnight(row.valid_to)))
    return [one for one in instants if row.looked_at is None or one > row.looked_at]


def _midnight(day) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))


def _fresh() -> type[_Snapshot]:
    if _Snapshot.taken_at is None or time.monotonic() - _Snapshot.taken_at > FRESH_SECONDS:
        _look()
    return _Snapshot


def waiting(*, at: datetime) -> list[int]:
    """Return the keys of the rows because of which every running clock must be looked at now; [] nearly always."""
    return [key for key, instants in _fresh().notices if any(one <= at for one in instants)]


def steps_for(case: Case, clock: str, *, at: datetime) -> tuple[Step, ...]:
    """Return the steps that a clock of this case follows on this day."""
    known = _fresh()
    if not known.chains:
        return escalation.as_delivered(clock)
    kind, major_code = known.classes.get(case.minor_class_id, ("", ""))
    facts = Facts(kind, major_code, case.minor_class_id, clock, case.urgency, case.area_code)
    return escalation.choose(known.chains, facts, on=timezone.localdate(at))
