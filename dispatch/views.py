"""The dispatch desk, the departments' desk, their panes beside a case, the doors of their moves."""

import json
from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Department
from accounts.permissions import acting, departments_of
from accounts.roles import Role
from cases import clocks, deltas
from cases.filters import FILTERS, LAMPS, filtered
from cases.models import Case, Evidence, Request
from cases.permissions import open_moves
from cases.querysets import Tab, counted, keys_of
from cases.views import (
    OWN_TAB,
    PAGE,
    Door,
    Page,
    chosen_columns,
    move_url,
    opens_with,
    page_of,
    queue,
    sees_facts_only,
    serve_move,
    shown_filters,
    visible_case,
)
from citymgmt.errors import Refusal
from citymgmt.middleware import refused
from citymgmt.refusals import sentence
from dispatch import actions, approval, facts, links, querysets, requests, safety, straight, teams, terms, trial
from dispatch.forms import (
    ApprovalRuleForm,
    CrewForm,
    DispatchMoveForm,
    EndForm,
    GroundForm,
    LinkForm,
    ResponsibilityForm,
    ResultForm,
    SafeClassForm,
)
from dispatch.models import (
    APPROVER_LABELS,
    ApprovalRule,
    CaseLink,
    Crew,
    Ground,
    LinkStep,
    ResponsibilityRule,
    SafeClass,
)
from dispatch.permissions import (
    may_declare_safe,
    may_keep_responsibilities,
    may_open_department_desk,
    may_open_dispatch_desk,
    may_open_lists,
)
from office import ratelimit, settings
from office.actions import note_change, refuse_too_many, store_file
from office.forms import kept_mark
from office.ratelimit import TooOften
from office.templatetags.ui import STINT_COLUMNS
from office.views import public, stored_file

DOORS: dict[str, Door] = {
    action.__name__: Door(action, DispatchMoveForm)
    for action in (
        actions.dispatch, actions.back_to_filing, actions.withdraw_dispatch,
        straight.undo_filing, straight.review_filing, straight.undo_dispatch, straight.review_dispatch,
        actions.receive, actions.assign, actions.submit_result, actions.record_result, actions.hand_over,
        actions.ask_return, actions.ask_extension, actions.ask_suspension,
        actions.grant_return, actions.refuse_return, actions.grant_extension, actions.refuse_extension,
        actions.grant_suspension, actions.refuse_suspension, actions.resume,
        actions.pass_on, actions.refuse_hand_over, actions.transfer_to_emergency, actions.cancel_emergency,
        actions.add_assisting, actions.make_lead, actions.set_required, actions.set_proxy, actions.mark_ownerless,
        actions.confirm_dispatch, actions.wrong_dispatch, actions.recall_wrong_dispatch,
        teams.revoke, teams.send_back_result, teams.give_back, teams.sub_dispatch, teams.hand_up, teams.return_up,
        teams.accept_up, teams.refuse_up, teams.accept_return_up, teams.refuse_return_up, teams.recall,
        requests.ask_voiding, requests.ask_deferral, requests.open_dispute, requests.raise_dispute,
        requests.ask_appeal, requests.withdraw_request,
        requests.approve, requests.reject, requests.consent, requests.decline,
        requests.grant_voiding, requests.refuse_voiding, requests.grant_deferral, requests.refuse_deferral,
        requests.grant_appeal, requests.refuse_appeal, requests.call_meeting, requests.decide_dispute,
        requests.enter_stock,
    )
}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, case_id, subject: str, subject_id, verb: str) -> HttpResponse:
    """The door of the moves of the command centre and of the departments."""
    return serve_move(request, case_id, subject, subject_id, verb, doors=DOORS)


# — the dispatch desk ————————————————————————————————————————————————————————————————————————————————


@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """What the command centre has to do: dispatch, decide requests, pass results on."""
    at = timezone.now()
    context = desk_context(request, at=at) | shown_filters(request, desk="dispatch")
    if (elsewhere := opens_with(request, context)) is not None:
        return elsewhere
    context["live"] = deltas.page_facts(request, context, address=reverse("dispatch:desk_rows"), at=at)
    return render(request, _template(request, "cases/_queue.html", "dispatch/desk.html"), context)


@never_cache
@require_safe
def desk_rows(request: HttpRequest) -> HttpResponse:
    """What an open page of the dispatch desk asks anew (cases/deltas.py)."""
    at = timezone.now()
    return deltas.answer(request, desk_context(request, at=at, only=deltas.asked_ids(request.GET)), at=at)


def desk_context(request: HttpRequest, *, at, only=None) -> dict:
    """Return the context of the dispatch desk's queue; `only`: of its rows those of these cases, on whatever page."""
    if not may_open_dispatch_desk(request.user, at=at):
        raise PermissionDenied(_("The dispatch desk belongs to the command centre."))
    return queue(request, Case.objects.visible_to(request.user, at), tabs=TABS, at=at, only=only)


TABS = (*querysets.DESK_TABS, OWN_TAB)


@require_safe
def pane(request: HttpRequest, case_id) -> HttpResponse:
    """Beside a case: the proposals with their reasons, or what the departments ask for and who has it."""
    at = timezone.now()
    if not may_open_dispatch_desk(request.user, at=at):
        raise PermissionDenied(_("The dispatch desk belongs to the command centre."))
    case = visible_case(request, case_id, at=at)
    asked = with_chains(querysets.requests_with_words(case), at=at)
    buttons = open_moves(request.user, case, at=at, requests=asked)
    rule = next((button.rule for button in buttons if button.rule.verb == "dispatch"), None)
    context = {
        "case": case,
        "requests": [(one, [(b, move_url(case, b)) for b in buttons if b.subject == one]) for one in asked],
        "form": _dispatch_form(request, rule, case, at) if rule else None,
        "url": next((move_url(case, button) for button in buttons if button.rule.verb == "dispatch"), ""),
        "rule": rule,
        "at": at,
    }
    return render(request, "dispatch/_pane.html", context)


def with_chains(rows, *, at) -> list[Request]:
    """Return requests with their ground in words and their chain as (label, opinion, whose turn it is); two queries."""
    names = terms.ground_names(timezone.localdate(at))
    asked = list(rows)
    prefetch_related_objects(asked, "approvals__by")
    for one in asked:
        one.ground_label = names.get((one.kind, one.ground), "")
        said = {approval.step: approval for approval in one.approvals.all()}
        one.steps = [
            (APPROVER_LABELS[role], said.get(number), number == one.step and one.stage == "pending")
            for number, role in enumerate(one.chain or [approval.DISPATCHER])
        ]
    return asked


def _dispatch_form(request: HttpRequest, rule, case: Case, at) -> DispatchMoveForm:
    # The same form may stand on the page twice: here and where the button opens it.
    return DispatchMoveForm(rule=rule, case=case, subject=case, user=request.user, at=at, auto_id="pane_%s")


# — a department's desk ——————————————————————————————————————————————————————————————————————————————


@require_safe
def department(request: HttpRequest) -> HttpResponse:
    """What a department has to do, by stint; a handler sees what was assigned to him."""
    at = timezone.now()
    context = department_context(request, at=at) | shown_filters(request, desk="department", facts_only=True)
    if (elsewhere := opens_with(request, context)) is not None:
        return elsewhere
    here = reverse("dispatch:department_rows")
    context["live"] = deltas.page_facts(request, context, address=here, at=at, of_parts=True)
    return render(request, _template(request, "dispatch/_stints.html", "dispatch/department.html"), context)


@never_cache
@require_safe
def department_rows(request: HttpRequest) -> HttpResponse:
    """What an open page of a department's desk asks anew (cases/deltas.py)."""
    at = timezone.now()
    return deltas.answer(request, department_context(request, at=at, only=deltas.asked_ids(request.GET)), at=at)


def department_context(request: HttpRequest, *, at, only=None) -> dict:
    """Return the context of a department's list; `only`: of its rows those of these cases, on whatever page."""
    if not may_open_department_desk(request.user, at=at):
        raise PermissionDenied(_("This desk belongs to the departments."))
    stints = stints_seen(request.user, at)
    tabs = counted(stints, querysets.DEPARTMENT_TABS, at=at, user=request.user)
    tab = _chosen(request, tabs)
    stints = narrowed(stints, request.GET, at=at)

    def fetch(first: int, last: int):
        return querysets.most_pressing(stints, tab, at=at, user=request.user, first=first, last=last)

    if only is None:
        page = page_of(request, fetch)
    else:
        held = stints.filter(tab.holds(at, request.user), case__public_id__in=only).order_by("due_at", "id")
        page = Page(querysets.lines(keys_of(held)), 1, has_next=False)
    clocks.show_working_time(page, at=at)
    columns = chosen_columns(request, STINT_COLUMNS)
    return {"tabs": tabs, "tab": tab, "page": page, "columns": columns, "at": at}


def narrowed(stints, said, *, at):
    """Return the stints whose cases the filters of an address ask for; the lamp is that of the stint itself."""
    if said.get("lamp") in LAMPS:
        stints = stints.filter(LAMPS[said["lamp"]](at))
    of_cases = said.copy()
    of_cases.pop("lamp", None)
    if not FILTERS.keys() & of_cases.keys() and not of_cases.get("q") and "flag" not in of_cases:
        return stints
    return stints.filter(case__in=filtered(Case.objects.all(), of_cases, at=at, facts_only=True))


def stints_seen(user, at):
    """Return the stints of the departments whose whole desk this person sees; a handler's own."""
    departments = departments_of(user, at) if acting(user, roles=(Role.DEPARTMENT_OPERATOR,), at=at) else frozenset()
    return querysets.stints_of(user, departments=departments, at=at)


@require_safe
def department_pane(request: HttpRequest, case_id) -> HttpResponse:
    """Beside a case, for the department that has it: its own part in it, by when, and whom to ring. Facts only."""
    at = timezone.now()
    if not may_open_department_desk(request.user, at=at):
        raise PermissionDenied(_("This desk belongs to the departments."))
    case = visible_case(request, case_id, at=at)
    stints = stints_seen(request.user, at).filter(case=case).select_related("case__command_centre")
    context = {
        "case": case,
        "stints": clocks.show_working_time(list(stints), at=at),
        "at": at,
    }
    return render(request, "dispatch/_department_pane.html", context)


# — lists ————————————————————————————————————————————————————————————————————————————————————————————


def _chosen(request: HttpRequest, tabs: list[tuple[Tab, int | None]]) -> Tab:
    """Return the list that the address asks for, else the first with something in it."""
    named = next((tab for tab, _number in tabs if tab.name == request.GET.get("tab")), None)
    return named or next((tab for tab, number in tabs if number), tabs[0][0])


def _template(request: HttpRequest, fragment: str, page: str) -> str:
    return fragment if request.htmx and not request.htmx.boosted else page


# — the responsibility table —————————————————————————————————————————————————————————————————————————


@require_http_methods(["GET", "HEAD", "POST"])
def responsibilities(request: HttpRequest) -> HttpResponse:
    """The responsibility table as it holds today and later, and a form for a new row."""
    at = timezone.now()
    if not may_keep_responsibilities(request.user, at=at):
        raise PermissionDenied(_("The responsibility table is kept by the administrators."))
    form = ResponsibilityForm(request.POST or None, at=at)
    if request.method == "POST" and form.is_valid():
        row = actions.add_responsibility(by=request.user, at=at, **form.cleaned_data)
        note_change(row, by=request.user, at=at, did="added")
        messages.success(request, _("The new row was kept."))
        return redirect("dispatch:responsibilities")
    rows = (
        ResponsibilityRule.objects.not_over(timezone.localdate(at))
        .with_area()
        .select_related("minor_class", "owner", "department", "duty_grid", "road")
    )
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    for row in page:
        row.times = facts.times_of(row)
    context = {"form": form, "page": page, "end_form": EndForm(initial={"on": timezone.localdate(at)}), "at": at}
    status = 422 if form.errors else 200
    return render(request, "dispatch/responsibilities.html", context, status=status)


@require_POST
def end_responsibility(request: HttpRequest, public_id) -> HttpResponse:
    """Let a row hold no longer from a day on."""
    at = timezone.now()
    row = get_object_or_404(ResponsibilityRule, public_id=public_id)
    form = EndForm(request.POST)
    if form.is_valid():
        actions.end_responsibility(row, by=request.user, at=at, on=form.cleaned_data["on"])
        note_change(row, by=request.user, at=at, did="ended", on=form.cleaned_data["on"].isoformat())
        messages.success(request, _("The row holds no longer from %(on)s on.") % {"on": form.cleaned_data["on"]})
    else:
        messages.error(request, _("Give the day from which the row holds no longer."))
    return redirect("dispatch:responsibilities")


# — requests, and the lists somebody keeps an eye on ————————————————————————————————————————————————

LIST_LABELS = {
    "requests": gettext_lazy("Requests being decided"),
    "returned": gettext_lazy("Returned dispatches to be judged"),
    "stock": gettext_lazy("Stock list"),
    "left_stock": gettext_lazy("Left the stock list"),
    "ownerless": gettext_lazy("Ownerless cases"),
}


@require_safe
def lists(request: HttpRequest) -> HttpResponse:
    """What is being decided and whose turn it is; the stock list, ownerless cases, dispatches to be judged."""
    at = timezone.now()
    if not may_open_lists(request.user, at=at):
        raise PermissionDenied(_("These lists belong to the two centres and the departments."))
    visible = Case.objects.visible_to(request.user, at)
    name = request.GET.get("tab") if request.GET.get("tab") in LIST_LABELS else "requests"
    found = querysets.pending_requests(visible) if name == "requests" else querysets.stint_lists(visible)[name]
    if sees_facts_only(request.user, at):  # what other departments have in the same cases is not theirs to read
        own = departments_of(request.user, at)
        found = found.filter(**{"stint__department__in" if name == "requests" else "department__in": own})
    page = page_of(request, lambda first, last: found[first:last])
    rows = with_chains(page.object_list, at=at) if name == "requests" else page.object_list
    context = {"tabs": LIST_LABELS.items(), "tab": name, "page": page, "rows": rows, "at": at}
    return render(request, "dispatch/lists.html", context)


# — the rules of what departments ask ———————————————————————————————————————————————————————————————

RULE_FORMS = {
    "rule": (ApprovalRule, ApprovalRuleForm, actions.add_approval_rule),
    "ground": (Ground, GroundForm, actions.add_ground),
}


@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """Who agrees to which request, and the grounds; a form for a new row of each."""
    at = timezone.now()
    if not may_keep_responsibilities(request.user, at=at):
        raise PermissionDenied(_("The rules of approval are kept by the administrators."))
    day = timezone.localdate(at)
    asked = request.POST.get("what") if request.POST.get("what") in RULE_FORMS else ""
    rule_form = ApprovalRuleForm(request.POST if asked == "rule" else None, at=at)
    ground_form = GroundForm(request.POST if asked == "ground" else None, initial={"valid_from": day})
    form = {"rule": rule_form, "ground": ground_form}.get(asked)
    if form is not None and form.is_valid():
        row = RULE_FORMS[asked][2](by=request.user, at=at, **form.cleaned_data)
        note_change(row, by=request.user, at=at, did="added")
        messages.success(request, _("The new row was kept."))
        return redirect("dispatch:rules")
    kept = list(ApprovalRule.objects.not_over(day).select_related("minor_class"))
    for row in kept:
        row.chain_labels = [APPROVER_LABELS[role] for role in row.chain]
    context = {
        "rows": kept, "defaults": [(dict(Request.Kind.choices)[one.kind], terms.ground_names(day).get(
            (one.kind, one.ground), "") if one.ground else "", [APPROVER_LABELS[role] for role in one.chain])
            for one in approval.DEFAULTS],
        "grounds": terms.grounds(day), "kinds": dict(Request.Kind.choices), "form": rule_form,
        "ground_form": ground_form, "day": day,
    }  # fmt: skip
    return render(request, "dispatch/rules.html", context, status=422 if form is not None else 200)


@require_POST
def end_rule(request: HttpRequest, what: str, public_id) -> HttpResponse:
    """Let a rule or a ground of the city's own hold no longer from a day on."""
    at = timezone.now()
    if what not in RULE_FORMS:
        raise Http404
    row = get_object_or_404(RULE_FORMS[what][0], public_id=public_id)
    form = EndForm(request.POST)
    if form.is_valid():
        actions.end_responsibility(row, by=request.user, at=at, on=form.cleaned_data["on"])
        note_change(row, by=request.user, at=at, did="ended", on=form.cleaned_data["on"].isoformat())
        messages.success(request, _("The row holds no longer from %(on)s on.") % {"on": form.cleaned_data["on"]})
    else:
        messages.error(request, _("Give the day from which the row holds no longer."))
    return redirect("dispatch:rules")


# — what goes straight through ———————————————————————————————————————————————————————————————————————

TRIED_DAYS = 30


@require_http_methods(["GET", "HEAD", "POST"])
def straight_classes(request: HttpRequest) -> HttpResponse:
    """The classes that go straight through with what became of them; declare another, after seeing it tried."""
    at = timezone.now()
    if not may_declare_safe(request.user, at=at):
        raise PermissionDenied(_("What goes straight through is declared by the administrators."))
    wants_trial = "minor_class" in request.GET
    posted = request.POST if request.method == "POST" else request.GET if wants_trial else None
    form = SafeClassForm(posted, at=at)
    tried = None
    if posted is not None and form.is_valid():
        if request.method == "POST":
            try:
                made = straight.declare_safe(by=request.user, at=at, **form.cleaned_data)
            except Refusal as refusal:
                form.add_error(None, sentence(refusal))
            else:
                messages.success(request, _("%(what)s goes straight through.") % {"what": made.minor_class.name})
                return redirect("dispatch:straight")
        else:
            tried = _tried(form.cleaned_data, at)
    rows = list(SafeClass.objects.select_related("minor_class", "declared_by").shown(at)[:200])
    context = {
        "rows": rows,
        "form": form,
        "tried": tried,
        "days": TRIED_DAYS,
        "at": at,
        "today": timezone.localdate(at),
    }
    return render(request, "dispatch/straight.html", context, status=422 if form.errors else 200)


def _tried(said: dict, at) -> dict:
    """Return what the rule of a form would have done in the last days."""
    found = trial.try_out(
        said["minor_class"], since=at - timedelta(days=TRIED_DAYS), until=at, area_code=said["area_code"],
        needs_far_picture=said["needs_far_picture"], accuracy_m=said["accuracy_m"], least_sure=said["least_sure"],
    )  # fmt: skip
    return {
        "found": found,
        "what": said["minor_class"],
        "against": [(_(safety.AGAINST[code]), number) for code, number in found.against],
        "wrong": [(line, _(safety.VERDICTS[line.verdict])) for line in found.wrong[:20]],
    }


@require_POST
def end_straight(request: HttpRequest, public_id) -> HttpResponse:
    """Let a class no longer go straight through, from now on."""
    at = timezone.now()
    safe = get_object_or_404(SafeClass, public_id=public_id)
    straight.end_safe(safe, by=request.user, at=at, on=timezone.localdate(at))
    messages.success(request, _("%(what)s goes straight through no longer.") % {"what": safe.minor_class.name})
    return redirect("dispatch:straight")


# — crews, and giving a case to one by link ————————————————————————————————————————————————————————————


def _own_departments(request: HttpRequest, at) -> frozenset[int]:
    if acting(request.user, roles=(Role.DEPARTMENT_OPERATOR,), at=at) is None:
        raise PermissionDenied(_("Crews are kept by the department’s own desk."))
    return departments_of(request.user, at)


@require_http_methods(["GET", "HEAD", "POST"])
def crews(request: HttpRequest, public_id=None) -> HttpResponse:
    """The crews and contractors that work for one's department; a form for a new one, or for one of them."""
    at = timezone.now()
    day, own = timezone.localdate(at), _own_departments(request, at)
    crew = get_object_or_404(Crew, public_id=public_id, department__in=own) if public_id else None
    form = CrewForm(request.POST or None, instance=crew, departments=own, day=day)
    if request.method == "POST" and form.is_valid():
        try:
            links.keep_crew(form.save(commit=False), by=request.user, at=at)
        except Refusal as refusal:
            form.add_error("name", sentence(refusal))
        else:
            messages.success(request, _("The crew was kept."))
            return redirect("dispatch:crews")
    rows = list(links.crews_with_work(own, at=at)) if crew is None else []
    departments = Department.objects.valid(day).filter(pk__in=own).order_by("sort", "code") if crew is None else []
    context = {
        "crew": crew, "form": form, "rows": rows, "day": day, "several": len(own) > 1,
        "practices": links.practices_of(departments, at=at),
    }  # fmt: skip
    return render(request, "dispatch/crews.html", context, status=422 if form.errors else 200)


@require_POST
def end_crew(request: HttpRequest, public_id) -> HttpResponse:
    """Let a crew work for its department no longer, from today on; its open links end with it."""
    at = timezone.now()
    crew = get_object_or_404(Crew, public_id=public_id, department__in=_own_departments(request, at))
    links.end_crew(crew, by=request.user, at=at, on=timezone.localdate(at))
    messages.success(request, _("%(name)s no longer works for the department; its open links were taken back.") % {
        "name": crew.name})  # fmt: skip
    return redirect("dispatch:crews")


@require_POST
def practice(request: HttpRequest, public_id) -> HttpResponse:
    """Say whether a department confirms what its crews send."""
    at = timezone.now()
    one = get_object_or_404(Department, public_id=public_id, pk__in=_own_departments(request, at))
    links.set_practice(one, by=request.user, at=at, confirms=request.POST.get("confirms") == "yes")
    messages.success(request, _("Kept. It holds for links made from now on."))
    return redirect("dispatch:crews")


LINK_BUTTONS = (
    ("show", gettext_lazy("Show the address")),
    ("send", gettext_lazy("Send again")),
    ("revoke", gettext_lazy("Take back")),
)


def _links_context(request: HttpRequest, found: Case, *, at, **more) -> dict:
    stints = [one for one in stints_seen(request.user, at).filter(case=found) if one.department_id in
              departments_of(request.user, at)]  # fmt: skip
    giving = [one for one in stints if links.may_give(request.user, one, case=found, at=at)]
    return {
        "case": found, "at": at, "links": links.links_of(stints, at=at), "buttons": LINK_BUTTONS,
        "forms": [(one, more.pop("form", None) or LinkForm(stint=one, at=at)) for one in giving], **more,
    }  # fmt: skip


@require_safe
def links_pane(request: HttpRequest, case_id) -> HttpResponse:
    """Fragment beside a case: the links given out for it, what became of each, and a form for another."""
    at = timezone.now()
    _own_departments(request, at)
    found = visible_case(request, case_id, at=at)
    return render(request, "dispatch/_links.html", _links_context(request, found, at=at))


@require_POST
def make_link(request: HttpRequest, case_id, stint_id) -> HttpResponse:
    """Make a link for a named person, and show its address."""
    at = timezone.now()
    _own_departments(request, at)
    found = visible_case(request, case_id, at=at)
    stint = get_object_or_404(stints_seen(request.user, at), case=found, public_id=stint_id)
    form = LinkForm(request.POST, stint=stint, at=at)
    shown = {}
    if form.is_valid():
        try:
            made = links.make(stint, by=request.user, at=at, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            shown = _shown(request, made, at=at)
            form = None
    context = _links_context(request, found, at=at, form=form, **shown)
    return render(request, "dispatch/_links.html", context, status=422 if form else 200)


def _shown(request: HttpRequest, made: CaseLink, *, at) -> dict:
    path = links.show(made, by=request.user, at=at)
    return {"shown": made, "address": request.build_absolute_uri(path)}


@require_POST
def change_link(request: HttpRequest, public_id, what: str) -> HttpResponse:
    """Show a link's address again, send it again, or take it back."""
    at = timezone.now()
    own = _own_departments(request, at)
    one = get_object_or_404(CaseLink.objects.select_related("stint__case__minor_class", "stint__department", "crew"),
                            public_id=public_id, department__in=own)  # fmt: skip
    more: dict = {}
    if what == "revoke":
        links.revoke(one, by=request.user, at=at)
    elif what == "show":
        more = _shown(request, one, at=at)
    elif what == "send":
        try:
            links.send(one, by=request.user, at=at, channels=links.ways_to_send(one.phone, one.stint.department))
        except Refusal as refusal:
            more = {"trouble": sentence(refusal)}
    else:
        raise Http404
    found = visible_case(request, one.stint.case.public_id, at=at)
    return render(request, "dispatch/_links.html", _links_context(request, found, at=at, **more))


# — the link on a phone ——————————————————————————————————————————————————————————————————————————————

HOUR = 3600
GONE = 410
LINK_STATUS = {"no_such_link": 404, "too_often": 429, "case_rests": 409, "link_used": 200}


def _opened(request: HttpRequest, token: str, *, at) -> CaseLink:
    """Return the link of this secret. Raises NoSuchLink; TooOften for who guesses, and for a link used too often."""
    day = timezone.localdate(at)
    wrong, steps = (settings.get(f"dispatch.link_{what}_per_hour", on=day) for what in ("wrong", "steps"))
    visitor = ratelimit.visitor(request)
    if ratelimit.tries("dispatch.wrong_links", visitor, seconds=HOUR, at=at) >= wrong:
        raise TooOften(minutes=60)
    try:
        found = links.find(token)
    except links.NoSuchLink:
        ratelimit.allowed("dispatch.wrong_links", visitor, limit=wrong, seconds=HOUR, at=at)
        raise
    if not ratelimit.allowed("dispatch.link", str(found.public_id), limit=steps, seconds=HOUR, at=at):
        raise TooOften(minutes=60)
    return found


def _turned_away(request: HttpRequest, refusal: Refusal, found: CaseLink | None, *, at) -> HttpResponse:
    if found is not None and refusal.code != "link_used":
        links.note_step(found, LinkStep.What.TURNED_AWAY, at=at, detail=refusal.code)
    context = {"sentence": sentence(refusal), "is_done": refusal.code == "link_used", "link": found}
    return render(request, "dispatch/link_over.html", context, status=LINK_STATUS.get(refusal.code, GONE))


@public
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """One case on a phone, without log-in: what, where, the way there; pictures, a word, done."""
    at, found = timezone.now(), None
    try:
        found = _opened(request, token, at=at)
        links.refuse_unless_open(found, at=at)
    except Refusal as refusal:
        return _turned_away(request, refusal, found, at=at)
    form = ResultForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if request.method == "POST":
        form.keep_files(by=None, at=at)
        if form.is_valid():
            try:
                links.finish(found, at=at, **form.cleaned_data)
            except Refusal as refusal:
                links.note_step(found, LinkStep.What.REFUSED, at=at, detail=refusal.code)
                form.add_error(None, sentence(refusal))
            else:
                return redirect("link:page", token)
    else:
        links.note_step(found, LinkStep.What.OPENED, at=at)
    case = found.stint.case
    clocks.show_working_time([found.stint], at=at)
    way = settings.get("dispatch.link_map_address", on=timezone.localdate(at), area_code=case.area_code)
    context = {
        "link": found, "token": token, "case": case, "stint": found.stint, "form": form, "who": links.who_of(found),
        "pictures": _facts_of(case), "at": at, "work_spans": json.dumps(clocks.work_spans(at)),
        "way": way.replace("{lat}", f"{case.point.y:.6f}").replace("{lon}", f"{case.point.x:.6f}"),
    }  # fmt: skip
    return render(request, "dispatch/link.html", context, status=422 if form.errors else 200)


def _facts_of(case: Case):
    """The pictures that show what is to be done: never the originals, never what others did afterwards."""
    shown = Evidence.objects.filter(case=case, file__kind="picture", file__erased_at__isnull=True)
    return shown.exclude(usage__in=(Evidence.Usage.AFTER, Evidence.Usage.CHECK)).select_related("file").order_by("id")


# Some are taken anew, some are sent twice by a lost network; no link fills the disk.
PICTURES_FOR_EACH_SENT = 4


@public
@require_POST
def link_picture(request: HttpRequest, token: str) -> HttpResponse:
    """Take one picture as soon as it was taken; sent again under its number it is the one already here."""
    at = timezone.now()
    try:
        found = _opened(request, token, at=at)
        links.refuse_unless_open(found, at=at)
        upload, number = request.FILES.get("file"), _number(request.POST.get("number", ""))
        if upload is None or number is None:
            raise Http404
        sent = found.steps.filter(what=LinkStep.What.PICTURE).count()
        most = settings.get("office.files_at_once", on=timezone.localdate(at)) * PICTURES_FOR_EACH_SENT
        refuse_too_many(sent + 1, at=at, most=most)
        kept = store_file(upload, public_id=number, by=None, at=at, kinds=("picture",))
    except Refusal as refusal:
        return refused(refusal)
    links.note_step(found, LinkStep.What.PICTURE, at=at, detail=kept.sha256[:12])
    mark = kept_mark(kept, by=None)
    return JsonResponse({"mark": mark, "thumb": reverse("office:kept", args=[mark])})


def _number(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@public
@require_safe
def link_shot(request: HttpRequest, token: str, evidence_id, variant: str) -> HttpResponse:
    """A picture of the problem, made anew without what the camera wrote into it."""
    at = timezone.now()
    try:
        found = _opened(request, token, at=at)
        links.refuse_unless_open(found, at=at)
    except Refusal:
        raise Http404 from None
    if variant == "original":
        raise Http404
    one = get_object_or_404(_facts_of(found.stint.case), public_id=evidence_id)
    return stored_file(one.file, variant)
