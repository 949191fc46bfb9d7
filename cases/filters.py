"""What the address of a desk may ask of its list: filters, flags, order, columns; each is a row of a table.

    kind, class, source, street, grid, department, stage, lamp    any number of values: one of them must hold
    from, to                                                      days of the report, both included
    flag                                                          any number, all of which must hold
    q                                                             words, or the beginning of a number
    sort, cols                                                    the order of the rows, the columns of the wide list

Unknown values filter nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Department, in_this_language
from cases import workflow
from cases.models import Directive, HandlingStint
from cases.querysets import inside
from components.models import MinorClass
from grid.models import Area, DutyGrid

LAMPS = {
    "red": lambda at: Q(due_at__lt=at, clock_paused=False),
    "yellow": lambda at: Q(due_at__gte=at, yellow_at__lte=at, clock_paused=False),
    "paused": lambda at: Q(clock_paused=True),
}
LAMP_LABELS = {
    "red": gettext_lazy("Overdue"), "yellow": gettext_lazy("Nearly due"), "paused": gettext_lazy("Clock stopped"),
}  # fmt: skip


def supervised() -> Q:
    """Cases with a supervision or an instruction that is not settled."""
    open_ones = Directive.objects.filter(stage=workflow.DirectiveStage.OPEN).exclude(kind=Directive.Kind.URGE)
    return Q(pk__in=open_ones.values("case"))


def _stint(**wanted) -> Q:
    return Q(Exists(HandlingStint.objects.filter(case=OuterRef("pk"), **wanted)))


# Marks of a case beside its stage: what they are called, and the condition.
FLAGS: dict[str, tuple[str, Callable[[], Q]]] = {
    "urgent": (gettext_lazy("Urgent"), lambda: Q(urgency__gt=0)),
    "supervised": (gettext_lazy("Supervised"), supervised),
    "emergency": (gettext_lazy("Emergency"), lambda: Q(emergency_at__isnull=False)),
    "recurring": (gettext_lazy("Came back"), lambda: Q(recurrence__gt=0)),
    "reopened": (gettext_lazy("Reopened"), lambda: Q(reopened_count__gt=0)),
    "rework": (gettext_lazy("Rework"), lambda: _stint(rework_count__gt=0)),
    "extended": (gettext_lazy("Extended"), lambda: _stint(extension_count__gt=0)),
    "suspended": (gettext_lazy("Was suspended"), lambda: _stint(suspension_count__gt=0)),
    "returned": (gettext_lazy("Was returned"), lambda: _stint(stage=workflow.StintStage.RETURNED)),
    "ownerless": (gettext_lazy("Ownerless"), lambda: Q(is_ownerless=True)),
    "self_handled": (gettext_lazy("Self-handled"), lambda: Q(is_self_handled=True)),
    "duplicate": (gettext_lazy("Duplicate"), lambda: Q(is_duplicate=True)),
    "automatic": (gettext_lazy("Dispatched by the system"), lambda: Q(is_system_dispatched=True)),
    "citizen": (gettext_lazy("Has a reporter"), lambda: Q(reporter_ref__isnull=False)),
}
# Where a case came from, and what other departments had of it, is not a department's business.
HIDDEN_FROM_DEPARTMENTS = frozenset({"source", "department"})
FLAGS_HIDDEN_FROM_DEPARTMENTS = frozenset({"citizen", "automatic", "returned", "self_handled"})

AREA_DIGITS = 12


def _day(said: str) -> date | None:
    try:
        return parse_date(said)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def _public(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None


def _kind(said: str, at: datetime) -> Q | None:
    return Q(minor_class__in=MinorClass.objects.filter(kind=said).values("pk")) if said in MinorClass.Kind else None


def _class(said: str, at: datetime) -> Q | None:
    return (found := _public(said)) and Q(minor_class__in=MinorClass.objects.filter(public_id=found).values("pk"))


def _source(said: str, at: datetime) -> Q | None:
    return Q(source=said) if said in set(workflow.Source) else None


def _street(said: str, at: datetime) -> Q | None:
    return inside(said) if said.isdecimal() and len(said) <= AREA_DIGITS else None


def _grid(said: str, at: datetime) -> Q | None:
    return (found := _public(said)) and Q(duty_grid__in=DutyGrid.objects.filter(public_id=found).values("pk"))


def _department(said: str, at: datetime) -> Q | None:
    stints = HandlingStint.objects.exclude(stage__in=(workflow.StintStage.RETURNED, workflow.StintStage.WITHDRAWN))
    return (found := _public(said)) and Q(pk__in=stints.filter(department__public_id=found).values("case"))


def _stage(said: str, at: datetime) -> Q | None:
    return Q(stage=said) if said in set(workflow.Stage) else None


def _lamp(said: str, at: datetime) -> Q | None:
    return LAMPS[said](at) if said in LAMPS else None


def _from(said: str, at: datetime) -> Q | None:
    return (day := _day(said)) and Q(reported_at__gte=_midnight(day))


def _to(said: str, at: datetime) -> Q | None:
    return (day := _day(said)) and Q(reported_at__lt=_midnight(day + timedelta(days=1)))


FILTERS: dict[str, Callable[[str, datetime], Q | None]] = {
    "kind": _kind, "class": _class, "source": _source, "street": _street, "grid": _grid, "department": _department,
    "stage": _stage, "lamp": _lamp, "from": _from, "to": _to,
}  # fmt: skip


def filtered(rows: QuerySet, said: QueryDict, *, at: datetime, facts_only: bool = False) -> QuerySet:
    """Return the cases that the filters of an address ask for; unknown values filter nothing."""
    for name, condition in FILTERS.items():
        wanted = [] if facts_only and name in HIDDEN_FROM_DEPARTMENTS else said.getlist(name)
        if found := [one for one in (condition(value, at) for value in wanted if value) if one is not None]:
            rows = rows.filter(reduce(or_, found))
    for flag in set(said.getlist("flag")) & FLAGS.keys():
        if not (facts_only and flag in FLAGS_HIDDEN_FROM_DEPARTMENTS):
            rows = rows.filter(FLAGS[flag][1]())
    if words := said.get("q", "").strip():
        rows = rows.matching(words)
    return rows


# — the order ————————————————————————————————————————————————————————————————————————————————————————

# Instead of the order of danger.
ORDERS: dict[str, tuple[str, tuple]] = {
    "new": (gettext_lazy("Newest first"), ("-reported_at", "-id")),
    "due": (gettext_lazy("By deadline alone"), ("clock_paused", F("due_at").asc(nulls_last=True), "id")),
}


def in_order(rows: QuerySet, said: QueryDict) -> QuerySet | None:
    """Return the rows in the order that an address asks for; None where it asks for none."""
    return rows.order_by(*ORDERS[said["sort"]][1]) if said.get("sort") in ORDERS else None


# — in words ——————————————————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Chip:
    """One filter that is set: what it says, and the address without it."""

    label: str
    without: str


def chips(said: QueryDict, *, facts_only: bool = False) -> list[Chip]:
    """Return the filters that stand in an address, in words; one query where names must be looked up."""
    found, names = [], _names(said)
    for name, words in WORDS.items():
        for wanted in [] if facts_only and name in HIDDEN_FROM_DEPARTMENTS else dict.fromkeys(said.getlist(name)):
            if label := names.get((name, wanted)) if name in NAMED else words(wanted):
                found.append(Chip(str(label), _without(said, name, wanted)))
    for flag in dict.fromkeys(said.getlist("flag")):
        if flag in FLAGS and not (facts_only and flag in FLAGS_HIDDEN_FROM_DEPARTMENTS):
            found.append(Chip(str(FLAGS[flag][0]), _without(said, "flag", flag)))
    return found


def _without(said: QueryDict, name: str, value: str) -> str:
    left = said.copy()
    for gone in ("page", "open"):
        left.pop(gone, None)
    left.setlist(name, [one for one in left.getlist(name) if one != value])
    return left.urlencode()


def _names(said: QueryDict) -> dict[tuple[str, str], str]:
    """Return the names of the rows that an address names: by filter and what it says."""
    asked = []
    for name, (rows, column, read) in NAMED.items():
        for wanted in dict.fromkeys(said.getlist(name)):
            if (key := read(wanted)) is not None:
                told = (Value(name), Value(wanted), "name_zh", "name_en")
                asked.append(rows().filter(**{column: key}).order_by().values_list(*told)[:1])
    if not asked:
        return {}
    found = asked[0].union(*asked[1:], all=True) if len(asked) > 1 else asked[0]
    return {(name, wanted): in_this_language(zh, en) for name, wanted, zh, en in found}


NAMED: dict[str, tuple[Callable[[], QuerySet], str, Callable[[str], object]]] = {
    "class": (MinorClass.objects.all, "public_id", _public),
    "street": (Area.objects.current, "code", lambda said: said or None),
    "grid": (DutyGrid.objects.all, "public_id", _public),
    "department": (Department.objects.all, "public_id", _public),
}
WORDS: dict[str, Callable[[str], str]] = {
    "q": lambda said: f"“{said.strip()}”" if said.strip() else "",
    "kind": lambda said: dict(MinorClass.Kind.choices).get(said, ""),
    "class": str,
    "source": lambda said: _(workflow.SOURCE_LABELS[said]) if said in workflow.SOURCE_LABELS else "",
    "street": str,
    "grid": str,
    "department": str,
    "stage": lambda said: _(workflow.LABELS[said]) if said in set(workflow.Stage) else "",
    "lamp": lambda said: LAMP_LABELS.get(said, ""),
    "from": lambda said: f"≥ {said}" if _day(said) else "",
    "to": lambda said: f"≤ {said}" if _day(said) else "",
    "sort": lambda said: ORDERS[said][0] if said in ORDERS else "",
}


def options(*, on: date, facts_only: bool = False) -> dict:
    """Return what the fold of the filters offers: rows and (value, label) pairs by name; four queries."""
    classes = MinorClass.objects.on(on).only(
        "public_id", "name_zh", "name_en", "kind", "major_code", "major_name_zh", "major_name_en", "minor_code"
    )
    found = {
        "kinds": MinorClass.Kind.choices,
        "classes": classes.order_by("kind", "major_code", "minor_code"),
        "streets": Area.objects.current().filter(level=Area.Level.STREET).order_by("code"),
        "stages": [(str(stage), _(workflow.LABELS[stage])) for stage in workflow.Stage],
        "lamps": list(LAMP_LABELS.items()),
        "orders": [(name, label) for name, (label, _order) in ORDERS.items()],
        "flags": [(name, label) for name, (label, _condition) in FLAGS.items()
                  if not (facts_only and name in FLAGS_HIDDEN_FROM_DEPARTMENTS)],
    }  # fmt: skip
    if not facts_only:
        found |= {
            "sources": [(str(source), _(label)) for source, label in workflow.SOURCE_LABELS.items()],
            "departments": Department.objects.valid(on).exclude(kind__in=CENTRES).order_by("sort", "code"),
            "grids": DutyGrid.objects.on(on).order_by("code"),
        }
    return found


CENTRES = (Department.Kind.SUPERVISION_CENTRE, Department.Kind.COMMAND_CENTRE)
