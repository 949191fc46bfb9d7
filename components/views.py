"""Components on the map, and the maintenance pages of the catalogue and the inventory."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from components import map_layers
from components.permissions import may
from grid.map_layers import answer, box_from, point_from


@require_safe
def layer(request: HttpRequest) -> HttpResponse:
    """The components in ?bbox=west,south,east,north, or around ?near=longitude,latitude within &metres=50."""
    if not may(request.user, "see_components", at=timezone.now()):
        raise PermissionDenied
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
