"""The layers of the map, and the maintenance pages of areas, duty grids and roads."""

from copy import copy

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.gis.geos import MultiPoint
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from citymgmt.errors import Refusal
from citymgmt.refusals import sentence
from grid import actions, map_layers
from grid.forms import (
    AreaFilter,
    AreaForm,
    CellsForm,
    DutyGridNameForm,
    NewDutyGridForm,
    PlacesForm,
    RoadFilter,
    RoadForm,
)
from grid.models import Area, DutyGrid, Place, Road, UnitGrid
from grid.permissions import may, require

PAGE = 50
M2_OF_KM2 = 1_000_000
CELLS_NOW = Q(memberships__valid_to__isnull=True)


@login_not_required
@require_safe
def layer(request: HttpRequest, name: str) -> HttpResponse:
    """What a layer shows in ?bbox=west,south,east,north. Areas and roads for everybody, the rest for people at work."""
    wanted = map_layers.LAYERS[name]
    if not wanted.is_public and not may(request.user, "see_places", at=timezone.now()):
        raise PermissionDenied
    try:
        box = map_layers.box_from(request.GET.get("bbox", ""))
    except ValueError:
        return HttpResponseBadRequest(_("The box must be given as west,south,east,north in degrees."))
    return map_layers.answer(request, map_layers.features_of(wanted, box), is_public=wanted.is_public)


def _box(extent: tuple[float, float, float, float]) -> str:
    """What the map frames, as it reads it: "west,south,east,north"."""
    return ",".join(f"{degrees:.6f}" for degrees in extent)


# --- Areas ---


@require_safe
def areas(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    require(request.user, "see_places", at=at)
    form = AreaFilter(request.GET)
    found = Area.objects.current().select_related("parent").defer("boundary", "parent__boundary").order_by("code")
    if form.is_valid():
        found = found.search(form.cleaned_data["q"].strip())
        if form.cleaned_data["level"]:
            found = found.filter(level=form.cleaned_data["level"])
    cells = Count("unit_grids", filter=Q(unit_grids__valid_to__isnull=True))
    page = Paginator(found.annotate(cells=cells), PAGE).get_page(request.GET.get("page"))
    return render(request, "grid/areas.html", {"page": page, "filter": form})


@require_http_methods(["GET", "HEAD", "POST"])
def area(request: HttpRequest, public_id) -> HttpResponse:
    at = timezone.now()
    require(request.user, "maintain_places" if request.method == "POST" else "see_places", at=at)
    place = get_object_or_404(Area.objects.select_related("parent"), public_id=public_id)
    # The form works on a copy: nothing of what is refused shows up on the page as if it were so.
    form = AreaForm(request.POST or None, instance=copy(place))
    if request.method == "POST" and form.is_valid():
        actions.name_area(place, by=request.user, at=at, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("grid:area", place.public_id)
    inside = UnitGrid.objects.current().inside(place.code)
    sums = inside.aggregate(cells=Count("pk"), area_m2=Sum("area_m2"))
    context = {
        "area": place,
        "form": form,
        "may_change": may(request.user, "maintain_places", at=at),
        "box": _box(place.boundary.extent) if place.boundary else "",
        "children": place.children.current().defer("boundary").order_by("code"),
        "cells": sums["cells"],
        "area_km2": (sums["area_m2"] or 0) / M2_OF_KM2,
        "page": _cells_page(request, inside) if place.level == Area.Level.COMMUNITY else None,
    }
    return render(request, "grid/area.html", context)


def _cells_page(request: HttpRequest, cells):
    found = cells.with_duty_grid().defer("boundary", "centre").order_by("code")
    return Paginator(found, PAGE).get_page(request.GET.get("page"))


# --- Duty grids ---


@require_safe
def duty_grids(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    require(request.user, "see_places", at=at)
    words = request.GET.get("q", "").strip()
    found = DutyGrid.objects.current().search(words).order_by("code")
    found = found.annotate(
        count=Count("memberships", filter=CELLS_NOW),
        area_km2=Sum("cells__area_m2", filter=CELLS_NOW, default=0) / M2_OF_KM2,
    )
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "q": words, "may_change": may(request.user, "maintain_places", at=at)}
    return render(request, "grid/duty_grids.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new_duty_grid(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    require(request.user, "maintain_places", at=at)
    form = NewDutyGridForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.draw_duty_grid(by=request.user, at=at, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, _("%(name)s was drawn.") % {"name": made.name})
            return redirect("grid:duty_grid", made.public_id)
    return render(request, "grid/duty_grid.html", {"form": form, "may_change": True})


@require_http_methods(["GET", "HEAD", "POST"])
def duty_grid(request: HttpRequest, public_id) -> HttpResponse:
    """The page of a duty grid; a POST names it."""
    at = timezone.now()
    require(request.user, "maintain_places" if request.method == "POST" else "see_places", at=at)
    grid = get_object_or_404(DutyGrid, public_id=public_id)
    form = DutyGridNameForm(request.POST or None, instance=copy(grid))
    if request.method == "POST" and form.is_valid():
        actions.name_duty_grid(grid, by=request.user, at=at, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("grid:duty_grid", grid.public_id)
    return _duty_grid_page(request, grid, at=at, form=form)


@require_POST
def set_cells(request: HttpRequest, public_id) -> HttpResponse:
    """Give a duty grid other cells."""
    at = timezone.now()
    require(request.user, "maintain_places", at=at)
    grid = get_object_or_404(DutyGrid.objects.current(), public_id=public_id)
    form = CellsForm(request.POST)
    if form.is_valid():
        try:
            count = actions.set_cells(grid, by=request.user, at=at, cells=form.cleaned_data["cells"])
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, _("%(count)s unit grids belong to it from today.") % {"count": count})
            return redirect("grid:duty_grid", grid.public_id)
    return _duty_grid_page(request, grid, at=at, cells_form=form)


def _duty_grid_page(request: HttpRequest, grid: DutyGrid, *, at, form=None, cells_form=None) -> HttpResponse:
    cells = list(UnitGrid.objects.filter(pk__in=grid.memberships.current().values("unit_grid")).defer("boundary"))
    codes = "\n".join(cell.code for cell in cells)
    context = {
        "duty_grid": grid,
        "form": form or DutyGridNameForm(instance=copy(grid)),
        "cells_form": cells_form or CellsForm(initial={"cells": codes}),
        "may_change": may(request.user, "maintain_places", at=at),
        "count": len(cells),
        "area_km2": sum(cell.area_m2 for cell in cells) / M2_OF_KM2,
        "box": _box(MultiPoint([cell.centre for cell in cells]).extent) if cells else "",
    }
    return render(request, "grid/duty_grid.html", context)


# --- Roads ---


@require_safe
def roads(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    require(request.user, "see_places", at=at)
    form = RoadFilter(request.GET)
    found = Road.objects.current().defer("line").order_by("name_zh", "pk")
    if form.is_valid():
        found = found.search(form.cleaned_data["q"].strip())
        if form.cleaned_data["road_class"]:
            found = found.filter(road_class=form.cleaned_data["road_class"])
    page = Paginator(found.with_length(), PAGE).get_page(request.GET.get("page"))
    return render(request, "grid/roads.html", {"page": page, "filter": form})


@require_http_methods(["GET", "HEAD", "POST"])
def road(request: HttpRequest, public_id) -> HttpResponse:
    at = timezone.now()
    require(request.user, "maintain_places" if request.method == "POST" else "see_places", at=at)
    line = get_object_or_404(Road.objects.with_length(), public_id=public_id)
    form = RoadForm(request.POST or None, instance=copy(line))
    if request.method == "POST" and form.is_valid():
        actions.change_road(line, by=request.user, at=at, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("grid:road", line.public_id)
    context = {
        "road": line,
        "form": form,
        "may_change": may(request.user, "maintain_places", at=at),
        "box": _box(line.line.extent),
    }
    return render(request, "grid/road.html", context)


# --- Named places ---


@require_http_methods(["GET", "HEAD", "POST"])
def places(request: HttpRequest) -> HttpResponse:
    """The gazetteer: what the place box finds beside roads and areas; a POST adds lines of a spreadsheet."""
    at = timezone.now()
    require(request.user, "maintain_places" if request.method == "POST" else "see_places", at=at)
    form = PlacesForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        number = actions.add_places(form.places, at=at, source=str(request.user))
        messages.success(request, _("%(number)s named places were added.") % {"number": number})
        return redirect("grid:places")
    words = request.GET.get("q", "").strip()
    found = Place.objects.current().search(words).defer("geometry").order_by("name_zh", "pk")
    context = {
        "page": Paginator(found, PAGE).get_page(request.GET.get("page")), "q": words, "form": form,
        "may_change": may(request.user, "maintain_places", at=at),
    }  # fmt: skip
    return render(request, "grid/places.html", context, status=422 if form.errors else 200)


@require_POST
def end_place(request: HttpRequest, public_id) -> HttpResponse:
    at = timezone.now()
    require(request.user, "maintain_places", at=at)
    actions.end_place(get_object_or_404(Place.objects.current(), public_id=public_id), at=at)
    messages.success(request, _("Saved."))
    return redirect("grid:places")
