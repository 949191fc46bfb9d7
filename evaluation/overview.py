"""The leader's overview: key figures with their changes, the coloured map, what to look at today by rule."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case
from evaluation import facts
from evaluation.facts import Fact, Judged
from evaluation.indicators import INDICATORS, Direction, Window, label_of
from evaluation.periods import Period, a_year_before, previous
from evaluation.scoring import change, points_between
from evaluation.tables import THE_CITY, Look, Row, cells_of
from grid.models import Area

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
    earlier = (
        previous(look.period, month_starts=look.month_starts),
        a_year_before(look.period, month_starts=look.month_starts),
    )
    windows = [look.window, *(up_to_the_same_time(look.window, period) for period in earlier)]
    found = facts.gather_all(windows, tasks=False)
    now, before, last_year = (facts.of_the_city(one) for one in found)
    return [_figure(name, now, before, last_year, look) for name in KEY_FIGURES], found[0]


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


def shapes_of(rows: list[Row], look: Look) -> list[Shape]:
    """Return the outlines of areas, north up, filling the drawing; [] where no outlines are known."""
    by_code = {row.key.partition(":")[2]: row for row in rows}
    areas = Area.objects.on(look.day).filter(code__in=by_code, boundary__isnull=False).order_by("code")
    outlines = [(by_code[area.code], area.boundary) for area in areas]
    if not outlines:
        return []
    west, south, east, north = (
        pick(outline.extent[side] for _row, outline in outlines) for side, pick in enumerate((min, min, max, max))
    )
    shrink = 0.86  # a degree of longitude is that much shorter than one of latitude at about 31° north
    scale = min(MAP_WIDTH / ((east - west) * shrink), MAP_HEIGHT / (north - south))
    left = (MAP_WIDTH - (east - west) * shrink * scale) / 2

    def place(x: float, y: float) -> tuple[float, float]:
        return round(left + (x - west) * shrink * scale, 1), round((north - y) * scale, 1)

    return [_shape(row, outline, place, look) for row, outline in outlines]


def _shape(row: Row, outline, place, look: Look) -> Shape:
    simple = outline.simplify(TOLERANCE_DEGREES, preserve_topology=True)
    polygons = simple if simple.geom_type == "MultiPolygon" else [simple]
    rings = [[place(x, y) for x, y, *_rest in polygon[0].coords] for polygon in polygons]
    path = "".join("M" + "L".join(f"{x} {y}" for x, y in ring) + "Z" for ring in rings)
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


@dataclass(frozen=True)
class Notice:
    """One thing to look at, in a sentence, with the number of its cases and the way to them."""

    words: str
    number: int
    url: str


def notices(look: Look) -> list[Notice]:
    """Return what to look at, by rule: who is late, where work comes back, where problems gather."""
    found = look.facts(tasks=False)
    objects = facts.judged(facts.ObjectType.DEPARTMENT, look.day)
    all_of_them = [*_of_departments(objects, facts.tally(objects, found), look), *_hot_spots(found, look)]
    return sorted(all_of_them, key=lambda notice: -notice.number)[:MOST_NOTICES]


def _of_departments(objects: list[Judged], counts: Mapping[str, Counter], look: Look) -> list[Notice]:
    said = []
    for name, words in WATCHED.items():
        worst = max(objects, key=lambda one: counts[one.key][name], default=None)
        if worst is not None and counts[worst.key][name] >= LEAST_WORTH_SAYING:
            url = f"{reverse('evaluation:cases')}?{look.query(of=worst.key, count=name)}"
            said.append(Notice(str(words) % {"name": worst.name}, counts[worst.key][name], url))
    return said


def _hot_spots(found: list[Fact], look: Look) -> list[Notice]:
    """Return the unit grids where most cases were filed in the period, counting its last thirty days."""
    since = look.window.cutoff - timedelta(days=HOT_SPOT_DAYS)
    filed = Counter(
        fact.unit_grid_id
        for fact in found
        if fact.kind == facts.Kind.REPORT and "filed" in fact.measures and fact.at >= since
    )
    busiest = [grid for grid, number in filed.most_common(3) if number >= HOT_SPOT_CASES]
    places = dict(Case.objects.filter(unit_grid__in=busiest).values_list("unit_grid", "area_names"))
    return [
        Notice(
            _("Problems gather in one unit grid: %(place)s.") % {"place": places[grid]}, filed[grid],
            f"{reverse('evaluation:cases')}?{look.query(of=f'grid:{grid}', count='filed')}",
        )
        for grid in busiest
    ]  # fmt: skip
