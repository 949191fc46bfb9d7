"""Rankings as tables: a period as it is looked at, objects with their places under each scheme, numbers that open.

A period that is over and frozen is shown from its snapshot; any other is counted anew up to a cut-off that stands in
every address, so that a number and the list behind it are counted alike.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import in_this_language
from evaluation import facts
from evaluation.facts import Fact, Judged
from evaluation.indicators import BASIS_LABELS, INDICATORS, Window, label_of, value_of
from evaluation.models import EvalGroup, EvalPeriod, EvalResult, EvalScheme
from evaluation.periods import Period, PeriodType, named_year_and_month, previous
from evaluation.scoring import OBJECT_LABELS, ObjectType, Scheme, half_up, percent, score
from grid.models import Area

# The columns of each kind of table, in the order in which the field prints them.
COLUMNS: dict[ObjectType, tuple[str, ...]] = {
    ObjectType.DEPARTMENT: (
        "filed", "need_handle", "handled_on_time", "handled_overdue", "overdue_to_handle", "on_time_handle_rate",
        "closed", "close_rate", "reworked", "rework_rate", "extended", "to_handle_not_due", "suspended",
        "legacy_to_handle",
    ),
    ObjectType.AREA: (
        "reported", "filed", "public_verified", "public_share_rate", "need_close", "closed", "close_rate",
        "closed_on_time", "on_time_close_rate", "overdue_to_handle",
    ),
    ObjectType.COLLECTOR: (
        "reported", "valid_reported", "valid_report_rate", "need_verify", "verified_on_time", "on_time_verify_rate",
        "need_check", "checked_on_time", "on_time_check_rate",
    ),
    ObjectType.ACCEPTANCE_OPERATOR: (
        "accepted", "accepted_on_time", "need_send_verify", "sent_verify_on_time", "on_time_send_verify_rate",
        "need_send_check", "sent_check_on_time", "on_time_send_check_rate",
    ),
    ObjectType.DUTY_LEADER: (
        "filed", "filed_on_time", "on_time_file_rate", "filed_accurately", "accurate_file_rate", "need_close",
        "closed_on_time", "on_time_close_rate",
    ),
    ObjectType.DISPATCHER: (
        "need_dispatch", "dispatched_on_time", "on_time_dispatch_rate", "dispatched_accurately",
        "accurate_dispatch_rate", "dispatched_wrongly",
    ),
}  # fmt: skip
# Counts of things that are no facts of their own: they open nothing.
OPENS_NOTHING = frozenset({"grids", "patrolled", "filed_per_grid"})
BAD = frozenset({"overdue_to_handle", "legacy_to_handle", "overdue_to_check", "overdue_to_verify"})
THE_CITY = "city"


# — what is looked at ————————————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Look:
    """A period seen from an instant: live up to a cut-off, or from what was frozen."""

    period: Period
    window: Window
    kept: EvalPeriod | None
    at: datetime
    month_starts: int

    @property
    def day(self) -> date:
        """The day by which objects and schemes are chosen: the last of the period that is not in the future."""
        return min(self.period.end - timedelta(days=1), timezone.localdate(self.at))

    @property
    def name(self) -> str:
        """What people call the period."""
        return name_of(self.period, self.month_starts)

    @property
    def footing(self) -> dict:
        """What is printed under every table: counting basis, cut-off, version."""
        return {
            "basis": _(BASIS_LABELS[self.kept.basis if self.kept else self.window.basis]),
            "cutoff": self.kept.cutoff_at if self.kept else self.window.cutoff,
            "kept": self.kept,
        }

    def judged(self, object_type: ObjectType) -> list[Judged]:
        """Return who is judged on this day, looked up once for a page."""
        if object_type not in self._judged:
            self._judged[object_type] = facts.judged(object_type, self.day)
        return self._judged[object_type]

    @cached_property
    def _judged(self) -> dict[ObjectType, list[Judged]]:
        return {}

    def facts(self, *, tasks: bool = True) -> list[Fact]:
        """Return the facts behind the figures of this page."""
        return facts.kept(self.kept) if self.kept else facts.gather(self.window, tasks=tasks)

    def query(self, **more: str) -> str:
        """Return the address part that opens exactly these figures again."""
        return urlencode({**self.plain, "cutoff": int(self.window.cutoff.timestamp()), **more})

    @property
    def plain(self) -> dict[str, str]:
        """The period alone, seen from now."""
        return {"period": str(self.period.type), "on": str(self.period.first)}


TEN_DAYS = (
    gettext_lazy("first ten days of %(month)s"),
    gettext_lazy("second ten days of %(month)s"),
    gettext_lazy("last days of %(month)s"),
)
HALVES = (gettext_lazy("first half of %(year)s"), gettext_lazy("second half of %(year)s"))


def name_of(period: Period, month_starts: int) -> str:
    """Return what people call a period."""
    year, month = named_year_and_month(period, month_starts=month_starts)
    if period.type is PeriodType.DAY:
        return date_format(period.first, "DATE_FORMAT")
    if period.type is PeriodType.WEEK:
        return _("%(first)s to %(last)s") % {"first": period.first, "last": period.end - timedelta(days=1)}
    if period.type is PeriodType.TEN_DAY:
        third = TEN_DAYS[min(period.first.day // 10, 2)]
        return str(third) % {"month": date_format(period.first, "YEAR_MONTH_FORMAT")}
    if period.type is PeriodType.MONTH:
        return date_format(date(year, month, 1), "YEAR_MONTH_FORMAT")
    if period.type is PeriodType.QUARTER:
        return _("Q%(quarter)s %(year)s") % {"quarter": (month + 2) // 3, "year": year}
    if period.type is PeriodType.HALF_YEAR:
        return str(HALVES[month > 6]) % {"year": year}
    return _("Year %(year)s") % {"year": year}


def frozen_name(row: EvalPeriod) -> str:
    """Return what people call a frozen period."""
    period = Period(PeriodType(row.type), row.first_date, row.end_date)
    return name_of(period, facts.month_starts(row.first_date))


# — rows —————————————————————————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Cell:
    """One number as printed, and the address of the cases behind it ("" where there is nothing to open)."""

    words: str
    url: str = ""
    is_bad: bool = False


@dataclass(frozen=True)
class Place:
    """Where an object stands under one scheme."""

    score: Decimal | None
    grade: str
    colour: str
    rank: int | None
    previous_rank: int | None

    @property
    def moved(self) -> int:
        """How many places it gained (positive) or lost since the period before; 0 where that is not known."""
        return self.previous_rank - self.rank if self.rank and self.previous_rank else 0

    @property
    def steps(self) -> int:
        """How many places it moved, either way."""
        return abs(self.moved)


@dataclass
class Row:
    """One object of a ranking: its places by scheme, its cells."""

    key: str
    name: str
    group: str
    counts: Mapping[str, int]
    places: list[Place | None]
    cells: list[Cell] = field(default_factory=list)
    url: str = ""
    is_mine: bool = False


@dataclass(frozen=True)
class Group:
    """One comparable group: its rows in the order of the chosen scheme, and their sum."""

    code: str
    name: str
    rows: list[Row]
    total: list[Cell]


def printed(name: str, counts: Mapping[str, int]) -> str:
    """Return a count or ratio as it is printed: a dash where there is nothing to divide by."""
    value = value_of(name, counts)
    if value is None:
        return "—"
    if isinstance(value, Fraction):
        return f"{percent(value)}%" if INDICATORS[name].cap else str(half_up(value))
    return str(value)


def cells_of(columns: Iterable[str], counts: Mapping[str, int], look: Look, of: str, *, opens: bool) -> list[Cell]:
    """Return the cells of a row; a number other than 0, and a ratio over anything, opens its cases."""
    cells = []
    for name in columns:
        value, url = value_of(name, counts), ""
        has_cases = value is not None if name in INDICATORS else bool(value)
        if opens and has_cases and name not in OPENS_NOTHING:
            url = f"{reverse('evaluation:cases')}?{look.query(of=of, count=name)}"
        cells.append(Cell(printed(name, counts), url, is_bad=name in BAD and bool(value)))
    return cells


def schemes_for(object_type: ObjectType, look: Look) -> list[EvalScheme]:
    """Return the schemes that stand side by side: those frozen with the period, otherwise those in force."""
    if look.kept:
        return list(
            EvalScheme.objects.filter(snapshots__period=look.kept, object_type=object_type).order_by("sort", "code")
        )
    return list(EvalScheme.objects.in_force(look.day).filter(object_type=object_type))


def rows_of(
    object_type: ObjectType,
    look: Look,
    schemes: list[EvalScheme],
    *,
    found: list[Fact] | None = None,
    with_moves: bool = True,
) -> list[Row]:
    """Return every object with its places under each scheme, frozen or counted now (from `found`, if given).

    Without `with_moves` nothing is said of how many places it gained or lost; a query less.
    """
    if look.kept:
        return _frozen_rows(object_type, look.kept, schemes)
    objects = look.judged(object_type)
    counts = facts.tally(
        objects, look.facts(tasks=object_type is not ObjectType.DEPARTMENT) if found is None else found
    )
    earlier = _earlier_places(object_type, look) if with_moves else {}
    standing = [{one.key: one for one in facts.stand(scheme.scheme, objects, counts)} for scheme in schemes]
    rows = []
    for one in objects:
        places: list[Place | None] = []
        for scheme, by_key in zip(schemes, standing, strict=True):
            scored, rank = by_key[one.key].scored, by_key[one.key].rank
            places.append(Place(scored.score, scored.grade, scored.colour, rank, earlier.get((scheme.code, one.key))))
        rows.append(Row(one.key, one.name, one.group, counts[one.key], places))
    return rows


def _earlier_places(object_type: ObjectType, look: Look) -> dict[tuple[str, str], int | None]:
    before = previous(look.period, month_starts=look.month_starts)
    known = EvalResult.objects.filter(
        snapshot__period__type=before.type,
        snapshot__period__first_date=before.first,
        snapshot__scheme__object_type=object_type,
    ).order_by("snapshot__period__version")  # the newest version overwrites the others
    return {
        (code, object_key): rank
        for code, object_key, rank in known.values_list("snapshot__scheme__code", "object_key", "rank")
    }


def _frozen_rows(object_type: ObjectType, kept: EvalPeriod, schemes: list[EvalScheme]) -> list[Row]:
    index = {scheme.pk: place for place, scheme in enumerate(schemes)}
    rows: dict[str, Row] = {}
    for one in EvalResult.objects.of(kept).filter(snapshot__scheme__object_type=object_type).order_by("id"):
        row = rows.setdefault(
            one.object_key, Row(one.object_key, one.name, one.group_code, one.counts, [None] * len(schemes))
        )
        row.places[index[one.snapshot.scheme_id]] = Place(one.score, one.grade, one.colour, one.rank, one.previous_rank)
    return list(rows.values())


def groups_of(
    object_type: ObjectType,
    rows: list[Row],
    look: Look,
    columns: tuple[str, ...],
    *,
    names: Mapping[str, str],
    chosen: int,
    opens_all: bool,
    own: Collection[str],
) -> list[Group]:
    """Gather rows into their groups, best first under the chosen scheme, with a row of sums.

    Numbers open where `opens_all`, otherwise only those of the reader's own objects (keys in `own`).
    """
    groups = []
    for code in [code for code in names if any(row.group == code for row in rows)]:
        members = sorted((row for row in rows if row.group == code), key=lambda row: _order(row, chosen))
        total: Counter[str] = Counter()
        for row in members:
            row.is_mine = row.key in own
            row.cells = cells_of(columns, row.counts, look, row.key, opens=opens_all or row.is_mine)
            row.url = f"{reverse('evaluation:object')}?{look.query(of=row.key)}"
            total.update(row.counts)
        key = f"group:{object_type}:{code}"
        sums = cells_of(columns, total, look, key, opens=opens_all)
        groups.append(Group(code, names[code], members, sums))
    return groups


def _order(row: Row, chosen: int) -> tuple[bool, int]:
    place = row.places[chosen] if row.places else None
    return (place is None or place.rank is None, place.rank or 0 if place else 0)


def group_names(object_type: ObjectType, rows: Iterable[Row]) -> dict[str, str]:
    """Return the names of the groups in a table, in the order in which they are shown; an unnamed one has its code."""
    codes = list(dict.fromkeys(row.group for row in rows))
    known: dict[str, str] = {}
    if object_type is ObjectType.DEPARTMENT:
        known = {one.code: one.name for one in EvalGroup.objects.all()}
    elif object_type is ObjectType.AREA:
        divisions = Area.objects.current().filter(code__in=codes).values_list("code", "name_zh", "name_en")
        known = {code: in_this_language(name_zh, name_en) for code, name_zh, name_en in divisions}
    else:
        known = dict.fromkeys(codes, _(OBJECT_LABELS[object_type]))
    order = [*(code for code in known if code in codes), *(code for code in codes if code not in known)]
    return {code: known.get(code, code) or _("Without a group") for code in order}


# — one object ———————————————————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class ScoreLine:
    """One item of a score, explained: what was measured, what it is worth, what it brought."""

    label: str
    value: Cell
    function: str
    score: str
    weight: str
    points: str


FUNCTION_LABELS = {
    "linear": gettext_lazy("the rate itself"),
    "inverse": gettext_lazy("100 minus the rate"),
    "band": gettext_lazy("by steps"),
    "threshold_linear": gettext_lazy("full from a threshold on"),
    "deduct_per_item": gettext_lazy("deducted for each"),
    "bonus_per_item": gettext_lazy("added for each"),
    "per_capita": gettext_lazy("per head"),
}


def explain_score(scheme: Scheme, counts: Mapping[str, int], look: Look, of: str, *, opens: bool) -> list[ScoreLine]:
    """Return a score line by line."""
    lines = []
    for item, part in zip(scheme.items, score(scheme, counts).parts, strict=True):
        (cell,) = cells_of([item.source], counts, look, of, opens=opens)
        lines.append(
            ScoreLine(
                label=_(label_of(item.source)),
                value=cell,
                function=str(FUNCTION_LABELS.get(item.function, item.function)),
                score="—" if part.score is None else str(half_up(part.score)),
                weight=str(half_up(item.weight, 0)),
                points="—" if part.points is None else str(half_up(part.points)),
            )
        )
    return lines


def history_of(of: str, look: Look) -> list[EvalResult]:
    """Return the frozen results of an object in the last periods of the same kind, oldest first, one for a scheme."""
    found = (
        EvalResult.objects.filter(
            object_key=of, snapshot__period__type=look.period.type, snapshot__period__first_date__lt=look.period.end
        )
        .select_related("snapshot__period", "snapshot__scheme")
        .order_by("-snapshot__period__first_date", "snapshot__scheme__sort", "-snapshot__period__version")[:48]
    )
    newest = {(one.snapshot.scheme.code, one.snapshot.period.first_date): one for one in reversed(found)}
    return sorted(newest.values(), key=lambda one: (one.snapshot.period.first_date, one.snapshot.scheme.sort))


def trends(object_type: ObjectType, look: Look, scheme: EvalScheme | None, *, most: int) -> dict[str, list]:
    """Return each object's frozen scores under one scheme in the last periods of this kind, oldest first; one query."""
    if scheme is None:
        return {}
    found = EvalResult.objects.filter(
        snapshot__scheme__code=scheme.code, snapshot__scheme__object_type=object_type,
        snapshot__period__type=look.period.type, snapshot__period__first_date__lte=look.period.first,
    )  # fmt: skip
    firsts = list(
        EvalPeriod.objects.filter(type=look.period.type, first_date__lte=look.period.first)
        .order_by("-first_date").values_list("first_date", flat=True).distinct()[:most]
    )  # fmt: skip
    rows = found.filter(snapshot__period__first_date__in=firsts).order_by(
        "snapshot__period__first_date", "snapshot__period__version"
    )
    by_key: dict[str, dict[date, Decimal | None]] = {}
    for key, first, score_then in rows.values_list("object_key", "snapshot__period__first_date", "score"):
        by_key.setdefault(key, {})[first] = score_then  # the newest version overwrites the others
    return {key: list(scores.values()) for key, scores in by_key.items()}


def judged_by_key(of: str, look: Look) -> Judged | None:
    """Return the object that a key names; None when nothing of that name is evaluated on that day."""
    object_type = of.partition(":")[0]
    if object_type not in list(ObjectType):
        return None
    return next((one for one in look.judged(ObjectType(object_type)) if one.key == of), None)


# — the cases behind a number —————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Line:
    """One fact behind a number: how often it counts, and of a ratio whether it stands above the line too."""

    fact: Fact
    times: int
    is_above: bool


def lines_behind(count: str, found: Iterable[Fact], owns: Callable[[Fact], bool]) -> list[Line]:
    """Return the facts that a count counts, or those below the line of a ratio, in the order of their time."""
    ratio = INDICATORS.get(count)
    below = ratio.denominator if ratio else (count,)
    lines = []
    for fact in found:
        times = max(fact.measures.count(name) for name in below)
        if times and owns(fact):
            lines.append(Line(fact, times, bool(ratio) and _is_above(fact, ratio.numerator)))
    return sorted(lines, key=lambda line: (line.fact.at, line.fact.case_id))


def _is_above(fact: Fact, numerator: tuple[str, ...]) -> bool:
    taken_off = any(name.startswith("-") and name[1:] in fact.measures for name in numerator)
    return not taken_off and any(name in fact.measures for name in numerator)
