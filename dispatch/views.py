"""The dispatch desk, the departments' desk, their panes beside a case, the doors of their moves."""

from datetime import timedelta

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import acting, departments_of
from accounts.roles import Role
from cases import clocks, deltas
from cases.models import Case, Request
from cases.permissions import open_moves
from cases.views import (
    PAGE,
    Door,
    Page,
    filtered,
    filters_kept,
    move_url,
    page_of,
    sees_facts_only,
    serve_move,
    visible_case,
)
from cases.workflow import OPEN, SOURCE_LABELS
from citymgmt.errors import Refusal
from citymgmt.refusals import sentence
from dispatch import actions, approval, facts, querysets, requests, safety, straight, teams, terms, trial
from dispatch.forms import (
    ApprovalRuleForm,
    DispatchMoveForm,
    EndForm,
    GroundForm,
    ResponsibilityForm,
    SafeClassForm,
)
from dispatch.models import APPROVER_LABELS, ApprovalRule, Ground, ResponsibilityRule, SafeClass
from dispatch.permissions import (
    may_declare_safe,
    may_keep_responsibilities,
    may_open_department_desk,
    may_open_dispatch_desk,
    may_open_lists,
)
from grid.models import Area

DOORS: dict[str, Door] = {
    action.__name__: Door(action, DispatchMoveForm)
    for action in (
        actions.dispatch, actions.back_to_filing, actions.withdraw_dispatch,
        straight.undo_filing, straight.review_filing, straight.undo_dispatch, straight.review_dispatch,
        actions.receive, actions.assign, actions.submit_result, actions.hand_over,
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
    context = desk_context(request, at=at)
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
    visible = Case.objects.visible_to(request.user, at)
    tabs = querysets.numbered(visible, querysets.desk_tabs(at))
    tab = _chosen(request, tabs)
    rows = filtered(visible.filter(tab.also), request.GET, at=at)

    def fetch(first: int, last: int):
        if only is not None:
            return rows.filter(tab.wanted, public_id__in=only).by_danger().with_line()
        if tab.name == "done":
            return rows.exclude(stage__in=OPEN).order_by("-moved_at", "-id").with_line()[first:last]
        if tab.name == "review":  # few, of whatever stage
            return rows.by_danger().with_line()[first:last]
        return rows.most_pressing(tab.stages, first=first, last=last).with_line()

    page = page_of(request, fetch) if only is None else Page(list(fetch(0, 0)), 1, has_next=False)
    clocks.show_working_time(page, at=at)
    return {
        **_listed(request, tabs, tab, page, at=at),
        "streets": Area.objects.current().filter(level=Area.Level.STREET).order_by("code"),
        "sources": [(str(source), _(label)) for source, label in SOURCE_LABELS.items()],
    }


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
    context = department_context(request, at=at)
    here = reverse("dispatch:department_rows")
    context["live"] = deltas.page_facts(request, context, address=here, at=at, by_stage=False)
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
    tabs = querysets.numbered(stints, querysets.department_tabs(at))
    tab = _chosen(request, tabs)
    if request.GET.get("q", "").strip():
        stints = stints.filter(case__in=Case.objects.matching(request.GET["q"].strip()))
    if only is None:
        page = page_of(request, lambda first, last: querysets.most_pressing(stints, tab, first=first, last=last))
    else:
        held = querysets.with_line(stints.filter(tab.wanted, case__public_id__in=only)).order_by("due_at", "id")
        page = Page(list(held), 1, has_next=False)
    for stint in page:
        stint.asked_label = dict(Request.Kind.choices).get(stint.asked, "")
    clocks.show_working_time(page, at=at)
    return _listed(request, tabs, tab, page, at=at)


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
    stints = stints_seen(request.user, at).filter(case=case)
    context = {
        "case": case,
        "stints": stints.select_related("case__command_centre"),
        "at": at,
    }
    return render(request, "dispatch/_department_pane.html", context)


# — lists ————————————————————————————————————————————————————————————————————————————————————————————


def _chosen(request: HttpRequest, tabs: list[tuple[querysets.Tab, int | None]]) -> querysets.Tab:
    """Return the list that the address asks for, else the first with something in it."""
    named = next((tab for tab, _number in tabs if tab.name == request.GET.get("tab")), None)
    return named or next((tab for tab, number in tabs if number), tabs[0][0])


def _listed(request: HttpRequest, tabs, tab, page: Page, *, at) -> dict:
    return {"tabs": tabs, "tab": tab, "page": page, "filters": request.GET, "kept": filters_kept(request), "at": at}


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
        actions.add_responsibility(by=request.user, at=at, **form.cleaned_data)
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
        RULE_FORMS[asked][2](by=request.user, at=at, **form.cleaned_data)
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
