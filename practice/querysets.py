"""The named questions asked of lessons that were taken."""

from django.db import models


class RunQuerySet(models.QuerySet):
    """Lessons that were taken."""

    def in_hand(self, user):
        """Return the lesson that this person is working on: one at most."""
        return self.filter(user=user, ended_at__isnull=True)
