"""What would change 会改变什么: the rules as they are and as they would be, tried on the cases of the last days.

Four questions, each asked only where the changed rows bear on it: what filing would have promised, to whom the routing
would have sent it, who would have had to agree to what was asked, which stages would have been overdue. Nothing is
written, and no case is touched. Cases are counted in groups; where each must be looked at, at most AT_MOST are, the
newest first, and the answer says so.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q
from django.utils import timezone

from cases import actions as cases
from cases import clocks, time_limits
from cases.models import Case, ClockEntry, HandlingStint, LimitOverride, Request, StageClock
from cases.time_limits import WORKING, Limit, Unit
from cases.workflow import Clock, Stage, StintStage
from components.models import FilingCondition, MinorClass
from dispatch import approval, facts, routing, terms
from dispatch.actions import start_of
from dispatch.cells import Names
from dispatch.models import ApprovalRule, ResponsibilityRule, RuleChange
from dispatch.permissions import all_to_dispatch_to
from dispatch.rulebook import BY_NAME, STAGE_LIMITS, Change, Values, changes_from, values_kept, values_meant
from office import settings
from office.declared import SETTINGS

DAYS, DAYS_OF_A_LARGE_CITY = 30, 7
AT_MOST = 20_000  # cases, stints or requests that are looked at one by one
DEFAULT_HOURS = f"{STAGE_LIMITS}default_working_hours"
GONE = "gone"  # the condition or class would be there no longer


@dataclass
class Rules:
    """The rows of the sheets that change, by sheet, as values: as they hold on the day, and with the changes made."""

    day: date
    before: dict[str, list[Values]] = field(default_factory=dict)
    after: dict[str, list[Values]] = field(default_factory=dict)
    touched: dict[str, list[Values]] = field(default_factory=dict)  # what changes, as it was and as it would be

    def changes(self, sheet: str) -> bool:
        return bool(self.touched.get(sheet))


PROMISING = ("conditions", "limits", "stages")  # what filing promises needs all three, whichever of them changes


def rules_of(changes: Sequence[Change], *, day: date) -> Rules:
    """Return the rules before and after, of the sheets that are needed to answer."""
    rules, names = Rules(day), Names(day)
    by_sheet: dict[str, list[Change]] = {}
    for change in changes:
        by_sheet.setdefault(change.sheet, []).append(change)
    names.classes_to_come = [
        MinorClass(**values_meant(BY_NAME["classes"], change, None, names), valid_from=day)
        for change in by_sheet.get("classes", ())
        if change.before is None
    ]
    wanted = set(by_sheet) | (set(PROMISING) if set(by_sheet) & set(PROMISING) else set())
    for name in sorted(wanted):
        sheet = BY_NAME[name]
        kept = {one.id: one for one in sheet.kept(sheet, day) if one.holds(day)}
        mine = by_sheet.get(name, [])
        gone = {change.id for change in mine if change.id}
        old = [values_kept(sheet, kept[one]) for one in gone if one in kept]
        new = [values_meant(sheet, change, kept.get(change.id), names) for change in mine if change.after is not None]
        rules.before[name] = [values_kept(sheet, one) for one in kept.values()]
        rules.after[name] = [values_kept(sheet, one) for one in kept.values() if one.id not in gone] + new
        rules.touched[name] = [*old, *new]
    return rules


# — what filing would have promised ——————————————————————————————————————————————————————————————————


class _Promises:
    """What filing promises under some rules."""

    def __init__(self, rows: dict[str, list[Values]], day: date) -> None:
        self.day = day
        self.conditions = {
            (row["minor_class"].pk, row["number"]): FilingCondition(**row, valid_from=day)
            for row in rows["conditions"]
            if row["minor_class"].pk and row["is_active"]
        }
        # Of equally narrow rows the later one decides: those of the change come last.
        self.overrides = [
            LimitOverride(pk=number, **row, valid_from=day) for number, row in enumerate(rows["limits"], 1)
        ]
        self.hours = {row["area_code"]: row["value"] for row in rows["stages"] if row["key"] == DEFAULT_HOURS}
        self._known: dict[tuple, tuple[Decimal | None, str] | None] = {}

    def of(self, group: tuple) -> tuple[Decimal | None, str] | None:
        """Return (value, unit) for a group of cases; None where they could not be filed so."""
        if group not in self._known:
            class_id, number, area_code, area_class, road_class, urgency = group
            condition = self.conditions.get((class_id, number))
            if condition is None:
                self._known[group] = None
            else:
                fitting = [
                    row for row in self.overrides if _fits(row, condition, area_code, area_class, road_class, urgency)
                ]
                promise = cases.promise_of(condition, fitting, default_hours=nearest(self.hours, area_code, default=0))
                self._known[group] = (promise.value, promise.unit)
        return self._known[group]


def _fits(
    row: LimitOverride, condition: FilingCondition, area_code: str, area_class: str, road_class: str, urgency: int
) -> bool:
    """The same question as `OverrideQuerySet.fitting`, asked of a row in memory."""
    if row.filing_condition_id is not None:
        named = row.filing_condition
        of_it = named.minor_class_id == condition.minor_class_id and named.number == condition.number
    else:
        of_it = row.minor_class_id in (None, condition.minor_class_id)
    return (
        of_it
        and area_code.startswith(row.area_code)
        and row.area_class in ("", area_class)
        and row.road_class in ("", road_class)
        and row.urgency in (None, urgency)
    )


def nearest(by_area: dict[str, Any], area_code: str, *, default: Any = None) -> Any:
    """Return what the smallest area that says something says of a place."""
    areas = [area for area in by_area if area_code.startswith(area)]
    return by_area[max(areas, key=len)] if areas else default


GROUP = ("minor_class_id", "filing_condition__number", "area_code", "unit_grid__area_class", "road_class", "urgency")


def limits(rules: Rules, *, at: datetime, days: int) -> dict[str, Any] | None:
    """Return which cases filed in these days would have got another limit; of those that ended, who would be late.

    None where nothing that changes bears on it. {"filed", "other", "lines": [{"class", "condition", "before", "after",
    "cases", "ended", "late_before", "late_after"}], "turn_late", "turn_timely", "looked_at"}
    """
    hours = any(row["key"] == DEFAULT_HOURS for row in rules.touched.get("stages", ()))
    if not (rules.changes("conditions") or rules.changes("limits") or hours):
        return None
    filed = Case.objects.filter(filed_at__gte=at - timedelta(days=days), filed_at__lt=at, is_practice=False)
    classes = _classes_of_limits(rules) if not hours else None
    touched = filed if classes is None else filed.filter(minor_class__in=classes)
    before, after = _Promises(rules.before, rules.day), _Promises(rules.after, rules.day)
    lines: dict[tuple, dict[str, Any]] = {}
    moved: dict[tuple, dict[str, Any]] = {}
    for *group, number in touched.values_list(*GROUP).annotate(Count("pk")).order_by():
        group = tuple(group)
        was, will = before.of(group), after.of(group)
        if was is None or was == will:
            continue
        key = (group[0], group[1], was, will)
        line = lines.setdefault(key, {
            "class": group[0], "condition": group[1], "before": _said_limit(was), "after": _said_limit(will),
            "cases": 0, "ended": 0, "late_before": 0, "late_after": 0,
        })  # fmt: skip
        line["cases"] += number
        moved[group] = line
    judged = Counter()
    if moved:
        judged = _judge(touched, moved, before, after)
    found = sorted(lines.values(), key=lambda one: -one["cases"])
    return {
        "filed": filed.count(), "other": sum(one["cases"] for one in found), "lines": found,
        "ended": sum(one["ended"] for one in found), "turn_late": judged["late"], "turn_timely": judged["timely"],
        "looked_at": judged["looked_at"], "is_all": judged["looked_at"] < AT_MOST,
    }  # fmt: skip


def _said_limit(limit: tuple[Decimal | None, str] | None) -> list[str] | str:
    if limit is None:
        return GONE
    value, unit = limit
    return [f"{value.normalize():f}" if value is not None else "", unit]


def _classes_of_limits(rules: Rules) -> set[int] | None:
    """Return the classes whose limits may change; None: any."""
    found: set[int] = set()
    for row in rules.touched.get("conditions", ()):
        if row["minor_class"].pk:
            found.add(row["minor_class"].pk)
    for row in rules.touched.get("limits", ()):
        if row["filing_condition"] is not None:
            found.add(row["filing_condition"].minor_class_id)
        elif row["minor_class"] is not None:
            found.add(row["minor_class"].pk)
        else:
            return None
    return found


def _judge(touched, moved: dict[tuple, dict[str, Any]], before: _Promises, after: _Promises) -> Counter:
    """Count, on the lines, the closed cases that are late by either limit; by the time that each really used."""
    # A level below counts inside the level above; what came back or was undone judged nobody.
    rows = list(
        StageClock.objects.filter(
            name=Clock.HANDLING, state=StageClock.State.STOPPED, stint__parent=None, stint__stage=StintStage.ACCEPTED,
            case__in=touched.filter(stage=Stage.CLOSED), case__minor_class__in={group[0] for group in moved},
        )
        .annotate(**{f"of_{number}": F(f"case__{name}") for number, name in enumerate(GROUP)})
        .order_by("-id")[:AT_MOST]
    )  # fmt: skip
    found, late, would = Counter(looked_at=len(rows)), {}, {}
    groups: dict[int, tuple] = {}
    anew = [one for one in rows if _other_time(one, before.of(_group(one))) or _other_time(one, after.of(_group(one)))]
    entries = _entries_of(anew)
    for clock in rows:
        group = _group(clock)
        if group not in moved:
            continue
        groups[clock.case_id] = group
        is_late = _would_be_late(clock, before.of(group), entries.get(clock.pk, []))
        late[clock.case_id] = late.get(clock.case_id, False) or is_late
        will = after.of(group)
        if will is not None:
            over = _would_be_late(clock, will, entries.get(clock.pk, []))
            would[clock.case_id] = would.get(clock.case_id, False) or over
    for case_id, group in groups.items():
        line = moved[group]
        line["ended"] += 1
        line["late_before"] += late[case_id]
        if case_id in would:
            line["late_after"] += would[case_id]
            found["late"] += would[case_id] and not late[case_id]
            found["timely"] += late[case_id] and not would[case_id]
    return found


def _group(clock: StageClock) -> tuple:
    return tuple(getattr(clock, f"of_{number}") for number in range(len(GROUP)))


def _family(unit: str) -> str:
    """Which seconds a unit counts: those of the working calendar, of its planting season, or all."""
    return "planting" if unit == Unit.PLANTING_DAY else "working" if unit in WORKING else "all"


def _other_time(clock: StageClock, limit: tuple[Decimal | None, str] | None) -> bool:
    """Whether a limit counts other seconds than the clock did."""
    return limit is not None and limit[0] is not None and _family(limit[1]) != _family(clock.limit_unit)


def _would_be_late(clock: StageClock, limit: tuple[Decimal | None, str], entries: list[ClockEntry]) -> bool:
    """Whether the time that a stopped clock really ran is more than another limit, with what was granted on top."""
    value, unit = limit
    if value is None:
        return False
    here, began = clocks.calendar(clock.of_2), clock.limit_began_at or clock.started_at
    allowed = time_limits.limit_seconds(Limit(value, Unit(unit)), here, on=began)
    if _family(unit) == _family(clock.limit_unit):
        return clock.used_seconds - clock.earlier_seconds > allowed + clock.extra_seconds
    used = sum(
        time_limits.used_seconds(begins, ends, Unit(unit), here)
        for begins, ends in clocks.stretches_of_clock(entries)
        if ends is not None and begins >= began
    )
    granted = 0
    if clock.extra_seconds and clock.limit_value is not None:  # so many times its own limit was granted
        own = time_limits.limit_seconds(Limit(clock.limit_value, Unit(clock.limit_unit)), here, on=began)
        granted = allowed * clock.extra_seconds // max(1, own)
    return used > allowed + granted


def _entries_of(found: Sequence[StageClock]) -> dict[int, list[ClockEntry]]:
    entries: dict[int, list[ClockEntry]] = {}
    if found:
        for entry in ClockEntry.objects.filter(clock__in=[one.pk for one in found]).order_by("id"):
            entries.setdefault(entry.clock_id, []).append(entry)
    return entries


# — to whom the routing would have sent it ———————————————————————————————————————————————————————————


class _Table:
    """The responsibility table of some rules, class by class, and the kinds of department of the classes."""

    def __init__(self, rules: Rules, rows: dict[str, list[Values]], precedents: list[ResponsibilityRule]) -> None:
        table = rows.get("responsibilities")
        if table is None:
            sheet = BY_NAME["responsibilities"]
            table = [values_kept(sheet, one) for one in sheet.kept(sheet, rules.day) if one.holds(rules.day)]
        self.rows = [ResponsibilityRule(**row, valid_from=rules.day) for row in table] + precedents
        self.types = {
            row["scheme"] + row["kind"] + row["major_code"] + row["minor_code"]: row["department_type"]
            for row in rows.get("classes", ())
        }
        self._about: dict[int, list[routing.Row]] = {}

    def about(self, what: MinorClass) -> list[routing.Row]:
        if what.pk not in self._about:
            self._about[what.pk] = [
                facts.row_of(row, what)
                for row in self.rows
                if row.minor_class_id == what.pk
                or (row.minor_class_id is None and row.kind in ("", what.kind)
                    and row.major_code in ("", what.major_code))
            ]  # fmt: skip
        return self._about[what.pk]

    def type_of(self, what: MinorClass) -> str:
        return self.types.get(what.scheme + what.kind + what.major_code + what.minor_code, what.department_type)


SENT = ("case__minor_class_id", "case__area_code", "case__unit_grid__code", "case__duty_grid_id", "case__road_id",
        "case__road_class", "case__component__identifier", "case__component__owner__code",
        "case__component__maintainer__code", "dispatched_at", "department__code")  # fmt: skip


def routes(rules: Rules, *, at: datetime, days: int) -> dict[str, Any] | None:
    """Return which dispatches of these days the table would have proposed for somebody else; None where it bears not.

    By the rules alone, without what became of earlier cases. {"sent", "other", "lines": [{"class", "before", "after",
    "cases", "did_before", "did_after"}], "looked_at", "is_all"}: `did_…` counts those that really went there.
    """
    if not (rules.changes("responsibilities") or rules.changes("classes")):
        return None
    known = {one.pk: one for one in MinorClass.objects.all()}
    classes = _classes_of_routes(rules, known)
    sent = HandlingStint.objects.filter(
        parent=None, is_lead=True, is_undone=False, dispatched_at__gte=at - timedelta(days=days),
        dispatched_at__lt=at, case__is_practice=False,
    ).exclude(stage__in=[StintStage.RETURNED, StintStage.WITHDRAWN])  # fmt: skip
    rows = list(sent.filter(case__minor_class__in=classes).order_by("-id").values_list(*SENT)[:AT_MOST])
    precedents = list(
        ResponsibilityRule.objects.on(rules.day).filter(origin=ResponsibilityRule.Origin.PRECEDENT)
        .select_related("department", "owner", "duty_grid", "road")
    )  # fmt: skip
    before, after = _Table(rules, rules.before, precedents), _Table(rules, rules.after, precedents)
    departments = facts.as_routing_knows(all_to_dispatch_to(start_of(rules.day)))
    chosen: dict[tuple, str] = {}
    lines: dict[tuple, dict[str, Any]] = {}
    for row in rows:
        what = known[row[0]]
        was = _proposed(before, what, row, departments, chosen, rules.day)
        will = _proposed(after, what, row, departments, chosen, rules.day)
        if was == will:
            continue
        line = lines.setdefault((what.pk, was, will), {
            "class": what.pk, "before": was, "after": will, "cases": 0, "did_before": 0, "did_after": 0,
        })  # fmt: skip
        line["cases"] += 1
        line["did_before"] += row[-1] == was
        line["did_after"] += row[-1] == will
    found = sorted(lines.values(), key=lambda one: -one["cases"])
    return {
        "sent": sent.count(), "other": sum(one["cases"] for one in found), "lines": found, "looked_at": len(rows),
        "did_before": sum(one["did_before"] for one in found), "did_after": sum(one["did_after"] for one in found),
        "is_all": len(rows) < AT_MOST,
    }  # fmt: skip


def _proposed(
    table: _Table, what: MinorClass, row: tuple, departments: list[routing.Department], chosen: dict[tuple, str],
    day: date,
) -> str:  # fmt: skip
    """Return the code of the department that would be proposed first, "" for none; the same question is asked once."""
    rows = table.about(what)
    is_timed = any(one.is_timed for one in rows)
    names_cell = any(len(one.area_code) > facts.COMMUNITY_DIGITS for one in rows)
    _class, area_code, cell, duty_grid, road, road_class, component, owner, maintainer, at, _department = row
    when = timezone.localtime(at).replace(second=0, microsecond=0)
    key = (id(table), what.pk, area_code, cell if names_cell else "", duty_grid, road, road_class, owner, maintainer,
           when if is_timed else None)  # fmt: skip
    if key not in chosen:
        problem = routing.Problem(
            kind=what.kind, class_code=what.code, department_type=table.type_of(what), area_code=area_code,
            cell_code=cell, duty_grid=str(duty_grid or ""), road=str(road or ""), road_class=road_class, at=when,
            component=component or "", owner_code=owner or "", maintainer_code=maintainer or "",
        )  # fmt: skip
        order = settings.get(facts.ORDER_SETTINGS[what.kind], on=day, area_code=area_code)
        found = routing.choose(problem, departments=departments, rows=rows, order=order)
        chosen[key] = found[0].department_code if found else ""
    return chosen[key]


def _classes_of_routes(rules: Rules, known: dict[int, MinorClass]) -> set[int]:
    """Return the classes that the changed rows may speak of."""
    found: set[int] = set()
    for row in rules.touched.get("responsibilities", ()):
        if row["minor_class"] is not None:
            found.add(row["minor_class"].pk)
        else:
            found |= {
                pk for pk, one in known.items()
                if row["kind"] in ("", one.kind) and row["major_code"] in ("", one.major_code)
            }  # fmt: skip
    codes = {(row["scheme"], row["kind"], row["major_code"], row["minor_code"])
             for row in rules.touched.get("classes", ())}  # fmt: skip
    return found | {pk for pk, one in known.items() if (one.scheme, one.kind, one.major_code, one.minor_code) in codes}


# — who would have had to agree ——————————————————————————————————————————————————————————————————————


def approvals(rules: Rules, *, at: datetime, days: int) -> dict[str, Any] | None:
    """Return which requests of these days others would have had to agree to; None where nothing bears on it.

    {"asked", "other", "lines": [{"kind", "before", "after", "requests", "refused"}]}: `refused` are those that could
    not have been made under the new terms (too often, too long, not for that ground), though they could under the old.
    """
    if not rules.changes("approvals"):
        return None
    asked = Request.objects.filter(asked_at__gte=at - timedelta(days=days), asked_at__lt=at, case__is_practice=False)
    kinds = {row["kind"] for row in rules.touched["approvals"]}
    rows = list(
        asked.filter(kind__in=kinds).select_related("stint__parent__parent", "case__minor_class")
        .defer("case__search", "case__last_hash").order_by("-id")[:AT_MOST]
    )  # fmt: skip
    granted: dict[tuple[int, str], list[datetime]] = {}
    earlier = Request.objects.filter(stint__in={one.stint_id for one in rows}, stage="granted", kind__in=kinds)
    for stint_id, kind, decided_at in earlier.values_list("stint_id", "kind", "decided_at"):
        granted.setdefault((stint_id, kind), []).append(decided_at)
    tables = [[ApprovalRule(**row, valid_from=rules.day) for row in rows_] for rows_ in
              (rules.before["approvals"], rules.after["approvals"])]  # fmt: skip
    lines: dict[tuple, dict[str, Any]] = {}
    for one in rows:
        times = sum(decided < one.asked_at for decided in granted.get((one.stint_id, one.kind), ()))
        was, will = (_terms(table, one, times, rules.day) for table in tables)
        refused = _is_refused(will, one, times) and not _is_refused(was, one, times)
        if was.chain == will.chain and not refused:
            continue
        key = (one.kind, was.chain, will.chain)
        line = lines.setdefault(key, {
            "kind": one.kind, "before": list(was.chain), "after": list(will.chain), "requests": 0, "refused": 0,
        })  # fmt: skip
        line["requests"] += 1
        line["refused"] += refused
    found = sorted(lines.values(), key=lambda one: -one["requests"])
    return {
        "asked": asked.count(), "other": sum(one["requests"] for one in found), "lines": found,
        "refused": sum(one["refused"] for one in found), "looked_at": len(rows), "is_all": len(rows) < AT_MOST,
    }  # fmt: skip


def _terms(table: list[ApprovalRule], one: Request, times: int, day: date) -> approval.Terms:
    return terms.terms_under(
        [row for row in table if row.kind == one.kind and row.minor_class_id in (None, one.case.minor_class_id)],
        one.kind, one.stint, one.case, day=day, ground=one.ground, days=_days_of(one), is_custom=one.length is not None,
        granted=times,
    )  # fmt: skip


def _days_of(one: Request) -> int:
    """Return for how many days was asked; 0 where nothing was asked for a time."""
    if one.until is not None:
        return (timezone.localdate(one.until) - timezone.localdate(one.asked_at)).days
    unit = one.stint.limit_unit or one.case.limit_unit
    if one.length is None or not unit:
        return 0
    here = clocks.calendar(one.case.area_code)
    a_day = Limit(Decimal(1), Unit.WORKING_DAY if unit in WORKING else Unit.CALENDAR_DAY)
    seconds = time_limits.limit_seconds(Limit(one.length, Unit(unit)), here, on=one.asked_at)
    return -(-seconds // time_limits.limit_seconds(a_day, here, on=one.asked_at))


def _is_refused(holding: approval.Terms, one: Request, times: int) -> bool:
    return (
        (holding.max_count is not None and times >= holding.max_count)
        or (holding.max_days is not None and _days_of(one) > holding.max_days)
        or bool(holding.grounds and one.ground and one.ground not in holding.grounds)
    )


# — which stages would have been overdue —————————————————————————————————————————————————————————————


def stages(rules: Rules, *, at: datetime, days: int) -> dict[str, Any] | None:
    """Return how many visits of the stages whose limit changes were, and would have been, overdue; one query a line.

    {"lines": [{"key", "area", "before", "after", "visits", "late_before", "late_after"}]}, minutes; None where none is.
    """
    keys = {row["key"] for row in rules.touched.get("stages", ()) if row["key"] != DEFAULT_HOURS}
    if not keys:
        return None
    clock_of = {key: name for name, key in clocks.STAGE_LIMIT_SETTINGS.items()}
    lines = []
    for key in sorted(keys):
        was, will = ({row["area_code"]: row["value"] for row in rows["stages"] if row["key"] == key}
                     for rows in (rules.before, rules.after))  # fmt: skip
        for area in sorted({*was, *will}):
            old, new = (nearest(one, area, default=SETTINGS[key].default) for one in (was, will))
            if old == new:
                continue
            inside = [one for one in {*was, *will} if one != area and one.startswith(area)]
            visits = StageClock.objects.filter(
                name=clock_of[key], state=StageClock.State.STOPPED, started_at__gte=at - timedelta(days=days),
                started_at__lt=at, case__is_practice=False, case__area_code__startswith=area,
            )  # fmt: skip
            for one in inside:
                visits = visits.exclude(case__area_code__startswith=one)
            counted = visits.aggregate(
                visits=Count("pk"), late_before=Count("pk", filter=Q(used_seconds__gt=old * 60)),
                late_after=Count("pk", filter=Q(used_seconds__gt=new * 60)),
            )  # fmt: skip
            lines.append({"key": key, "area": area, "before": old, "after": new, **counted})
    return {"lines": lines, "visits": sum(one["visits"] for one in lines)}


# — all four —————————————————————————————————————————————————————————————————————————————————————————

PARTS: dict[str, Callable[..., dict[str, Any] | None]] = {
    "limits": limits, "routes": routes, "approvals": approvals, "stages": stages,
}  # fmt: skip


def foresee(
    changes: Sequence[Change], *, day: date, at: datetime, days: int = DAYS
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield each part with what it found, None where nothing that changes bears on it."""
    rules = rules_of(changes, day=day)
    for name, ask in PARTS.items():
        yield name, ask(rules, at=at, days=days)


def is_small(*, at: datetime, days: int = DAYS) -> bool:
    """Whether so few cases were filed in these days that a page may count while somebody waits."""
    filed = Case.objects.filter(filed_at__gte=at - timedelta(days=days), filed_at__lt=at)
    return filed.order_by()[: INLINE + 1].count() <= INLINE


INLINE = 10_000


def count(sent: RuleChange, *, at: datetime) -> RuleChange:
    """Answer the questions about a book, part by part, so that a page can show how far it is."""
    for name, found in foresee(changes_from(sent.changes), day=sent.valid_from, at=at):
        sent.found[name] = found
        sent.save(update_fields=["found"])
    sent.counted_at = at
    sent.save(update_fields=["counted_at"])
    return sent
