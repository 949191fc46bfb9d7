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
