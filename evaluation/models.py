"""Schemes, comparable groups, and what was frozen: the facts of a period, the snapshots made of them, their results.

Facts and results are never changed once written: a correction is a new version of the period.
"""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import in_this_language
from evaluation import indicators, scoring
from evaluation.periods import PeriodType
from evaluation.querysets import EvalFactQuerySet, EvalPeriodQuerySet, EvalResultQuerySet, EvalSchemeQuerySet


class EvalScheme(models.Model):
    """One version of a way of scoring 评价方案. An edit is a new version; what was frozen keeps its own."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    code = models.CharField(_("Code"), max_length=40)
    version = models.PositiveIntegerField(_("Version"), default=1)
    name_zh = models.CharField(_("Chinese name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)
    object_type = models.CharField(
        _("Evaluates"), max_length=24, choices=[(str(one), _(text)) for one, text in scoring.OBJECT_LABELS.items()]
    )
    definition = models.JSONField(_("Items"))
    is_active = models.BooleanField(_("In use"), default=True)
    sort = models.PositiveIntegerField(_("Order"), default=100)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid until (that day no longer)"), null=True, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    changed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = EvalSchemeQuerySet.as_manager()

    class Meta:
        verbose_name = _("Evaluation scheme")
        verbose_name_plural = _("Evaluation schemes")
        ordering = ("object_type", "sort", "code", "-version")
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="evaluation_scheme_version"),
            models.UniqueConstraint(
                fields=["code"], name="evaluation_scheme_one_current", condition=Q(valid_to__isnull=True)
            ),
            # A version that was replaced before its first day held on no day at all.
            models.CheckConstraint(
                name="evaluation_scheme_dates",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name_zh} v{self.version}"

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return in_this_language(self.name_zh, self.name_en)

    @property
    def scheme(self) -> scoring.Scheme:
        """The scheme as the scoring reads it."""
        return scoring.from_data(self.definition)


class EvalGroup(models.Model):
    """The name of a comparable group 评价分组. Who belongs to it stands on the department."""

    code = models.CharField(_("Group"), max_length=50, unique=True)
    name_zh = models.CharField(_("Chinese name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)
    sort = models.PositiveIntegerField(_("Order"), default=100)

    class Meta:
        verbose_name = _("Comparable group")
        verbose_name_plural = _("Comparable groups")
        ordering = ("sort", "code")

    def __str__(self) -> str:
        return self.name_zh

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return in_this_language(self.name_zh, self.name_en)


PERIOD_LABELS = {
    PeriodType.DAY: _("Day"),
    PeriodType.TEN_DAY: _("Ten days"),
    PeriodType.WEEK: _("Week"),
    PeriodType.MONTH: _("Month"),
    PeriodType.QUARTER: _("Quarter"),
    PeriodType.HALF_YEAR: _("Half-year"),
    PeriodType.YEAR: _("Year"),
}
PERIOD_CHOICES = [(str(one), label) for one, label in PERIOD_LABELS.items()]
BASIS_CHOICES = [(str(one), _(label)) for one, label in indicators.BASIS_LABELS.items()]


class EvalPeriod(models.Model):
    """One period counted once, as of its cut-off 统计周期. A correction is the next version."""

    type = models.CharField(_("Period"), max_length=10, choices=PERIOD_CHOICES)
    first_date = models.DateField(_("First day"))
    end_date = models.DateField(_("Day after the last"))
    basis = models.CharField(_("Counting basis"), max_length=12, choices=BASIS_CHOICES)
    version = models.PositiveIntegerField(_("Version"), default=1)
    cutoff_at = models.DateTimeField(_("Cut-off"))
    counted_at = models.DateTimeField(_("Counted"))
    fact_count = models.PositiveIntegerField(_("Facts"))
    facts_hash = models.CharField(max_length=64)

    objects = EvalPeriodQuerySet.as_manager()

    class Meta:
        verbose_name = _("Evaluated period")
        verbose_name_plural = _("Evaluated periods")
        ordering = ("-end_date", "type", "-version")
        constraints = [
            models.UniqueConstraint(fields=["type", "first_date", "version"], name="evaluation_period_version"),
            models.CheckConstraint(name="evaluation_period_dates", condition=Q(end_date__gt=F("first_date"))),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.first_date} v{self.version}"


class EvalFact(models.Model):
    """One fact of a frozen period and the counts in which it stands: a number is the number of its rows."""

    class Kind(models.TextChoices):
        STINT = "stint", _("Handling stint")
        CASE = "case", _("Case")
        REPORT = "report", _("Report")
        TASK = "task", _("Task of a post")

    period = models.ForeignKey(EvalPeriod, models.PROTECT, related_name="facts")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="+")
    stint = models.ForeignKey("cases.HandlingStint", models.PROTECT, null=True, blank=True, related_name="+")
    department = models.ForeignKey("accounts.Department", models.PROTECT, null=True, blank=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    task = models.CharField(max_length=12, blank=True)
    at = models.DateTimeField()  # when the task began, the case was filed or reported: what the list shows
    area_code = models.CharField(max_length=12)
    unit_grid = models.ForeignKey("grid.UnitGrid", models.PROTECT, related_name="+")
    minor_class = models.ForeignKey("components.MinorClass", models.PROTECT, related_name="+")
    source = models.CharField(max_length=12)
    measures = ArrayField(models.CharField(max_length=32))

    objects = EvalFactQuerySet.as_manager()

    class Meta:
        verbose_name = _("Fact")
        verbose_name_plural = _("Facts")
        ordering = ("id",)
        indexes = [
            models.Index(fields=["period", "kind", "department"], name="evaluation_fact_department"),
            models.Index(fields=["period", "kind", "user"], name="evaluation_fact_user"),
            models.Index(fields=["period", "kind", "area_code"], name="evaluation_fact_area"),
            GinIndex(fields=["measures"], name="evaluation_fact_measures"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.case_id}"


class EvalSnapshot(models.Model):
    """The frozen result of one period under one version of a scheme 评价快照."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    period = models.ForeignKey(EvalPeriod, models.PROTECT, related_name="snapshots")
    scheme = models.ForeignKey(EvalScheme, models.PROTECT, related_name="snapshots")
    frozen_at = models.DateTimeField(_("Frozen"))

    class Meta:
        verbose_name = _("Snapshot")
        verbose_name_plural = _("Snapshots")
        ordering = ("-period__end_date", "id")
        constraints = [models.UniqueConstraint(fields=["period", "scheme"], name="evaluation_snapshot_once")]

    def __str__(self) -> str:
        return f"{self.period_id} · {self.scheme_id}"


class EvalResult(models.Model):
    """What one object reached in one snapshot; its name and group as they were then."""

    snapshot = models.ForeignKey(EvalSnapshot, models.PROTECT, related_name="results")
    object_key = models.CharField(max_length=60)  # "department:<public id>", "area:<code>", "collector:<public id>" …
    name_zh = models.CharField(max_length=100)
    name_en = models.CharField(max_length=150, blank=True)
    group_code = models.CharField(max_length=60, blank=True)
    counts = models.JSONField()
    score = models.DecimalField(max_digits=7, decimal_places=2, null=True, blank=True)
    grade = models.CharField(max_length=2, blank=True)
    colour = models.CharField(max_length=8)
    rank = models.PositiveIntegerField(null=True, blank=True)
    previous_rank = models.PositiveIntegerField(null=True, blank=True)

    objects = EvalResultQuerySet.as_manager()

    class Meta:
        verbose_name = _("Result")
        verbose_name_plural = _("Results")
        ordering = ("snapshot", "group_code", F("rank").asc(nulls_last=True), "id")
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "object_key"], name="evaluation_result_once"),
            models.CheckConstraint(
                name="evaluation_result_without_score_is_unranked",
                condition=Q(score__isnull=False) | Q(rank__isnull=True, grade=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name_zh} {self.score}"

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return in_this_language(self.name_zh, self.name_en)
