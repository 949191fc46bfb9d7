"""The scenes of the wall screen 大屏: the leader's own figures and lists, drawn large, kept for all screens alike.

Each scene is counted at most once in some seconds, whatever the number of screens: whoever asks first counts, the
others get what was kept. Nothing on a wall says who reported anything.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Count as CountOf
from django.db.models import F
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.models import Duty
from accounts.permissions import appointments_of
from accounts.roles import ROLES, Role
from cases import clocks
from cases.models import Case, FieldTask
from cases.workflow import SOURCE_LABELS, TaskStage
from components.models import MinorClass
from evaluation import facts, overview, tables
from evaluation.facts import Kind, ObjectType
from evaluation.models import EvalScheme
from evaluation.overview import path_of, placing, rings_of
from evaluation.periods import PeriodType, period_of
from evaluation.tables import Look
from grid.models import Area, Road
from office import settings
from patrol.models import CollectorGrid, Fix

KEPT_SECONDS = 600  # a scene that cannot be counted anew is shown for so long, with its time
TURN_SECONDS = 15


@dataclass(frozen=True)
class Scene:
    """One picture of the wall."""

    name: str
    label: str
    context: Callable[[datetime], dict]


def fetched(name: str, *, at: datetime, draw: Callable[[], str]) -> tuple[float, str]:
    """Return a scene's HTML and how many seconds old it is, at most so many (setting).

    `draw` makes it anew, once for all screens.
    """
    key = f"wall:{name}:{get_language()}"
    fresh = settings.get("evaluation.wall_fresh_seconds", on=timezone.localdate(at))
    kept = cache.get(key)
    if kept:
        age = at.timestamp() - kept[0]
        # Somebody else is counting it just now: what is kept does meanwhile.
        if age < fresh or not cache.add(f"{key}:turn", 1, timeout=TURN_SECONDS):
            return age, kept[1]
    html = draw()
    cache.set(key, (at.timestamp(), html), timeout=KEPT_SECONDS)
    cache.delete(f"{key}:turn")
    return 0.0, html


def kept_scene(name: str) -> str:
    """Return a scene as it was drawn last, however old; "" where there is none. Counts nothing."""
    kept = cache.get(f"wall:{name}:{get_language()}")
    return kept[1] if kept else ""


def the_city():
    """Return the cases that a wall may show: all but those of the practice area."""
    return Case.objects.filter(is_practice=False)


def look_of(kind: PeriodType, at: datetime) -> Look:
    """Return a running period as the leader's page looks at it."""
    today = timezone.localdate(at)
    starts = facts.month_starts(today)
    period = period_of(kind, today, month_starts=starts)
    window = facts.window_of(period, at=at.replace(microsecond=0), basis=facts.basis_on(period.first))
    return Look(period, window, None, at, starts)


# — the map ——————————————————————————————————————————————————————————————————————————————————————————————

WIDTH, HEIGHT = 1200.0, 860.0
MOST_POINTS = 3000
DANGEROUS = 9
LAMPS = ("green", "paused", "yellow", "red")  # the worst is drawn last, on top


def ground(at: datetime, *, width: float = WIDTH, height: float = HEIGHT) -> dict:
    """Return the streets and main roads of the city as a drawing, and where a point lies in it; two queries."""
    day = timezone.localdate(at)
    streets = list(Area.objects.on(day).filter(level=Area.Level.STREET, boundary__isnull=False).order_by("code"))
    if not streets:
        return {"streets": [], "roads": "", "place": None, "width": int(width), "height": int(height)}
    place = placing([one.boundary for one in streets], width, height)
    drawn = []
    for one in streets:
        rings, middle = rings_of(one.boundary, place), one.boundary.point_on_surface
        x, y = place(middle.x, middle.y)
        drawn.append({"name": one.name, "path": path_of(rings), "x": x, "y": y})
    roads = Road.objects.on(day).filter(road_class=Road.RoadClass.MAIN).only("line")
    lines = [[place(x, y) for x, y, *_rest in line] for road in roads for line in _lines(road.line)]
    return {
        "streets": drawn, "roads": path_of(lines, end=""), "place": place, "width": int(width), "height": int(height),
    }  # fmt: skip


def _lines(whole) -> list:
    """Return the coordinates of a road line by line, without what is finer than a pixel."""
    simple = whole.simplify(overview.TOLERANCE_DEGREES)
    return [line.coords for line in simple] if simple.geom_type == "MultiLineString" else [simple.coords]


def lamp_of(due_at, yellow_at, is_paused: bool, at: datetime) -> str:
    """Return the lamp of a case as every list shows it."""
    if is_paused or due_at is None:
        return "paused"
    if at > due_at:
        return "red"
    return "yellow" if yellow_at and at >= yellow_at else "green"


def map_scene(at: datetime) -> dict:
    """Where what stands open lies, by its lamp; how many of each; the most dangerous."""
    drawing = ground(at)
    rows = overview.standing_open(the_city()).order_by("clock_paused", F("due_at").asc(nulls_last=True), "id")
    points: dict[str, list[str]] = {lamp: [] for lamp in LAMPS}
    place = drawing.pop("place")
    if place is not None:
        for point, due_at, yellow_at, is_paused in rows.values_list("point", "due_at", "yellow_at", "clock_paused")[
            :MOST_POINTS
        ]:
            x, y = place(point.x, point.y)
            points[lamp_of(due_at, yellow_at, is_paused, at)].append(f"M{x:g} {y:g}h0")
    now = overview.right_now(the_city(), at=at)
    return {
        **drawing,
        "points": [(lamp, "".join(points[lamp])) for lamp in LAMPS],
        "now": now,
        "shown": sum(len(one) for one in points.values()),
        "total": next(one.number for one in now if one.standing.name == "open"),
        "dangerous": clocks.show_working_time(
            the_city().by_danger().filter(stage__in=overview.OPEN)[:DANGEROUS].in_lines(), at=at
        ),
    }


# — today ———————————————————————————————————————————————————————————————————————————————————————————————

HOURS, CHART_WIDTH, CHART_HEIGHT = 24, 1740.0, 240.0
MOST_CLASSES = 7


def today_scene(at: datetime) -> dict:
    """The key figures of today with their changes, the reports hour by hour beside yesterday's, sources, classes."""
    look = look_of(PeriodType.DAY, at)
    found = overview.compared(look)
    reports = [_reports(one) for one in found[:2]]
    hours = [Counter(timezone.localtime(fact.at).hour for fact in one) for one in reports]
    most = max([*hours[0].values(), *hours[1].values(), 4])
    step = CHART_WIDTH / HOURS
    columns = [
        {
            "hour": hour, "x": round(hour * step + 3, 1), "label_x": round(hour * step + step / 2, 1),
            "number": hours[0][hour], "y": round(CHART_HEIGHT - hours[0][hour] / most * CHART_HEIGHT, 1),
            "height": round(hours[0][hour] / most * CHART_HEIGHT, 1),
        }
        for hour in range(HOURS)
    ]  # fmt: skip
    before = [(round(hour * step + step / 2, 1), round(CHART_HEIGHT - hours[1][hour] / most * CHART_HEIGHT, 1))
              for hour in range(HOURS)]  # fmt: skip
    classes = Counter(fact.minor_class_id for fact in reports[0]).most_common(MOST_CLASSES)
    names = MinorClass.objects.only("name_zh", "name_en").in_bulk([pk for pk, _number in classes])
    sources = Counter(fact.source for fact in reports[0]).most_common()
    return {
        "look": look,
        "figures": overview.figures_of(found, look),
        "columns": columns,
        "before": path_of([before], end=""),
        "most": most,
        "width": int(CHART_WIDTH),
        "height": int(CHART_HEIGHT),
        "bar": round(step - 6, 1),
        "classes": _shares([(names[pk].name, number) for pk, number in classes]),
        "sources": _shares([(_(SOURCE_LABELS.get(code, code)), number) for code, number in sources]),
    }


def _reports(found: list) -> list:
    return [fact for fact in found if fact.kind == Kind.REPORT and "reported" in fact.measures]


def _shares(rows: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """Return names and numbers each with its share of the largest, in percent."""
    most = max((number for _name, number in rows), default=0)
    return [(name, number, round(100 * number / most)) for name, number in rows]


# — rankings ———————————————————————————————————————————————————————————————————————————————————————————

MOST_RANKED = 18
AREAS_SIDE = 520.0


def rankings_scene(at: datetime) -> dict:
    """Who stands where this month, by group, and the streets in the colours of their grades."""
    look = look_of(PeriodType.MONTH, at)
    found = facts.gather(look.window)
    in_force = list(EvalScheme.objects.in_force(look.day))
    schemes, area_schemes = (
        [one for one in in_force if one.object_type == kind][:1] for kind in (ObjectType.DEPARTMENT, ObjectType.AREA)
    )
    rows = tables.rows_of(ObjectType.DEPARTMENT, look, schemes, found=found)
    names = tables.group_names(ObjectType.DEPARTMENT, rows)
    groups = tables.groups_of(
        ObjectType.DEPARTMENT, rows, look, overview.COLUMNS[:4], names=names, chosen=0, opens_all=True, own=()
    )
    shown, left = [], MOST_RANKED
    for group in groups:
        if left > 1:
            shown.append((group, group.rows[: left - 1]))
            left -= len(shown[-1][1]) + 1
    areas = tables.rows_of(ObjectType.AREA, look, area_schemes, found=found, with_moves=False) if area_schemes else []
    return {
        "look": look, "scheme": schemes[0] if schemes else None, "groups": shown,
        "headings": [_(tables.label_of(name)) for name in overview.COLUMNS[:4]],
        "shapes": overview.shapes_of(areas, look, width=AREAS_SIDE, height=AREAS_SIDE),
        "area_scheme": area_schemes[0] if area_schemes else None,
        "width": int(AREAS_SIDE), "height": int(AREAS_SIDE),
    }  # fmt: skip


# — where it hurts ———————————————————————————————————————————————————————————————————————————————————————

MOST_SPOTS, MOST_LINES = 6, 7


def trouble_scene(at: datetime) -> dict:
    """The hot spots on the map, what came back, what is overdue longest, and what stands out by rule."""
    look = look_of(PeriodType.MONTH, at)
    found = look.facts(tasks=False)
    drawing = ground(at, width=760.0, height=520.0)
    place = drawing.pop("place")
    spots = overview.hot_spots(found, look, most=MOST_SPOTS)
    most = max((one.number for one in spots), default=1)
    marked = [
        {"spot": spot, "number": number, "x": x, "y": y, "r": round(16 + 26 * spot.number / most, 1)}
        for number, spot in enumerate(spots, 1)
        for x, y in ([place(spot.point.x, spot.point.y)] if place else [])
    ]
    return {
        **drawing, "look": look, "spots": spots, "marked": marked,
        "lists": [
            (overview.BY_NAME[name], clocks.show_working_time(
                list(overview.on_the_list(the_city(), name, at=at).with_row()[:MOST_LINES]), at=at))
            for name in ("overdue", "repeats")
        ],
        "notices": overview.noticed(found, spots, look)[:4],
    }  # fmt: skip


# — who is on duty ———————————————————————————————————————————————————————————————————————————————————————

MOST_COLLECTORS = 18


def duty_scene(at: datetime) -> dict:
    """Who has a seat now, by role; the collectors with their duty grids, tasks in hand and where they answered last."""
    day = timezone.localdate(at)
    longest = timedelta(hours=settings.get("accounts.longest_shift_hours", on=day))
    duties = (
        Duty.objects.on_duty(at, longest=longest).filter(user__is_active=True).select_related("user")
        .prefetch_related("user__appointments__department").order_by("started_at", "id")
    )  # fmt: skip
    roles: Counter[str] = Counter()
    collectors = {}
    for duty in duties:
        held = {one.role for one in _held(duty.user, at)}
        roles.update(role for role in held if ROLES[role].is_desk)
        if Role.COLLECTOR in held:
            collectors[duty.user_id] = duty
    drawing = ground(at, width=760.0, height=720.0)
    place = drawing.pop("place")
    people = _collectors(collectors, at=at)
    for number, one in enumerate(people, 1):
        one["number"] = number
        if place and one["point"]:
            one["x"], one["y"] = place(one["point"].x, one["point"].y)
    return {
        **drawing, "people": people[:MOST_COLLECTORS], "total": len(people),
        "more": max(0, len(people) - MOST_COLLECTORS),
        "roles": [(_(ROLES[role].label), roles[role]) for role in ROLES if ROLES[role].is_desk],
    }  # fmt: skip


def _held(user, at: datetime):
    """Return the appointments of somebody whose rows were fetched together with many others'."""
    user.__dict__.setdefault("_all_appointments", tuple(user.appointments.all()))
    return appointments_of(user, at)


def _collectors(duties: dict, *, at: datetime) -> list[dict]:
    """Return the collectors on duty, each with duty grids, tasks in hand and the last place told today."""
    day = timezone.localdate(at)
    grids: dict[int, list[str]] = {}
    for row in CollectorGrid.objects.on(day).filter(collector__in=duties).select_related("duty_grid"):
        grids.setdefault(row.collector_id, []).append(row.duty_grid.name)
    waiting = dict(
        FieldTask.objects.filter(collector__in=duties, stage=TaskStage.SENT).order_by().values("collector")
        .annotate(number=CountOf("pk")).values_list("collector", "number")
    )  # fmt: skip
    midnight = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    today = Fix.objects.filter(collector__in=duties, recorded_at__gte=midnight)
    fixes = {
        one.collector_id: one for one in today.order_by("collector_id", "-recorded_at", "-id").distinct("collector_id")
    }
    people = []
    for user_id, duty in duties.items():
        fix = fixes.get(user_id)
        people.append({
            "user": duty.user, "since": duty.started_at, "grids": grids.get(user_id, []),
            "tasks": waiting.get(user_id, 0), "seen_at": fix.recorded_at if fix else None,
            "point": fix.point if fix else None,
        })  # fmt: skip
    return sorted(people, key=lambda one: (-one["tasks"], one["user"].staff_number))


SCENES = (
    Scene("map", gettext_lazy("Live map"), map_scene),
    Scene("today", gettext_lazy("Today’s flow"), today_scene),
    Scene("rankings", gettext_lazy("Rankings"), rankings_scene),
    Scene("trouble", gettext_lazy("Hot spots"), trouble_scene),
    Scene("duty", gettext_lazy("On duty"), duty_scene),
)
BY_NAME = {scene.name: scene for scene in SCENES}
