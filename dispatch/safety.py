"""What goes straight through 直通: a collector's report of a class that the city declares safe, filed and dispatched
without a hand. Pure: what speaks against it, which filing condition it falls under, which ones people judge after.

Nobody loses a power by this: within minutes each centre may undo what was done in its name, and a share that nobody can
choose is judged by both. What turns out wrong makes the next proposals less sure, and ends a class that is not safe.
"""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass


def _(text: str) -> str:
    """Mark a text for translation; it is translated where it is shown."""
    return text


# Why a report of a safe class waits for the desk all the same.
AGAINST: dict[str, str] = {
    "urgent": _("Urgent"),
    "dangerous": _("A danger that must be secured at once"),
    "no_near_picture": _("No picture from near"),
    "no_far_picture": _("No picture from far"),
    "position": _("The position is not exact enough"),
    "near": _("An open case of the same class is near by"),
    "newcomer": _("Few reports of this collector were filed so far"),
    "condition": _("More than one filing condition may fit"),
    "nobody": _("No rule names a department"),
    "few": _("Too few earlier dispatches to go by"),
    "unsure": _("Not sure enough of the department"),
    "to_verify": _("To be verified first"),
    "taken": _("Somebody was quicker"),
    "failed": _("It could not be done; see the log"),
}

# What people say of it afterwards.
RIGHT = "right"
VERDICTS: dict[str, str] = {
    RIGHT: _("Right"),
    "not_a_case": _("Not a case"),
    "duplicate": _("The same problem has a case already"),
    "wrong_class": _("Another class, or another place"),
    "wrong_condition": _("Another filing condition"),
    "wrong_department": _("Another department's duty"),
}
# Which verdicts each move asks for; filing is supervision's, dispatch is command's.
_OF_FILING = ("not_a_case", "duplicate", "wrong_class", "wrong_condition")
VERDICTS_OF: dict[str, tuple[str, ...]] = {
    "undo_filing": _OF_FILING,
    "review_filing": (RIGHT, *_OF_FILING),
    "undo_dispatch": ("wrong_department",),
    "review_dispatch": (RIGHT, "wrong_department"),
}


@dataclass(frozen=True, kw_only=True)
class Demands:
    """What a report of a safe class must show."""

    needs_far_picture: bool = True
    accuracy_m: float = 30
    least_sure: float = 0.9
    least_outcomes: int = 10
    least_reports: int = 15


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A filing condition in force: its words, and whether it is a danger (secured at once, day and night)."""

    id: int
    words: str
    is_danger: bool = False


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the report shows, and what is known of its place, its reporter and its department."""

    is_urgent: bool = False
    usages: frozenset[str] = frozenset()
    accuracy_m: float | None = None
    has_near: bool = False
    reports_filed: int = 0
    condition: Condition | None = None
    sure: float | None = None
    outcomes: int = 0


def against(seen: Seen, demands: Demands) -> list[str]:
    """Return what speaks against it, as codes of AGAINST in that order; nothing: it goes straight through."""
    found = {
        "urgent": seen.is_urgent,
        "dangerous": seen.condition is not None and seen.condition.is_danger,
        "no_near_picture": "near" not in seen.usages,
        "no_far_picture": demands.needs_far_picture and "far" not in seen.usages,
        "position": seen.accuracy_m is None or seen.accuracy_m > demands.accuracy_m,
        "near": seen.has_near,
        "newcomer": seen.reports_filed < demands.least_reports,
        "condition": seen.condition is None,
        "nobody": seen.sure is None,
        "few": seen.sure is not None and seen.outcomes < demands.least_outcomes,
        "unsure": seen.sure is not None and seen.sure < demands.least_sure,
    }
    return [code for code in AGAINST if found.get(code)]


_MARKS = re.compile(r"[\W_]+")


def condition_of(conditions: Iterable[Condition], description: str) -> Condition | None:
    """Return the condition a report falls under: the only one, or the one whose words it uses; None when unclear.

    Collectors pick the words of a condition as a phrase, so a description holds them whole. Of two that it holds, the
    longer is meant where it holds the shorter.
    """
    known = list(conditions)
    if len(known) == 1:
        return known[0]
    said = _plain(description)
    fitting = sorted((one for one in known if _plain(one.words) in said), key=lambda one: -len(_plain(one.words)))
    if fitting and all(_plain(other.words) in _plain(fitting[0].words) for other in fitting[1:]):
        return fitting[0]
    return None


def _plain(words: str) -> str:
    return _MARKS.sub("", words)


def is_sample(number: str, *, share: float, key: bytes) -> bool:
    """True when people look at this one afterwards: drawn by a keyed hash of its number, so nobody can choose."""
    drawn = int.from_bytes(hmac.digest(key, number.encode(), "sha256")[:8], "big")
    return drawn < share * 2**64


def is_unsafe(*, wrong: int, total: int, share: float, least: int) -> bool:
    """True when enough were wrong, and too large a share."""
    return wrong >= least and wrong > share * total
