"""The leader's overview: key figures with their changes, the coloured map, what to look at today by rule."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.gis.geos import Point
from django.db import models
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case, Directive
from cases.permissions import appointment_for
from cases.workflow import OPEN, DirectiveStage, Subject, find
from components.models import MinorClass
from evaluation import facts
from evaluation.facts import Fact, Judged
from evaluation.indicators import INDICATORS, Direction, Window, label_of
from evaluation.periods import Period, a_year_before, previous
from evaluation.scoring import change, points_between
from evaluation.tables import THE_CITY, Look, Row, cells_of
from grid.models import Area, UnitGrid

# — key figures ——————————————————————————————————————————————————————————————————————————————————————————

KEY_FIGURES = (
    "reported", "filed", "need_handle", "on_time_handle_rate", "close_rate", "rework_rate", "overdue_to_handle",
)  # fmt: skip
COLUMNS = ("need_handle", "on_time_handle_rate", "rework_rate", "overdue_to_handle", "extension_rate")
# More of these is worse; of those neither is better. A ratio carries its own direction.
WORSE_WHEN_MORE = frozenset({"overdue_to_handle"})
NEITHER = frozenset({"reported", "filed", "need_handle"})


@dataclass(frozen=True)
class Change:
    """How a figure moved against a base; `tone` is "up" for better, "down" for worse, "" for neither."""

    label: str
    words: str
    tone: str = ""


@dataclass(frozen=True)
class Figure:
    """One key figure with its changes on the period before and on last year."""

    label: str
    words: str
    url: str
    changes: tuple[Change, Change]
    note: str = ""


def figures(look: Look) -> tuple[list[Figure], list[Fact]]:
    """Return the key figures of the city, and the facts they were counted from."""
    found = compared(look)
    return figures_of(found, look), found[0]


def compared(look: Look) -> list[list[Fact]]:
    """Return the facts of a period, of the one before and of last year's, each up to the same time of it."""
    earlier = (
        previous(look.period, month_starts=look.month_starts),
        a_year_before(look.period, month_starts=look.month_starts),
    )
    windows = [look.window, *(up_to_the_same_time(look.window, period) for period in earlier)]
    return facts.gather_all(windows, tasks=False)


def figures_of(found: list[list[Fact]], look: Look) -> list[Figure]:
    """Return the key figures of what `compared` found."""
    now, before, last_year = (facts.of_the_city(one) for one in found)
    return [_figure(name, now, before, last_year, look) for name in KEY_FIGURES]


def up_to_the_same_time(window: Window, earlier: Period) -> Window:
    """Return an earlier period up to the same time of it: the 10th is compared with the 10th, not with the 30th."""
    start, end = earlier.window(timezone.get_default_timezone())
    is_over = window.cutoff >= window.end
    stop = end if is_over else min(end, start + (window.cutoff - window.start))
    return Window(start, stop, stop, window.basis)


def _figure(name: str, now: Counter, before: Counter, last_year: Counter, look: Look) -> Figure:
    (cell,) = cells_of([name], now, look, THE_CITY, opens=True)
    changes = (
        Change(_("vs. last period"), *_moved(name, now, before)),
        Change(_("vs. last year"), *_moved(name, now, last_year)),
    )
    note = _("not yet due %(number)s") % {"number": now["to_handle_not_due"]} if name == "need_handle" else ""
    return Figure(_(label_of(name)), cell.words, cell.url, changes, note)


def _moved(name: str, now: Counter, base: Counter) -> tuple[str, str]:
    """Return the change in words, a rate in points and a count in percent, and its tone."""
    if not base:
        return "—", ""
    ratio = INDICATORS.get(name)
    moved = points_between(ratio.of(now), ratio.of(base)) if ratio else change(now[name], base[name])
    if moved is None:
        return "—", ""
    if moved == 0:
        return _("unchanged"), ""
    unit = _("%(number)s pp") if ratio else "%(number)s%%"
    words = ("▲ " if moved > 0 else "▼ ") + unit % {"number": abs(moved)}
    if name in NEITHER:
        return words, ""
    is_worse_when_more = ratio.direction is Direction.DOWN if ratio else name in WORSE_WHEN_MORE
    return words, "down" if (moved > 0) == is_worse_when_more else "up"


# — the coloured map —————————————————————————————————————————————————————————————————————————————————————

MAP_WIDTH, MAP_HEIGHT = 520.0, 250.0
TOLERANCE_DEGREES = 0.0003  # about 30 m: finer than a pixel of the drawing


@dataclass(frozen=True)
class Shape:
    """One area of the drawing: its outline as an SVG path, its grade and score; `label` is its name if it fits."""

    name: str
    label: str
    path: str
    grade: str
    score: str
    url: str
    x: float
    y: float


def shapes_of(rows: list[Row], look: Look, *, width: float = MAP_WIDTH, height: float = MAP_HEIGHT) -> list[Shape]:
    """Return the outlines of areas, north up, filling the drawing; [] where no outlines are known."""
    by_code = {row.key.partition(":")[2]: row for row in rows}
    areas = Area.objects.on(look.day).filter(code__in=by_code, boundary__isnull=False).order_by("code")
    outlines = [(by_code[area.code], area.boundary) for area in areas]
    if not outlines:
        return []
    place = placing([outline for _row, outline in outlines], width, height)
    return [_shape(row, outline, place, look) for row, outline in outlines]


Placing = Callable[[float, float], tuple[float, float]]


def placing(outlines: Sequence, width: float, height: float) -> Placing:
    """Return where a longitude and latitude lie in a drawing of this size that these outlines fill, north up."""
    west, south, east, north = (
        pick(outline.extent[side] for outline in outlines) for side, pick in enumerate((min, min, max, max))
    )
    shrink = 0.86  # a degree of longitude is that much shorter than one of latitude at about 31° north
    scale = min(width / ((east - west) * shrink), height / (north - south))
    left, top = (width - (east - west) * shrink * scale) / 2, (height - (north - south) * scale) / 2

    def place(x: float, y: float) -> tuple[float, float]:
        return round(left + (x - west) * shrink * scale, 1), round(top + (north - y) * scale, 1)

    return place


def rings_of(outline, place: Placing) -> list[list[tuple[float, float]]]:
    """Return the outer rings of an outline in a drawing, without what is finer than a pixel."""
    simple = outline.simplify(TOLERANCE_DEGREES, preserve_topology=True)
    polygons = simple if simple.geom_type == "MultiPolygon" else [simple]
    return [[place(x, y) for x, y, *_rest in polygon[0].coords] for polygon in polygons]


def path_of(rings: Iterable[list[tuple[float, float]]], *, end: str = "Z") -> str:
    """Return lines of a drawing as one SVG path."""
    return "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in ring) + end for ring in rings)


def _shape(row: Row, outline, place: Placing, look: Look) -> Shape:
    rings = rings_of(outline, place)
    path = path_of(rings)
    standing, middle = row.places[0], outline.point_on_surface
    x, y = place(middle.x, middle.y)
    across = max(x for ring in rings for x, _y in ring) - min(x for ring in rings for x, _y in ring)
    return Shape(
        name=row.name,
        label=row.name if _length(row.name) < 0.9 * across else "",
        path=path,
        grade=standing.grade or "none",
        score="—" if standing.score is None else str(standing.score),
        url=f"{reverse('evaluation:object')}?{look.query(of=row.key)}",
        x=x,
        y=y,
    )


def _length(name: str) -> float:
    """Return about how long a name is when drawn: a Chinese character is twice as wide as a letter."""
    return sum(12.5 if ord(character) > 0x2E80 else 6.5 for character in name)


# — what to look at ——————————————————————————————————————————————————————————————————————————————————————

WATCHED = {
    "overdue_to_handle": gettext_lazy("%(name)s has overdue cases that nobody has handled."),
    "legacy_to_handle": gettext_lazy("%(name)s still owes cases of earlier periods."),
    "reworked": gettext_lazy("Work of %(name)s came back after the check."),
    "shirked": gettext_lazy("%(name)s returned cases without a reason that held."),
}
LEAST_WORTH_SAYING = 2
HOT_SPOT_CASES = 3  # filed in one unit grid within the last days
HOT_SPOT_DAYS = 30
MOST_NOTICES = 6
MOST_SPOTS_NOTICED = 3


@dataclass(frozen=True)
class Notice:
    """One thing to look at, in a sentence, with the number of its cases and the way to them."""

    words: str
    number: int
    url: str


def notices(look: Look) -> list[Notice]:
    """Return what to look at, by rule: who is late, where work comes back, where problems gather."""
    found = look.facts(tasks=False)
    return noticed(found, hot_spots(found, look, most=MOST_SPOTS_NOTICED), look)


def noticed(found: list[Fact], spots: list["HotSpot"], look: Look) -> list[Notice]:
    """Return what to look at in facts whose hot spots are known."""
    objects = look.judged(facts.ObjectType.DEPARTMENT)
    gather = [
        Notice(_("Problems gather in one unit grid: %(place)s.") % {"place": one.place}, one.number, one.url)
        for one in spots[:MOST_SPOTS_NOTICED]
    ]
    all_of_them = [*_of_departments(objects, facts.tally(objects, found), look), *gather]
    return sorted(all_of_them, key=lambda notice: -notice.number)[:MOST_NOTICES]


def _of_departments(objects: list[Judged], counts: Mapping[str, Counter], look: Look) -> list[Notice]:
    said = []
    for name, words in WATCHED.items():
        worst = max(objects, key=lambda one: counts[one.key][name], default=None)
        if worst is not None and counts[worst.key][name] >= LEAST_WORTH_SAYING:
            url = f"{reverse('evaluation:cases')}?{look.query(of=worst.key, count=name)}"
            said.append(Notice(str(words) % {"name": worst.name}, counts[worst.key][name], url))
    return said


@dataclass(frozen=True)
class HotSpot:
    """One unit grid in which problems gather: where, how many were filed, what they mostly are, the way to them."""

    place: str
    code: str
    what: str
    number: int
    url: str
    point: Point


def hot_spots(found: list[Fact], look: Look, *, most: int) -> list[HotSpot]:
    """Return the unit grids where most cases were filed in the period, counting its last thirty days; two queries."""
    since = look.window.cutoff - timedelta(days=HOT_SPOT_DAYS)
    filed: dict[int, Counter] = defaultdict(Counter)
    for fact in found:
        if fact.kind == facts.Kind.REPORT and "filed" in fact.measures and fact.at >= since:
            filed[fact.unit_grid_id][fact.minor_class_id] += 1
    numbers = {grid: classes.total() for grid, classes in filed.items()}
    busiest = [
        grid for grid in sorted(numbers, key=lambda one: (-numbers[one], one)) if numbers[grid] >= HOT_SPOT_CASES
    ]
    busiest = busiest[:most]
    mostly = {grid: filed[grid].most_common(1)[0][0] for grid in busiest}
    names = MinorClass.objects.only("name_zh", "name_en").in_bulk(set(mostly.values()))
    cells = UnitGrid.objects.filter(pk__in=busiest).select_related("community__parent").only(
        "code", "centre", "community__name_zh", "community__name_en", "community__parent__name_zh",
        "community__parent__name_en",
    ).in_bulk()  # fmt: skip
    return [
        HotSpot(
            place=" · ".join(one.name for one in (cells[grid].community.parent, cells[grid].community) if one),
            code=cells[grid].code, what=names[mostly[grid]].name, number=numbers[grid], point=cells[grid].centre,
            url=f"{reverse('evaluation:cases')}?{look.query(of=f'grid:{grid}', count='filed')}",
        )
        for grid in busiest
    ]  # fmt: skip


# — what stands open right now ————————————————————————————————————————————————————————————————————————————


def _demanded(at: datetime) -> Q:
    open_ones = Directive.objects.filter(stage=DirectiveStage.OPEN).exclude(kind=Directive.Kind.URGE)
    return Q(pk__in=open_ones.values("case"))


@dataclass(frozen=True)
class Standing:
    """One list of open cases that a leader looks at: its lamp, its name, which cases of the open ones are on it."""

    name: str
    lamp: str
    sign: str
    label: str
    holds: Callable[[datetime], Q]
    order: tuple = (F("due_at").asc(nulls_last=True), "id")


STANDINGS = (
    Standing("open", "none", "", gettext_lazy("Open"), lambda at: Q()),
    Standing("on_time", "green", "●", gettext_lazy("On time"),
             lambda at: Q(due_at__gte=at, clock_paused=False) & (Q(yellow_at__gt=at) | Q(yellow_at=None))),
    Standing("soon", "yellow", "◐", gettext_lazy("Nearly due"),
             lambda at: Q(due_at__gte=at, yellow_at__lte=at, clock_paused=False)),
    Standing("overdue", "red", "▲", gettext_lazy("Overdue"), lambda at: Q(due_at__lt=at, clock_paused=False)),
    Standing("paused", "paused", "‖", gettext_lazy("Clock stopped"), lambda at: Q(clock_paused=True)),
    Standing("supervised", "star", "★", gettext_lazy("Supervised"), _demanded),
    Standing("repeats", "none", "↻", gettext_lazy("Came back"), lambda at: Q(recurrence__gte=1),
             ("-recurrence", "-reported_at", "id")),
    Standing("urgent", "red", "!", gettext_lazy("Urgent"), lambda at: Q(urgency__gt=0) | Q(emergency_at__isnull=False)),
)  # fmt: skip
BY_NAME = {one.name: one for one in STANDINGS}


def standing_open(visible) -> QuerySet:
    """Return the open cases among these; what was only practised is none."""
    return visible.filter(stage__in=OPEN, is_practice=False)


def on_the_list(visible, name: str, *, at: datetime) -> QuerySet:
    """Return the open cases of one list, the worst first."""
    one = BY_NAME[name]
    return standing_open(visible).filter(one.holds(at)).order_by(*one.order)


@dataclass(frozen=True)
class Count:
    """How many cases stand on a list right now, and the way to them."""

    standing: Standing
    number: int

    @property
    def url(self) -> str:
        return f"{reverse('evaluation:leader_list')}?list={self.standing.name}"


def right_now(visible, *, at: datetime) -> list[Count]:
    """Return how many of these cases stand on each list; one query."""
    numbers = standing_open(visible).aggregate(
        **{one.name: models.Count("pk", filter=one.holds(at) or None) for one in STANDINGS}
    )
    return [Count(one, numbers[one.name]) for one in STANDINGS]


def pushes(user, case: Case, *, at: datetime) -> list[tuple[str, str, str]]:
    """Return what this person may demand about a case, as (verb, label, address of its form); no query."""
    offered = []
    for verb in ("instruct", "supervise"):
        rule = find(Subject.CASE, verb, stage=case.stage, case_stage=case.stage)
        if rule is not None and appointment_for(user, rule, case=case, subject=case, at=at):
            offered.append((verb, _(rule.label), reverse("cases:move", args=[case.public_id, "case", case.public_id,
                                                                             verb])))  # fmt: skip
    return offered


# — how it went ———————————————————————————————————————————————————————————————————————————————————————————

TREND_PERIODS = 6
SPARK_WIDTH, SPARK_HEIGHT = 72.0, 18.0


def spark(scores: Sequence) -> str:
    """Return scores from 0 to 100, oldest first, as the path of a small line; "" for fewer than two."""
    known = [float(one) for one in scores if one is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    span = max(high - low, 10.0)  # a line that hardly moves looks like one
    step = SPARK_WIDTH / (len(known) - 1)
    points = [
        (round(place * step, 1), round(SPARK_HEIGHT - 2 - (one - low) / span * (SPARK_HEIGHT - 4), 1))
        for place, one in enumerate(known)
    ]
    return path_of([points], end="")
