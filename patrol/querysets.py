"""The named questions asked about who patrols where."""

from datetime import date, datetime

from django.db.models import Q
from django.utils import timezone

from grid.querysets import DatedQuerySet


class CollectorGridQuerySet(DatedQuerySet):
    """Duty grids of collectors."""

    def now_of(self, collector, at: datetime) -> "CollectorGridQuerySet":
        """Return the duty grids this collector patrols at that time."""
        return self.on(timezone.localdate(at)).filter(collector=collector).select_related("duty_grid")

    def not_over(self, day: date) -> "CollectorGridQuerySet":
        """Return who patrols what on that day or will later."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day))


class CameraQuerySet(DatedQuerySet):
    """Camera points."""

    def visible_to(self, appointment, at: datetime) -> "CameraQuerySet":
        """Return the cameras of today within the area of an appointment and of its department."""
        scope, place = appointment.scope_area_code, appointment.department.area_code
        return self.on(timezone.localdate(at)).filter(area_code__startswith=scope).filter(area_code__startswith=place)

    def search(self, words: str) -> "CameraQuerySet":
        """Return the cameras whose name or area holds `words`, or whose number begins with them."""
        named = Q(name__icontains=words) | Q(area_names__icontains=words) | Q(code__istartswith=words)
        return self.filter(named) if words else self
