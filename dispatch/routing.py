"""Which department should get the case, and why. Pure: no Django.

Responsibility follows class × place × owner × road class (权责矩阵). The rows of the responsibility table come first;
without one, a component goes to its owner first and then to the street of the place, an event to the street first and
then to its owner: the department that the catalogue names (部件先属主后属地，事件先属地后属主).

How sure a proposal is comes from the past: how many earlier dispatches of this class to this department stayed there.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


def _(text: str) -> str:
    """Mark a sentence for translation; it is translated where it is shown."""
    return text


class Rule(StrEnum):
    """Why a department is proposed. BY_HAND is no proposal: the dispatcher chose somebody else."""

    TABLE = "table"
    OWNER = "owner"
    MAINTAINER = "maintainer"
    CATALOGUE = "catalogue"
    STREET = "street"
    BY_HAND = "by_hand"


RULE_LABELS: dict[Rule, str] = {
    Rule.TABLE: _("Responsibility table"),
    Rule.OWNER: _("Owner"),
    Rule.MAINTAINER: _("Maintainer"),
    Rule.CATALOGUE: _("Catalogue"),
    Rule.STREET: _("Street of the place"),
    Rule.BY_HAND: _("Chosen by hand"),
}
REASONS: dict[Rule, str] = {
    Rule.TABLE: _("The responsibility table names it for: %(conditions)s."),
    Rule.OWNER: _("It owns the component %(component)s."),
    Rule.MAINTAINER: _("It looks after the component %(component)s."),
    Rule.CATALOGUE: _("The catalogue names “%(department_type)s” for this class."),
    Rule.STREET: _("It is the street office of the place."),
    Rule.BY_HAND: _("Chosen by hand."),
}
EXPERIENCE = _("%(right)s of %(total)s earlier dispatches of this class to it were right.")
NO_EXPERIENCE = _("No earlier dispatch of this class to it; the figure is a first estimate.")

# 部件先属主后属地，事件先属地后属主.
ORDER: dict[str, tuple[Rule, ...]] = {
    "component": (Rule.TABLE, Rule.OWNER, Rule.MAINTAINER, Rule.CATALOGUE, Rule.STREET),
    "event": (Rule.TABLE, Rule.STREET, Rule.CATALOGUE),
}
# What a rule is worth before anything is known, and how many outcomes that estimate weighs.
FIRST_ESTIMATE: dict[str, dict[Rule, float]] = {
    "component": {
        Rule.TABLE: 0.95, Rule.OWNER: 0.9, Rule.MAINTAINER: 0.85, Rule.CATALOGUE: 0.7, Rule.STREET: 0.4,
    },
    "event": {Rule.TABLE: 0.95, Rule.STREET: 0.65, Rule.CATALOGUE: 0.6},
}  # fmt: skip
ESTIMATE_WEIGHT = 4
# The street is the better guess where the catalogue names it too.
STREET_NAMED = 0.85
# A proposal that experience has refuted goes behind those it has not: at least so many outcomes, most of them wrong.
REFUTED_AFTER = 5
REFUTED_BELOW = 0.5

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
    """One row of the responsibility table; an empty condition means any. `words` say its conditions to a reader."""

    department_code: str
    kind: str = ""
    major_code: str = ""
    class_code: str = ""
    area_code: str = ""
    road_class: str = ""
    owner_code: str = ""
    sort: int = 100
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What there is to dispatch: class, place and, for a component, whose it is. Codes of departments, or ""."""

    kind: str
    class_code: str
    department_type: str
    area_code: str
    road_class: str = ""
    component: str = ""
    owner_code: str = ""
    maintainer_code: str = ""


@dataclass(frozen=True)
class Outcome:
    """Earlier dispatches of the class to a department: those that stayed there, and those that came back."""

    right: int = 0
    wrong: int = 0

    @property
    def total(self) -> int:
        return self.right + self.wrong


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A department, the rule that names it with its facts, and how sure that is: a share from 0 to 1."""

    department_code: str
    rule: Rule
    facts: Mapping[str, str] = field(default_factory=dict)
    confidence: float
    outcome: Outcome = Outcome()

    @property
    def percent(self) -> int:
        return round(self.confidence * 100)


def choose(
    problem: Problem,
    *,
    departments: Iterable[Department],
    rows: Iterable[Row] = (),
    outcomes: Mapping[str, Outcome] | None = None,
) -> list[Proposal]:
    """Return the departments that should get the problem, the best first; each once, under the first rule naming it.

    Departments outside the place are left out. Empty when nobody fits: then the dispatcher chooses by hand.
    """
    known = {one.code: one for one in departments if problem.area_code.startswith(one.area_code)}
    outcomes = outcomes or {}
    found: dict[str, Proposal] = {}
    for rule in ORDER[problem.kind]:
        for code, facts in _named(rule, problem, known, rows):
            if code in known and code not in found:
                outcome = outcomes.get(code, Outcome())
                found[code] = Proposal(
                    department_code=code,
                    rule=rule,
                    facts=facts,
                    confidence=confidence(first_estimate(rule, problem), outcome),
                    outcome=outcome,
                )
    # A stable sort: among the refuted and among the others the order of the rules stands.
    return sorted(found.values(), key=lambda proposal: is_refuted(proposal.outcome))


def first_estimate(rule: Rule, problem: Problem) -> float:
    """Return how sure a rule is, from 0 to 1, before any outcome is known."""
    if rule is Rule.STREET and names_street(problem.department_type):
        return STREET_NAMED
    return FIRST_ESTIMATE[problem.kind][rule]


def confidence(estimate: float, outcome: Outcome) -> float:
    """Return the share of right dispatches to expect: the outcomes, smoothed by the estimate while they are few."""
    return (outcome.right + ESTIMATE_WEIGHT * estimate) / (outcome.total + ESTIMATE_WEIGHT)


def is_refuted(outcome: Outcome) -> bool:
    """True when experience speaks against a department: enough outcomes, and most of them wrong."""
    return outcome.total >= REFUTED_AFTER and outcome.right < REFUTED_BELOW * outcome.total


def _named(
    rule: Rule, problem: Problem, known: Mapping[str, Department], rows: Iterable[Row]
) -> Sequence[tuple[str, dict[str, str]]]:
    """Return the departments that one rule names, the best first, with the facts of the reason."""
    if rule is Rule.TABLE:
        fitting = sorted((row for row in rows if fits(row, problem)), key=_narrowness)
        return [(row.department_code, {"conditions": row.words or conditions(row)}) for row in fitting]
    if rule is Rule.OWNER:
        return [(problem.owner_code, {"component": problem.component})] if problem.owner_code else []
    if rule is Rule.MAINTAINER:
        return [(problem.maintainer_code, {"component": problem.component})] if problem.maintainer_code else []
    if rule is Rule.CATALOGUE:
        return _of_the_catalogue(problem.department_type, known)
    streets = [one for one in known.values() if one.kind == STREET_KIND and one.area_code]
    return [(one.code, {}) for one in sorted(streets, key=_nearest)]


def fits(row: Row, problem: Problem) -> bool:
    """True when every condition of the row holds for the problem."""
    return (
        row.kind in ("", problem.kind)
        and row.major_code in ("", problem.class_code.split("-")[0])
        and row.class_code in ("", problem.class_code)
        and problem.area_code.startswith(row.area_code)
        and row.road_class in ("", problem.road_class)
        and row.owner_code in ("", problem.owner_code)
    )


def _narrowness(row: Row) -> tuple[bool, bool, bool, int, bool, int, str]:
    """Order rows: the narrower row first (class, owner, major class, area, road class), then by their own order."""
    return (
        not row.class_code,
        not row.owner_code,
        not row.major_code,
        -len(row.area_code),
        not row.road_class,
        row.sort,
        row.department_code,
    )


def conditions(row: Row) -> str:
    """Return the row's conditions as codes: "01-001, 340123, main"; "*" for none."""
    named = (row.class_code or row.major_code, row.area_code, row.road_class, row.owner_code)
    return ", ".join(one for one in named if one) or "*"


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
