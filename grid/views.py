"""The layers of the map, and the maintenance pages of areas, duty grids and roads."""

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from grid import map_layers
from grid.permissions import may


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
