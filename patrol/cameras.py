"""The video seat and the register of camera points: see a place, take a still, report it, say what is out of order."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.models import Case
from cases.querysets import usual_classes
from cases.views import sees_facts_only
from citymgmt.errors import Refusal
from citymgmt.refusals import sentence
from components.forms import asked_place
from office import settings
from patrol import actions
from patrol.forms import CameraFilter, CameraForm, CameraReportForm, MarkForm
from patrol.models import Camera, CameraReport
from patrol.permissions import cameras_seeing, may_keep_cameras, video_seat_of
from patrol.views import near_cases

PAGE = 50
NEAR_SHOWN = 5
LATEST = 8


def _seat_or_403(request: HttpRequest, at: datetime):
    seat = video_seat_of(request.user, at=at)
    if seat is None:
        raise PermissionDenied
    return seat


def _keeper_or_403(request: HttpRequest, at: datetime) -> None:
    if not may_keep_cameras(request.user, at=at):
        raise PermissionDenied


# — the seat —————————————————————————————————————————————————————————————————————————————————————————


@require_safe
def seat(request: HttpRequest) -> HttpResponse:
    """The cameras of this seat with their state; whoever sits here chooses one."""
    at = timezone.now()
    sits = _seat_or_403(request, at)
    chosen = CameraFilter(request.GET)
    page = Paginator(chosen.narrow(Camera.objects.visible_to(sits, at)), PAGE).get_page(request.GET.get("page"))
    return render(request, "patrol/video.html", {"page": page, "filter": chosen, "at": at})


def camera(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One camera: what is open around it, a still, and the report that is filled in beforehand."""
    at = timezone.now()
    here = get_object_or_404(Camera.objects.visible_to(_seat_or_403(request, at), at), public_id=public_id)
    facts = {"day": timezone.localdate(at), "usual": usual_classes(request.user)}
    if request.method != "POST":
        place = {"lon": round(here.point.x, 6), "lat": round(here.point.y, 6)}
        return _camera_page(request, here, CameraReportForm(initial=place, **facts), at=at)
    if "take" in request.POST:
        return _camera_page(request, here, _with_a_still(request, here, facts, at=at), at=at)
    form = CameraReportForm(request.POST, request.FILES, **facts)
    form.fields["files"].needed = True
    form.keep_files(by=request.user, at=at)
    if not form.is_valid():
        return _camera_page(request, here, form, at=at, status=422)
    same_as, wanted = None, request.POST.get("same_as", "")
    if wanted or "near_seen" not in request.POST:
        similar = near_cases(form.point, form.cleaned_data["minor_class"], at=at)
        same_as = next((one for one in similar if str(one.public_id) == wanted), None)
        if wanted and same_as is None:
            form.add_error(None, _("That case is not open here any more. Look again, or send it as a new report."))
        if (similar and same_as is None) or form.errors:
            return _camera_page(request, here, form, at=at, near=similar, status=422)
    try:
        case = actions.report_from_camera(here, by=request.user, at=at, same_as=same_as, **form.facts())
    except Refusal as refusal:
        form.add_error(None, sentence(refusal))
        return _camera_page(request, here, form, at=at, status=422)
    messages.success(request, _("Reported: %(number)s.") % {"number": case.number})
    return redirect("patrol:video_camera", here.public_id)


def _with_a_still(request: HttpRequest, here: Camera, facts: dict, *, at: datetime) -> CameraReportForm:
    """Return the form as it stands, with one more still in it; nothing else is judged yet."""
    files = request.FILES.copy()
    said = ""
    try:
        still = actions.take_still(here, by=request.user, at=at)
        name = f"{here.code}-{timezone.localtime(at):%Y%m%d-%H%M%S}.jpg"
        files.appendlist("files", SimpleUploadedFile(name, still, "image/jpeg"))
    except Refusal as refusal:
        said = sentence(refusal)
    form = CameraReportForm(request.POST, files, **facts)
    form.keep_files(by=request.user, at=at)
    shown = CameraReportForm(initial=request.POST.dict(), **facts)
    shown.fields["files"].widget.kept = form.fields["files"].widget.kept
    for problem in ([said] if said else []) + form.errors.get("files", []):
        messages.error(request, problem)
    return shown


def _camera_page(
    request: HttpRequest, here: Camera, form: CameraReportForm, *, at: datetime, near=None, status: int = 200
) -> HttpResponse:
    metres = max(settings.get("cases.around_metres", on=timezone.localdate(at), area_code=here.area_code), here.reach_m)
    around = Case.objects.visible_to(request.user, at).open().around(here.point, metres=metres)
    context = {
        "camera": here,
        "form": form,
        "point": form.point or here.point,
        "near": near,
        "around": around.select_related("minor_class").defer("search", "last_hash")[:LATEST],
        "reports": here.reports.select_related("case__minor_class").defer("case__search")[:NEAR_SHOWN],
        "log": here.health.select_related("by")[:NEAR_SHOWN],
        "at": at,
    }  # fmt: skip
    return render(request, "patrol/camera.html", context, status=status)


@require_safe
def near(request: HttpRequest) -> HttpResponse:
    """Fragment: open cases of the chosen class near the place of the report."""
    at = timezone.now()
    _seat_or_403(request, at)
    return render(request, "patrol/_near.html", {"near": near_cases(*asked_place(request.GET), at=at), "at": at})


@require_POST
def mark(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Say that a camera is out of order, or works again."""
    at = timezone.now()
    here = get_object_or_404(Camera.objects.visible_to(_seat_or_403(request, at), at), public_id=public_id)
    form = MarkForm(request.POST)
    why = form.cleaned_data["why"] if form.is_valid() else ""
    actions.mark_camera(here, by=request.user, at=at, is_out_of_order="broken" in request.POST, why=why)
    return redirect("patrol:video_camera", here.public_id)


@require_safe
def near_case(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Fragment for the desks: the cameras that see the place of a case, the nearest first."""
    at = timezone.now()
    found = get_object_or_404(Case.objects.visible_to(request.user, at), public_id=case_id)
    if sees_facts_only(request.user, at):
        raise PermissionDenied
    context = {
        "cameras": cameras_seeing(found, at=at)[:NEAR_SHOWN],
        "sits": video_seat_of(request.user, at=at) is not None,
        "from_camera": CameraReport.objects.filter(case=found).values_list("camera_id", flat=True).first(),
    }
    return render(request, "patrol/_near_cameras.html", context)


# — the register —————————————————————————————————————————————————————————————————————————————————————


@require_safe
def register(request: HttpRequest) -> HttpResponse:
    """Maintenance: all camera points that are not taken down."""
    at = timezone.now()
    _keeper_or_403(request, at)
    chosen = CameraFilter(request.GET)
    page = Paginator(chosen.narrow(Camera.objects.all()), PAGE).get_page(request.GET.get("page"))
    return render(request, "patrol/cameras.html", {"page": page, "filter": chosen, "at": at})


def edit(request: HttpRequest, public_id: UUID | None = None) -> HttpResponse:
    """Maintenance: a new camera point, or one of the register."""
    at = timezone.now()
    _keeper_or_403(request, at)
    here = get_object_or_404(Camera, public_id=public_id) if public_id else Camera(valid_from=timezone.localdate(at))
    place = {"lon": round(here.point.x, 6), "lat": round(here.point.y, 6)} if here.point else {}
    form = CameraForm(request.POST or None, instance=here, initial=place)
    if request.method == "POST" and form.is_valid():
        try:
            actions.keep_camera(form.instance, by=request.user, at=at)
        except Refusal as refusal:
            form.add_error("lon", sentence(refusal))
        else:
            messages.success(request, _("Kept: %(camera)s.") % {"camera": form.instance})
            return redirect("patrol:cameras")
    context = {
        "form": form,
        "camera": here if public_id else None,
        "point": form.point or (here.point if public_id else None),
        "log": here.health.select_related("by")[:LATEST] if public_id else [],
        "at": at,
    }
    return render(request, "patrol/camera_edit.html", context, status=422 if form.errors else 200)
