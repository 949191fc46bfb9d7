"""The collector's phone: start, report, tasks; the desk's list of who may go; who patrols which duty grid."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import may
from cases import workflow
from cases.actions import MoveNotAllowed
from cases.forms import RESULT_LABELS
from cases.models import Case, FieldTask
from cases.querysets import usual_classes
from cases.views import Door, sees_facts_only
from cases.workflow import Subject, TaskStage
from citymgmt.errors import Refusal
from citymgmt.refusals import sentence
from components.forms import asked_place
from grid.models import DutyGrid
from patrol import actions
from patrol.forms import AnswerForm, AssignForm, EndForm, ReportForm
from patrol.models import CollectorGrid, Fix
from patrol.permissions import collector_of, may_assign, may_send, on_duty_near, who_may_go

LATEST = 20
MOST_TASKS = 100
NEAR_SHOWN = 5


def _collector_or_403(request: HttpRequest, at) -> None:
    if collector_of(request.user, at=at) is None:
        raise PermissionDenied


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What a collector has to do now, the most pressing first, and what became of his reports."""
    at = timezone.now()
    _collector_or_403(request, at)
    me = request.user
    waiting = FieldTask.objects.waiting_for(me).select_related("case__minor_class").defer("case__search")
    tasks = list(waiting[:MOST_TASKS])
    if request.htmx:  # the page asks by itself whether there is something new
        return render(request, "patrol/_tasks.html", {"tasks": tasks, "at": at})
    context = {
        "tasks": tasks,
        "reports": Case.objects.filter(reported_by=me).with_row().order_by("-reported_at")[:LATEST],
        "grids": CollectorGrid.objects.now_of(me, at),
        "at": at,
    }
    return render(request, "patrol/home.html", context)


def report(request: HttpRequest) -> HttpResponse:
    """Report what is seen. Whatever is wrong, what was typed and photographed stays."""
    at = timezone.now()
    _collector_or_403(request, at)
    day = timezone.localdate(at)
    if request.method != "POST":
        return _report_page(request, ReportForm(day=day, usual=usual_classes(request.user)), at=at)
    form = ReportForm(request.POST, request.FILES, day=day, usual=usual_classes(request.user))
    form.keep_files(by=request.user, at=at)
    if not form.is_valid():
        return _report_page(request, form, at=at)
    same_as, wanted = None, request.POST.get("same_as", "")
    if wanted or "near_seen" not in request.POST:
        similar = near_cases(form.point, form.cleaned_data["minor_class"], at=at)
        same_as = next((one for one in similar if str(one.public_id) == wanted), None)
        if wanted and same_as is None:
            form.add_error(None, _("That case is not open here any more. Look again, or send it as a new report."))
        if (similar and same_as is None) or form.errors:
            return _report_page(request, form, at=at, near=similar)
    try:
        case = actions.report(by=request.user, at=at, same_as=same_as, **form.facts())
    except Refusal as refusal:
        form.add_error(None, sentence(refusal))
        return _report_page(request, form, at=at)
    said = _("Reported: %(number)s.") % {"number": case.number}
    if same_as is not None:
        said += _(" The desk will attach it to %(first)s.") % {"first": same_as.number}
    messages.success(request, said)
    return redirect("patrol:case", case.public_id)


def _report_page(request: HttpRequest, form: ReportForm, *, at, near=None) -> HttpResponse:
    return render(request, "patrol/report.html", {"form": form, "near": near, "at": at})


def near_cases(point, minor_class, *, at) -> list[Case]:
    """Return open cases of this class near a point, whoever reported them, each with `.metres`: facts, no more."""
    if point is None or minor_class is None:
        return []
    found = Case.objects.open_near(point, minor_class=minor_class, at=at)
    return list(found.select_related("minor_class").defer("search", "last_hash")[:NEAR_SHOWN])


@require_safe
def near(request: HttpRequest) -> HttpResponse:
    """Fragment: similar open cases near the place."""
    at = timezone.now()
    _collector_or_403(request, at)
    found = near_cases(*asked_place(request.GET), at=at)
    return render(request, "patrol/_near.html", {"near": found, "at": at})


@require_safe
def case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """A report of mine and what became of it."""
    at = timezone.now()
    _collector_or_403(request, at)
    mine = Case.objects.filter(reported_by=request.user).with_row().select_related("merged_into").defer(
        "search", "last_hash", "merged_into__search", "merged_into__last_hash"
    )  # fmt: skip
    found = get_object_or_404(mine, public_id=case_id)
    context = {
        "case": found,
        "pictures": found.evidence.filter(added_by=request.user).select_related("file"),
        "fix": Fix.objects.filter(case=found, task__isnull=True).first(),
        "at": at,
    }
    return render(request, "patrol/case.html", context)


ACTIONS = {"verify": actions.verify, "check": actions.check}
DOORS = {verb: Door(action, AnswerForm) for verb, action in ACTIONS.items()}


def task(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """One task: what to look at and where, and the answer. Once answered, the answer."""
    at = timezone.now()
    _collector_or_403(request, at)
    found = get_object_or_404(
        FieldTask.objects.filter(collector=request.user).select_related("case__minor_class", "case__duty_grid"),
        public_id=task_id,
    )
    actions.note_opened(found, at=at)
    rule = workflow.BY_VERB[(Subject.TASK, found.kind)]
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    form = AnswerForm(*posted, rule=rule, case=found.case, subject=found, user=request.user, at=at)
    if posted:
        form.keep_files(by=request.user, at=at)
        if form.is_valid():
            try:
                ACTIONS[found.kind](found, by=request.user, at=at, **form.facts())
            except MoveNotAllowed as refusal:
                found.refresh_from_db()
                if found.stage != TaskStage.SENT:  # answered already (pressed twice), or called back meanwhile
                    messages.info(request, sentence(refusal) if found.result != form.facts()["result"] else _("Sent."))
                    return redirect("patrol:task", found.public_id)
                form.add_error(None, sentence(refusal))
            except Refusal as refusal:
                form.add_error(None, sentence(refusal))
            else:
                messages.success(request, _("Sent. Thank you."))
                return redirect("patrol:home")
    return _task_page(request, found, form, at=at, status=422 if posted else 200)


def _task_page(request: HttpRequest, found: FieldTask, form: AnswerForm, *, at, status: int) -> HttpResponse:
    """What a collector may know: the facts and the pictures. For a check never whose department did the work."""
    evidence = list(found.case.evidence.select_related("file"))
    context = {
        "task": found,
        "case": found.case,
        "form": form if found.stage == TaskStage.SENT else None,
        "evidence": [one for one in evidence if one.task_id != found.pk],
        "answer": [one for one in evidence if one.task_id == found.pk],
        "fix": Fix.objects.filter(task=found).first() if found.stage == TaskStage.ANSWERED else None,
        "result": RESULT_LABELS.get((found.kind, found.result), ""),
        "at": at,
    }
    return render(request, "patrol/task.html", context, status=status)


def move(request: HttpRequest, case_id: UUID, subject: str, subject_id: UUID, verb: str) -> HttpResponse:
    """The door of the collector's moves: it leads to the task's own page, which takes the answer too."""
    if subject != Subject.TASK or verb not in ACTIONS:
        raise Http404
    get_object_or_404(FieldTask, public_id=subject_id, kind=verb, case__public_id=case_id)
    return task(request, subject_id)


@require_safe
def candidates(request: HttpRequest, case_id: UUID, kind: str) -> HttpResponse:
    """Fragment for the desk: the collectors who may be sent, the most suitable first, as a list to choose from."""
    at = timezone.now()
    if kind not in ACTIONS:
        raise Http404
    found = get_object_or_404(Case.objects.visible_to(request.user, at), public_id=case_id)
    if not may_send(request.user, found, kind, at=at):
        raise PermissionDenied
    context = {"case": found, "candidates": who_may_go(found, kind, at=at), "at": at}
    return render(request, "patrol/_candidates.html", context)


@require_safe
def near_case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Fragment for the desks: the collectors on duty, the nearest to a case first."""
    at = timezone.now()
    found = get_object_or_404(Case.objects.visible_to(request.user, at), public_id=case_id)
    if sees_facts_only(request.user, at):
        raise PermissionDenied
    return render(request, "patrol/_near_case.html", {"collectors": on_duty_near(found, at=at)[:NEAR_SHOWN]})


# — who patrols which duty grid ———————————————————————————————————————————————————————————————————————


def grids(request: HttpRequest) -> HttpResponse:
    """Maintenance: the duty grids with their collectors."""
    at = timezone.now()
    may_change = may_assign(request.user, at=at)
    if not may_change and (request.method == "POST" or not may(request.user, "see_people", at=at)):
        raise PermissionDenied
    day = timezone.localdate(at)
    form = AssignForm(request.POST or None, day=day)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            actions.assign_grid(
                said["collector"], duty_grid=said["duty_grid"], valid_from=said["valid_from"], by=request.user, at=at
            )
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            return redirect("patrol:grids")
    by_grid: dict[int, list[CollectorGrid]] = {}
    for one in CollectorGrid.objects.not_over(day).select_related("collector").order_by("valid_from", "id"):
        by_grid.setdefault(one.duty_grid_id, []).append(one)
    rows = [(grid, by_grid.get(grid.pk, [])) for grid in DutyGrid.objects.current().order_by("code")]
    context = {"rows": rows, "form": form, "may_change": may_change, "at": at}
    return render(request, "patrol/grids.html", context)


@require_POST
def end_grid(request: HttpRequest, public_id: UUID) -> HttpResponse:
    at = timezone.now()
    assignment = get_object_or_404(CollectorGrid, public_id=public_id)
    form = EndForm(request.POST)
    on = form.cleaned_data["on"] if form.is_valid() else timezone.localdate(at)
    actions.end_grid(assignment, on=on, by=request.user, at=at)
    return redirect("patrol:grids")
