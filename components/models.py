"""The catalogue (classes, filing conditions with their limits) and the inventory of components.

Both are data of one city with dates of validity. A row that no longer holds gets its `valid_to`; nothing is deleted.
"""

import uuid

from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.indexes import GistIndex
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from citymgmt.wording import language
from components import codes, querysets
from grid.models import ENDS_AFTER_IT_BEGINS, IS_CURRENT, SRID, Changed, Dated, Geography, Named, Period


class MinorClass(Named, Dated, Changed):
    """A class of the catalogue: a kind of component, or a kind of event. The scheme is part of its key."""

    class Scheme(models.TextChoices):
        GBT47678 = codes.Scheme.GBT47678.value, "GB/T 47678.5-2026"
        GBT30428 = codes.Scheme.GBT30428.value, "GB/T 30428.2-2013"
        LOCAL = codes.Scheme.LOCAL.value, _("local extension")

    class Kind(models.TextChoices):
        COMPONENT = codes.Kind.COMPONENT.value, _("component")
        EVENT = codes.Kind.EVENT.value, _("event")

    class AccuracyClass(models.TextChoices):
        A = "A", _("A ±0.5 m")
        B = "B", _("B ±1.0 m")
        C = "C", _("C ±10.0 m")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    scheme = models.CharField(_("code scheme"), max_length=8, choices=Scheme)
    kind = models.CharField(_("kind"), max_length=9, choices=Kind)
    major_code = models.CharField(_("major class"), max_length=2)
    major_name_zh = models.CharField(_("Chinese name of the major class"), max_length=50)
    major_name_en = models.CharField(_("English name of the major class"), max_length=80, blank=True)
    minor_code = models.CharField(_("minor class"), max_length=3)
    department_type = models.CharField(_("kind of department"), max_length=100, blank=True)
    pinyin_initials = models.CharField(_("pinyin initials"), max_length=50, blank=True)
    aliases = models.TextField(_("other names, one a line"), blank=True)
    accuracy_class = models.CharField(_("accuracy of position"), max_length=1, choices=AccuracyClass, blank=True)
    is_extension = models.BooleanField(_("local extension"), default=False)
    # When two reports are the same problem, and when one has come back; empty: as the settings of the city say.
    near_metres = models.PositiveSmallIntegerField(_("same problem within metres"), null=True, blank=True)
    near_hours = models.PositiveSmallIntegerField(_("same problem within hours"), null=True, blank=True)
    near_on_road = models.BooleanField(
        _("one problem along a road, as with dark lamps"), default=False, db_default=False
    )
    recurrence_days = models.PositiveSmallIntegerField(_("come back within days after closing"), null=True, blank=True)

    objects = querysets.MinorClassQuerySet.as_manager()

    class Meta:
        verbose_name = _("minor class")
        verbose_name_plural = _("minor classes")
        ordering = ["scheme", "kind", "major_code", "minor_code", "valid_from"]
        constraints = [
            models.CheckConstraint(
                name="components_class_code_fits_scheme",
                condition=Q(major_code__regex=codes.MAJOR_PATTERN)
                & (
                    Q(scheme="GBT47678", minor_code__regex=r"^[0-9]{3}$")
                    | Q(scheme="GBT30428", minor_code__regex=r"^[0-9]{2}$")
                    # Three-digit numbers 001–079 belong to the national standard.
                    | Q(scheme="LOCAL", minor_code__regex=r"^([0-9]{2}|0[89][0-9]|[1-9][0-9]{2})$")
                ),
            ),
            models.CheckConstraint(name="components_class_period", condition=ENDS_AFTER_IT_BEGINS),
            ExclusionConstraint(
                name="components_class_one_at_a_time",
                expressions=[
                    ("scheme", RangeOperators.EQUAL),
                    ("kind", RangeOperators.EQUAL),
                    ("major_code", RangeOperators.EQUAL),
                    ("minor_code", RangeOperators.EQUAL),
                    (Period("valid_from", "valid_to"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name_zh}"

    @property
    def code(self) -> str:
        return codes.class_code(self.major_code, self.minor_code)

    @property
    def major_name(self) -> str:
        """The major's name in the reader's language."""
        is_chinese = (language() or "zh").startswith("zh")
        return self.major_name_zh if is_chinese or not self.major_name_en else self.major_name_en


class FilingCondition(Dated, Changed):
    """A state of affairs that makes it a case. It carries the limit, which a city sets and dates."""

    class LimitUnit(models.TextChoices):
        CONTINUOUS_HOUR = "continuous_hour", _("continuous hours")
        WORKING_HOUR = "working_hour", _("working hours")
        WORKING_DAY = "working_day", _("working days")
        CALENDAR_DAY = "calendar_day", _("calendar days")
        CONTINUOUS_DAY = "continuous_day", _("continuous days")

    class Season(models.TextChoices):
        PLANTING = "planting", _("planting season only")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    minor_class = models.ForeignKey(MinorClass, models.PROTECT, related_name="conditions")
    number = models.PositiveSmallIntegerField(_("number"))
    condition_zh = models.TextField(_("filing condition"))
    condition_en = models.TextField(_("filing condition in English"), blank=True)
    close_condition_zh = models.TextField(_("close condition"))
    close_condition_en = models.TextField(_("close condition in English"), blank=True)
    limit_value = models.DecimalField(_("limit"), max_digits=12, decimal_places=6, null=True, blank=True)
    limit_unit = models.CharField(_("unit of the limit"), max_length=15, choices=LimitUnit, blank=True)
    season = models.CharField(_("season in which the limit runs"), max_length=8, choices=Season, blank=True)
    legal_basis = models.TextField(_("legal basis"), blank=True)
    source = models.CharField(_("source of the data"), max_length=100, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    is_active = models.BooleanField(_("in use"), default=True)

    objects = querysets.FilingConditionQuerySet.as_manager()

    class Meta:
        verbose_name = _("filing condition")
        verbose_name_plural = _("filing conditions")
        ordering = ["minor_class_id", "number", "valid_from"]
        constraints = [
            models.CheckConstraint(name="components_condition_period", condition=ENDS_AFTER_IT_BEGINS),
            models.CheckConstraint(
                name="components_condition_limit_complete",
                condition=Q(limit_value__isnull=True, limit_unit="")
                | Q(limit_value__isnull=False, limit_value__gt=0) & ~Q(limit_unit=""),
            ),
            ExclusionConstraint(
                name="components_condition_one_at_a_time",
                expressions=[
                    ("minor_class", RangeOperators.EQUAL),
                    ("number", RangeOperators.EQUAL),
                    (Period("valid_from", "valid_to"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.condition_zh

    @property
    def condition(self) -> str:
        """The condition in the reader's language."""
        is_chinese = (language() or "zh").startswith("zh")
        return self.condition_zh if is_chinese or not self.condition_en else self.condition_en

    @property
    def close_condition(self) -> str:
        """The close condition in the reader's language."""
        is_chinese = (language() or "zh").startswith("zh")
        return self.close_condition_zh if is_chinese or not self.close_condition_en else self.close_condition_en


class Component(Changed):
    """A thing that stands in the street, with its identity card. Its identifier is given once and never again."""

    class State(models.TextChoices):
        INTACT = "intact", _("intact")
        DAMAGED = "damaged", _("damaged")
        LOST = "lost", _("lost")
        ABANDONED = "abandoned", _("abandoned")
        REMOVED = "removed", _("removed")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    identifier = models.CharField(_("identifier"), max_length=17, unique=True)
    minor_class = models.ForeignKey(MinorClass, models.PROTECT, related_name="components")
    name_zh = models.CharField(_("name"), max_length=30)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.INTACT)
    supervising_authority_code = models.CharField(_("code of the authority in charge"), max_length=18, blank=True)
    supervising_authority_name = models.CharField(_("authority in charge"), max_length=100)
    owner = models.ForeignKey("accounts.Department", models.PROTECT, null=True, blank=True, related_name="+")
    owner_code = models.CharField(_("code of the owner"), max_length=18, blank=True)
    owner_name = models.CharField(_("owner"), max_length=100, blank=True)
    maintainer = models.ForeignKey("accounts.Department", models.PROTECT, null=True, blank=True, related_name="+")
    maintainer_code = models.CharField(_("code of the maintainer"), max_length=18, blank=True)
    maintainer_name = models.CharField(_("maintainer"), max_length=100, blank=True)
    unit_grid = models.ForeignKey("grid.UnitGrid", models.PROTECT, related_name="components")
    geometry = models.GeometryField(_("position"), srid=SRID, spatial_index=False)
    accuracy_class = models.CharField(
        _("accuracy of position"), max_length=1, choices=MinorClass.AccuracyClass, blank=True
    )
    initial_date = models.DateField(_("initial date"))
    change_date = models.DateField(_("date of change"), null=True, blank=True)
    data_source = models.CharField(_("source of the data"), max_length=30, blank=True)
    note = models.CharField(_("note"), max_length=1000, blank=True)
    extended = models.JSONField(_("further attributes"), default=dict, blank=True)
    valid_to = models.DateField(_("valid until (that day no longer)"), null=True, blank=True)

    objects = querysets.ComponentQuerySet.as_manager()

    class Meta:
        verbose_name = _("component")
        verbose_name_plural = _("components")
        ordering = ["identifier"]
        constraints = [
            models.CheckConstraint(
                name="components_component_identifier_format", condition=Q(identifier__regex=codes.IDENTIFIER_PATTERN)
            ),
            models.CheckConstraint(
                name="components_component_changed_after_it_began",
                condition=Q(change_date__isnull=True) | Q(change_date__gte=F("initial_date")),
            ),
            models.CheckConstraint(
                name="components_component_period",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("initial_date")),
            ),
        ]
        indexes = [
            GistIndex(fields=["geometry"], name="components_component_geometry"),
            GistIndex(Geography("geometry"), name="components_component_metres", condition=IS_CURRENT),
        ]

    def __str__(self) -> str:
        return f"{self.identifier} {self.name_zh}"
