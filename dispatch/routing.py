"""Which department should get the case, and why. Pure: no Django.

Responsibility follows class × place × owner × road × time (权责矩阵). What a joint decision settled comes first (判例),
then the rows of the responsibility table; without one, a component goes to its owner first and then to the street of
the place, an event to the street first and then to its owner: the department that the catalogue names
(部件先属主后属地，事件先属地后属主). A city may change that order.

How sure a proposal is comes from the past: see dispatch/certainty.py.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from enum import StrEnum

from dispatch.certainty import NONE, UNKNOWN, Experience, Outcome, is_refuted, sure


def _(text: str) -> str:
    """Mark a sentence for translation; it is translated where it is shown."""
    return text


class Rule(StrEnum):
    """Why a department is proposed. BY_HAND is no proposal: the dispatcher chose somebody else."""

    PRECEDENT = "precedent"
    TABLE = "table"
    OWNER = "owner"
    MAINTAINER = "maintainer"
    CATALOGUE = "catalogue"
    STREET = "street"
    BY_HAND = "by_hand"


RULE_LABELS: dict[Rule, str] = {
    Rule.PRECEDENT: _("Precedent"),
    Rule.TABLE: _("Responsibility table"),
    Rule.OWNER: _("Owner"),
    Rule.MAINTAINER: _("Maintainer"),
    Rule.CATALOGUE: _("Catalogue"),
    Rule.STREET: _("Street of the place"),
    Rule.BY_HAND: _("Chosen by hand"),
}
REASONS: dict[Rule, str] = {
    Rule.PRECEDENT: _("A joint decision on case %(case)s settled it for: %(conditions)s."),
    Rule.TABLE: _("The responsibility table names it for: %(conditions)s."),
    Rule.OWNER: _("It owns the component %(component)s."),
    Rule.MAINTAINER: _("It looks after the component %(component)s."),
    Rule.CATALOGUE: _("The catalogue names “%(department_type)s” for this class."),
    Rule.STREET: _("It is the street office of the place."),
    Rule.BY_HAND: _("Chosen by hand."),
}
EXPERIENCE: dict[str, str] = {
    "street": _("On this street %(right)s of %(total)s earlier dispatches of this class to it were right."),
    "district": _("In this district %(right)s of %(total)s earlier dispatches of this class to it were right."),
    "city": _("In the whole city %(right)s of %(total)s earlier dispatches of this class to it were right."),
    "of_class": _("None of this class to it yet; to others by this rule %(right)s of %(total)s were right."),
    "rule": _("None of this class to it yet; of all classes %(right)s of %(total)s under this rule were right."),
    "": _("No earlier dispatch of this class to it; the figure is a first estimate."),
}
# From how sure on which words say so, the surest first.
HOW_SURE: tuple[tuple[float, str], ...] = (
    (0.95, _("almost certain")),
    (0.85, _("very likely")),
    (0.7, _("likely")),
    (0.5, _("more likely than not")),
    (0.0, _("doubtful")),
)

# 部件先属主后属地，事件先属地后属主; a city may order these otherwise. Precedent and table always go before.
FIRST = (Rule.PRECEDENT, Rule.TABLE)
ORDER: dict[str, tuple[Rule, ...]] = {
    "component": (Rule.OWNER, Rule.MAINTAINER, Rule.CATALOGUE, Rule.STREET),
    "event": (Rule.STREET, Rule.OWNER, Rule.MAINTAINER, Rule.CATALOGUE),
}
# What a rule is worth before anything is known.
FIRST_ESTIMATE: dict[str, dict[Rule, float]] = {
    "component": {
        Rule.PRECEDENT: 0.97, Rule.TABLE: 0.95, Rule.OWNER: 0.9, Rule.MAINTAINER: 0.85, Rule.CATALOGUE: 0.7,
        Rule.STREET: 0.4,
    },
    "event": {
        Rule.PRECEDENT: 0.97, Rule.TABLE: 0.95, Rule.STREET: 0.65, Rule.OWNER: 0.63, Rule.MAINTAINER: 0.62,
        Rule.CATALOGUE: 0.6,
    },
}  # fmt: skip
# The street is the better guess where the catalogue names it too.
STREET_NAMED = 0.85

STREET_KIND = "street"
# Who can be found by the catalogue's kind of department; a contractor is found as maintainer or by the table only.
CATALOGUE_KINDS = frozenset({"department", "utility"})
# Words of the catalogue that mean the local street, or the owner of the thing, and so no kind of department.
STREET_WORDS = frozenset({"街道", "属地执法", "社区"})
OWNER_WORDS = frozenset({"产权", "设置", "责任", "建设", "施工", "运营", "主管"})
_ENDINGS = re.compile(r"(管理)?(部门|单位|企业|公司|机关)$")
_BRACKETS = re.compile(r"[(（][^)）]*[)）]")


@dataclass(frozen=True, kw_only=True)
class Department:
    """What routing must know of a department. `types` is the text of its kinds as the catalogue has them."""

    code: str
    kind: str
    types: str = ""
    area_code: str = ""
    sort: int = 100


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the responsibility table, or a precedent; an empty condition means any.

    `hours` may go over midnight, `season` ("05-01", "09-30", both days included) over New Year; `weekdays` holds the
    digits 1 (Monday) to 7. `words` say the conditions to a reader. Of precedents the `newest` (a day) goes first.
    """

    department_code: str
    kind: str = ""
    major_code: str = ""
    class_code: str = ""
    area_code: str = ""
    duty_grid: str = ""
    road: str = ""
    road_class: str = ""
    owner_code: str = ""
    hours: tuple[time, time] | None = None
    weekdays: str = ""
    season: tuple[str, str] | None = None
    precedent: str = ""
    newest: str = ""
    sort: int = 100
    words: str = ""

    @property
    def is_timed(self) -> bool:
        """Whether it holds at some times only."""
        return bool(self.hours or self.weekdays or self.season)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What there is to dispatch, and when: class, place and, for a component, whose it is.

    Codes of departments, or "". `area_code` is the community's, `cell_code` the unit grid's, which begins with it; `at`
    is in the city's own time.
    """

    kind: str
    class_code: str
    department_type: str
    area_code: str
    cell_code: str = ""
    duty_grid: str = ""
    road: str = ""
    road_class: str = ""
    at: datetime | None = None
    component: str = ""
    owner_code: str = ""
    maintainer_code: str = ""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A department, the rule that names it with its facts, and how sure that is: a share from 0 to 1."""

    department_code: str
    rule: Rule
    facts: Mapping[str, str] = field(default_factory=dict)
    confidence: float
    experience: Experience = UNKNOWN

    @property
    def percent(self) -> int:
        """How sure, in whole per cent; nothing is certain."""
        return min(99, max(1, round(self.confidence * 100)))

    @property
    def words(self) -> str:
        """How sure, in words that are still to be translated."""
        return next(words for least, words in HOW_SURE if self.confidence >= least)


def choose(
    problem: Problem,
    *,
    departments: Iterable[Department],
    rows: Iterable[Row] = (),
    experience: Mapping[str, Experience] | None = None,
    by_rule: Mapping[str, Outcome] | None = None,
    class_by_rule: Mapping[str, Outcome] | None = None,
    order: Sequence[str] | None = None,
) -> list[Proposal]:
    """Return the departments that should get the problem, the best first; each once, under the first rule naming it.

    `experience` is by code of department; `by_rule` and `class_by_rule` by rule, of all classes and of this; `order`
    is the city's order of the rules after precedent and table. Departments outside the place are left out. Empty when
    nobody fits: the dispatcher chooses by hand then.
    """
    known = {one.code: one for one in departments if problem.area_code.startswith(one.area_code)}
    experience, by_rule, class_by_rule, rows = experience or {}, by_rule or {}, class_by_rule or {}, list(rows)
    found: dict[str, Proposal] = {}
    for rule in (*FIRST, *(ORDER[problem.kind] if order is None else in_order(problem.kind, order))):
        for code, facts in _named(rule, problem, known, rows):
            if code in known and code not in found:
                mine = experience.get(code, UNKNOWN)
                mine = replace(mine, of_class=class_by_rule.get(rule, NONE), rule=by_rule.get(rule, NONE))
                found[code] = Proposal(
                    department_code=code,
                    rule=rule,
                    facts=facts,
                    confidence=sure(first_estimate(rule, problem), mine),
                    experience=mine,
                )
    # A stable sort: among the refuted and among the others the order of the rules stands.
    return sorted(found.values(), key=lambda proposal: is_refuted(proposal.experience))


def in_order(kind: str, order: Sequence[str]) -> list[Rule]:
    """Return the rules of a kind in a city's order; what it does not name comes after, as it does by default."""
    named = [rule for word in order for rule in ORDER[kind] if rule == word]
    return list(dict.fromkeys([*named, *ORDER[kind]]))


def first_estimate(rule: Rule, problem: Problem) -> float:
    """Return how sure a rule is, from 0 to 1, before any outcome is known."""
    if rule is Rule.STREET and names_street(problem.department_type):
        return STREET_NAMED
    return FIRST_ESTIMATE[problem.kind][rule]


def _named(
    rule: Rule, problem: Problem, known: Mapping[str, Department], rows: Iterable[Row]
) -> Sequence[tuple[str, dict[str, str]]]:
    """Return the departments that one rule names, the best first, with the facts of the reason."""
    if rule in FIRST:
        fitting = [row for row in rows if bool(row.precedent) == (rule is Rule.PRECEDENT) and fits(row, problem)]
        # Sorts are stable: the narrower first, of equals the newer, of these by code.
        fitting.sort(key=lambda row: row.department_code)
        fitting.sort(key=lambda row: row.newest, reverse=True)
        fitting.sort(key=_narrowness)
        return [(row.department_code, _row_facts(row)) for row in fitting]
    if rule is Rule.OWNER:
        return [(problem.owner_code, {"component": problem.component})] if problem.owner_code else []
    if rule is Rule.MAINTAINER:
        return [(problem.maintainer_code, {"component": problem.component})] if problem.maintainer_code else []
    if rule is Rule.CATALOGUE:
        return _of_the_catalogue(problem.department_type, known)
    streets = [one for one in known.values() if one.kind == STREET_KIND and one.area_code]
    return [(one.code, {}) for one in sorted(streets, key=_nearest)]


def _row_facts(row: Row) -> dict[str, str]:
    said = {"conditions": row.words or conditions(row)}
    return {**said, "case": row.precedent} if row.precedent else said


def fits(row: Row, problem: Problem) -> bool:
    """True when every condition of the row holds for the problem, now."""
    return (
        row.kind in ("", problem.kind)
        and row.major_code in ("", problem.class_code.split("-")[0])
        and row.class_code in ("", problem.class_code)
        and (problem.cell_code or problem.area_code).startswith(row.area_code)
        and row.duty_grid in ("", problem.duty_grid)
        and row.road in ("", problem.road)
        and row.road_class in ("", problem.road_class)
        and row.owner_code in ("", problem.owner_code)
        and is_time_of(row, problem.at)
    )


def is_time_of(row: Row, at: datetime | None) -> bool:
    """True when the row holds at this hour, on this weekday, in this season; a row for some times never without one.

    A night that began on a Saturday belongs to Saturday: of a span over midnight the hours after it count to the day
    before.
    """
    if not row.is_timed:
        return True
    if at is None:
        return False
    day = at.isoweekday()
    if row.hours is not None:
        opens, closes = row.hours
        now = at.time()
        if opens < closes:
            if not opens <= now < closes:
                return False
        elif closes <= now < opens:
            return False
        elif now < closes:
            day = day - 1 or 7
    if row.weekdays and str(day) not in row.weekdays:
        return False
    return row.season is None or in_season(f"{at:%m-%d}", *row.season)


def in_season(day: str, first: str, last: str) -> bool:
    """True when a day of the year ("MM-DD") lies between two others, both included, perhaps over New Year."""
    return first <= day <= last if first <= last else day >= first or day <= last


def _narrowness(row: Row) -> tuple[bool, bool, bool, bool, bool, int, bool, bool, int]:
    """Order rows, the narrower first: class, owner, major class, road, duty grid, area, road class, time; `sort`."""
    return (
        not row.class_code,
        not row.owner_code,
        not row.major_code,
        not row.road,
        not row.duty_grid,
        -len(row.area_code),
        not row.road_class,
        not row.is_timed,
        row.sort,
    )


def conditions(row: Row) -> str:
    """Return the row's conditions as codes: "01-001, 340123, main, 18:00–02:00"; "*" for none."""
    named = (row.class_code or row.major_code, row.area_code, row.road_class, row.owner_code, times(row))
    return ", ".join(one for one in named if one) or "*"


def times(row: Row) -> str:
    """Return when a row holds, in figures: "18:00–02:00 1234 05-01–09-30"; "" for always."""
    hours = f"{row.hours[0]:%H:%M}–{row.hours[1]:%H:%M}" if row.hours else ""
    season = f"{row.season[0]}–{row.season[1]}" if row.season else ""
    return " ".join(one for one in (hours, row.weekdays, season) if one)


def _nearest(department: Department) -> tuple[int, int, str]:
    return -len(department.area_code), department.sort, department.code


def _of_the_catalogue(text: str, known: Mapping[str, Department]) -> list[tuple[str, dict[str, str]]]:
    named: list[tuple[str, dict[str, str]]] = []
    for wanted in alternatives(text):
        of_type = [
            one
            for one in known.values()
            if one.kind in CATALOGUE_KINDS and any(same_type(wanted, own) for own in alternatives(one.types))
        ]
        named += [(one.code, {"department_type": text}) for one in sorted(of_type, key=_nearest)]
    return named


def alternatives(text: str) -> list[str]:
    """Return the stems of the kinds of department that a text names, in its order, without street and owner words.

    "水务(河道)部门/市政/园林部门" → ["水务", "市政", "园林"].
    """
    stems = (stem(part) for part in re.split(r"[/,，、]", text))
    return [one for one in stems if one and one not in STREET_WORDS and one not in OWNER_WORDS]


def stem(name: str) -> str:
    """Return a kind of department without brackets and ending: "路灯(照明)管理单位" → "路灯"."""
    return _ENDINGS.sub("", _BRACKETS.sub("", name).strip())


def same_type(one: str, other: str) -> bool:
    """True when two stems mean the same kind of department: "园林" and "园林绿化"."""
    return one.startswith(other) or other.startswith(one)


def names_street(text: str) -> bool:
    """True when the catalogue's text names the local street."""
    return any(stem(part) in STREET_WORDS for part in re.split(r"[/,，、]", text))
