"""Places: areas, unit grids (10,000 m²), duty grids, roads, named places.

Geometry is in CGCS2000 degrees (EPSG:4490). Nothing is deleted: a row that no longer holds gets its `valid_to`.
"""

import uuid

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex, GistIndex, OpClass
from django.db.models import F, Func, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from citymgmt.wording import language
from grid import codes, querysets

SRID = 4490
"""CGCS2000. WGS 84 differs from it by centimetres and is relabelled, not transformed."""


class Geography(Func):
    """`geometry::geography`: metres on the ground. The indexes below stand on this very expression."""

    template = "(%(expressions)s::geography)"


class Period(Func):
    """The days from `valid_from` to the day before `valid_to`; open-ended while that is empty."""

    function = "daterange"
    output_field = DateRangeField()


ENDS_AFTER_IT_BEGINS = Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from"))
IS_CURRENT = Q(valid_to__isnull=True)


def searched_as(table: str) -> list[models.Index]:
    """Return the indexes by which the beginning of a name, or of its pinyin initials, finds the current rows."""
    kinds = {
        "zh": OpClass(F("name_zh"), "varchar_pattern_ops"),
        "en": OpClass(Upper("name_en"), "text_pattern_ops"),
        "py": OpClass(F("pinyin_initials"), "varchar_pattern_ops"),
    }
    return [models.Index(how, name=f"{table}_begins_{kind}", condition=IS_CURRENT) for kind, how in kinds.items()]


class Named(models.Model):
    name_zh = models.CharField(_("Chinese name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)

    class Meta:
        abstract = True

    @property
    def name(self) -> str:
        """The name in the reader's language; the Chinese one where no other is known."""
        return self.name_en if self.name_en and not (language() or "zh").startswith("zh") else self.name_zh


class Dated(models.Model):
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid until (that day no longer)"), null=True, blank=True)

    class Meta:
        abstract = True


class Changed(models.Model):
    """Who changed the row last, by hand; empty as long as nobody did."""

    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    changed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


class Area(Named, Dated, Changed):
    """A division (district, county), a street (street, town) or a community (community, village)."""

    class Level(models.TextChoices):
        DIVISION = "division", _("district or county")
        STREET = "street", _("street or town")
        COMMUNITY = "community", _("community or village")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    code = models.CharField(_("code"), max_length=12)
    level = models.CharField(_("level"), max_length=9, choices=Level)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    boundary = models.MultiPolygonField(_("boundary"), srid=SRID, null=True, blank=True, spatial_index=False)
    is_made_up = models.BooleanField(_("boundary made up"), default=False)
    source = models.CharField(_("source of the data"), max_length=200, blank=True)

    objects = querysets.AreaQuerySet.as_manager()

    class Meta:
        verbose_name = _("area")
        verbose_name_plural = _("areas")
        ordering = ["code", "valid_from"]
        constraints = [
            models.CheckConstraint(
                name="grid_area_code_fits_level",
                condition=Q(level="division", code__regex=codes.DIVISION_PATTERN, parent__isnull=True)
                | Q(level="street", code__regex=codes.STREET_PATTERN, parent__isnull=False)
                | Q(level="community", code__regex=codes.COMMUNITY_PATTERN, parent__isnull=False),
            ),
            models.CheckConstraint(name="grid_area_period", condition=ENDS_AFTER_IT_BEGINS),
            models.CheckConstraint(
                name="grid_area_boundary_valid", condition=Q(boundary__isnull=True) | Q(boundary__isvalid=True)
            ),
            ExclusionConstraint(
                name="grid_area_one_at_a_time",
                expressions=[
                    ("code", RangeOperators.EQUAL),
                    (Period("valid_from", "valid_to"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        indexes = [
            GistIndex(fields=["boundary"], name="grid_area_boundary"),
            models.Index(
                fields=["code"], opclasses=["varchar_pattern_ops"], name="grid_area_code_prefix", condition=IS_CURRENT
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name_zh} {self.code}"


class UnitGrid(Dated):
    """The smallest cell, about 10,000 m², inside exactly one community. Its code is given once and never again."""

    class AreaClass(models.TextChoices):
        FIRST = "1", _("class 1")
        SECOND = "2", _("class 2")
        THIRD = "3", _("class 3")

    code = models.CharField(_("code"), max_length=15, unique=True)
    community = models.ForeignKey(Area, models.PROTECT, related_name="unit_grids")
    boundary = models.PolygonField(_("boundary"), srid=SRID, spatial_index=False)
    centre = models.PointField(_("centre"), srid=SRID, spatial_index=False)
    area_m2 = models.DecimalField(_("area in m²"), max_digits=12, decimal_places=2)
    area_class = models.CharField(_("class of area"), max_length=1, choices=AreaClass, default=AreaClass.FIRST)
    note = models.CharField(_("note"), max_length=200, blank=True)

    objects = querysets.UnitGridQuerySet.as_manager()

    class Meta:
        verbose_name = _("unit grid")
        verbose_name_plural = _("unit grids")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="grid_unitgrid_code_format",
                condition=Q(code__regex=codes.UNIT_GRID_PATTERN) & ~Q(code__endswith="000"),
            ),
            models.CheckConstraint(name="grid_unitgrid_area_above_zero", condition=Q(area_m2__gt=0)),
            models.CheckConstraint(name="grid_unitgrid_period", condition=ENDS_AFTER_IT_BEGINS),
            models.CheckConstraint(name="grid_unitgrid_boundary_valid", condition=Q(boundary__isvalid=True)),
        ]
        indexes = [GistIndex(fields=["boundary"], name="grid_unitgrid_boundary")]

    def __str__(self) -> str:
        return self.code


class DutyGrid(Named, Dated, Changed):
    """A set of unit grids that one or more collectors patrol; it may span communities."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    code = models.CharField(_("code"), max_length=20)
    area_code = models.CharField(_("code of the area"), max_length=12, blank=True)
    cells = models.ManyToManyField(UnitGrid, through="DutyGridCell", related_name="duty_grids")

    objects = querysets.DutyGridQuerySet.as_manager()

    class Meta:
        verbose_name = _("duty grid")
        verbose_name_plural = _("duty grids")
        ordering = ["code", "valid_from"]
        constraints = [
            models.CheckConstraint(name="grid_dutygrid_period", condition=ENDS_AFTER_IT_BEGINS),
            models.UniqueConstraint(name="grid_dutygrid_code_current", fields=["code"], condition=IS_CURRENT),
        ]

    def __str__(self) -> str:
        return f"{self.name_zh} {self.code}"


class DutyGridCell(Dated):
    """One unit grid in one duty grid for a time. A unit grid is patrolled for one duty grid at a time."""

    duty_grid = models.ForeignKey(DutyGrid, models.PROTECT, related_name="memberships")
    unit_grid = models.ForeignKey(UnitGrid, models.PROTECT, related_name="memberships")

    objects = querysets.DatedQuerySet.as_manager()

    class Meta:
        verbose_name = _("unit grid of a duty grid")
        verbose_name_plural = _("unit grids of duty grids")
        ordering = ["duty_grid_id", "unit_grid_id"]
        constraints = [
            models.CheckConstraint(name="grid_dutygridcell_period", condition=ENDS_AFTER_IT_BEGINS),
            models.UniqueConstraint(name="grid_dutygridcell_one_duty_grid", fields=["unit_grid"], condition=IS_CURRENT),
        ]

    def __str__(self) -> str:
        return f"{self.duty_grid_id} · {self.unit_grid_id}"


class Road(Named, Dated, Changed):
    """A named road; its class drives patrol rounds, limits and scores."""

    class RoadClass(models.TextChoices):
        MAIN = "main", _("main road")
        SECONDARY = "secondary", _("secondary road")
        BRANCH = "branch", _("branch road")
        LANE = "lane", _("lane")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    pinyin_initials = models.CharField(_("pinyin initials"), max_length=50, blank=True, db_default="")
    road_class = models.CharField(_("road class"), max_length=9, choices=RoadClass)
    line = models.MultiLineStringField(_("line"), srid=SRID, spatial_index=False)
    area_code = models.CharField(_("code of the area"), max_length=12, blank=True)
    source = models.CharField(_("source of the data"), max_length=200, blank=True)

    objects = querysets.RoadQuerySet.as_manager()

    class Meta:
        verbose_name = _("road")
        verbose_name_plural = _("roads")
        ordering = ["name_zh", "id"]
        constraints = [
            models.CheckConstraint(name="grid_road_period", condition=ENDS_AFTER_IT_BEGINS),
            models.CheckConstraint(name="grid_road_has_a_name", condition=~Q(name_zh="")),
        ]
        indexes = [
            GistIndex(fields=["line"], name="grid_road_line"),
            GistIndex(Geography("line"), name="grid_road_line_metres", condition=IS_CURRENT),
            *searched_as("grid_road"),
        ]

    def __str__(self) -> str:
        return self.name_zh


class Place(Named, Dated):
    """One entry of the gazetteer: a name that people give when they tell where something is."""

    class Kind(models.TextChoices):
        AREA = "area", _("administrative area")
        TRACT = "tract", _("named tract")
        QUARTER = "quarter", _("quarter")
        LANE = "lane", _("street or lane")
        DOOR_PLATE = "door_plate", _("door or building plate")
        POI = "poi", _("point of interest")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    pinyin_initials = models.CharField(_("pinyin initials"), max_length=50, blank=True, db_default="")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    geometry = models.GeometryField(_("position"), srid=SRID, spatial_index=False)
    address = models.CharField(_("address"), max_length=256, blank=True)
    area_code = models.CharField(_("code of the area"), max_length=15, blank=True)
    source = models.CharField(_("source of the data"), max_length=200, blank=True)

    objects = querysets.PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = _("named place")
        verbose_name_plural = _("named places")
        ordering = ["name_zh", "id"]
        constraints = [models.CheckConstraint(name="grid_place_period", condition=ENDS_AFTER_IT_BEGINS)]
        indexes = [
            GistIndex(Geography("geometry"), name="grid_place_metres", condition=IS_CURRENT),
            *searched_as("grid_place"),
            GinIndex(OpClass(F("name_zh"), "gin_trgm_ops"), name="grid_place_holds", condition=IS_CURRENT),
        ]

    def __str__(self) -> str:
        return self.name_zh
