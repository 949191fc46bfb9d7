"""The named questions asked about who patrols where."""

from datetime import datetime

from django.utils import timezone

from grid.querysets import DatedQuerySet


class CollectorGridQuerySet(DatedQuerySet):
    """Duty grids of collectors."""

    def now_of(self, collector, at: datetime) -> "CollectorGridQuerySet":
        """Return the duty grids this collector patrols at that time."""
        return self.on(timezone.localdate(at)).filter(collector=collector).select_related("duty_grid")
