"""The desk's shell: queues, the case page and its fragments, the doors of the moves, evidence handed out.

A page asks what this person may see, and shows it; a door fetches, validates, calls one action and answers.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.core.exceptions import EmptyResultSet, PermissionDenied
from django.core.paginator import Paginator
from django.db.models import F, OuterRef, Prefetch, Q, Subquery
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import vault
from accounts.models import Department, User
from accounts.permissions import acting, appointments_of, departments_of, may, may_read_vault
from accounts.roles import Role, Side
from cases import (
    actions,
    alarms,
    calendars,
    checkpoint,
    clocks,
    deltas,
    escalation,
    filters,
    permissions,
    sheets,
    verification,
    workflow,
)
from cases.chains import read_steps, write_steps
from cases.filters import filtered
from cases.forms import AttachForm, CalendarForm, ChainForm, EndForm, LimitForm, MoveForm, StepRows
from cases.models import (
    AlarmChain,
    CalendarVersion,
    Case,
    CasePart,
    Checkpoint,
    Directive,
    EventText,
    Evidence,
    FieldTask,
    HandlingStint,
    HistoryCheck,
    LimitOverride,
    Request,
    StageClock,
)
from cases.permissions import (
    Button,
    appointment_for,
    centres_of_reporters,
    may_see_original,
    may_see_reporter,
    open_moves,
)
from cases.querysets import Keys, Tab, counted, keys_of
from cases.workflow import Stage, Subject
from citymgmt.errors import Refusal
from citymgmt.refusals import sentence
from components.models import Component, MinorClass
from grid.geometry import metres_between
from grid.locate import nearest
from office import settings as office_settings
from office.actions import note_look
from office.models import ReadLog
from office.rows import Rows
from office.templatetags.ui import CASE_COLUMNS, STINT_COLUMNS
from office.views import kept_views, stored_file

PAGE = 50
AT_ONCE = 1000  # cases that may be chosen at once
LAST_PAGE = 200  # whoever looks further filters
NEAR_ROWS = 12

# — queues ———————————————————————————————————————————————————————————————————————————————————————————


def straight_through(at: datetime, _user: int) -> Q:
    """What the system filed: as long as it may be undone, and what is to be judged afterwards."""
    return Q(undo_until__gte=at) | Q(needs_filing_review=True)


def answers_owed(_at: datetime, _user: int) -> Q:
    """Supervisions and instructions that the supervision centre has still to answer."""
    open_ones = Directive.objects.filter(stage=workflow.DirectiveStage.OPEN)
    return Q(pk__in=open_ones.filter(to_department=F("case__supervision_centre")).values("case"))


def sent_back(_at: datetime, _user: int) -> Q:
    """What the command centre sent back to filing: it was filed before."""
    return Q(stage=Stage.PENDING_FILING, filed_at__isnull=False)


def under_supervision(_at: datetime, _user: int) -> Q:
    """Open cases with a supervision or an instruction that is not settled."""
    return filters.supervised() & Q(stage__in=workflow.OPEN)


LATELY_WORKED_ON = 500


def worked_on(_at: datetime, user: int) -> Q:
    """The open ones among the cases this person worked on last."""
    lately = CasePart.objects.filter(actor=user).order_by("-case").values("case")[:LATELY_WORKED_ON]
    return Q(pk__in=lately, stage__in=workflow.OPEN)


def to_inspect(_at: datetime, user: int) -> Q:
    """What this inspector was sent to look at."""
    return Q(pk__in=FieldTask.objects.waiting_for(user).order_by().values("case"))


# What waits at this desk itself, whoever of it takes it.
AT_THE_DESK = (Stage.REPORTED, Stage.ACCEPTED, Stage.PENDING_FILING, Stage.PENDING_CHECK, Stage.PENDING_CLOSE)
FINAL_TAB = Tab("done", gettext_lazy("Ended"), tuple(workflow.FINAL), is_counted=False, is_folded=True)
VOID_TAB = Tab("void", gettext_lazy("Not taken up, void"), (Stage.NOT_ACCEPTED, Stage.NOT_FILED, Stage.VOIDED),
               is_counted=False, is_folded=True)  # fmt: skip
DESK_TABS = (
    Tab("accept", gettext_lazy("To accept"), (Stage.REPORTED,)),
    Tab("verify", gettext_lazy("To verify"), (Stage.ACCEPTED,)),
    Tab("verifying", gettext_lazy("Verifying"), (Stage.VERIFYING,)),
    Tab("file", gettext_lazy("To file"), (Stage.PENDING_FILING,)),
    Tab("straight", gettext_lazy("Went straight through"), also=straight_through),
    Tab("check", gettext_lazy("To check"), (Stage.PENDING_CHECK,)),
    Tab("checking", gettext_lazy("Checking"), (Stage.INSPECTING, Stage.CHECKING)),
    Tab("close", gettext_lazy("To close"), (Stage.PENDING_CLOSE,)),
    Tab("directives", gettext_lazy("Answers owed"), also=answers_owed),
    Tab("todo", gettext_lazy("All to do"), AT_THE_DESK, is_folded=True),
    Tab("departments", gettext_lazy("With departments"), workflow.WITH_DEPARTMENTS, is_folded=True),
    Tab("returned", gettext_lazy("Sent back"), also=sent_back, is_folded=True),
    Tab("supervised", gettext_lazy("Supervised"), also=under_supervision, is_folded=True),
    Tab("suspended", gettext_lazy("Suspended"), (Stage.SUSPENDED,), is_folded=True),
    Tab("self_handled", gettext_lazy("Self-handled"), (Stage.SELF_HANDLED_CLOSED,), is_counted=False, is_folded=True),
    VOID_TAB,
    FINAL_TAB,
)


MINE_TAB = Tab("mine", gettext_lazy("My inspections"), also=to_inspect)
OWN_TAB = Tab("own", gettext_lazy("Worked on by me"), also=worked_on, is_folded=True)


def tabs_of(user, *, at: datetime) -> tuple[Tab, ...]:
    """Return the queues of this person's desk: an inspector's begin with what he was sent to look at."""
    inspects = acting(user, at=at, roles=(Role.INSPECTOR,)) is not None
    return ((MINE_TAB,) if inspects else ()) + (*DESK_TABS, OWN_TAB)


def desk(request: HttpRequest) -> HttpResponse:
    """The supervision desk's queue, also for inspectors, evaluators and leaders: what each may see."""
    at = timezone.now()
    if acting(request.user, at=at, roles=DESK_READERS) is None:
        return redirect("home")
    context = desk_queue(request, at=at) | shown_filters(request, desk="supervision")
    if (elsewhere := opens_with(request, context)) is not None:
        return elsewhere
    context["live"] = deltas.page_facts(request, context, address=reverse("cases:desk_rows"), at=at)
    template = "cases/_queue.html" if request.htmx and not request.htmx.boosted else "cases/desk.html"
    return render(request, template, context)


def desk_queue(request: HttpRequest, *, at: datetime, only: Collection[UUID] | None = None) -> dict:
    """Return the context of the supervision desk's queue."""
    visible = Case.objects.visible_to(request.user, at)
    return queue(request, visible, tabs=tabs_of(request.user, at=at), at=at, only=only)


@never_cache
@require_safe
def desk_rows(request: HttpRequest) -> HttpResponse:
    """What an open page of the supervision desk asks anew (cases/deltas.py)."""
    at = timezone.now()
    if acting(request.user, at=at, roles=DESK_READERS) is None:
        raise PermissionDenied
    context = desk_queue(request, at=at, only=deltas.asked_ids(request.GET))
    return deltas.answer(request, context, at=at)


@never_cache
@require_safe
def live_case(request: HttpRequest) -> HttpResponse:
    """What the page of a case alone asks anew: who is there, what changed, new messages (cases/deltas.py)."""
    return deltas.answer(request, None, at=timezone.now())


@require_POST
def take_over(request: HttpRequest, case_id) -> HttpResponse:
    """Let this person be the one who writes on the case; whoever did is told and keeps his text."""
    return deltas.take_over(request, case_id, at=timezone.now())


DESK_READERS = (
    Role.ACCEPTANCE_OPERATOR, Role.DUTY_LEADER, Role.VIDEO_OPERATOR, Role.INSPECTOR, Role.EVALUATOR, Role.LEADER,
)  # fmt: skip


def map_window(request: HttpRequest) -> HttpResponse:
    """The map for a second screen; it follows what the desks in the same browser open."""
    return render(request, "cases/map_window.html")


def queue(
    request: HttpRequest, visible, *, tabs: tuple[Tab, ...], at: datetime, only: Collection[UUID] | None = None
) -> dict:
    """Return the context of a queue page: tabs with counts, the chosen tab's rows, the filters of the address.

    `only`: of the rows those of these cases, whatever page they are on.
    """
    user, said = request.user, request.GET
    chosen = next((tab for tab in tabs if tab.name == said.get("tab")), None)
    numbered = counted(visible, tabs, at=at, user=user)
    chosen = chosen or next((tab for tab, number in numbered if number), tabs[0])
    rows = filtered(visible, said, at=at)
    besides, columns = rows.filter(chosen.holds_besides(at, user)), chosen_columns(request, CASE_COLUMNS)

    def keys(first: int, last: int) -> Keys | None:
        if (ordered := filters.in_order(rows.filter(chosen.holds(at, user)), said)) is not None:
            return keys_of(ordered[first:last])
        if not chosen.stages:
            return keys_of(besides.by_danger()[first:last])
        if chosen.is_counted:
            return besides.most_pressing(chosen.stages, first=first, last=last)
        return keys_of(ended(besides, chosen.stages)[first:last])

    if only is None:
        page = page_of(request, lambda first, last: Case.objects.lines(keys(first, last), columns))
    else:
        asked = rows.filter(chosen.holds(at, user), public_id__in=only).by_danger()
        page = Page(asked.in_lines(columns), 1, has_next=False)
    clocks.show_working_time(page, at=at)
    return {"tabs": numbered, "tab": chosen, "page": page, "columns": columns, "at": at}


def ended(rows, stages: Collection[str]):
    """Return what has ended, the latest first: of all final stages or of some."""
    rows = rows.exclude(stage__in=workflow.OPEN) if set(stages) == workflow.FINAL else rows.filter(stage__in=stages)
    return rows.order_by("-moved_at", "-id")


def shown_filters(request: HttpRequest, *, desk: str, facts_only: bool = False) -> dict:
    """Return what a queue's head shows: the filters of the address, in words and as an address; the views kept."""
    views, first = kept_views(request.user, desk=desk, query=request.GET.urlencode())
    return {
        "filters": request.GET,
        "kept": filters_kept(request),
        "chips": filters.chips(request.GET, facts_only=facts_only),
        "lamps": filters.LAMP_LABELS.items(),
        "views": views,
        "view_first": first,
        "view_desk": desk,
        "view_query": request.GET.urlencode(),
    }


def chosen_columns(request: HttpRequest, known: Collection[str]) -> list[str]:
    """Return the columns that an address asks for, in the order of the table; [] for the usual ones."""
    return [name for name in known if name in request.GET.getlist("cols")]


def opens_with(request: HttpRequest, context: dict) -> HttpResponse | None:
    """Return the way to the view that this desk opens with, where the address asks for nothing of its own."""
    first = context["view_first"]
    return redirect(f"{request.path}?{first}") if first and not request.GET and not request.htmx else None


@dataclass(frozen=True)
class Page:
    """A page of a list that is not counted: whether more follows is known by one row too many."""

    object_list: list
    number: int
    has_next: bool

    def __iter__(self):
        return iter(self.object_list)

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def next_page_number(self) -> int:
        return self.number + 1

    @property
    def previous_page_number(self) -> int:
        return self.number - 1


def page_of(request: HttpRequest, fetch: Callable[[int, int], Iterable]) -> Page:
    """Return the page that the address asks for; `fetch` gives rows number first up to, not including, last."""
    said = request.GET.get("page", "")
    number = min(max(1, int(said)), LAST_PAGE) if said.isdecimal() and len(said) < 10 else 1
    size = PAGE
    if "all" in request.GET:  # asked by those who choose them all, never by a page
        number, size = 1, AT_ONCE
    rows = list(fetch((number - 1) * size, number * size + 1))
    return Page(rows[:size], number, has_next=len(rows) > size and number < LAST_PAGE)


# What an address says beside its filters: the queue, the page of it, the case that stands open in the middle.
NOT_KEPT = ("tab", "page", "open")


def filters_kept(request: HttpRequest) -> str:
    """Return the filters of the address without the page, for links that keep them."""
    left = request.GET.copy()
    for name in NOT_KEPT:
        left.pop(name, None)
    return left.urlencode()


def filter_choices(request: HttpRequest) -> HttpResponse:
    """Fragment: what the fold of a desk's filters offers, fetched when it is opened."""
    at = timezone.now()
    facts_only = sees_facts_only(request.user, at)
    columns = STINT_COLUMNS if facts_only else CASE_COLUMNS
    context = {
        "filters": request.GET,
        "chosen_flags": request.GET.getlist("flag"),
        "columns": [(name, column[0]) for name, column in columns.items()],
        "chosen_columns": request.GET.getlist("cols"),
        **filters.options(on=timezone.localdate(at), facts_only=facts_only),
    }
    return render(request, "cases/_filters.html", context)


def search(request: HttpRequest) -> HttpResponse:
    """Every case this person may see, whatever its stage, by number, place, class or words; a full number opens it."""
    at = timezone.now()
    visible, words = Case.objects.visible_to(request.user, at), request.GET.get("q", "").strip()
    if exact := visible.filter(number=words).first():
        return redirect("cases:case", exact.public_id)
    reported = by_phone(request.user, words, at=at)
    by_number = reported is not None and reported.exists()
    found = spoken_of(visible, words) if words and not by_number else reported if by_number else Case.objects.none()
    found = found.order_by("-reported_at", "-id")
    page = clocks.show_working_time(page_of(request, lambda first, last: found[first:last].in_lines()), at=at)
    context = {"words": words, "page": page, "at": at,
               "is_phone": reported is not None, "by_number": by_number,
               "work_spans": json.dumps(clocks.work_spans(at)),
               "facts_only": sees_facts_only(request.user, at)}  # fmt: skip
    return render(request, "cases/search.html", context)


SHORTEST_SEARCH, HITS = 2, 8
COMPONENT_CODE = re.compile(r"\d{12,17}")


def spoken_of(visible, words: str):
    """Return the cases that words are about: a component's code, or the beginning of one, else number, place, words."""
    if COMPONENT_CODE.fullmatch(words):
        coded = Component.objects.filter(identifier__startswith=words).values("pk")
        return visible.filter(Q(component__in=coded) | Q(number__startswith=words))
    return visible.matching(words)


def hits(request: HttpRequest) -> HttpResponse:
    """Fragment: the latest cases that what is being typed finds. Phone numbers are left to the search itself."""
    at = timezone.now()
    words = request.GET.get("q", "").strip()
    words = words if len(words) >= SHORTEST_SEARCH else ""
    is_number = bool(PHONE.fullmatch(words)) and may_read_vault(request.user, at=at)
    rows = []
    if words and not is_number:
        found = spoken_of(Case.objects.visible_to(request.user, at), words)
        rows = found.order_by("-reported_at", "-id")[:HITS].in_lines()
        clocks.show_working_time(rows, at=at)
    return render(request, "cases/_hits.html", {"rows": rows, "words": words, "is_number": is_number, "at": at})


# A mobile number, one with its area's code, or a bare one of seven or eight digits.
PHONE = re.compile(r"(?:\+?86)?1\d{10}|0\d{9,11}|\d{7,8}")


def by_phone(user, words: str, *, at: datetime):
    """Return the cases whose reporter left exactly this number, or None where that is not asked or not for this person.

    Only for the supervision desk, only of its own centre; the look is noted. For others nothing is looked up at all, so
    that neither page nor time tells whether a number is known.
    """
    bare = words.replace(" ", "").replace("-", "") if words[:1] in "+01" else words
    if not PHONE.fullmatch(bare) or not may_read_vault(user, at=at):
        return None
    centres = centres_of_reporters(user, at)
    if not centres:
        return None
    refs = vault.find_by_phone(bare, reader=user, why=gettext_noop("Search at the desk"), at=at)
    return Case.objects.visible_to(user, at).filter(reporter_ref__in=refs, supervision_centre__in=centres)


# — one case —————————————————————————————————————————————————————————————————————————————————————————


def case(request: HttpRequest, case_id) -> HttpResponse:
    """One case: facts, evidence, time line and the buttons open to this person."""
    at = timezone.now()
    context = case_context(request, case_id, at=at)
    template = "cases/_case.html" if request.htmx and not request.htmx.boosted else "cases/case.html"
    return render(request, template, context)


def case_context(request: HttpRequest, case_id, *, at: datetime) -> dict:
    """Return what a case page shows to this person. Departments get facts, never the reporter or the desk's words."""
    found = visible_case(request, case_id, at=at)
    facts_only = sees_facts_only(request.user, at)
    stints = list(found.stints.select_related("department", "handler")) if found.filed_at else []
    requests = list(found.requests.select_related("stint__department", "asked_by")) if stints else []
    tasks = [] if facts_only else list(found.tasks.select_related("collector"))
    if facts_only:
        mine = {stint.pk for stint in stints if _is_mine(stint, request.user, at)}
        stints = [stint for stint in stints if stint.pk in mine]
        requests = [one for one in requests if one.stint_id in mine]
    clocks.show_working_time([found], at=at)
    is_blind = facts_only and acting(request.user, at=at, side=Side.DEPARTMENT) is None
    evidence = located(found, found.evidence.select_related("file"))
    directives = list(found.directives.exclude(kind=Directive.Kind.URGE).select_related("to_department", "given_by"))
    if facts_only:
        held = departments_of(request.user, at)
        directives = [one for one in directives if one.to_department_id in held]
    buttons = open_moves(
        request.user, found, at=at, stints=stints, tasks=tasks, requests=requests, directives=directives
    )
    return {
        "case": found,
        "at": at,
        "stints": stints,
        "tasks": tasks,
        "requests": requests,
        "directives": directives,
        "evidence": evidence,
        **before_and_after(evidence),
        "timeline": timeline(found, facts_only=facts_only, only_of=request.user if is_blind else None),
        **_drawn(found, buttons),
        "facts_only": facts_only,
        "work_spans": json.dumps(clocks.work_spans(at)),
        "in_pane": in_pane(request),
        "first": Case.objects.visible_to(request.user, at).filter(pk=found.merged_into_id).first()
        if found.merged_into_id
        else None,
        "may_see_reporter": found.reporter_ref is not None and may_see_reporter(request.user, found, at),
        "side": next((str(SIDE_OF[one.role]) for one in appointments_of(request.user, at) if one.role in SIDE_OF), ""),
    }


AFTERWARDS = (Evidence.Usage.AFTER, Evidence.Usage.CHECK)


def located(found: Case, evidence: Iterable[Evidence]) -> list[Evidence]:
    """Return the evidence, each with its `metres` from the place of the case; None where a citizen's phone stood."""
    shown = list(evidence)
    for one in shown:
        known = one.point is not None and not one.from_reporter
        one.metres = metres_between(*found.point.coords[:2], *one.point.coords[:2]) if known else None
    return shown


def before_and_after(evidence: list[Evidence]) -> dict:
    """Return the evidence of before and of afterwards, and the last picture of each as a pair where there are both."""
    sides = {
        "before": [one for one in evidence if one.usage not in AFTERWARDS],
        "after": [one for one in evidence if one.usage in AFTERWARDS],
    }
    last = [next((one for one in reversed(side) if one.file.kind == "picture" and not one.file.erased_at), None)
            for side in sides.values()]  # fmt: skip
    return {**sides, "pair": last if all(last) else None}


def _drawn(found: Case, buttons: list[Button]) -> dict:
    """Return the buttons with their doors: all, those at hand, and the rare ones, which fold where there are many."""
    drawn = [(button, move_url(found, button)) for button in with_keys(named(buttons))]
    folds = len(drawn) > FEW_BUTTONS and not all(button.rule.is_rare for button in buttons)
    rare = [(button, url) for button, url in drawn if folds and button.rule.is_rare]
    return {"buttons": drawn, "at_hand": [one for one in drawn if one not in rare], "rare": rare}


def with_keys(buttons: list[Button]) -> list[Button]:
    """Return the buttons, each with the key that presses it; of several that want the same one the first has it."""
    taken: set[str] = set()
    for button in sorted(buttons, key=lambda one: one.rule.is_rare):
        button.key = "" if button.rule.key in taken else button.rule.key
        taken.add(button.key)
    return buttons


FEW_BUTTONS = 4  # so many stand side by side without folding any


def named(buttons: list[Button]) -> list[Button]:
    """Return the buttons, those that stand there for several departments each with its department's name."""
    verbs = [button.rule.verb for button in buttons]
    for button in buttons:
        stint = button.subject.stint if isinstance(button.subject, Request) else button.subject
        if verbs.count(button.rule.verb) > 1 and isinstance(stint, HandlingStint):
            button.about = stint.department.name
    return buttons


SIDE_OF = {Role.DISPATCHER: Side.COMMAND, Role.COMMANDER: Side.COMMAND,
           Role.DEPARTMENT_OPERATOR: Side.DEPARTMENT, Role.HANDLER: Side.DEPARTMENT}  # fmt: skip


def visible_case(request: HttpRequest, case_id, *, at: datetime) -> Case:
    """Return the case if this person may see it; 404 otherwise: what may not be seen does not exist."""
    rows = Case.objects.visible_to(request.user, at).with_row().with_part_of(request.user)
    with_cell = rows.select_related("unit_grid").defer("unit_grid__boundary", "unit_grid__centre")
    return get_object_or_404(with_cell, public_id=case_id)


def visible_row(request: HttpRequest, case_id, subject: Subject, subject_id, *, at: datetime):
    """Return the case, stint, task or request of a case that this person may see, in one query; 404 otherwise.

    `case_id` None: of whatever case it is.
    """
    if subject is Subject.CASE and case_id not in (None, subject_id):
        raise Http404
    if subject is Subject.CASE and request.method != "POST":  # a move that succeeds shows nothing of the case
        return visible_case(request, subject_id, at=at)
    try:
        mine, params = Case.objects.visible_to(request.user, at).order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        raise Http404 from None
    found = ROWS[subject](subject_id, *params, within=mine)
    if not found:
        raise Http404
    row = _joined(subject, *found[0])
    if case_id not in (None, (row if subject is Subject.CASE else row.case).public_id):
        raise Http404
    return row


def _joined(subject: Subject, *rows):
    """Return the row of a subject with those that its form and the permission to move it look at."""
    if subject is Subject.CASE:
        case, case.minor_class = rows
        return case
    row, row.case, row.case.minor_class, *others = rows
    match subject:
        case Subject.STINT:
            row.department, row.handler = others
        case Subject.REQUEST:
            row.stint, row.stint.department = others
        case Subject.DIRECTIVE:
            (row.to_department,) = others
    return row


_OF_CASE = "JOIN cases_case c ON c.id = x.case_id JOIN components_minorclass m ON m.id = c.minor_class_id"
_SEEN = "WHERE x.public_id = %s AND c.id IN ({within})"
_CASE = {"c": (Case, "-search", "-last_hash"), "m": MinorClass}
ROWS = {
    Subject.CASE: Rows(
        "FROM cases_case c JOIN components_minorclass m ON m.id = c.minor_class_id "
        "WHERE c.public_id = %s AND c.id IN ({within})",
        **_CASE,
    ),
    Subject.STINT: Rows(
        f"FROM cases_handlingstint x {_OF_CASE} JOIN accounts_department d ON d.id = x.department_id "
        f"LEFT JOIN accounts_user u ON u.id = x.handler_id {_SEEN}",
        x=HandlingStint, **_CASE, d=Department, u=User,
    ),
    Subject.TASK: Rows(f"FROM cases_fieldtask x {_OF_CASE} {_SEEN}", x=FieldTask, **_CASE),
    Subject.REQUEST: Rows(
        f"FROM cases_request x {_OF_CASE} JOIN cases_handlingstint s ON s.id = x.stint_id "
        f"JOIN accounts_department d ON d.id = s.department_id {_SEEN}",
        x=Request, **_CASE, s=HandlingStint, d=Department,
    ),
    Subject.DIRECTIVE: Rows(
        f"FROM cases_directive x {_OF_CASE} JOIN accounts_department d ON d.id = x.to_department_id {_SEEN}",
        x=Directive, **_CASE, d=Department,
    ),
}  # fmt: skip


def sees_facts_only(user, at: datetime) -> bool:
    """True for departments, handlers and collectors: the facts of a case, without the desks' words and the reporter."""
    return acting(user, at=at, roles=(*DESK_READERS, Role.DISPATCHER, Role.COMMANDER)) is None


def _is_mine(stint: HandlingStint, user, at: datetime) -> bool:
    return stint.handler_id == user.pk or stint.department_id in departments_of(user, at)


def move_url(found: Case, button: Button) -> str:
    """Return the address of a button's door."""
    return reverse(button.url_name, args=[found.public_id, str(button.rule.subject), button.subject.public_id,
                                          button.rule.verb])  # fmt: skip


def timeline(found: Case, *, facts_only: bool, only_of=None) -> list:
    """Return the events of a case, the latest first, each with its label and its words; two queries at most.

    `only_of` is a collector: he checks without knowing whose work it is, so he reads his own steps only.
    """
    words = EventText.objects.filter(case=OuterRef("case"), sequence=OuterRef("sequence"))
    events = found.events.select_related("actor", "department").annotate(
        words=Subquery(words.values("text")[:1])
    ).defer("payload", "hash").order_by("-sequence")  # fmt: skip
    if only_of is not None:
        events = events.filter(actor=only_of)
    elif facts_only:
        events = events.filter(verb__in=SHOWN_TO_DEPARTMENTS)
    shown = list(events)
    for event in shown:
        event.label = _(workflow.label_of(Subject(event.subject), event.verb))
        event.result = RESULTS.get((event.verb, event.outcome), "")
        if facts_only and event.role == Role.COLLECTOR and only_of is None:
            event.actor = None  # a collector who checked has no name for departments, only his centre
    return shown


RESULTS = {
    ("verify", "true"): gettext_lazy("True"),
    ("verify", "untrue"): gettext_lazy("Untrue"),
    ("verify", "cannot"): gettext_lazy("Cannot verify"),
    ("check", "pass"): gettext_lazy("Passed"),
    ("check", "fail"): gettext_lazy("Failed"),
    ("check", "cannot"): gettext_lazy("Cannot check"),
    ("inspect", "pass"): gettext_lazy("Passed"),
    ("inspect", "fail"): gettext_lazy("Failed"),
    ("spot_check", "pass"): gettext_lazy("Passed"),
    ("spot_check", "fail"): gettext_lazy("Failed"),
}
# What command and departments did is a department's business; how the desks came to file it is not.
SHOWN_TO_DEPARTMENTS = (
    *(move.verb for move in workflow.MOVES if move.side in (workflow.COMMAND, workflow.DEPARTMENT)),
    "file", "check", "rework", "close", "void",
)  # fmt: skip


def deadline(request: HttpRequest, case_id) -> HttpResponse:
    """How the deadlines of a case were counted, line by line: for the handling clock, else for the one that runs."""
    at = timezone.now()
    found = visible_case(request, case_id, at=at)
    explained = deadlines(found, request.user, at=at)
    filing = found.events.filter(verb="file").order_by("-sequence").first()
    context = {
        "case": found,
        "explained": explained,
        "promise": PROMISED.get(filing.facts.get("limit_from", "")) if filing else None,
        "at": at,
    }
    return render(request, "cases/_deadline.html", context)


def deadlines(found: Case, user, *, at: datetime, mine=None) -> list[clocks.Explained]:
    """Return how the clocks of a case were counted, the running ones first: to a department its own handling only.

    `mine` are the stints that such a person may see, where the caller has them already.
    """
    wanted = found.clocks.exclude(name=workflow.Clock.OVERALL).select_related("holder_department", "holder_user")
    if sees_facts_only(user, at):
        if mine is None:
            mine = [stint for stint in found.stints.all() if _is_mine(stint, user, at)]
        wanted = wanted.filter(name=workflow.Clock.HANDLING, stint__in=mine)
    explained = [
        clocks.explain(clock, case=found, at=at) for clock in wanted.prefetch_related("entries").order_by("-id")
    ]
    explained.sort(key=lambda one: one.clock.state == StageClock.State.STOPPED)
    return explained


PROMISED = {
    "condition": gettext_lazy("The limit is that of the filing condition."),
    "override": gettext_lazy("The limit is one that the city set for such cases."),
    "default": gettext_lazy("The filing condition has no limit of its own: the city's default holds."),
    "none": gettext_lazy("Nothing was promised: neither the filing condition nor the city sets a limit."),
}


def looks(request: HttpRequest, case_id) -> HttpResponse:
    """Fragment for the desks: who opened what is private about this case, the latest first."""
    at = timezone.now()
    found = visible_case(request, case_id, at=at)
    if sees_facts_only(request.user, at):
        raise Http404
    rows = ReadLog.objects.filter(number=found.number).select_related("reader").order_by("-at", "-id")[:LOOKS_SHOWN]
    return render(request, "cases/_looks.html", {"rows": rows})


LOOKS_SHOWN = 50


def near(request: HttpRequest, case_id) -> HttpResponse:
    """What may be the same problem as this case, what is attached to it, when it was here before, what else is open."""
    at = timezone.now()
    return render(request, "cases/_near.html", near_context(request, case_id, at=at))


def near_context(request: HttpRequest, case_id, *, at: datetime) -> dict:
    """Return what `_near.html` shows: `rows` may be the same problem, `others` are open around it."""
    found = visible_case(request, case_id, at=at)
    visible = Case.objects.visible_to(request.user, at)
    rows = same_problem(visible, found)
    around = office_settings.get("cases.around_metres", on=timezone.localdate(at), area_code=found.area_code)
    others = visible.open().around(found.point, metres=around).exclude(pk__in=[found.pk, *(one.pk for one in rows)])
    return {
        "case": found,
        "rows": rows,
        "others": others.with_row()[:NEAR_ROWS],
        "around": around,
        "attached": visible.filter(merged_into=found).with_row().order_by("reported_at", "pk"),
        "earlier": came_before(visible, found, request.user, at=at),
        "attach_url": _attach_url(request, found, at=at),
        "components": nearest(
            Component.objects.current().select_related("minor_class"), "geometry", found.point, within_metres=around
        )[:NEAR_COMPONENTS],
        "facts_only": sees_facts_only(request.user, at),
        "at": at,
    }


NEAR_COMPONENTS = 6


def same(request: HttpRequest, case_id) -> HttpResponse:
    """Fragment above a decision: the open cases that may be the same, and when the problem was here before; or nothing.

    Those who may attach join it to one of them with one click.
    """
    at = timezone.now()
    found = visible_case(request, case_id, at=at)
    visible = Case.objects.visible_to(request.user, at)
    context = {
        "case": found, "rows": same_problem(visible, found),
        "earlier": came_before(visible, found, request.user, at=at),
        "attach_url": _attach_url(request, found, at=at), "at": at,
    }  # fmt: skip
    return render(request, "cases/_same.html", context)


def same_problem(visible, found: Case) -> list[Case]:
    """Return the open cases that may be the same problem as this one, the one its reporter named first of all."""
    near_it = visible.exclude(pk=found.pk).open_near(
        found.point, minor_class=found.minor_class, at=found.reported_at, area_code=found.area_code,
        component=found.component_id, road=found.road_id, named=found.suggested_first_id,
    )  # fmt: skip
    return list(near_it.with_row()[:NEAR_ROWS])


def came_before(visible, found: Case, user, *, at: datetime) -> list[Case]:
    """Return the closed cases of its chain, the latest first, each with how it was closed and its departments.

    A department reads its own part in them only.
    """
    if found.chain_id is None:
        return []
    stints = HandlingStint.objects.select_related("department")
    if sees_facts_only(user, at):
        stints = stints.filter(Q(department__in=departments_of(user, at)) | Q(handler=user))
    earlier = visible.chain_of(found).with_row().prefetch_related(Prefetch("stints", stints))
    return list(earlier[:NEAR_ROWS])


def _attach_url(request: HttpRequest, found: Case, *, at: datetime) -> str:
    """Return the address of the door that attaches this case, "" for whoever may not."""
    for verb in ("attach", "attach_filed"):
        rule = workflow.find(Subject.CASE, verb, stage=found.stage, case_stage=found.stage)
        if rule is not None and appointment_for(request.user, rule, case=found, subject=found, at=at):
            return move_url(found, Button(rule, found))
    return ""


def evidence(request: HttpRequest, public_id, variant: str) -> HttpResponse:
    """Hand out a picture, sound or video of a case to somebody who may see the case; originals only to the desks."""
    return stored_file(shown_evidence(request, public_id, variant, at=timezone.now()).file, variant)


def shown_evidence(request: HttpRequest, public_id, variant: str, *, at: datetime) -> Evidence:
    """Return a piece of evidence if this person may see it so, 404 otherwise; a look at an original is noted."""
    visible = Case.objects.visible_to(request.user, at)
    one = get_object_or_404(
        Evidence.objects.select_related("file", "case").filter(case__in=visible), public_id=public_id
    )
    if variant == "original":
        if not may_see_original(request.user, one, at):
            raise Http404
        note_look(reader=request.user, what="original", about=str(one.public_id), number=one.case.number,
                  why=gettext_noop("Opened on the page of the case"), at=at)  # fmt: skip
    return one


# — the doors of the moves ———————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Door:
    """What stands behind a button: its action, and its form where the table's facts are not enough."""

    act: Callable
    form: type[MoveForm] = MoveForm


DOORS: dict[str, Door] = {
    "accept": Door(actions.accept),
    "refuse": Door(actions.refuse),
    "answer_at_once": Door(actions.answer_at_once),
    "describe": Door(actions.describe),
    "send_verify": Door(actions.send_verify),
    "skip_verify": Door(actions.skip_verify),
    "withdraw_verify": Door(actions.withdraw_verify),
    "file": Door(actions.file),
    "not_file": Door(actions.not_file),
    "back_to_acceptance": Door(actions.back_to_acceptance),
    "void": Door(actions.void),
    "attach": Door(actions.attach, AttachForm),
    "attach_filed": Door(actions.attach_filed, AttachForm),
    "detach": Door(actions.detach),
    "close_self_handled": Door(actions.close_self_handled),
    "send_inspection": Door(actions.send_inspection),
    "inspect": Door(actions.inspect),
    "withdraw_inspection": Door(actions.withdraw_inspection),
    "send_spot_check": Door(actions.send_spot_check),
    "spot_check": Door(actions.spot_check),
    "force_close": Door(actions.force_close),
    "reopen": Door(actions.reopen),
    "urge": Door(actions.urge),
    "supervise": Door(actions.supervise),
    "instruct": Door(actions.instruct),
    "reply": Door(actions.reply),
    "settle": Door(actions.settle),
    "send_check": Door(actions.send_check),
    "withdraw_check": Door(actions.withdraw_check),
    "close": Door(actions.close),
    "check_again": Door(actions.check_again),
    "rework": Door(actions.rework),
}


def move(request: HttpRequest, case_id, subject: str, subject_id, verb: str) -> HttpResponse:
    """The door of supervision's moves."""
    return serve_move(request, case_id, subject, subject_id, verb, doors=DOORS)


def serve_move(
    request: HttpRequest, case_id, subject: str, subject_id, verb: str, *, doors: dict[str, Door],
    done: Callable[[Case], str] | None = None,
) -> HttpResponse:  # fmt: skip
    """Serve one move: GET shows its form, POST makes it. Used by every room that has doors; `done` names the next page.

    What was typed is kept on every error; a refusal of the action is said in the form, in words.
    """
    at = timezone.now()
    rule = next((one for one in workflow.MOVES if one.verb == verb and one.subject == subject), None)
    if rule is None or verb not in doors:
        raise Http404
    row = visible_row(request, case_id, rule.subject, subject_id, at=at)
    found = row if rule.subject is Subject.CASE else row.case
    try:
        refuse_strangers(request.user, rule, found, row, at=at)
    except actions.NotYours as refusal:
        raise PermissionDenied(sentence(refusal)) from refusal
    door = doors[verb]
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    named = {"initial": {"first": request.GET["first"]}} if "first" in request.GET else {}
    form = door.form(*posted, rule=rule, case=found, subject=row, user=request.user, at=at, **named)
    if posted:
        form.keep_files(by=request.user, at=at)
        if form.is_valid():
            try:
                moved = door.act(row, by=request.user, at=at, **form.facts())
            except Refusal as refusal:
                form.add_error(None, sentence(refusal))
            else:
                said = _("Done: %(move)s, case %(number)s.") % {"move": _(rule.label), "number": moved.number}
                if in_pane(request):
                    return changed(found, said)
                messages.success(request, said)
                return answer(request, _next(request, moved, done))
    context = {"form": form, "rule": rule, "case": found, "subject": row, "url": request.path,
               "next": request.POST.get("next") or request.GET.get("next", ""), "at": at}  # fmt: skip
    template = "cases/_move.html" if request.htmx and not request.htmx.boosted else "cases/move.html"
    return render(request, template, context, status=422 if posted else 200)


def refuse_strangers(user, rule: workflow.Move, found: Case, row, *, at: datetime) -> None:
    """Raise NotYours: a form names people, so it is shown, and what it brings kept, only for who may make the move."""
    if appointment_for(user, rule, case=found, subject=row, at=at) is None:
        raise actions.NotYours(number=found.number, verb=rule.label)


def in_pane(request: HttpRequest) -> bool:
    """True for what a desk fetches into its middle: the page stays, and is told what changed."""
    return bool(getattr(request, "htmx", False)) and "X-Pane" in request.headers


def changed(found: Case, said: str) -> HttpResponse:
    """Tell the desk that a case of its changed, and what to say: static/js/desk.js fetches anew what it shows of it."""
    event = {"case:changed": {"id": str(found.public_id), "said": said}}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(event)})


def answer(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser on: htmx by its header, a plain form by a redirect."""
    if request.htmx and not request.htmx.boosted:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def _next(request: HttpRequest, moved: Case, done: Callable[[Case], str] | None) -> str:
    wanted = request.POST.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        return wanted
    return done(moved) if done else reverse("cases:case", args=[moved.public_id])


# — the calendar ————————————————————————————————————————————————————————————————————————————————————

PREVIEW_SALT, PREVIEW_SECONDS = "cases.calendar", 3600


@require_http_methods(["GET", "HEAD", "POST"])
def calendar(request: HttpRequest) -> HttpResponse:
    """What counts as working time; a spreadsheet with a year's arrangement shows first what it would change."""
    at = timezone.now()
    _keepers_only(request, at)
    known = calendars.current()
    form = CalendarForm(request.POST or None, request.FILES or None, official_until=known.rows.official_until, at=at)
    preview, status = None, 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                preview, status = _preview(form, known, at=at), 200
            except Refusal as refusal:
                form.add_error("file", sentence(refusal))
    context = {
        "form": form,
        "preview": preview,
        "rows": known.rows,
        "version": CalendarVersion.objects.select_related("made_by").order_by("-number").first(),
    }
    return render(request, "cases/calendar.html", context, status=status)


def _preview(form: CalendarForm, known: calendars.Calendars, *, at: datetime) -> dict:
    file, year = form.cleaned_data["file"], form.cleaned_data["year"]
    rows = sheets.read(file.read(sheets.LARGEST_BYTES + 1), name=file.name, year=year, kept=known.rows)
    after = calendars.Calendars(rows, known.number + 1)
    said = {"rows": rows.as_json(), "based_on": known.number, "source": f"{year} · {file.name}"[:120]}
    return {
        "year": year,
        "difference": calendars.compared(known.rows, rows),
        "official_until": rows.official_until,
        "movement": clocks.would_move(after, at=at),
        "mark": signing.dumps(said, salt=PREVIEW_SALT, compress=True),
    }


@require_POST
def apply_calendar(request: HttpRequest) -> HttpResponse:
    """Put the calendar of a preview in force."""
    at = timezone.now()
    _keepers_only(request, at)
    try:
        said = signing.loads(request.POST.get("mark", ""), salt=PREVIEW_SALT, max_age=PREVIEW_SECONDS)
    except signing.BadSignature:
        messages.error(request, _("This preview has expired. Send the spreadsheet again."))
        return redirect("cases:calendar")
    try:
        actions.import_calendar(
            calendars.Rows.from_json(said["rows"]), by=request.user, at=at, based_on=said["based_on"],
            source=said["source"],
        )  # fmt: skip
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    else:
        messages.success(request, _("The calendar is in force. Open deadlines follow within a minute or two."))
    return redirect("cases:calendar")


@require_safe
def calendar_sheet(request: HttpRequest, year: int) -> HttpResponse:
    """The calendar of a year as a spreadsheet, to be filled in and sent back."""
    _keepers_only(request, timezone.now())
    response = HttpResponse(
        sheets.write(calendars.current().rows, year=year),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    response["Content-Disposition"] = content_disposition_header(True, f"工作日历-{year}.xlsx")
    return response


def _keepers_only(request: HttpRequest, at: datetime) -> None:
    if not permissions.may_keep_calendar(request.user, at=at):
        raise PermissionDenied(_("The calendar is kept by the administrators."))


# — the proof of the history ————————————————————————————————————————————————————————————————————————

CHECKPOINTS_SHOWN = 31
CHECKS_SHOWN = 14


def history(request: HttpRequest) -> HttpResponse:
    """The nightly checkpoints with the line to print, and what the last proofs found."""
    if not may(request.user, "see_history", at=timezone.now()):
        raise PermissionDenied
    kept = list(Checkpoint.objects.defer("leaves", "payload").order_by("-number")[:CHECKPOINTS_SHOWN])
    checks = list(HistoryCheck.objects.all()[:CHECKS_SHOWN])
    unsound = next((check for check in checks if check.finding_count), None)
    findings = [(verification.FINDINGS.get(code, code), number, sequence, detail)
                for code, number, sequence, detail in unsound.findings] if unsound else []  # fmt: skip
    context = {"checkpoints": kept, "line": checkpoint.line(kept[0]) if kept else "", "checks": checks,
               "unsound": unsound, "findings": findings}  # fmt: skip
    return render(request, "cases/history.html", context)


def checkpoint_lines(request: HttpRequest) -> HttpResponse:
    """The line of every checkpoint as a file, to be kept elsewhere: `verify_history --against` reads it."""
    if not may(request.user, "see_history", at=timezone.now()):
        raise PermissionDenied
    kept = Checkpoint.objects.defer("leaves", "payload").order_by("number")
    lines = (checkpoint.line(one) + "\n" for one in kept.iterator(chunk_size=1000))
    response = StreamingHttpResponse(lines, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="checkpoints.txt"'
    return response


# — escalation chains ————————————————————————————————————————————————————————————————————————————————


def said_steps(steps) -> list[dict]:
    """Return the steps of a chain as a page says them."""
    rows = []
    for step in steps:
        if step.when is escalation.When.LAMP:
            when = _("when the lamp turns yellow")
        elif step.when is escalation.When.SHARE:
            when = _("%(number)s %% of the time used") % {"number": step.number} if step.number else _("on arrival")
        else:
            when = _("%(number)s minutes overdue") % {"number": step.number} if step.number else _("at the deadline")
        if step.repeat_times:
            again = {"minutes": step.repeat_minutes, "times": step.repeat_times}
            when += _(", again every %(minutes)s minutes, %(times)s times") % again
        rows.append({
            "when": when,
            "to": [_(escalation.AUDIENCE_LABELS[one]) for one in step.to],
            "by": [_("Message box"), *(_(escalation.MEANS_LABELS[one]) for one in step.by)],
            "at_night": step.at_night,
        })  # fmt: skip
    return rows


def _refuse_unless_keeper(request: HttpRequest, *, at: datetime) -> None:
    if not may(request.user, "maintain_settings", at=at):
        raise PermissionDenied(_("The escalation chains are kept by the administrators."))


@require_safe
def chains(request: HttpRequest) -> HttpResponse:
    """Whom the clocks ring for, and when: the city's rows, and what holds where it wrote none."""
    at = timezone.now()
    _refuse_unless_keeper(request, at=at)
    today = timezone.localdate(at)
    rows = AlarmChain.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=today)).select_related("minor_class")
    delivered = [
        (_("Departments and collectors"), said_steps(escalation.as_delivered(workflow.Clock.HANDLING))),
        (_("Desks of the centres"), said_steps(escalation.as_delivered(workflow.Clock.ACCEPT))),
    ]
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(row, said_steps(read_steps(row.steps))) for row in page],
        "delivered": delivered,
        "today": today,
    }
    return render(request, "cases/chains.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def chain(request: HttpRequest, public_id=None) -> HttpResponse:
    """Write a new escalation chain, or change one from today on."""
    at = timezone.now()
    _refuse_unless_keeper(request, at=at)
    row = get_object_or_404(AlarmChain, public_id=public_id) if public_id else None
    form = ChainForm(
        request.POST or None,
        instance=AlarmChain.objects.get(pk=row.pk) if row else None,
        initial={} if row else {"valid_from": timezone.localdate(at)},
    )
    steps = write_steps(read_steps(row.steps) if row else escalation.as_delivered(workflow.Clock.HANDLING))
    empty = [{}] * (escalation.MOST_STEPS - len(steps))
    rows = StepRows(request.POST or None, initial=[*steps, *empty], prefix="step")
    if request.method == "POST" and form.is_valid() and rows.is_valid():
        wanted = [step for step in (one.step() for one in rows) if step is not None]
        try:
            alarms.keep_chain(row, by=request.user, at=at, steps=wanted, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, _("Kept. Clocks that run already follow it within a minute."))
            return redirect("cases:chains")
    status = 422 if form.errors or (request.method == "POST" and not rows.is_valid()) else 200
    return render(request, "cases/chain.html", {"chain": row, "form": form, "steps": rows}, status=status)


@require_POST
def end_chain(request: HttpRequest, public_id) -> HttpResponse:
    """Let a chain hold no longer, from today on."""
    at = timezone.now()
    _refuse_unless_keeper(request, at=at)
    row = get_object_or_404(AlarmChain, public_id=public_id)
    alarms.end_chain(row, by=request.user, at=at, on=timezone.localdate(at))
    messages.success(request, _("“%(name)s” holds no longer from today on.") % {"name": row.name})
    return redirect("cases:chains")


# — limits for some cases ————————————————————————————————————————————————————————————————————————————


def _refuse_unless_keeper_of_limits(request: HttpRequest, *, at: datetime) -> None:
    if not permissions.may_keep_limits(request.user, at=at):
        raise PermissionDenied(_("The limits are kept by the administrators."))


@require_http_methods(["GET", "HEAD", "POST"])
def limits(request: HttpRequest) -> HttpResponse:
    """The limits that hold for some cases only, today and later, and a form for a new one."""
    at = timezone.now()
    _refuse_unless_keeper_of_limits(request, at=at)
    day = timezone.localdate(at)
    form = LimitForm(request.POST or None, day=day)
    if request.method == "POST" and form.is_valid():
        actions.add_limit(by=request.user, at=at, **form.cleaned_data)
        messages.success(request, _("The new row was kept."))
        return redirect("cases:limits")
    rows = LimitOverride.objects.not_over(day).select_related("minor_class", "filing_condition__minor_class")
    page = Paginator(rows.order_by("-valid_from", "-id"), PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "tomorrow": day + timedelta(days=1), "day": day}
    return render(request, "cases/limits.html", context, status=422 if form.errors else 200)


@require_POST
def end_limit(request: HttpRequest, public_id) -> HttpResponse:
    """Let a limit for some cases hold no longer from a day on."""
    at = timezone.now()
    _refuse_unless_keeper_of_limits(request, at=at)
    row = get_object_or_404(LimitOverride, public_id=public_id)
    form = EndForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give the day from which the row holds no longer."))
        return redirect("cases:limits")
    try:
        actions.end_limit(row, by=request.user, at=at, on=form.cleaned_data["on"])
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    else:
        messages.success(request, _("The row holds no longer from %(on)s on.") % {"on": form.cleaned_data["on"]})
    return redirect("cases:limits")
