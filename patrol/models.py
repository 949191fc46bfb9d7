"""Who patrols which duty grid, and where a collector's phone was when he reported or answered."""

import uuid

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from grid.models import ENDS_AFTER_IT_BEGINS, SRID, Dated, Period
from patrol.querysets import CollectorGridQuerySet


class CollectorGrid(Dated):
    """One collector patrols one duty grid for a time 责任网格分工; a duty grid may have several, a collector too."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    collector = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("Collector")
    )
    duty_grid = models.ForeignKey("grid.DutyGrid", models.PROTECT, related_name="+", verbose_name=_("Duty grid"))

    objects = CollectorGridQuerySet.as_manager()

    class Meta:
        verbose_name = _("Duty grid of a collector")
        verbose_name_plural = _("Duty grids of collectors")
        ordering = ("duty_grid_id", "valid_from", "id")
        constraints = [
            models.CheckConstraint(name="patrol_collectorgrid_period", condition=ENDS_AFTER_IT_BEGINS),
            ExclusionConstraint(
                name="patrol_collectorgrid_once_at_a_time",
                expressions=[
                    (F("collector"), RangeOperators.EQUAL),
                    (F("duty_grid"), RangeOperators.EQUAL),
                    (Period("valid_from", "valid_to"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.collector_id} · {self.duty_grid_id}"


class Fix(models.Model):
    """Where and when, by the phone's own account, a collector reported a case or answered a task 定位.

    The account is kept as it came in; what was judged by it stands on the case and its events.
    """

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="+")
    task = models.OneToOneField("cases.FieldTask", models.PROTECT, null=True, blank=True, related_name="+")
    collector = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    point = models.PointField(srid=SRID, null=True, blank=True)
    accuracy_m = models.DecimalField(max_digits=7, decimal_places=1, null=True, blank=True)
    distance_m = models.DecimalField(max_digits=9, decimal_places=1, null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    is_late = models.BooleanField(default=False)  # the phone's time was not believed: outside the tolerance

    class Meta:
        verbose_name = _("Position of a collector's answer")
        verbose_name_plural = _("Positions of collectors' answers")
        ordering = ("id",)
        indexes = [models.Index(fields=["collector", "-recorded_at"], name="patrol_fix_of_collector")]
        constraints = [
            models.UniqueConstraint(fields=["case"], name="patrol_fix_one_of_a_report", condition=Q(task__isnull=True)),
            models.CheckConstraint(
                name="patrol_fix_distance_needs_a_point", condition=Q(point__isnull=False) | Q(distance_m__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.collector_id}"
