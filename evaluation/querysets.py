"""The named questions asked of schemes, periods, facts and results."""

from datetime import date

from django.db import models
from django.db.models import Q

from evaluation.periods import Period


class EvalSchemeQuerySet(models.QuerySet):
    """Schemes."""

    def in_force(self, day: date):
        """Return the schemes in use on a day, in the order in which they stand side by side."""
        ends = Q(valid_to__isnull=True) | Q(valid_to__gt=day)
        return self.filter(ends, is_active=True, valid_from__lte=day).order_by("object_type", "sort", "code")


class EvalPeriodQuerySet(models.QuerySet):
    """Periods that were counted and frozen."""

    def latest_of(self, period: Period):
        """Return the newest version of a period, or None."""
        return self.filter(type=period.type, first_date=period.first).order_by("-version").first()


class EvalFactQuerySet(models.QuerySet):
    """Facts of frozen periods."""

    def of(self, period):
        """Return the facts of one frozen period in the order they were written."""
        return self.filter(period=period).order_by("id")


class EvalResultQuerySet(models.QuerySet):
    """Results."""

    def of(self, period):
        """Return the results of one frozen period under every scheme."""
        return self.filter(snapshot__period=period).select_related("snapshot__scheme")
