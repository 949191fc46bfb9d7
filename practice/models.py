"""What the practice area remembers: who came in, where he sits, which lessons he took. On the real site it is empty."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from practice import lessons
from practice.querysets import RunQuerySet


class Seat(models.Model):
    """A trainee's place: the community in which his cases lie; for departments, the one he sits at. 练习席位"""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="practice_seat")
    number = models.PositiveIntegerField(unique=True)
    area_code = models.CharField(max_length=15)
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("practice seat")
        verbose_name_plural = _("practice seats")
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.area_code}"


class Entry(models.Model):
    """A ticket that was used: each lets one person in once."""

    nonce = models.CharField(max_length=32, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("practice entry")
        verbose_name_plural = _("practice entries")
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.user_id} {self.at:%Y-%m-%d %H:%M}"


class Run(models.Model):
    """One lesson that somebody took. 练习记录

    `case` is the one it is about (None: nobody has registered the call yet), `first` the one that lay there before.
    `seen_event` is the trainee's last step that the others have answered; `refusals` are labels of what was refused.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="practice_runs")
    lesson = models.CharField(max_length=30)
    number = models.PositiveIntegerField()
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    address = models.CharField(max_length=256)
    point = models.JSONField()  # [longitude, latitude]
    case = models.ForeignKey("cases.Case", models.PROTECT, null=True, related_name="+")
    first = models.ForeignKey("cases.Case", models.PROTECT, null=True, related_name="+")
    seen_event = models.BigIntegerField(default=0)
    refusals = models.JSONField(default=list)
    marks = models.JSONField(default=list)
    is_good = models.BooleanField(default=False)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("practice run")
        verbose_name_plural = _("practice runs")
        ordering = ["-begun_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(ended_at__isnull=True), name="practice_run_one_in_hand"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("begun_at")),
                name="practice_run_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.lesson}"

    @property
    def script(self) -> lessons.Lesson:
        return lessons.BY_KEY[self.lesson]
