"""Who patrols which duty grid, where a collector's phone was when he reported or answered, and the camera points."""

import uuid

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from grid.models import ENDS_AFTER_IT_BEGINS, SRID, Dated, Period
from patrol.querysets import CameraQuerySet, CollectorGridQuerySet


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


# — camera points 视频点位 ——————————————————————————————————————————————————————————————————————————————


class CameraState(models.TextChoices):
    """What was last known of a camera."""

    UNKNOWN = "unknown", _("not looked at yet")
    IN_ORDER = "in_order", _("in order")
    NO_PICTURE = "no_picture", _("gives no picture")
    OUT_OF_ORDER = "out_of_order", _("out of order")  # by a person's word; only a person takes it back


# Why a camera gave no still (patrol/stills.py).
WHY_NO_STILL = {
    "address": _("its address is not allowed"),
    "silent": _("it does not answer"),
    "answer": _("it answers with something else than a picture"),
    "too_large": _("its picture is too large"),
}


class Camera(Dated):
    """A camera point of the register. City and district cameras are counted apart (市视频, 区视频).

    `direction` is where it looks, in degrees from north by east (None: it turns), `reach_m` how far one can tell
    things. `stills_url` gives one picture over HTTP (patrol/stills.py); without it stills are handed in as files.
    """

    class Level(models.TextChoices):
        CITY = "city", pgettext_lazy("camera", "City")
        DISTRICT = "district", pgettext_lazy("camera", "District")

    class Owner(models.TextChoices):
        OWN = "own", _("Own")
        PUBLIC_SECURITY = "public_security", _("Public security, shared")
        TRAFFIC = "traffic", _("Traffic, shared")
        COMPANY = "company", _("Company, shared")
        OTHER = "other", _("Other")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    code = models.CharField(_("Camera number"), max_length=40, unique=True)
    name = models.CharField(pgettext_lazy("thing", "Name"), max_length=100)
    point = models.PointField(_("Place"), srid=SRID)
    unit_grid = models.ForeignKey("grid.UnitGrid", models.PROTECT, related_name="+", verbose_name=_("Unit grid"))
    area_code = models.CharField(_("Community code"), max_length=12)
    area_names = models.CharField(_("Areas"), max_length=200)
    level = models.CharField(_("Level"), max_length=8, choices=Level.choices, default=Level.DISTRICT)
    owner = models.CharField(_("Whose it is"), max_length=16, choices=Owner.choices, default=Owner.OWN)
    direction = models.PositiveSmallIntegerField(
        _("Looks towards, degrees from north"), null=True, blank=True, validators=[MaxValueValidator(359)],
        help_text=_("0 north, 90 east. Empty: it turns."),
    )  # fmt: skip
    reach_m = models.PositiveSmallIntegerField(
        _("Reach in metres"), default=100, validators=[MinValueValidator(1), MaxValueValidator(5000)]
    )
    stills_url = models.URLField(
        _("Address of stills"), max_length=300, blank=True, validators=[URLValidator(schemes=["http", "https"])],
        help_text=_("Gives one picture over HTTP. Empty: stills are handed in as files."),
    )  # fmt: skip
    state = models.CharField(
        _("State"), max_length=12, choices=CameraState.choices, default=CameraState.UNKNOWN, editable=False
    )
    why = models.CharField(max_length=200, blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CameraQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("point", "Camera")
        verbose_name_plural = _("Cameras")
        ordering = ("code", "id")
        indexes = [models.Index(fields=["checked_at"], name="patrol_camera_to_check", condition=~Q(stills_url=""))]
        constraints = [
            models.CheckConstraint(name="patrol_camera_period", condition=ENDS_AFTER_IT_BEGINS),
            models.CheckConstraint(
                name="patrol_camera_direction", condition=Q(direction__isnull=True) | Q(direction__lt=360)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class CameraHealth(models.Model):
    """One line whenever the state of a camera changed: from when, to what, why, and who said so (None: the check)."""

    camera = models.ForeignKey(Camera, models.PROTECT, related_name="health")
    at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=CameraState.choices)
    why = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("State of a camera")
        verbose_name_plural = _("States of cameras")
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.camera_id} {self.state}"

    @property
    def words(self) -> str:
        """What the matter was, for a reader: the check knows a few reasons, a person writes his own."""
        return str(WHY_NO_STILL.get(self.why, self.why))


class CameraReport(models.Model):
    """From which camera a case was reported."""

    case = models.OneToOneField("cases.Case", models.PROTECT, related_name="+")
    camera = models.ForeignKey(Camera, models.PROTECT, related_name="reports")
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name = _("Report from a camera")
        verbose_name_plural = _("Reports from cameras")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.case_id} {self.camera_id}"
