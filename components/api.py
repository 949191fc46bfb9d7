"""The catalogue and the inventory through the API."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from components.forms import ComponentFilter
from components.models import Component, FilingCondition, MinorClass
from components.permissions import require
from components.serializers import ClassBody, ClassRow, ComponentRow
from office.api import CURSOR, Endpoint, page, paged


class Classes(Endpoint):
    """The classes that a report may be given today."""

    @extend_schema(operation_id="classes", tags=["standards"], responses=paged(ClassRow),
                   parameters=[OpenApiParameter("q", str, description="Name, initials or code."),
                               OpenApiParameter("kind", str, enum=MinorClass.Kind.values), *CURSOR])  # fmt: skip
    def get(self, request):
        require(request.user, "see_catalogue", at=self.at)
        rows = MinorClass.objects.offered(timezone.localdate(self.at))
        if words := request.query_params.get("q", "").strip():
            rows = rows.search(words)
        if request.query_params.get("kind") in MinorClass.Kind.values:
            rows = rows.filter(kind=request.query_params["kind"])
        return page(request, rows, ClassRow, order=("kind", "major_code", "minor_code", "id"))


class OneClass(Endpoint):
    """A class with its filing conditions."""

    @extend_schema(operation_id="class", tags=["standards"], responses=ClassBody)
    def get(self, request, public_id: UUID):
        require(request.user, "see_catalogue", at=self.at)
        found = get_object_or_404(MinorClass, public_id=public_id)
        conditions = FilingCondition.objects.in_use(timezone.localdate(self.at)).filter(minor_class=found)
        found.in_use = conditions.order_by("number")
        return Response(ClassBody(found).data)


class Components(Endpoint):
    """The inventory, by identifier."""

    @extend_schema(operation_id="components", tags=["standards"], responses=paged(ComponentRow),
                   parameters=[OpenApiParameter("q", str), OpenApiParameter("code", str),
                               OpenApiParameter("area", str), OpenApiParameter("state", str), *CURSOR])  # fmt: skip
    def get(self, request):
        require(request.user, "see_components", at=self.at)
        rows = Component.objects.select_related("minor_class", "unit_grid")
        rows = rows.defer("geometry", "unit_grid__boundary", "unit_grid__centre")
        form = ComponentFilter(request.query_params)
        rows = rows.wanted(**form.cleaned_data) if form.is_valid() else rows.current()
        return page(request, rows, ComponentRow, order=("identifier",))
