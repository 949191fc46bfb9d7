"""From counts to points, grades, ranks and award proposals 评分. Pure: no Django.

A scheme is data: items with a weight, a source (a count or ratio of evaluation.indicators), a function and its
parameters; a ladder of grades; how ties, gaps and small numbers are treated. Everything is exact (Fraction) inside and
rounded once, half up, where it is printed; a grade and a rank come from the printed score.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from evaluation.indicators import value_of


def _(text: str) -> str:
    """Mark a label for translation; it is translated where it is shown."""
    return text


Number = Fraction | int
HUNDRED = Fraction(100)


def half_up(value: Number | Decimal, places: int = 2) -> Decimal:
    """Return a number rounded half up (away from zero) to so many decimals."""
    exact = Fraction(value) * 10**places
    whole = int(abs(exact) + Fraction(1, 2))
    return Decimal(-whole if exact < 0 else whole).scaleb(-places)


def percent(ratio: Fraction | None) -> Decimal | None:
    """Return a ratio from 0 to 1 as percent with two decimals; None stays None and is shown as a dash."""
    return None if ratio is None else half_up(ratio * 100)


def exact(text: str | int) -> Fraction:
    """Return a number written in a scheme ("0.5", 20) exactly."""
    return Fraction(str(text))


# — scoring functions ———————————————————————————————————————————————————————————————————————————————————
# Each takes the value of its source and the item's parameters; it returns a score out of 100, or points.


def linear(value: Number, _params: Mapping[str, Any]) -> Fraction:
    """The ratio itself, as percent."""
    return value * HUNDRED


def inverse(value: Number, _params: Mapping[str, Any]) -> Fraction:
    """What is missing to the whole, as percent: fewer is better."""
    return (1 - value) * HUNDRED


def band(value: Number, params: Mapping[str, Any]) -> Fraction:
    """The score of the first step whose `max` the value does not exceed; `max` None has no upper end."""
    for step in params["bands"]:
        if step["max"] is None or value <= exact(step["max"]):
            return exact(step["score"])
    raise ValueError("the last band needs no upper end")


def threshold_linear(value: Number, params: Mapping[str, Any]) -> Fraction:
    """`max` points from `full_at` percent on; below it minus `slope` for each percentage point, never under `floor`."""
    full_at, most = exact(params["full_at"]), exact(params["max"])
    below = max(Fraction(0), full_at - value * 100)
    return max(exact(params["floor"]), most - below * exact(params["slope"]))


def deduct_per_item(value: Number, params: Mapping[str, Any]) -> Fraction:
    """`max` points, minus `points` for each occurrence, at most `cap` of them."""
    return exact(params["max"]) - min(value * exact(params["points"]), exact(params["cap"]))


def bonus_per_item(value: Number, params: Mapping[str, Any]) -> Fraction:
    """`points` for each occurrence, at most `cap`."""
    return min(value * exact(params["points"]), exact(params["cap"]))


def per_capita(value: Number, params: Mapping[str, Any]) -> Fraction:
    """`max` points, minus count × `k` ÷ (`area` × `population`)."""
    return exact(params["max"]) - value * exact(params["k"]) / (exact(params["area"]) * exact(params["population"]))


FUNCTIONS: dict[str, Callable[[Number, Mapping[str, Any]], Fraction]] = {
    "linear": linear,
    "inverse": inverse,
    "band": band,
    "threshold_linear": threshold_linear,
    "deduct_per_item": deduct_per_item,
    "bonus_per_item": bonus_per_item,
    "per_capita": per_capita,
}
# These give points out of their own maximum; the others a score out of 100 that the weight scales.
GIVES_POINTS = frozenset({"threshold_linear", "deduct_per_item", "bonus_per_item", "per_capita"})


# — schemes —————————————————————————————————————————————————————————————————————————————————————————————


class ObjectType(StrEnum):
    """What is evaluated."""

    DEPARTMENT = "department"
    AREA = "area"
    COLLECTOR = "collector"
    ACCEPTANCE_OPERATOR = "acceptance_operator"
    DUTY_LEADER = "duty_leader"
    DISPATCHER = "dispatcher"


OBJECT_LABELS: dict[str, str] = {
    ObjectType.DEPARTMENT: _("Departments"),
    ObjectType.AREA: _("Areas"),
    ObjectType.COLLECTOR: _("Collectors"),
    ObjectType.ACCEPTANCE_OPERATOR: _("Acceptance operators"),
    ObjectType.DUTY_LEADER: _("Duty leaders"),
    ObjectType.DISPATCHER: _("Dispatchers"),
}
POSTS = (ObjectType.COLLECTOR, ObjectType.ACCEPTANCE_OPERATOR, ObjectType.DUTY_LEADER, ObjectType.DISPATCHER)


class OnNull(StrEnum):
    """What becomes of an item whose ratio has nothing to divide by."""

    REWEIGHT = "reweight"
    FULL = "full"
    ZERO = "zero"


class TieMode(StrEnum):
    """How equal scores are numbered: 1, 1, 2 or 1, 1, 3."""

    DENSE = "dense"
    COMPETITION = "competition"


@dataclass(frozen=True)
class Rung:
    """One grade: from this printed score (out of 100) on."""

    least: Decimal
    grade: str
    label: str
    colour: str


LADDER = (
    Rung(Decimal(90), "A", _("excellent"), "green"),
    Rung(Decimal(75), "B", _("good"), "blue"),
    Rung(Decimal(60), "C", _("fair"), "yellow"),
    Rung(Decimal(40), "D", _("poor"), "red"),
    Rung(Decimal(0), "E", _("very poor"), "black"),
)
NO_DATA_COLOUR = "grey"


@dataclass(frozen=True)
class Item:
    """One line of a scheme. An item with children has neither source nor function: its score is theirs, weighted."""

    weight: Fraction
    source: str = ""
    function: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    children: tuple["Item", ...] = ()


@dataclass(frozen=True)
class Scheme:
    """A way of scoring one kind of object. Whoever has less than `min_cases` of its `presence` counts is not ranked."""

    code: str
    label: str
    object_type: ObjectType
    items: tuple[Item, ...]
    presence: tuple[str, ...]
    maximum: Decimal = Decimal(100)
    ladder: tuple[Rung, ...] = LADDER
    on_null: OnNull = OnNull.REWEIGHT
    tie_mode: TieMode = TieMode.DENSE
    min_cases: int = 1
    rounds_each_part: bool = False


@dataclass(frozen=True)
class Part:
    """One item scored: the value of its source, its score out of 100 and the points it brings; None without a value."""

    source: str
    value: Number | None
    score: Fraction | None
    points: Fraction | None


@dataclass(frozen=True)
class Scored:
    """A composite score as printed, with its parts; None and "" for an object that has nothing to be judged by."""

    score: Decimal | None
    grade: str
    colour: str
    parts: tuple[Part, ...]


def score(scheme: Scheme, counts: Mapping[str, int]) -> Scored:
    """Return the composite score of an object from its counts, rounded once."""
    parts = tuple(_part(item, counts) for item in scheme.items)
    present = sum(counts.get(name, 0) for name in scheme.presence)
    total = None if present < scheme.min_cases else _total(scheme, parts)
    if total is None:
        return Scored(None, "", NO_DATA_COLOUR, parts)
    printed = half_up(total)
    rung = grade_of(printed / scheme.maximum * 100, scheme.ladder)
    return Scored(printed, rung.grade, rung.colour, parts)


def _part(item: Item, counts: Mapping[str, int]) -> Part:
    if item.children:
        return _branch(item, counts)
    value = value_of(item.source, counts)
    if value is None:
        return Part(item.source, None, None, None)
    given = FUNCTIONS[item.function](value, item.params)
    if item.function in GIVES_POINTS:
        return Part(item.source, value, given / item.weight * 100, given)
    return Part(item.source, value, given, given * item.weight / 100)


def _branch(item: Item, counts: Mapping[str, int]) -> Part:
    """Return an item with children as one part: their weighted mean over those that have a value."""
    scored = [(child.weight, part) for child in item.children if (part := _part(child, counts)).score is not None]
    weights = sum((weight for weight, _part in scored), Fraction(0))
    if not weights:
        return Part(item.source, None, None, None)
    mean = sum((weight * part.score for weight, part in scored if part.score is not None), Fraction(0)) / weights
    return Part(item.source, None, mean, mean * item.weight / 100)


def _total(scheme: Scheme, parts: tuple[Part, ...]) -> Fraction | None:
    reached, reachable = Fraction(0), Fraction(0)
    for item, part in zip(scheme.items, parts, strict=True):
        if part.points is None:
            if scheme.on_null is OnNull.REWEIGHT:
                continue
            points = item.weight if scheme.on_null is OnNull.FULL else Fraction(0)
        else:
            points = Fraction(half_up(part.points)) if scheme.rounds_each_part else part.points
        reached += points
        reachable += item.weight
    if not reachable:
        return None
    whole = sum((item.weight for item in scheme.items), Fraction(0))
    return reached * whole / reachable


def grade_of(printed: Decimal, ladder: Sequence[Rung] = LADDER) -> Rung:
    """Return the grade of a printed score out of 100; below the lowest rung the lowest grade."""
    return next((rung for rung in ladder if printed >= rung.least), ladder[-1])


PROBLEMS: dict[str, str] = {
    "weights_do_not_add_up": _("the weights do not add up to the full score"),
    "no_such_function": _("a function does not exist"),
    "bands_overlap": _("the steps of a band overlap or leave a gap"),
}


def check(scheme: Scheme) -> list[str]:
    """Return what is wrong with a scheme, as keys of PROBLEMS: nothing for a sound one."""
    found = []
    weights = sum((item.weight for item in scheme.items), Fraction(0))
    bonuses = sum((item.weight for item in scheme.items if item.function == "bonus_per_item"), Fraction(0))
    if weights - bonuses != Fraction(scheme.maximum):
        found.append("weights_do_not_add_up")
    for item in _leaves(scheme.items):
        if item.function not in FUNCTIONS:
            found.append("no_such_function")
        elif item.function == "band":
            limits = [step["max"] for step in item.params["bands"]]
            if limits[-1] is not None or None in limits[:-1] or sorted(limits[:-1], key=exact) != limits[:-1]:
                found.append("bands_overlap")
    return found


def _leaves(items: Sequence[Item]) -> list[Item]:
    return [leaf for item in items for leaf in (_leaves(item.children) if item.children else [item])]


# — ranks ———————————————————————————————————————————————————————————————————————————————————————————————


def ranks(scores: Sequence[Any], *, mode: TieMode = TieMode.DENSE) -> list[int | None]:
    """Return the place of each score, highest first; None is unranked.

    A score may be a tuple (score, tie-breaker, …), each the higher the better.
    """
    ranked = sorted((one for one in scores if one is not None), reverse=True)
    places: dict[Any, int] = {}
    for index, one in enumerate(ranked, 1):
        if one not in places:
            places[one] = len(places) + 1 if mode is TieMode.DENSE else index
    return [None if one is None else places[one] for one in scores]


def tie_break(printed: Decimal, counts: Mapping[str, int]) -> tuple[Number | Decimal, ...]:
    """Return the score followed by what decides a tie: on-time rate, rework rate, overdue unhandled, cases."""
    on_time = value_of("on_time_handle_rate", counts) or 0
    rework = value_of("rework_rate", counts) or 0
    return printed, on_time, -rework, -counts.get("overdue_to_handle", 0), counts.get("need_handle", 0)


@dataclass(frozen=True)
class Standing:
    """One object in a ranking: its counts, its score and its place in its group; None without a place."""

    key: str
    group: str
    counts: Mapping[str, int]
    scored: Scored
    rank: int | None


def standings(scheme: Scheme, objects: Sequence[tuple[str, str, Mapping[str, int]]]) -> list[Standing]:
    """Score objects (key, group, counts) and rank them inside their groups; in the order of groups and places."""
    scored = [(key, group, counts, score(scheme, counts)) for key, group, counts in objects]
    found: list[Standing] = []
    for group in dict.fromkeys(group for _key, group, _counts in objects):
        members = [one for one in scored if one[1] == group]
        places = ranks([one[3].score for one in members], mode=scheme.tie_mode)
        placed = [Standing(*member, place) for member, place in zip(members, places, strict=True)]
        found += sorted(placed, key=lambda one: (one.rank is None, one.rank or 0))
    return found


# — comparisons —————————————————————————————————————————————————————————————————————————————————————————


def change(this: int, base: int) -> Decimal | None:
    """Return the change on a base in percent (环比, 同比); 0.00 when both are 0, None when only the base is."""
    if base == 0:
        return None if this else Decimal("0.00")
    return half_up(Fraction(this - base, base) * 100)


def points_between(this: Fraction | None, base: Fraction | None) -> Decimal | None:
    """Return by how many percentage points a ratio changed: never a percentage of a percentage."""
    return None if this is None or base is None else half_up((this - base) * 100)


def weighted(parts: Sequence[tuple[Fraction, Number | Decimal]]) -> Decimal:
    """Return the sum of weight × value, rounded once: a year out of its months and the management score."""
    return half_up(sum((weight * Fraction(value) for weight, value in parts), Fraction(0)))


# — award proposals —————————————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class SubsidyLine:
    """One kind of spending: what rose against last year, and the share of the rise that is subsidised."""

    increment: Fraction
    rate: Fraction


def increment_subsidy(
    printed: Decimal, lines: Sequence[SubsidyLine], *, min_score: Decimal
) -> tuple[list[Decimal], Decimal]:
    """Return the amount of each line and their sum; nothing below the score, a fall counts as no rise."""
    reached = printed >= min_score
    amounts = [max(Fraction(0), line.increment) * line.rate if reached else Fraction(0) for line in lines]
    return [half_up(amount) for amount in amounts], half_up(sum(amounts, Fraction(0)))


def rank_awards(
    scores: Sequence[Decimal], *, from_top: Sequence[Decimal], from_bottom: Sequence[Decimal]
) -> list[Decimal]:
    """Return what each score earns by its place: `from_top` for first, second …, `from_bottom` for last, last but one …

    Equal scores share what their places bring, evenly.
    """
    order = sorted(range(len(scores)), key=lambda index: scores[index], reverse=True)
    by_place = [Fraction(0)] * len(order)
    for place, amount in enumerate(from_top[: len(order)]):
        by_place[place] += Fraction(amount)
    for place, amount in enumerate(from_bottom[: len(order)], 1):
        by_place[-place] += Fraction(amount)
    earned = [Decimal(0)] * len(order)
    for printed in set(scores):
        places = [place for place, index in enumerate(order) if scores[index] == printed]
        share = half_up(sum((by_place[place] for place in places), Fraction(0)) / len(places))
        for place in places:
            earned[order[place]] = share
    return earned


# — the profiles that come with the program ————————————————————————————————————————————————————————————————


def bands(*steps: tuple[int | None, int]) -> dict[str, Any]:
    """Return the parameters of a band function from (max, score) steps."""
    return {"bands": [{"max": most, "score": points} for most, points in steps]}


FEWER_IS_BETTER = bands((50, 100), (100, 90), (200, 75), (500, 60), (1000, 40), (None, 0))
PER_GRID = {
    "1": bands((0, 100), (2, 90), (4, 75), (6, 60), (8, 40), (None, 0)),
    "2": bands((0, 100), (3, 90), (5, 75), (7, 60), (9, 40), (None, 0)),
}
WORKLOAD = bands((100, 0), (300, 40), (500, 60), (1200, 75), (2000, 90), (None, 100))


def _items(*lines: tuple[int, str, str] | tuple[int, str, str, Mapping[str, Any]]) -> tuple[Item, ...]:
    return tuple(Item(Fraction(line[0]), line[1], line[2], line[3] if len(line) > 3 else {}) for line in lines)


def _area(area_class: str) -> Scheme:
    return Scheme(
        f"STD_area_{area_class}", _("STD"), ObjectType.AREA,
        _items(
            (10, "public_share_rate", "inverse"),
            (20, "filed_per_grid", "band", PER_GRID[area_class]),
            (30, "close_rate", "linear"),
            (40, "on_time_close_rate", "linear"),
        ),
        presence=("filed", "need_close", "patrolled"),
    )  # fmt: skip


# Two ways of scoring departments stand side by side: STD rewards few cases, JINNIU has no term for volume.
PROFILES: tuple[Scheme, ...] = (
    Scheme(
        "STD_department", _("STD"), ObjectType.DEPARTMENT,
        _items(
            (10, "filed", "band", FEWER_IS_BETTER),
            (30, "close_rate", "linear"),
            (30, "on_time_handle_rate", "linear"),
            (30, "rework_rate", "inverse"),
        ),
        presence=("need_handle",),
    ),
    Scheme(
        "JINNIU", _("JINNIU"), ObjectType.DEPARTMENT,
        _items(
            (30, "handle_rate", "linear"),
            (20, "on_time_handle_rate", "linear"),
            (20, "rework_rate_over_need_close", "inverse"),
            (20, "overdue_to_handle_rate", "inverse"),
            (10, "extension_rate", "inverse"),
        ),
        presence=("need_handle",),
    ),
    Scheme(
        "CASIC_department", _("CASIC"), ObjectType.DEPARTMENT,
        _items(
            (40, "handle_rate", "linear"),
            (40, "handled_on_time_over_handled", "linear"),
            (10, "overdue_to_handle_rate", "inverse"),
            (10, "rework_rate", "inverse"),
        ),
        presence=("need_handle",), rounds_each_part=True,
    ),
    # The points that a city gives by counts of its own (urgent, media, manual) come on top of these 75.
    Scheme(
        "THRESHOLD_department", _("THRESHOLD"), ObjectType.DEPARTMENT,
        _items(
            (50, "on_time_close_rate", "threshold_linear", {"full_at": "70", "max": "50", "slope": "1", "floor": "0"}),
            (20, "close_rate", "threshold_linear", {"full_at": "90", "max": "20", "slope": "1", "floor": "0"}),
            (5, "rework_times", "deduct_per_item", {"max": "5", "points": "0.2", "cap": "5"}),
        ),
        presence=("need_handle",), maximum=Decimal(75),
    ),
    _area("1"),
    _area("2"),
    Scheme(
        "STD_collector", _("STD"), ObjectType.COLLECTOR,
        _items(
            (40, "valid_report_rate", "linear"),
            (20, "missed_rate", "inverse"),
            (20, "on_time_verify_rate", "linear"),
            (20, "on_time_check_rate", "linear"),
        ),
        presence=("reported", "need_verify", "need_check"),
    ),
    Scheme(
        "STD_acceptance_operator", _("STD"), ObjectType.ACCEPTANCE_OPERATOR,
        _items(
            (25, "accepted", "band", WORKLOAD),
            (40, "on_time_send_verify_rate", "linear"),
            (35, "on_time_send_check_rate", "linear"),
        ),
        presence=("accepted", "need_send_verify", "need_send_check"),
    ),
    Scheme(
        "STD_duty_leader", _("STD"), ObjectType.DUTY_LEADER,
        _items(
            (25, "on_time_file_rate", "linear"),
            (40, "accurate_file_rate", "linear"),
            (35, "on_time_close_rate", "linear"),
        ),
        presence=("filed", "need_close"),
    ),
    Scheme(
        "STD_dispatcher", _("STD"), ObjectType.DISPATCHER,
        _items(
            (20, "dispatched", "band", WORKLOAD),
            (40, "on_time_dispatch_rate", "linear"),
            (40, "accurate_dispatch_rate", "linear"),
        ),
        presence=("need_dispatch",),
    ),
)  # fmt: skip
BY_CODE: dict[str, Scheme] = {scheme.code: scheme for scheme in PROFILES}


# — schemes as rows of data ————————————————————————————————————————————————————————————————————————————————


def to_data(scheme: Scheme) -> dict[str, Any]:
    """Return a scheme as plain JSON data; `from_data` reads it back."""
    return {
        "code": scheme.code,
        "label": scheme.label,
        "object_type": str(scheme.object_type),
        "items": [_item_to_data(item) for item in scheme.items],
        "presence": list(scheme.presence),
        "maximum": str(scheme.maximum),
        "ladder": [[str(rung.least), rung.grade, rung.label, rung.colour] for rung in scheme.ladder],
        "on_null": str(scheme.on_null),
        "tie_mode": str(scheme.tie_mode),
        "min_cases": scheme.min_cases,
        "rounds_each_part": scheme.rounds_each_part,
    }


def from_data(data: Mapping[str, Any]) -> Scheme:
    """Return the scheme that `to_data` wrote."""
    return Scheme(
        code=data["code"],
        label=data["label"],
        object_type=ObjectType(data["object_type"]),
        items=tuple(_item_from_data(item) for item in data["items"]),
        presence=tuple(data["presence"]),
        maximum=Decimal(data["maximum"]),
        ladder=tuple(Rung(Decimal(least), *rest) for least, *rest in data["ladder"]),
        on_null=OnNull(data["on_null"]),
        tie_mode=TieMode(data["tie_mode"]),
        min_cases=data["min_cases"],
        rounds_each_part=data["rounds_each_part"],
    )


def _item_to_data(item: Item) -> dict[str, Any]:
    return {
        "weight": str(item.weight),
        "source": item.source,
        "function": item.function,
        "params": dict(item.params),
        "children": [_item_to_data(child) for child in item.children],
    }


def _item_from_data(data: Mapping[str, Any]) -> Item:
    return Item(
        weight=Fraction(data["weight"]),
        source=data["source"],
        function=data["function"],
        params=data["params"],
        children=tuple(_item_from_data(child) for child in data["children"]),
    )
