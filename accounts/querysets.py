"""Named queries about people and departments."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from django.contrib.auth.models import BaseUserManager
from django.db.models import Exists, F, OuterRef, Q, QuerySet


def valid_on(day: date, *, prefix: str = "") -> Q:
    """Rows valid on this day: from `valid_from` on; `valid_to` is the first day on which they no longer are."""
    return Q(**{f"{prefix}valid_from__lte": day}) & (
        Q(**{f"{prefix}valid_to__isnull": True}) | Q(**{f"{prefix}valid_to__gt": day})
    )


class NoticeQuerySet(QuerySet):
    """Notices, as those concerned ask for them."""

    def holding(self, at: datetime) -> "NoticeQuerySet":
        """Return what is neither over nor taken back at this instant."""
        begun = self.filter(valid_from__lte=at, withdrawn_at__isnull=True)
        return begun.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=at))

    def for_appointments(self, appointments: Iterable) -> "NoticeQuerySet":
        """Return what concerns whoever holds these: everybody's, or his role's, in his department or one above it."""
        wanted = Q(pk__in=[])
        for one in appointments:
            codes = one.department.path.strip("/").split("/")
            above = [f"/{'/'.join(codes[:length])}/" for length in range(1, len(codes) + 1)]
            roles = Q(roles=[]) | Q(roles__contains=[str(one.role)])
            wanted |= roles & (Q(department__isnull=True) | Q(department__path__in=above))
        return self.filter(wanted)

    def unread_by(self, user) -> "NoticeQuerySet":
        readings = self.model._meta.get_field("readings").related_model.objects
        return self.exclude(Exists(readings.filter(notice=OuterRef("pk"), user=user)))


class UserQuerySet(QuerySet):
    def holding(self, *roles: str, day: date) -> "UserQuerySet":
        """Active people appointed to one of these roles on this day."""
        return self.filter(
            valid_on(day, prefix="appointments__"), appointments__role__in=roles, is_active=True
        ).distinct()


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):
    def get_by_natural_key(self, username: str):
        """User names are kept in lower case, so nobody is locked out by a capital letter."""
        return self.get(username=username.strip().lower())

    def create_superuser(self, username: str, password: str | None = None, **fields):
        user = self.model(username=username.strip().lower(), is_staff=True, is_superuser=True, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class DepartmentQuerySet(QuerySet):
    def valid(self, day: date) -> "DepartmentQuerySet":
        return self.filter(valid_on(day))

    def below(self, *paths: str) -> "DepartmentQuerySet":
        """The departments at these paths and everything below them; none for no path."""
        wanted = Q(pk__in=[])
        for path in paths:
            wanted |= Q(path__startswith=path)
        return self.filter(wanted)


class AppointmentQuerySet(QuerySet):
    def valid(self, day: date) -> "AppointmentQuerySet":
        return self.filter(valid_on(day))


class TokenQuerySet(QuerySet):
    def in_force(self, at: datetime) -> "TokenQuerySet":
        """Tokens that open something at this instant: neither revoked nor too old nor ended with all sessions."""
        return self.filter(
            revoked_at__isnull=True, expires_at__gt=at, user__is_active=True,
            created_at__gte=F("user__sessions_valid_from"),
        )  # fmt: skip


class DutyQuerySet(QuerySet):
    def on_duty(self, at: datetime, *, longest: timedelta) -> "DutyQuerySet":
        """Seats taken at this instant. A seat that nobody gave up counts no longer than the longest shift."""
        return self.filter(
            Q(ended_at__isnull=True) | Q(ended_at__gt=at), started_at__lte=at, started_at__gt=at - longest
        )


class RosterQuerySet(QuerySet):
    def about(self, days: Collection[date]) -> "RosterQuerySet":
        """What the roster says of these days: the weekly entries that hold and those of the days themselves."""
        known = Q(on_date__in=days)
        for day in days:
            known |= valid_on(day) & Q(weekday=day.weekday())
        return self.filter(known)

    def not_over(self, day: date) -> "RosterQuerySet":
        """What holds on this day or later."""
        return self.filter(
            Q(on_date__gte=day) | Q(weekday__isnull=False) & (Q(valid_to__isnull=True) | Q(valid_to__gt=day))
        )
