"""Who must agree to what a department asks, how often it may ask, and on which grounds. Pure: no Django.

A city's rows come first, the narrowest one that fits; without a row the command centre's dispatcher decides alone
(回退、延期、挂账), the duty leader a voiding, the commander a deferral or a dispute, the dispatcher and then the duty
leader an appeal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def _(text: str) -> str:
    """Mark a label for translation; it is translated where it is shown."""
    return text


DISPATCHER, COMMANDER, OPERATOR, LEADER = "dispatcher", "commander", "acceptance_operator", "duty_leader"
COMMAND = frozenset({DISPATCHER, COMMANDER})
SUPERVISION = frozenset({OPERATOR, LEADER})
APPROVERS = (DISPATCHER, COMMANDER, OPERATOR, LEADER)

# Who may have the last word: who does it and by when is the command centre's, whether it is a case and whether it was
# late is supervision's.
LAST_WORD: dict[str, frozenset[str]] = {
    "return": COMMAND,
    "extension": COMMAND,
    "suspension": COMMAND,
    "deferral": COMMAND,
    "dispute": COMMAND,
    "voiding": frozenset({LEADER}),
    "appeal": SUPERVISION,
}
NO_NEED = "no_need"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the city's rules. What is empty means any; `nth` is which time the department asks, from 1.

    `level` is a department's depth below the centre (1: dispatched to by the command centre); `min_days` makes the row
    hold only for requests that long or longer, and `is_custom` only for those with a length of their own.
    """

    kind: str
    ground: str = ""
    class_kind: str = ""
    major_code: str = ""
    class_code: str = ""
    area_code: str = ""
    level: int = 0
    nth: int = 0
    min_days: int = 0
    is_custom: bool | None = None
    chain: tuple[str, ...] = ()
    max_count: int | None = None
    max_days: int | None = None
    grounds: tuple[str, ...] = ()
    needs_file: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a department asks, as the rules see it. `days` is 0 where nothing is asked for a time."""

    kind: str
    ground: str = ""
    class_kind: str = ""
    major_code: str = ""
    class_code: str = ""
    area_code: str = ""
    level: int = 1
    nth: int = 1
    days: int = 0
    is_custom: bool = False


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What holds for one request: who agrees, in order; how often at most, how long at most, with which paper."""

    chain: tuple[str, ...]
    max_count: int | None = None
    max_days: int | None = None
    grounds: tuple[str, ...] = ()
    needs_file: bool = False


DEFAULTS: tuple[Row, ...] = (
    Row(kind="return", chain=(DISPATCHER,)),
    Row(kind="return", ground=NO_NEED, chain=(DISPATCHER, COMMANDER)),
    Row(kind="extension", chain=(DISPATCHER,)),
    Row(kind="extension", is_custom=True, chain=(DISPATCHER,), needs_file=True),
    Row(kind="suspension", chain=(DISPATCHER,)),
    Row(kind="deferral", chain=(COMMANDER,), max_count=1),
    Row(kind="voiding", chain=(LEADER,)),
    Row(kind="dispute", chain=(COMMANDER,)),
    Row(kind="appeal", chain=(DISPATCHER, LEADER), max_count=1),
)


def fits(row: Row, asked: Asked) -> bool:
    """True when every condition of the row holds for what is asked."""
    return (
        row.kind == asked.kind
        and row.ground in ("", asked.ground)
        and row.class_kind in ("", asked.class_kind)
        and row.major_code in ("", asked.major_code)
        and row.class_code in ("", asked.class_code)
        and asked.area_code.startswith(row.area_code)
        and row.level in (0, asked.level)
        and row.nth in (0, asked.nth)
        and row.min_days <= asked.days
        and row.is_custom in (None, asked.is_custom)
    )


def narrowness(row: Row) -> tuple[bool | int, ...]:
    """Order rows: ground and class before place, place before level, level before which time, then the longer one."""
    return (
        bool(row.ground), bool(row.class_code), bool(row.major_code), bool(row.class_kind), len(row.area_code),
        bool(row.level), bool(row.nth), row.is_custom is not None, row.min_days,
    )  # fmt: skip


def terms(
    asked: Asked, rows: Iterable[Row] = (), *, max_count: int | None = None, max_days: int | None = None
) -> Terms:
    """Return what holds: the narrowest of the city's rows that fits, else the default.

    `max_count` and `max_days` are the city's general settings, for rows that do not say. KeyError for a kind unknown.
    """
    own = max((row for row in rows if fits(row, asked)), key=narrowness, default=None)
    row = own or max((row for row in DEFAULTS if fits(row, asked)), key=narrowness, default=None)
    if row is None:
        raise KeyError(asked.kind)
    return Terms(
        chain=row.chain,
        max_count=row.max_count if row.max_count is not None else max_count,
        max_days=row.max_days if row.max_days is not None else max_days,
        grounds=row.grounds,
        needs_file=row.needs_file,
    )


def problem(kind: str, chain: Sequence[str]) -> str:
    """Return what is wrong with a chain for this kind: "empty", "unknown", "twice", "last" or ""."""
    if not chain:
        return "empty"
    if not set(chain) <= set(APPROVERS):
        return "unknown"
    if len(set(chain)) < len(chain):
        return "twice"
    return "" if chain[-1] in LAST_WORD[kind] else "last"


@dataclass(frozen=True)
class Ground:
    """A ground by its code. `is_wrong_dispatch`: granted for it, the dispatch is put up for judgement."""

    kind: str
    code: str
    name: str
    is_wrong_dispatch: bool = False


# What a city has before it writes rows of its own; a row with the same code takes its place.
GROUNDS: tuple[Ground, ...] = (
    Ground("return", "not_ours", _("Not this department's duty"), True),
    Ground("return", "other_owner", _("The thing belongs to somebody else"), True),
    Ground("return", "other_place", _("Outside this department's area"), True),
    Ground("return", "wrong_facts", _("Class, place or description is wrong")),
    Ground("return", "not_found", _("Nothing to be found on the spot")),
    Ground("return", NO_NEED, _("No need to handle")),
    Ground("return", "other", _("Other reason")),
    Ground("extension", "engineering", _("Engineering work takes longer")),
    Ground("extension", "weather", _("Weather")),
    Ground("extension", "material", _("Material or machines are lacking")),
    Ground("extension", "other", _("Other reason")),
    Ground("suspension", "engineering", _("Engineering work takes longer")),
    Ground("suspension", "season", _("Only possible in another season")),
    Ground("suspension", "conditions", _("Conditions are lacking")),
    Ground("suspension", "other", _("Other reason")),
    Ground("deferral", "unsolved", _("Not solvable for the time being")),
    Ground("deferral", "other", _("Other reason")),
    Ground("voiding", "no_case", _("It is no case")),
    Ground("voiding", "duplicate", _("Filed before")),
    Ground("voiding", "other", _("Other reason")),
    Ground("dispute", "unclear_owner", _("The owner is not known")),
    Ground("dispute", "unclear_duty", _("Whose duty it is, is not settled")),
    Ground("dispute", "other", _("Other reason")),
    Ground("appeal", "outside_power", _("Not in the department's power")),
    Ground("appeal", "platform", _("Platform or network was down")),
    Ground("appeal", "recorded_wrongly", _("Done in time, recorded late")),
    Ground("appeal", "other", _("Other reason")),
)
