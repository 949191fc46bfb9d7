"""The responsibility table 权责矩阵. What is dispatched, and to whom, lies in `cases`: cases, stints, requests."""

import uuid

from django.contrib.gis.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from components.models import MinorClass
from dispatch.querysets import ResponsibilityQuerySet
from grid.models import Road


class ReturnGround(models.TextChoices):
    """Why a department gives a case back 回退原因."""

    NOT_OURS = "not_ours", _("Not this department's duty")
    OTHER_OWNER = "other_owner", _("The thing belongs to somebody else")
    OTHER_PLACE = "other_place", _("Outside this department's area")
    WRONG_FACTS = "wrong_facts", _("Class, place or description is wrong")
    NOT_FOUND = "not_found", _("Nothing to be found on the spot")
    NO_NEED = "no_need", _("No need to handle")
    OTHER = "other", _("Other reason")


class ResponsibilityRule(models.Model):
    """Who answers for a class of problems at a place, for an owner's things, on a class of road; empty means any."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("Kind"), max_length=9, choices=MinorClass.Kind, blank=True)
    major_code = models.CharField(_("Major class"), max_length=2, blank=True)
    minor_class = models.ForeignKey(MinorClass, models.PROTECT, null=True, blank=True, verbose_name=_("Minor class"))
    area_code = models.CharField(_("Area code"), max_length=12, blank=True)
    road_class = models.CharField(_("Road class"), max_length=12, choices=Road.RoadClass, blank=True)
    owner = models.ForeignKey(
        "accounts.Department", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("Owner")
    )
    department = models.ForeignKey(
        "accounts.Department", models.PROTECT, related_name="+", verbose_name=_("Responsible department")
    )
    note = models.CharField(_("Note"), max_length=200, blank=True)
    valid_from = models.DateField(_("Valid from"))
    valid_to = models.DateField(_("Valid until (that day no longer)"), null=True, blank=True)
    sort = models.PositiveIntegerField(_("Order"), default=100)

    objects = ResponsibilityQuerySet.as_manager()

    class Meta:
        verbose_name = _("Responsibility")
        verbose_name_plural = _("Responsibility table")
        ordering = ("sort", "id")
        constraints = [
            models.CheckConstraint(
                name="responsibility_period",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
            ),
            models.CheckConstraint(
                name="responsibility_major_class_of_a_kind", condition=Q(major_code="") | ~Q(kind="")
            ),
            models.CheckConstraint(
                name="responsibility_one_way_to_name_the_class",
                condition=Q(minor_class__isnull=True) | Q(kind="", major_code=""),
            ),
        ]
        indexes = [models.Index(fields=["minor_class", "valid_from"], name="responsibility_class")]

    def __str__(self) -> str:
        return f"{self.minor_class or self.major_code or '*'} {self.area_code or '*'} → {self.department}"
