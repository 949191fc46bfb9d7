"""Places through the API: areas, duty grids, roads, and where a point lies."""

from dataclasses import dataclass

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from grid.forms import PlaceFields
from grid.locate import Located, describe, locate
from grid.models import Area, DutyGrid, Road
from grid.permissions import require
from grid.serializers import AreaRow, DutyGridRow, PlaceBody, RoadRow
from office.api import CURSOR, Endpoint, Problem, not_valid, page, paged

Q = OpenApiParameter("q", str, description="A name or the beginning of a code.")


class OfPlaces(Endpoint):
    """For everybody at work."""

    def initial(self, request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        require(request.user, "see_places", at=self.at)


class Areas(OfPlaces):
    """The areas of today: divisions, streets, communities."""

    @extend_schema(operation_id="areas", tags=["standards"], responses=paged(AreaRow),
                   parameters=[Q, OpenApiParameter("level", str, enum=Area.Level.values), *CURSOR])  # fmt: skip
    def get(self, request):
        rows = Area.objects.current().select_related("parent").defer("boundary", "parent__boundary")
        rows = rows.search(request.query_params.get("q", "").strip())
        if request.query_params.get("level") in Area.Level.values:
            rows = rows.filter(level=request.query_params["level"])
        return page(request, rows, AreaRow, order=("code", "id"))


class DutyGrids(OfPlaces):
    """The duty grids of today."""

    @extend_schema(operation_id="duty_grids", tags=["standards"], responses=paged(DutyGridRow), parameters=[Q, *CURSOR])
    def get(self, request):
        rows = DutyGrid.objects.current().search(request.query_params.get("q", "").strip())
        return page(request, rows, DutyGridRow, order=("code", "id"))


class Roads(OfPlaces):
    """The roads of today."""

    @extend_schema(operation_id="roads", tags=["standards"], responses=paged(RoadRow), parameters=[Q, *CURSOR])
    def get(self, request):
        rows = Road.objects.current().defer("line").search(request.query_params.get("q", "").strip())
        return page(request, rows, RoadRow, order=("name_zh", "id"))


@dataclass(frozen=True)
class Described:
    """A place with the words for it."""

    place: Located
    words: str

    def __getattr__(self, name: str):
        return getattr(self.place, name)


class Locate(OfPlaces):
    """Where a point lies: unit grid, areas, duty grid, road, and words for it; 404 outside the city's grid."""

    @extend_schema(operation_id="locate", tags=["standards"], responses=PlaceBody,
                   parameters=[OpenApiParameter("lon", float, required=True),
                               OpenApiParameter("lat", float, required=True)])  # fmt: skip
    def get(self, request):
        form = PlaceFields(request.query_params)
        form.fields["lon"].required = form.fields["lat"].required = True
        if not form.is_valid():
            raise not_valid(form)
        place = locate(form.point)
        if place is None:
            raise Problem("not_found")
        return Response(PlaceBody(Described(place, describe(form.point))).data)
