"""Named queries of the office."""

from collections.abc import Iterable

from django.db import connection
from django.db.models import F, Q, QuerySet


class MessageQuerySet(QuerySet):
    def for_box(self, user) -> "MessageQuerySet":
        """Everything this person was told, the newest first."""
        return self.filter(recipient=user).order_by("-created_at", "-id")

    def unread(self, user) -> "MessageQuerySet":
        return self.filter(recipient=user, read_at__isnull=True)

    def number_unread(self, user, *, most: int) -> int:
        """Return how many messages this person has not opened yet, counted as far as `most`; every page asks it."""
        with connection.cursor() as cursor:
            cursor.execute(UNREAD, [user.pk, most])
            return cursor.fetchone()[0]


UNREAD = "SELECT count(*) FROM (SELECT FROM office_message WHERE recipient_id = %s AND read_at IS NULL LIMIT %s) one"


class PhraseQuerySet(QuerySet):
    def for_person(self, user, *, roles: Iterable[str]) -> "PhraseQuerySet":
        """Return the phrases this person may insert, his own before those of his roles, each in its order."""
        wanted = self.filter(Q(owner=user) | Q(owner__isnull=True, role__in=[str(role) for role in roles]))
        return wanted.order_by(F("owner").asc(nulls_last=True), "number", "id")


class SavedViewQuerySet(QuerySet):
    def of(self, user, *, desk: str) -> "SavedViewQuerySet":
        """Return the views this person kept of a desk, in their order."""
        return self.filter(person=user, desk=desk).order_by("number", "name")

    def shown_to(self, user, *, desk: str) -> list:
        """Return what a desk's page shows of them, in their order: (name, query, is_default); every page asks it."""
        with connection.cursor() as cursor:
            cursor.execute(VIEWS, [user.pk, desk])
            return cursor.fetchall()


VIEWS = "SELECT name, query, is_default FROM office_savedview WHERE person_id = %s AND desk = %s ORDER BY number, name"
