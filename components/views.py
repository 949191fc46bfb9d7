"""Components on the map, and the maintenance pages of the catalogue and the inventory."""

import uuid
from copy import copy

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Department
from citymgmt.errors import Refusal
from citymgmt.refusals import sentence
from components import actions, map_layers
from components.forms import (
    CatalogueFilter,
    ClassForm,
    ComponentFilter,
    ComponentForm,
    ConditionForm,
    ExtensionForm,
    NewComponentForm,
)
from components.models import Component, FilingCondition, MinorClass
from components.permissions import may, require
from grid.map_layers import answer, box_from, point_from

PAGE = 50
NOT_ENDED = Q(conditions__valid_to__isnull=True)
IN_USE = NOT_ENDED & Q(conditions__is_active=True)


@require_safe
def layer(request: HttpRequest) -> HttpResponse:
    """The components in ?bbox=west,south,east,north, or around ?near=longitude,latitude within &metres=50."""
    require(request.user, "see_components", at=timezone.now())
    try:
        if "near" in request.GET:
            body = map_layers.around(point_from(request.GET["near"]), float(request.GET.get("metres", 50)))
        else:
            body = map_layers.in_box(box_from(request.GET.get("bbox", "")))
    except ValueError:
        return HttpResponseBadRequest(
            _("Give a box as west,south,east,north or a point as longitude,latitude, in degrees.")
        )
    return answer(request, body)


# --- The catalogue ---

CONDITIONS_SHOWN = 6


@require_safe
def promise(request: HttpRequest, public_id) -> HttpResponse:
    """Fragment beside the class box: under which conditions this is a case, how it ends and within what time."""
    at = timezone.now()
    require(request.user, "see_catalogue", at=at)
    conditions = FilingCondition.objects.in_use(timezone.localdate(at)).filter(minor_class__public_id=public_id)
    rows = list(conditions.select_related("minor_class").order_by("number")[: CONDITIONS_SHOWN + 1])
    context = {"conditions": rows[:CONDITIONS_SHOWN], "more": len(rows) > CONDITIONS_SHOWN}
    response = render(request, "components/_promise.html", context)
    response["Cache-Control"] = "private, max-age=300"
    return response


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    require(request.user, "see_catalogue", at=at)
    form = CatalogueFilter(request.GET)
    found = MinorClass.objects.current()
    if form.is_valid():
        found = found.search(form.cleaned_data["q"])
        found = found.filter(
            **{name: form.cleaned_data[name] for name in ("kind", "scheme") if form.cleaned_data[name]}
        )
        if form.cleaned_data["without_limit"]:
            lacking = FilingCondition.objects.current().filter(limit_value__isnull=True)
            found = found.filter(pk__in=lacking.values("minor_class"))
    found = found.in_order().annotate(
        count=Count("conditions", filter=NOT_ENDED), in_use=Count("conditions", filter=IN_USE)
    )
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "filter": form, "may_change": may(request.user, "maintain_catalogue", at=at)}
    return render(request, "components/catalogue.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def minor_class(request: HttpRequest, public_id) -> HttpResponse:
    """The page of a class with its conditions; a POST names it."""
    at = timezone.now()
    require(request.user, "maintain_catalogue" if request.method == "POST" else "see_catalogue", at=at)
    one = get_object_or_404(MinorClass, public_id=public_id)
    # The form works on a copy: nothing of what is refused shows up on the page as if it were so.
    form = ClassForm(request.POST or None, instance=copy(one))
    if request.method == "POST" and form.is_valid():
        actions.change_class(one, by=request.user, at=at, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("components:class", one.public_id)
    conditions = one.conditions.select_related("changed_by").order_by("number", "-valid_from")
    today = timezone.localdate(at)
    context = {
        "minor_class": one,
        "form": form,
        "may_change": may(request.user, "maintain_catalogue", at=at),
        "conditions": [row for row in conditions if row.valid_to is None or row.valid_to > today],
        "past": [row for row in conditions if row.valid_to is not None and row.valid_to <= today],
        "today": today,
    }
    return render(request, "components/class.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new_class(request: HttpRequest) -> HttpResponse:
    """A city's own class; its number is given, not typed."""
    at = timezone.now()
    require(request.user, "maintain_catalogue", at=at)
    national = MinorClass.objects.current().of_scheme(MinorClass.Scheme.GBT47678)
    majors = national.order_by("kind", "major_code").distinct("kind", "major_code")
    form = ExtensionForm(request.POST or None, majors=[(one.kind, one.major_code, one.major_name) for one in majors])
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.add_extension(by=request.user, at=at, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, _("%(code)s was added. Give it a filing condition.") % {"code": made.code})
            return redirect("components:class", made.public_id)
    return render(request, "components/class_new.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def new_condition(request: HttpRequest, public_id) -> HttpResponse:
    at = timezone.now()
    require(request.user, "maintain_catalogue", at=at)
    one = get_object_or_404(MinorClass.objects.current(), public_id=public_id)
    form = ConditionForm(request.POST or None, initial={"valid_from": timezone.localdate(at)})
    if request.method == "POST" and form.is_valid():
        try:
            actions.add_condition(one, by=request.user, at=at, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("components:class", one.public_id)
    return render(request, "components/condition.html", {"form": form, "minor_class": one})


@require_http_methods(["GET", "HEAD", "POST"])
def condition(request: HttpRequest, public_id) -> HttpResponse:
    """Change a condition or its limit from a day on."""
    at = timezone.now()
    require(request.user, "maintain_catalogue", at=at)
    row = get_object_or_404(FilingCondition.objects.current().select_related("minor_class"), public_id=public_id)
    form = ConditionForm(request.POST or None, instance=copy(row), initial={"valid_from": timezone.localdate(at)})
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_condition(row, by=request.user, at=at, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("components:class", row.minor_class.public_id)
    context = {"form": form, "minor_class": row.minor_class, "condition": row}
    return render(request, "components/condition.html", context)


# --- The inventory ---


@require_safe
def components(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    require(request.user, "see_components", at=at)
    form = ComponentFilter(request.GET)
    found = Component.objects.select_related("minor_class", "unit_grid", "owner", "maintainer")
    found = found.defer("geometry", "unit_grid__boundary", "unit_grid__centre").order_by("identifier")
    if form.is_valid():
        found = found.wanted(**form.cleaned_data)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "filter": form, "may_change": may(request.user, "maintain_components", at=at)}
    return render(request, "components/components.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new_component(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    require(request.user, "maintain_components", at=at)
    day = timezone.localdate(at)
    form = NewComponentForm(
        request.POST or None, day=day, departments=Department.objects.valid(day), initial={"public_id": uuid.uuid4()}
    )
    if request.method == "POST" and form.is_valid():
        facts = {name: form.cleaned_data[name] for name in NewComponentForm.Meta.fields}
        try:
            made = actions.register(
                by=request.user,
                at=at,
                minor_class=form.cleaned_data["minor_class"],
                geometry=form.point,
                public_id=form.cleaned_data["public_id"],
                **facts,
            )
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, _("%(identifier)s was registered.") % {"identifier": made.identifier})
            return redirect("components:component", made.public_id)
    return render(request, "components/component_new.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def component(request: HttpRequest, public_id) -> HttpResponse:
    """The card of a component; a POST corrects it."""
    at = timezone.now()
    require(request.user, "maintain_components" if request.method == "POST" else "see_components", at=at)
    cards = Component.objects.select_related(
        "minor_class", "unit_grid__community__parent", "owner", "maintainer", "changed_by"
    ).defer("unit_grid__boundary", "unit_grid__community__boundary", "unit_grid__community__parent__boundary")
    card = get_object_or_404(cards, public_id=public_id)
    form = ComponentForm(
        request.POST or None, instance=copy(card), departments=Department.objects.valid(timezone.localdate(at))
    )
    if request.method == "POST" and form.is_valid():
        try:
            actions.correct(card, by=request.user, at=at, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("components:component", card.public_id)
    context = {
        "component": card,
        "form": form,
        "may_change": may(request.user, "maintain_components", at=at),
        "point": card.geometry.point_on_surface,
    }
    return render(request, "components/component.html", context)


@require_POST
def retire(request: HttpRequest, public_id) -> HttpResponse:
    at = timezone.now()
    require(request.user, "maintain_components", at=at)
    card = get_object_or_404(Component, public_id=public_id)
    actions.retire(card, by=request.user, at=at)
    messages.success(request, _("%(identifier)s was taken out of the inventory.") % {"identifier": card.identifier})
    return redirect("components:component", card.public_id)
