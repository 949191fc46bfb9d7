"""Rankings by group and period, the leader's overview, the cases behind every number, schemes and groups."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Department
from accounts.views import open_while_locked
from cases import clocks, papers
from cases.models import Case
from cases.views import page_of, sees_facts_only
from citymgmt.live_publish import make_ticket
from components.models import MinorClass
from evaluation import actions, facts, overview, permissions, tables, wall
from evaluation.facts import Fact
from evaluation.forms import GroupForm, WeightsForm
from evaluation.indicators import INDICATORS, add_up, label_of
from evaluation.models import PERIOD_LABELS, EvalGroup, EvalPeriod, EvalScheme
from evaluation.periods import PeriodType, following, period_of, previous
from evaluation.scoring import OBJECT_LABELS, POSTS, ObjectType, half_up
from evaluation.tables import COLUMNS, OPENS_NOTHING, THE_CITY, Look, printed
from grid.models import UnitGrid
from office import settings

PAGE = 50
AT_ONCE = 40  # objects on one page; a larger city looks at one group at a time
FROZEN_PERIODS = 20  # listed in maintenance
MOST_DIGITS = 11  # of an instant in an address
FIRST_YEAR = 1990  # nothing was counted before


# — what is asked for ————————————————————————————————————————————————————————————————————————————————————


def look_at(request: HttpRequest, at: datetime) -> Look:
    """Read period and cut-off from the address; nonsense in it is as if it were not there."""
    wanted = request.GET.get("period", "")
    kind = PeriodType(wanted) if wanted in list(PeriodType) else PeriodType.MONTH
    today = timezone.localdate(at)
    day = min(_date(request.GET.get("on", "")) or today, today)
    starts = facts.month_starts(day)
    period = period_of(kind, day, month_starts=starts)
    kept = EvalPeriod.objects.latest_of(period) if period.end <= today else None
    cutoff = _instant(request.GET.get("cutoff", ""))
    if kept and cutoff and cutoff != kept.cutoff_at:
        kept = None
    seen_at = (min(cutoff, at) if cutoff else at).replace(microsecond=0)
    window = facts.window_of(period, at=seen_at, basis=facts.basis_on(period.first))
    return Look(period, window, kept, at, starts)


def _date(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day and day.year >= FIRST_YEAR else None


def _instant(text: str) -> datetime | None:
    """Return the instant that a number of seconds names; None for anything else."""
    return datetime.fromtimestamp(int(text), UTC) if text.isdecimal() and len(text) <= MOST_DIGITS else None


def object_type_of(request: HttpRequest) -> ObjectType:
    wanted = request.GET.get("of", "")
    return ObjectType(wanted) if wanted in list(ObjectType) else ObjectType.DEPARTMENT


def period_links(look: Look, request: HttpRequest) -> dict:
    """Return the kinds of period with their addresses, and the way to the one before and the one after."""
    said = request.GET.copy()
    for name in ("cutoff", "page"):
        said.pop(name, None)

    def link(**changed: str) -> str:
        new = said.copy()
        for name, value in changed.items():
            new[name] = value
        return f"?{new.urlencode()}"

    before = previous(look.period, month_starts=look.month_starts)
    after = following(look.period, month_starts=look.month_starts)
    return {
        "kinds": [(kind, label, link(period=kind, on=str(look.day))) for kind, label in PERIOD_LABELS.items()],
        "before": link(period=look.period.type, on=str(before.first)),
        "after": link(period=look.period.type, on=str(after.first))
        if after.first <= timezone.localdate(look.at)
        else "",
    }


# — rankings —————————————————————————————————————————————————————————————————————————————————————————————


def ranking(request: HttpRequest) -> HttpResponse:
    """Who stands where: one kind of object, one period, every scheme side by side."""
    at = timezone.now()
    object_type = object_type_of(request)
    if not permissions.may_see_ranking(request.user, object_type, at=at):
        raise PermissionDenied
    look = look_at(request, at)
    context = ranking_context(request, look, object_type, columns=COLUMNS[object_type])
    context["kinds"] = [
        (one, _(OBJECT_LABELS[one])) for one in ObjectType if permissions.may_see_ranking(request.user, one, at=at)
    ]
    context["can_freeze"] = permissions.may_freeze(request.user, at=at) and look.period.end <= timezone.localdate(at)
    context["can_maintain"] = permissions.may_maintain(request.user, at=at)
    return render(request, "evaluation/ranking.html", context)


def ranking_context(
    request: HttpRequest,
    look: Look,
    object_type: ObjectType,
    *,
    columns: tuple[str, ...],
    found: list[Fact] | None = None,
) -> dict:
    """Return what a ranking table shows."""
    schemes = tables.schemes_for(object_type, look)
    wanted = request.GET.get("scheme", "")
    chosen = next((place for place, scheme in enumerate(schemes) if scheme.code == wanted), 0)
    rows = tables.rows_of(object_type, look, schemes, found=found)
    names = tables.group_names(object_type, rows)
    codes = list(names)
    group = request.GET.get("group", "")
    if group not in codes:
        group = codes[0] if len(rows) > AT_ONCE else ""
    shown = [row for row in rows if row.group == group] if group in codes else rows
    opens_all = object_type in POSTS or permissions.may_open_all(request.user, at=look.at)
    own = () if opens_all else own_keys(request, look)
    groups = tables.groups_of(
        object_type, shown, look, columns, names=names, chosen=chosen, opens_all=opens_all, own=own
    )
    total: Counter[str] = Counter()
    for row in shown:
        total.update(row.counts)
    return {
        "at": look.at,
        "look": look,
        "object_type": object_type,
        "periods": period_links(look, request),
        "schemes": schemes,
        "chosen": schemes[chosen] if schemes else None,
        "groups": groups,
        "group": group,
        "group_choices": list(names.items()),
        "headings": [(name, _(label_of(name))) for name in columns],
        "exempted": total["exempted"],
        "suspended": total["suspended"],
        "unranked": sum(not row.places or row.places[0] is None or row.places[0].rank is None for row in shown),
    }


def own_keys(request: HttpRequest, look: Look) -> set[str]:
    """Return the keys of the departments that the reader answers for."""
    mine = permissions.own_departments(request.user, at=look.at)
    return {one.key for one in look.judged(ObjectType.DEPARTMENT) if one.ref in mine} if mine else set()


def one_object(request: HttpRequest) -> HttpResponse:
    """One department, street or person: every score explained, every count, and how it went before."""
    at = timezone.now()
    look = look_at(request, at)
    of = request.GET.get("of", "")
    one = tables.judged_by_key(of, look)
    if one is None:
        raise Http404
    if not permissions.may_see_ranking(request.user, one.object_type, at=at):
        raise PermissionDenied
    opens = permissions.may_open(request.user, one.object_type, one.ref, at=at)
    schemes = tables.schemes_for(one.object_type, look)
    row = next((row for row in tables.rows_of(one.object_type, look, schemes) if row.key == of), None)
    if row is None:
        raise Http404
    order = {name: place for place, name in enumerate(COLUMNS[one.object_type])}
    names = sorted(set(row.counts) - OPENS_NOTHING, key=lambda name: (order.get(name, len(order)), name))
    names = [name for name in names if row.counts[name]]
    cells = tables.cells_of(names, row.counts, look, of, opens=opens)
    back = urlencode({"of": one.object_type, **look.plain})
    context = {
        "at": at,
        "look": look,
        "one": one,
        "row": row,
        "explained": [
            (scheme, place, tables.explain_score(scheme.scheme, row.counts, look, of, opens=opens))
            for scheme, place in zip(schemes, row.places, strict=True)
        ],
        "counts": [(_(label_of(name)), cell) for name, cell in zip(names, cells, strict=True)],
        "history": [(tables.frozen_name(one.snapshot.period), one) for one in tables.history_of(of, look)],
        "back": f"{reverse('evaluation:ranking')}?{back}",
    }
    return render(request, "evaluation/object.html", context)


# — the cases behind a number —————————————————————————————————————————————————————————————————————————————


def cases(request: HttpRequest) -> HttpResponse:
    """The cases behind one number: as many lines as the number says; of a ratio all those below the line."""
    at = timezone.now()
    look = look_at(request, at)
    count = request.GET.get("count", "")
    title, owns = behind(request, request.GET.get("of", ""), look)
    lines = tables.lines_behind(count, look.facts(), owns)
    page = Paginator(lines, PAGE).get_page(request.GET.get("page"))
    # Every line counts; a case that the reader may not see has no name here.
    visible = Case.objects.visible_to(request.user, at).with_row()
    rows = visible.in_bulk([line.fact.case_id for line in page])
    counts = add_up(line.fact.measures for line in lines)
    context = {
        "at": at,
        "look": look,
        "title": title,
        "label": _(label_of(count)),
        "words": printed(count, counts),
        "is_ratio": count in INDICATORS,
        "number": sum(line.times for line in lines),
        "above": sum(line.is_above for line in lines),
        "page": page,
        "lines": [(_pushed(request, rows.get(line.fact.case_id), at=at), line) for line in page],
        "here": request.get_full_path(),
        "facts_only": sees_facts_only(request.user, at),
    }
    context["pushing"] = any(case is not None and case.pushes for case, _line in context["lines"])
    context["may_rank"] = permissions.may_see_ranking(request.user, ObjectType.DEPARTMENT, at=look.at)
    return render(request, "evaluation/cases.html", context)


def _pushed(request: HttpRequest, case: Case | None, *, at: datetime) -> Case | None:
    if case is not None:
        case.pushes = overview.pushes(request.user, case, at=at)
    return case


def behind(request: HttpRequest, of: str, look: Look) -> tuple[str, Callable[[Fact], bool]]:
    """Return whose cases are asked for: the name, and which facts are his. Refuses whoever may not look; 404."""
    kind, _colon, rest = of.partition(":")
    if of == THE_CITY or kind in ("grid", "group"):
        if not permissions.may_open_all(request.user, at=look.at):
            raise PermissionDenied
        if of == THE_CITY:
            return _("The whole city"), lambda fact: fact.kind in (facts.Kind.CASE, facts.Kind.REPORT)
        return _grid(rest) if kind == "grid" else _group(request, rest, look)
    one = tables.judged_by_key(of, look)
    if one is None:
        raise Http404
    if not permissions.may_open(request.user, one.object_type, one.ref, at=look.at):
        raise PermissionDenied
    return one.name, one.owns


def _grid(text: str) -> tuple[str, Callable[[Fact], bool]]:
    grid = get_object_or_404(UnitGrid.objects.only("code"), pk=text) if text.isdecimal() else None
    if grid is None:
        raise Http404
    return grid.code, lambda fact: fact.kind == facts.Kind.REPORT and fact.unit_grid_id == grid.pk


def _group(request: HttpRequest, text: str, look: Look) -> tuple[str, Callable[[Fact], bool]]:
    wanted, _colon, code = text.partition(":")
    if wanted not in list(ObjectType):
        raise Http404
    object_type = ObjectType(wanted)
    if not permissions.may_see_ranking(request.user, object_type, at=look.at):
        raise PermissionDenied
    members = [one for one in look.judged(object_type) if one.group == code]
    group = EvalGroup.objects.filter(code=code).first()
    name = group.name if group else _(OBJECT_LABELS[object_type])
    return name, lambda fact: any(one.owns(fact) for one in members)


# — freezing —————————————————————————————————————————————————————————————————————————————————————————————


@require_POST
def freeze(request: HttpRequest) -> HttpResponse:
    """Count a period that is over and freeze it."""
    at = timezone.now()
    if not permissions.may_freeze(request.user, at=at):
        raise PermissionDenied
    kind, day = request.POST.get("period", ""), _date(request.POST.get("on", ""))
    if kind not in list(PeriodType) or day is None:
        raise Http404
    period = period_of(PeriodType(kind), day, month_starts=facts.month_starts(day))
    row = actions.freeze(period, at=at)
    said = _("Frozen: version %(version)s, %(count)s facts.")
    messages.success(request, said % {"version": row.version, "count": row.fact_count})
    query = urlencode({"of": request.POST.get("of", ""), "period": kind, "on": str(period.first)})
    return redirect(f"{reverse('evaluation:ranking')}?{query}")


# — the leader's overview ————————————————————————————————————————————————————————————————————————————————


def leader(request: HttpRequest) -> HttpResponse:
    """One page: the figures with their changes, what stands open, who stands where; the rest comes as panes."""
    at = timezone.now()
    look = overview_look(request, at)
    figures, found = overview.figures(look)
    object_type = object_type_of(request)
    if not permissions.may_see_ranking(request.user, object_type, at=at):
        object_type = ObjectType.DEPARTMENT
    is_of_departments = object_type is ObjectType.DEPARTMENT
    columns = overview.COLUMNS if is_of_departments else COLUMNS[object_type][:LEADERS_COLUMNS]
    needs_tasks = object_type is not ObjectType.DEPARTMENT
    context = ranking_context(request, look, object_type, columns=columns, found=None if needs_tasks else found)
    scores = tables.trends(object_type, look, context["chosen"], most=overview.TREND_PERIODS)
    for group in context["groups"]:
        for row in group.rows:
            row.trend = overview.spark(scores.get(row.key, ()))
    context |= {
        "figures": figures,
        "now": overview.right_now(Case.objects.visible_to(request.user, at), at=at),
        "has_trend": any(row.trend for group in context["groups"] for row in group.rows),
        "kinds": [
            (one, _(OBJECT_LABELS[one])) for one in ObjectType if permissions.may_see_ranking(request.user, one, at=at)
        ],
    }  # fmt: skip
    return render(request, "evaluation/leader.html", context)


LEADERS_COLUMNS = 6  # of another ranking than that of the departments
WRONG_ROWS = 5


def leader_wrong(request: HttpRequest) -> HttpResponse:
    """What went wrong and where: the longest overdue, what came back, the hot spots; each to be acted on at once."""
    at = timezone.now()
    look = overview_look(request, at)
    visible = Case.objects.visible_to(request.user, at)
    here = f"{reverse('evaluation:leader')}?{urlencode({**look.plain, 'of': object_type_of(request)})}"
    lists = [
        (overview.BY_NAME[name], _with_pushes(request, overview.on_the_list(visible, name, at=at)[:WRONG_ROWS], at=at))
        for name in ("overdue", "repeats")
    ]
    spots = overview.hot_spots(look.facts(tasks=False), look, most=WRONG_ROWS)
    return render(request, "evaluation/_wrong.html", {"lists": lists, "spots": spots, "here": here, "at": at})


def _with_pushes(request: HttpRequest, rows, *, at: datetime) -> list[Case]:
    found = clocks.show_working_time(list(rows.with_row()), at=at)
    for case in found:
        case.pushes = overview.pushes(request.user, case, at=at)
    return found


def leader_list(request: HttpRequest) -> HttpResponse:
    """The open cases on one of the leader's lists, the worst first; instruct and supervise from each row."""
    at = timezone.now()
    if not permissions.may_see_overview(request.user, at=at):
        raise PermissionDenied
    visible = Case.objects.visible_to(request.user, at)
    wanted = request.GET.get("list", "")
    chosen = overview.BY_NAME.get(wanted, overview.BY_NAME["overdue"])
    rows = overview.on_the_list(visible, chosen.name, at=at)
    page = page_of(request, lambda first, last: _with_pushes(request, rows[first:last], at=at))
    context = {
        "at": at, "chosen": chosen, "now": overview.right_now(visible, at=at), "page": page,
        "here": request.get_full_path(),
    }  # fmt: skip
    return render(request, "evaluation/list.html", context)


def leader_areas(request: HttpRequest) -> HttpResponse:
    """The streets of one division in the colours of their grades."""
    look = overview_look(request, timezone.now())
    schemes = tables.schemes_for(ObjectType.AREA, look)[:1]
    rows = tables.rows_of(ObjectType.AREA, look, schemes) if schemes else []
    divisions = list(dict.fromkeys(row.group for row in rows))
    division = request.GET.get("division", "")
    if division not in divisions:  # where most happens
        busy = Counter({row.group: 0 for row in rows})
        for row in rows:
            busy[row.group] += row.counts.get("reported", 0)
        division = busy.most_common(1)[0][0] if busy else ""
    names = tables.group_names(ObjectType.AREA, rows)
    context = {
        "look": look,
        "scheme": schemes[0] if schemes else None,
        "shapes": overview.shapes_of([row for row in rows if row.group == division], look),
        "division": names.get(division, division),
        "divisions": [
            (names.get(code, code), f"{reverse('evaluation:leader_areas')}?{look.query(division=code)}")
            for code in divisions
        ],
        "width": int(overview.MAP_WIDTH),
        "height": int(overview.MAP_HEIGHT),
    }
    return render(request, "evaluation/_areas.html", context)


def leader_watch(request: HttpRequest) -> HttpResponse:
    """What to look at, by rule."""
    look = overview_look(request, timezone.now())
    return render(request, "evaluation/_watch.html", {"notices": overview.notices(look)})


# — the daily report —————————————————————————————————————————————————————————————————————————————————————

DAILY_CLASSES, DAILY_OVERDUE = 10, 20
DAILY_COLUMNS = ("reported", "filed", "need_handle", "on_time_handle_rate", "closed", "close_rate", "overdue_to_handle")


@require_safe
def daily(request: HttpRequest, kind: str) -> HttpResponse:
    """The daily report 日报 of ?on=, else of yesterday: as a page to print (`kind` html) or as PDF."""
    at = timezone.now()
    if not permissions.may_open_all(request.user, at=at):
        raise PermissionDenied
    today = timezone.localdate(at)
    day = min(_date(request.GET.get("on", "")) or today - timedelta(days=1), today)
    starts = facts.month_starts(day)
    period = period_of(PeriodType.DAY, day, month_starts=starts)
    window = facts.window_of(period, at=at.replace(microsecond=0), basis=facts.basis_on(period.first))
    look = Look(period, window, None, at, starts)
    figures, found = overview.figures(look)
    visible = Case.objects.visible_to(request.user, at)
    reported = visible.filter(reported_at__gte=window.start, reported_at__lt=window.end)
    by_class = MinorClass.objects.filter(case__in=reported).annotate(number=Count("case")).order_by("-number", "pk")
    late = visible.open().filter(due_at__lt=at, clock_paused=False).order_by("due_at", "pk")
    context = {
        "look": look,
        "day": day,
        "figures": figures,
        "tables": [
            (_(OBJECT_LABELS[one]), _daily_rows(one, found, look)) for one in (ObjectType.AREA, ObjectType.DEPARTMENT)
        ],
        "headings": [_(label_of(name)) for name in DAILY_COLUMNS],
        "classes": by_class[:DAILY_CLASSES],
        "late": late[:DAILY_OVERDUE].in_lines(),
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1) if day < today else None,
        "pdf_url": reverse("evaluation:daily", args=["pdf"]),
        **papers.frame(request.user, at),
    }
    label = f"{_('Daily report')}-{day}"
    return papers.printed(request, "papers/daily.html", context, kind=kind, label=label, parts=dict)


def _daily_rows(object_type: ObjectType, found: list[Fact], look: Look) -> list[tuple[str, list]]:
    """Return the objects of a kind to which something happened on the day, each with its cells, busiest first."""
    objects = look.judged(object_type)
    counts = facts.tally(objects, found)
    rows = [(one.name, counts[one.key]) for one in objects if any(counts[one.key].values())]
    rows.sort(key=lambda row: -row[1]["filed"])
    return [(name, tables.cells_of(DAILY_COLUMNS, count, look, "", opens=False)) for name, count in rows[:AT_ONCE]]


def overview_look(request: HttpRequest, at: datetime) -> Look:
    """Return what the overview looks at: always counted now, so that its parts agree. Refuses whoever may not."""
    if not permissions.may_see_overview(request.user, at=at):
        raise PermissionDenied
    look = look_at(request, at)
    return Look(look.period, look.window, None, at, look.month_starts)


# — the wall ———————————————————————————————————————————————————————————————————————————————————————————


def _wall_readers_only(request: HttpRequest, at: datetime) -> None:
    if not permissions.may_see_wall(request.user, at=at):
        raise PermissionDenied(_("The wall screen belongs to leaders, commanders, duty leaders and evaluators."))


@open_while_locked
@require_safe
def wall_screen(request: HttpRequest) -> HttpResponse:
    """The wall: one scene, which its script exchanges. Nobody sits there, so it does not lock; it shows no person."""
    at = timezone.now()
    _wall_readers_only(request, at)
    scene = wall.BY_NAME.get(request.GET.get("scene", ""), wall.SCENES[0])
    context = {
        "scene": scene, "scenes": wall.SCENES, "html": mark_safe(wall.kept_scene(scene.name)),
        "base": f"{reverse('evaluation:wall')}scene/",
        "seconds": settings.get("evaluation.wall_seconds", on=timezone.localdate(at)),
    }  # fmt: skip
    return render(request, "evaluation/wall.html", context)


@open_while_locked
@require_safe
def wall_scene(request: HttpRequest, name: str) -> HttpResponse:
    """One scene, as it was counted for all screens."""
    at = timezone.now()
    _wall_readers_only(request, at)
    if name not in wall.BY_NAME:
        raise Http404
    # Without the request: what is kept for all screens holds nothing of whoever asked first.
    template, scene = f"evaluation/wall/{name}.html", wall.BY_NAME[name]
    age, html = wall.fetched(name, at=at, draw=lambda: render_to_string(template, {**scene.context(at), "at": at}))
    # How old it is, so that a screen that has heard of something newer asks again.
    return HttpResponse(html, headers={"X-Age": f"{age:.0f}", "Cache-Control": "no-store"})


@open_while_locked
@never_cache
@require_safe
def wall_ticket(request: HttpRequest) -> JsonResponse:
    """A ticket to hear that something changed anywhere: numbers of cases only."""
    at = timezone.now()
    _wall_readers_only(request, at)
    kinds = (Department.Kind.SUPERVISION_CENTRE, Department.Kind.COMMAND_CENTRE)
    centres = Department.objects.valid(timezone.localdate(at)).filter(kind__in=kinds).values_list("pk", flat=True)
    topics = [f"user:{request.user.pk}", *(f"centre:{pk}" for pk in centres)]
    return JsonResponse({"ticket": make_ticket(user_id=request.user.pk, topics=topics)})


# — maintenance ——————————————————————————————————————————————————————————————————————————————————————————


def maintenance(request: HttpRequest) -> HttpResponse:
    """The schemes in force and waiting, the groups, and what was frozen lately."""
    at = timezone.now()
    if not permissions.may_maintain(request.user, at=at):
        raise PermissionDenied
    schemes = EvalScheme.objects.filter(valid_to__isnull=True).order_by("object_type", "sort", "code")
    context = {
        "schemes": [
            (one, [(_(label_of(item.source)), half_up(item.weight, 0)) for item in one.scheme.items]) for one in schemes
        ],
        "frozen": [(one, tables.frozen_name(one)) for one in EvalPeriod.objects.all()[:FROZEN_PERIODS]],
        "groups": EvalGroup.objects.all(),
    }
    return render(request, "evaluation/maintenance.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def groups(request: HttpRequest) -> HttpResponse:
    """The comparable groups: new names, another order, a new one. ?code= names the one that is changed."""
    at = timezone.now()
    if not permissions.may_maintain(request.user, at=at):
        raise PermissionDenied
    code = request.POST.get("change", "")
    one = get_object_or_404(EvalGroup, code=code) if code else None
    form = GroupForm(request.POST or None, instance=one)
    if request.method == "POST" and form.is_valid():
        actions.keep_group(form.save(commit=False), by=request.user, at=at, changed=form.changed_data)
        messages.success(request, _("Saved."))
        return redirect("evaluation:groups")
    known = EvalGroup.objects.all()
    rows = [(row, form if row.code == code else GroupForm(instance=row, auto_id=f"{row.pk}_%s")) for row in known]
    context = {"rows": rows, "form": GroupForm() if code else form}
    return render(request, "evaluation/groups.html", context, status=422 if form.errors else 200)


def scheme(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One scheme: new weights from a day on, and whether it is in use."""
    at = timezone.now()
    if not permissions.may_maintain(request.user, at=at):
        raise PermissionDenied
    row = get_object_or_404(EvalScheme, public_id=public_id, valid_to__isnull=True)
    if request.method == "POST" and "use" in request.POST:
        actions.take_into_use(row, by=request.user, at=at, is_active=not row.is_active)
        return redirect("evaluation:maintenance")
    form = WeightsForm(request.POST or None, scheme=row, today=timezone.localdate(at))
    if request.method == "POST" and form.is_valid():
        day = form.cleaned_data["valid_from"]
        actions.change_weights(row, by=request.user, at=at, weights=form.weights, valid_from=day)
        messages.success(request, _("The new weights hold from %(day)s.") % {"day": day})
        return redirect("evaluation:maintenance")
    return render(
        request, "evaluation/scheme.html", {"scheme": row, "form": form}, status=422 if form.is_bound else 200
    )
