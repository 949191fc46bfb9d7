"""The pages of maintenance that speak of all rooms: the lists of words, what waits and works, who changed what."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from axes.models import AccessAttempt, AccessLog
from django.contrib.admin.models import LogEntry
from django.core.paginator import Paginator
from django.db.models import CharField, Count, Expression, F, Min, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat, Left
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.forms import ChangeFilter, LogInFilter
from accounts.models import ApiToken, Department, Notice, Shift, User
from accounts.querysets import valid_on
from accounts.roles import ROLES
from accounts.views import asks, day_begins, people_named
from cases import workflow
from cases.bulk import BY_NAME, UNDER_WAY
from cases.models import AlarmChain, BulkRun, CalendarVersion, Case, Checkpoint, LegalHold, LimitOverride, StageClock
from components.models import FilingCondition, MinorClass
from dispatch import terms
from dispatch.models import LinkPractice, RuleChange, SafeClass
from evaluation.models import EvalGroup, EvalScheme
from grid.models import Area, DutyGrid, Place, Road, UnitGrid
from office import health
from office.messages_text import KINDS, TEXTS
from office.models import Delivery, Phrase, Setting
from patrol.models import Camera

# — the lists of words 字典 ——————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class WordList:
    """A list of words that pages choose from: `rows` counts it, `address` names the page where it is edited."""

    label: str
    hint: str
    address: str
    rows: Callable[[date], QuerySet]


OWN_LISTS: tuple[WordList, ...] = (
    WordList(
        gettext_lazy("Classes"), gettext_lazy("What a problem is, by the catalogue"), "components:catalogue",
        lambda day: MinorClass.objects.filter(valid_on(day)),
    ),
    WordList(
        gettext_lazy("Other names of classes"),
        gettext_lazy("What people say instead; the class box finds them. They stand on the page of each class"),
        "components:catalogue", lambda day: MinorClass.objects.filter(valid_on(day)).exclude(aliases=""),
    ),
    WordList(
        gettext_lazy("Filing and close conditions"), gettext_lazy("When it is a case, and when it is done"),
        "components:catalogue", lambda day: FilingCondition.objects.filter(valid_on(day), is_active=True),
    ),
    WordList(
        gettext_lazy("Phrases of roles"), gettext_lazy("What Alt and a digit put into a text"), "accounts:phrases",
        lambda day: Phrase.objects.filter(owner__isnull=True),
    ),
    WordList(
        gettext_lazy("Named places"), gettext_lazy("Door plates and landmarks that the place box finds"),
        "grid:places", lambda day: Place.objects.filter(valid_on(day)),
    ),
    WordList(
        gettext_lazy("Roads"), gettext_lazy("Roads and their classes"), "grid:roads",
        lambda day: Road.objects.filter(valid_on(day)),
    ),
    WordList(
        gettext_lazy("Areas"), gettext_lazy("Division, streets, communities"), "grid:areas",
        lambda day: Area.objects.filter(valid_on(day)),
    ),
    WordList(
        gettext_lazy("Comparable groups"), gettext_lazy("Who is ranked among whom"), "evaluation:groups",
        lambda day: EvalGroup.objects.all(),
    ),
    WordList(
        gettext_lazy("Shifts"), gettext_lazy("Stretches of the day in which seats are taken"), "accounts:roster",
        lambda day: Shift.objects.all(),
    ),
)  # fmt: skip


def _kinds_of_departments() -> list[str]:
    """Return the kinds of departments that the catalogue names; the departments of a city say which they are."""
    named = MinorClass.objects.exclude(department_type="").order_by().values_list("department_type", flat=True)
    return sorted({kind.strip() for kinds in named.distinct() for kind in kinds.split(",")})


# Lists that belong to the standard or to the program: the same in every city, and the reason why.
FIXED_LISTS: tuple[tuple[str, str, Callable[[], list]], ...] = (
    (
        gettext_lazy("Sources"), gettext_lazy("Where a report came from; the indicators count by them"),
        lambda: [_(label) for label in workflow.SOURCE_LABELS.values()],
    ),
    (gettext_lazy("Urgency"), gettext_lazy("The lamps and alarms follow it"), lambda: Case.Urgency.labels),
    (
        gettext_lazy("Roles"), gettext_lazy("What somebody is appointed to; rights hang on them"),
        lambda: [_(one.label) for one in ROLES.values()],
    ),
    (gettext_lazy("Clocks"), gettext_lazy("What is timed"), lambda: [_(one) for one in workflow.CLOCK_LABELS.values()]),
    (gettext_lazy("Kinds of departments"), gettext_lazy("Bodies of the city"), lambda: Department.Kind.labels),
    (
        gettext_lazy("Units of limits"), gettext_lazy("How a limit counts"),
        lambda: FilingCondition.LimitUnit.labels,
    ),
    (
        gettext_lazy("Classes of areas and roads"), gettext_lazy("Limits and rounds follow them"),
        lambda: [*UnitGrid.AreaClass.labels, *Road.RoadClass.labels],
    ),
    (gettext_lazy("Owners of cameras"), gettext_lazy("Whose a camera is"), lambda: Camera.Owner.labels),
    (gettext_lazy("Kinds of messages"), gettext_lazy("What somebody is told"), lambda: list(KINDS.values())),
)  # fmt: skip


@require_safe
@asks("maintain_settings")
def lists(request: HttpRequest) -> HttpResponse:
    """All lists of words: how many entries, and where each is edited; those of the standard with their entries."""
    day = timezone.localdate()
    counted = [
        one.rows(day).order_by().annotate(in_list=Value(number)).values("in_list").annotate(entries=Count("pk"))
        .values_list("in_list", "entries")
        for number, one in enumerate(OWN_LISTS)
    ]  # fmt: skip
    counts = dict(counted[0].union(*counted[1:], all=True))
    own = [(one.label, one.hint, reverse(one.address), counts.get(number, 0)) for number, one in enumerate(OWN_LISTS)]
    grounds = terms.grounds(day)
    hint = _("Why a department may ask; a row of the city's own takes the place of a built-in one")
    own.append((_("Grounds of requests"), hint, reverse("dispatch:rules"), len(grounds)))
    hint = _("Every sentence people are told; they are read here, not changed")
    own.append((_("Message texts"), hint, reverse("accounts:message_texts"), len(TEXTS)))
    fixed = [(label, hint, entries()) for label, hint, entries in FIXED_LISTS]
    named = _kinds_of_departments()
    hint = _("The catalogue sends a class to these; each department says on its page which it is")
    own.append((_("Kinds of departments in the catalogue"), hint, reverse("accounts:departments"), len(named)))
    return render(request, "accounts/lists.html", {"own": own, "fixed": fixed})


# — what waits and works 队列 ————————————————————————————————————————————————————————————————————————————

SILENT_AFTER = timedelta(minutes=2)
STUCK_AFTER = timedelta(minutes=5)
MANY_TASKS = 500
CHECKPOINT_DUE_AFTER = timedelta(hours=26)


@dataclass(frozen=True)
class State:
    """One queue as it stands: `words` say how it is, `remedy` what to do where it is not well; `since`: its oldest."""

    label: str
    ok: bool | None  # None: nobody can know just now
    words: str
    remedy: str = ""
    since: datetime | None = None
    address: str = ""


@require_safe
@asks("see_health")
def queues(request: HttpRequest) -> HttpResponse:
    """What waits, what works and whether it moves; each trouble with what to do."""
    at = timezone.now()
    runs = BulkRun.objects.filter(state__in=UNDER_WAY).select_related("by").order_by("asked_at")[:20]
    runs = [(run, BY_NAME[run.verb].label, run.stepped_at < at - STUCK_AFTER) for run in runs]
    states = [
        *_worker(at), _alarms(at), _outbox(at), _given_up(), _bulk(runs), _calendar(at), _checkpoint(at),
    ]  # fmt: skip
    checks = [check for check in health.checks(at=at) if check.name != "worker"]
    return render(request, "accounts/queues.html", {"checks": checks, "states": states, "runs": runs, "at": at})


def _worker(at: datetime) -> list[State]:
    seen_at, tasks = health.worker_seen_at(), health.tasks()
    if tasks is None:
        gone = _("The broker (Redis) does not answer, so nobody knows.")
        return [State(_("Worker and clock"), False, gone, _("Start Redis again; what waited is on its disk."))]
    moves = seen_at is not None and seen_at > at - SILENT_AFTER
    clock_runs = moves or (tasks.clock_at is not None and tasks.clock_at > at - SILENT_AFTER)
    crowded = tasks.waiting > MANY_TASKS
    no_worker = _("Start the worker again. Nothing is lost: each run looks at everything that is due.")
    no_clock = _("Start the clock (beat) again; until then nothing happens by itself.")
    if moves:
        working = _("The worker takes tasks.")
    elif clock_runs:
        working = _("Tasks come in, nobody takes them.")
    else:
        working = _("It was asked for nothing lately.")
    waits = _("%(waiting)s waiting, %(under_way)s in hand") % {"waiting": tasks.waiting, "under_way": tasks.under_way}
    return [
        State(
            _("Clock (beat)"), clock_runs, _("It sends tasks.") if clock_runs else _("It sends nothing."),
            no_clock, None if clock_runs else seen_at,
        ),
        State(_("Worker"), moves or (False if clock_runs else None), working, no_worker, None if moves else seen_at),
        State(
            _("Tasks"), not crowded, waits,
            _("More come than are taken: see the worker's log for one that hangs, then start the worker again."),
        ),
    ]  # fmt: skip


def _alarms(at: datetime) -> State:
    late = StageClock.objects.filter(next_look_at__lt=at - SILENT_AFTER, state=StageClock.State.RUNNING)
    found = late.aggregate(count=Count("pk"), since=Min("next_look_at"))
    words = (
        _("%(count)s clocks should have been looked at") % found if found["count"] else _("Every clock is looked at.")
    )
    remedy = _("The sweep is behind: is the worker running? It catches up by itself and tells everything once.")
    return State(_("Alarms"), not found["count"], words, remedy, found["since"])


def _outbox(at: datetime) -> State:
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING)
    found = waiting.aggregate(
        count=Count("pk"), since=Min("next_try_at"), late=Count("pk", filter=Q(next_try_at__lt=at - STUCK_AFTER))
    )
    words = _("%(count)s waiting, %(late)s of them overdue") % found
    remedy = _("The worker sends every ten seconds within the limits a minute: is it running, are the limits too low?")
    return State(
        _("Messages to the outside"), not found["late"], words, remedy, found["since"] if found["late"] else None,
        reverse("accounts:deliveries"),
    )  # fmt: skip


def _given_up() -> State:
    troubled = Delivery.objects.filter(state__in=[Delivery.State.UNKNOWN, Delivery.State.DEAD])
    found = troubled.aggregate(count=Count("pk"), since=Min("created_at"))
    words = _("%(count)s given up or perhaps sent") % found
    remedy = _("Look at the error of each, ask the reader, and send it again.")
    return State(
        _("Messages not sent"), not found["count"], words, remedy, found["since"],
        f"{reverse('accounts:deliveries')}",
    )  # fmt: skip


def _bulk(runs: list[tuple]) -> State:
    stuck = [run for run, _label, is_stuck in runs if is_stuck]
    words = _("%(count)s under way") % {"count": len(runs)}
    remedy = _("A run without a sign of life is taken up again by itself within a minute, if the worker runs.")
    return State(_("Many cases at once"), not stuck, words, remedy, stuck[0].stepped_at if stuck else None)


def _calendar(at: datetime) -> State:
    open_one = CalendarVersion.objects.filter(recounted_at__isnull=True).order_by("number").first()
    if open_one is None:
        return State(_("Clocks after a changed calendar"), True, _("All open clocks follow the calendar."))
    words = _("Version %(number)s: %(moved)s clocks moved so far") % {
        "number": open_one.number,
        "moved": open_one.moved,
    }
    remedy = _("It goes on by itself while the worker runs.")
    ok = open_one.made_at > at - STUCK_AFTER
    label = _("Clocks after a changed calendar")
    return State(label, ok, words, remedy, open_one.made_at, reverse("cases:calendar"))


def _checkpoint(at: datetime) -> State:
    last = Checkpoint.objects.order_by("-number").values_list("made_at", flat=True).first()
    ok = last is None or last > at - CHECKPOINT_DUE_AFTER
    words = _("None yet: the first is made tonight.") if last is None else _("The last one is of the past night.")
    remedy = _("It is made shortly before midnight: did the clock and the worker run then?")
    return State(
        _("Checkpoint of the history"), ok, words if ok else _("The last one is older than a day."), remedy,
        None if ok else last, reverse("cases:history"),
    )  # fmt: skip


# — who changed what 变更日志 ———————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Kept:
    """A kind of rows that say who changed them last and when; `words` name a row, `ref` is for its address."""

    label: str
    rows: QuerySet
    who: str
    when: str
    words: Expression
    address: str = ""
    ref: str = ""


def _joined(*parts) -> Expression:
    """Return columns and texts one after the other, as one text."""
    return Concat(*parts, Value(""), output_field=TextField())


NAMED = _joined("name_zh")
CHANGED = ("changed_by", "changed_at")
LOG = "log"  # rows of Django's own log, worded by DID
WORDS_SHOWN = 300

SOURCES: dict[str, Kept] = {
    LOG: Kept(
        gettext_lazy("People, departments, responsibilities"), LogEntry.objects.exclude(change_message=""),
        "user", "action_time", _joined("object_repr"), ref="change_message",
    ),
    "book": Kept(
        gettext_lazy("Rule book"), RuleChange.objects.filter(taken_at__isnull=False), "taken_by", "taken_at",
        _joined("source", Value(" · "), Cast("valid_from", TextField())), "dispatch:rule_preview", "public_id",
    ),
    "setting": Kept(
        gettext_lazy("Settings"), Setting.objects.all(), *CHANGED,
        _joined("key", Value(" = "), Cast("value", TextField()), Value(" · "), Cast("valid_from", TextField()),
                Value(" "), "area_code"),
        "accounts:setting", "key",
    ),
    "class": Kept(
        gettext_lazy("Classes"), MinorClass.objects.all(), *CHANGED,
        _joined("major_code", "minor_code", Value(" "), "name_zh"), "components:class", "public_id",
    ),
    "condition": Kept(
        gettext_lazy("Filing and close conditions"), FilingCondition.objects.all(), *CHANGED,
        _joined("minor_class__name_zh", Value(" · "), "condition_zh"), "components:condition", "public_id",
    ),
    "limit": Kept(
        gettext_lazy("Limits for some cases"), LimitOverride.objects.all(), *CHANGED,
        _joined(Value("#"), Cast("pk", TextField()), Value(" "), "area_code", Value(" "), "note"),
    ),
    "calendar": Kept(
        gettext_lazy("Working calendar"), CalendarVersion.objects.all(), "made_by", "made_at",
        _joined(Value("#"), Cast("number", TextField()), Value(" "), "source"), "cases:calendar",
    ),
    "chain": Kept(
        gettext_lazy("Escalation chains"), AlarmChain.objects.all(), *CHANGED,
        _joined("name", Value(" · "), Cast("valid_from", TextField())), "cases:chain", "public_id",
    ),
    "scheme": Kept(
        gettext_lazy("Evaluation schemes"), EvalScheme.objects.all(), *CHANGED,
        _joined("name_zh", Value(" v"), Cast("version", TextField())), "evaluation:scheme", "public_id",
    ),
    "straight": Kept(
        gettext_lazy("Straight through"), SafeClass.objects.all(), "declared_by", "declared_at",
        _joined("minor_class__name_zh", Value(" "), "area_code"), "dispatch:straight",
    ),
    "practice": Kept(
        gettext_lazy("Practice with links"), LinkPractice.objects.all(), *CHANGED, _joined("department__name_zh"),
    ),
    "area": Kept(gettext_lazy("Areas"), Area.objects.all(), *CHANGED, NAMED, "grid:area", "public_id"),
    "duty_grid": Kept(
        gettext_lazy("Duty grids"), DutyGrid.objects.all(), *CHANGED, NAMED, "grid:duty_grid", "public_id"
    ),
    "road": Kept(gettext_lazy("Roads"), Road.objects.all(), *CHANGED, NAMED, "grid:road", "public_id"),
    "notice": Kept(
        gettext_lazy("Notices"), Notice.objects.all(), "made_by", "made_at", _joined("title"), "accounts:notices"
    ),
    "notice_back": Kept(
        gettext_lazy("Notices taken back"), Notice.objects.filter(withdrawn_at__isnull=False), "withdrawn_by",
        "withdrawn_at", _joined("title"), "accounts:notices",
    ),
    "token": Kept(
        gettext_lazy("Tokens"), ApiToken.objects.all(), "created_by", "created_at",
        _joined("user__name_zh", Value(" · "), "purpose"), "accounts:person", "user__public_id",
    ),
    "hold": Kept(
        gettext_lazy("Legal holds"), LegalHold.objects.all(), "by", "at",
        _joined("case__number", Value(" · "), "why"), "retention",
    ),
}  # fmt: skip

# What the rooms write into the log (office.actions.note_change), and the page of what it speaks of.
DID: dict[str, str] = {
    "founded": gettext_lazy("founded"),
    "added": gettext_lazy("added"),
    "changed": gettext_lazy("changed: %(fields)s"),
    "moved": gettext_lazy("moved under %(department)s"),
    "ended": gettext_lazy("ends on %(on)s"),
    "entered": gettext_lazy("account opened"),
    "password_reset": gettext_lazy("first password given again"),
    "sessions_ended": gettext_lazy("all sessions ended"),
    "appointed": gettext_lazy("appointed: %(role)s, %(department)s, from %(on)s"),
    "appointment_ended": gettext_lazy("no longer: %(role)s, %(department)s, from %(on)s"),
}
PAGE_OF = {"user": "accounts:person", "department": "accounts:department"}
LIST_OF = {
    "evalgroup": "evaluation:groups",
    "responsibilityrule": "dispatch:responsibilities",
    "approvalrule": "dispatch:rules",
    "ground": "dispatch:rules",
}
MODELS = {"user": User, "department": Department, "evalgroup": EvalGroup}
PAGE = 50
SHOWN_DAYS = 90


@require_safe
@asks("see_changes")
def changes(request: HttpRequest) -> HttpResponse:
    """Who changed a setting, a rule, an account when: one list out of all rows that say so. Two queries."""
    form = ChangeFilter(request.GET, kinds={name: one.label for name, one in SOURCES.items()})
    wanted = form.cleaned_data if form.is_valid() else {}
    first = wanted.get("first") or timezone.localdate() - timedelta(days=SHOWN_DAYS)
    number = max(1, int(request.GET.get("page", "1")) if request.GET.get("page", "1").isdecimal() else 1)
    found = _changed(wanted, first=first)[(number - 1) * PAGE : number * PAGE + 1]
    rows, is_more = list(found)[:PAGE], len(found) > PAGE
    people = User.objects.in_bulk({row["who_id"] for row in rows})
    shown = [
        {"at": row["changed_when"], "who": people.get(row["who_id"]), "label": SOURCES[row["of_kind"]].label}
        | _worded(row)
        for row in rows
    ]
    context = {"filter": form, "rows": shown, "number": number, "is_more": is_more, "first": first}
    return render(request, "accounts/changes.html", context)


def _changed(wanted: dict, *, first: date) -> QuerySet:
    """Return the rows of all sources in one query, the newest first."""
    kinds = [wanted["kind"]] if wanted.get("kind") else list(SOURCES)
    people = None
    if words := wanted.get("q", "").strip():
        people = list(User.objects.filter(people_named(words)).values_list("pk", flat=True)[:200])
    parts = []
    for kind in kinds:
        one = SOURCES[kind]
        rows = one.rows.filter(**{f"{one.when}__gte": day_begins(first)}).order_by()
        if last := wanted.get("last"):
            rows = rows.filter(**{f"{one.when}__lt": day_begins(last + timedelta(days=1))})
        if people is not None:
            rows = rows.filter(**{f"{one.who}__in": people})
        ref = Cast(one.ref, TextField()) if one.ref else Value("", output_field=TextField())
        rows = rows.annotate(
            of_kind=Value(kind, output_field=CharField()), changed_when=F(one.when), who_id=F(f"{one.who}_id"),
            named=Left(one.words, WORDS_SHOWN), reference=ref,
        )  # fmt: skip
        parts.append(rows.values("of_kind", "changed_when", "who_id", "named", "reference"))
    return parts[0].union(*parts[1:], all=True).order_by("-changed_when", "named")


def _worded(row: dict) -> dict:
    """Return what was changed, what was done with it where that is known, and its page."""
    kept = SOURCES[row["of_kind"]]
    if row["of_kind"] != LOG:
        address = reverse(kept.address, args=[row["reference"]] if kept.ref else []) if kept.address else ""
        return {"words": row["named"], "did": "", "address": address}
    try:
        facts = json.loads(row["reference"])
        did = DID[facts["did"]]
    except (ValueError, KeyError, TypeError):  # a change in the technical pages, worded by Django
        return {"words": row["named"], "did": row["reference"][:WORDS_SHOWN], "address": ""}
    if "fields" in facts:
        facts["fields"] = ", ".join(
            str(MODELS[facts["kind"]]._meta.get_field(name).verbose_name) for name in facts["fields"]
        )
    if "role" in facts:
        facts["role"] = _(ROLES[facts["role"]].label)
    here = PAGE_OF.get(facts["kind"])
    address = reverse(here, args=[facts["ref"]]) if here else reverse(LIST_OF[facts["kind"]])
    return {"words": row["named"], "did": did % facts, "address": address}


# — who logged in 登录日志 ———————————————————————————————————————————————————————————————————————————————

FAILURES_SHOWN = 20


@require_safe
@asks("see_changes")
def log_ins(request: HttpRequest) -> HttpResponse:
    """Who logged in when, from where and how, and who tried in vain; kept for half a year."""
    form = LogInFilter(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    found = AccessLog.objects.order_by("-attempt_time", "-pk")
    if words := wanted.get("q", "").strip():
        names = User.objects.filter(people_named(words)).values("username")
        found = found.filter(Q(username__in=names) | Q(ip_address__startswith=words))
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    failures = AccessAttempt.objects.order_by("-attempt_time", "-pk")[:FAILURES_SHOWN]
    people = {one.username: one for one in User.objects.filter(username__in={row.username for row in page})}
    by_sign_on = reverse("accounts:sign_on_back")
    rows = [(row, people.get(row.username), row.path_info == by_sign_on) for row in page]
    return render(request, "accounts/log_ins.html", {"page": page, "rows": rows, "failures": failures, "filter": form})
