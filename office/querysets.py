"""Named queries of the office."""

from django.db.models import QuerySet


class MessageQuerySet(QuerySet):
    def for_box(self, user) -> "MessageQuerySet":
        """Everything this person was told, the newest first."""
        return self.filter(recipient=user).order_by("-created_at", "-id")

    def unread(self, user) -> "MessageQuerySet":
        return self.filter(recipient=user, read_at__isnull=True)
