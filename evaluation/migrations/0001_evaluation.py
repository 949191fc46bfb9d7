import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_accounts"),
        ("cases", "0002_guards"),
        ("components", "0004_limit_to_the_second"),
        ("grid", "0002_who_changed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EvalGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=50, unique=True, verbose_name="Group")),
                ("name_zh", models.CharField(max_length=60, verbose_name="Chinese name")),
                ("name_en", models.CharField(blank=True, max_length=60, verbose_name="English name")),
                ("sort", models.PositiveIntegerField(default=100, verbose_name="Order")),
            ],
            options={
                "verbose_name": "Comparable group",
                "verbose_name_plural": "Comparable groups",
                "ordering": ("sort", "code"),
            },
        ),
        migrations.CreateModel(
            name="EvalPeriod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("day", "Day"),
                            ("ten_day", "Ten days"),
                            ("week", "Week"),
                            ("month", "Month"),
                            ("quarter", "Quarter"),
                            ("half_year", "Half-year"),
                            ("year", "Year"),
                        ],
                        max_length=10,
                        verbose_name="Period",
                    ),
                ),
                ("first_date", models.DateField(verbose_name="First day")),
                ("end_date", models.DateField(verbose_name="Day after the last")),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("obligation", "by obligation: counted when finished, at the latest when due"),
                            ("created", "by the time of the report"),
                            ("filed", "by the time of filing"),
                            ("due", "by the deadline"),
                            ("completed", "by the time of completion"),
                        ],
                        max_length=12,
                        verbose_name="Counting basis",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="Version")),
                ("cutoff_at", models.DateTimeField(verbose_name="Cut-off")),
                ("counted_at", models.DateTimeField(verbose_name="Counted")),
                ("fact_count", models.PositiveIntegerField(verbose_name="Facts")),
                ("facts_hash", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name": "Evaluated period",
                "verbose_name_plural": "Evaluated periods",
                "ordering": ("-end_date", "type", "-version"),
                "constraints": [
                    models.UniqueConstraint(fields=("type", "first_date", "version"), name="evaluation_period_version"),
                    models.CheckConstraint(
                        condition=models.Q(("end_date__gt", models.F("first_date"))), name="evaluation_period_dates"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EvalScheme",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("code", models.CharField(max_length=40, verbose_name="Code")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="Version")),
                ("name_zh", models.CharField(max_length=60, verbose_name="Chinese name")),
                ("name_en", models.CharField(blank=True, max_length=60, verbose_name="English name")),
                (
                    "object_type",
                    models.CharField(
                        choices=[
                            ("department", "Departments"),
                            ("area", "Areas"),
                            ("collector", "Collectors"),
                            ("acceptance_operator", "Acceptance operators"),
                            ("duty_leader", "Duty leaders"),
                            ("dispatcher", "Dispatchers"),
                        ],
                        max_length=24,
                        verbose_name="Evaluates",
                    ),
                ),
                ("definition", models.JSONField(verbose_name="Items")),
                ("is_active", models.BooleanField(default=True, verbose_name="In use")),
                ("sort", models.PositiveIntegerField(default=100, verbose_name="Order")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid until (that day no longer)")),
                ("changed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "Evaluation scheme",
                "verbose_name_plural": "Evaluation schemes",
                "ordering": ("object_type", "sort", "code", "-version"),
            },
        ),
        migrations.CreateModel(
            name="EvalSnapshot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("frozen_at", models.DateTimeField(verbose_name="Frozen")),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="snapshots",
                        to="evaluation.evalperiod",
                    ),
                ),
                (
                    "scheme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="snapshots",
                        to="evaluation.evalscheme",
                    ),
                ),
            ],
            options={
                "verbose_name": "Snapshot",
                "verbose_name_plural": "Snapshots",
                "ordering": ("-period__end_date", "id"),
            },
        ),
        migrations.CreateModel(
            name="EvalResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_key", models.CharField(max_length=60)),
                ("name_zh", models.CharField(max_length=100)),
                ("name_en", models.CharField(blank=True, max_length=150)),
                ("group_code", models.CharField(blank=True, max_length=60)),
                ("counts", models.JSONField()),
                ("score", models.DecimalField(blank=True, decimal_places=2, max_digits=7, null=True)),
                ("grade", models.CharField(blank=True, max_length=2)),
                ("colour", models.CharField(max_length=8)),
                ("rank", models.PositiveIntegerField(blank=True, null=True)),
                ("previous_rank", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="results",
                        to="evaluation.evalsnapshot",
                    ),
                ),
            ],
            options={
                "verbose_name": "Result",
                "verbose_name_plural": "Results",
                "ordering": ("snapshot", "group_code", models.OrderBy(models.F("rank"), nulls_last=True), "id"),
            },
        ),
        migrations.CreateModel(
            name="EvalFact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("stint", "Handling stint"),
                            ("case", "Case"),
                            ("report", "Report"),
                            ("task", "Task of a post"),
                        ],
                        max_length=8,
                    ),
                ),
                ("task", models.CharField(blank=True, max_length=12)),
                ("at", models.DateTimeField()),
                ("area_code", models.CharField(max_length=12)),
                ("source", models.CharField(max_length=12)),
                (
                    "measures",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), size=None),
                ),
                (
                    "case",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cases.case"),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.department",
                    ),
                ),
                (
                    "minor_class",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="components.minorclass"
                    ),
                ),
                (
                    "stint",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cases.handlingstint",
                    ),
                ),
                (
                    "unit_grid",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="grid.unitgrid"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="facts", to="evaluation.evalperiod"
                    ),
                ),
            ],
            options={
                "verbose_name": "Fact",
                "verbose_name_plural": "Facts",
                "ordering": ("id",),
                "indexes": [
                    models.Index(fields=["period", "kind", "department"], name="evaluation_fact_department"),
                    models.Index(fields=["period", "kind", "user"], name="evaluation_fact_user"),
                    models.Index(fields=["period", "kind", "area_code"], name="evaluation_fact_area"),
                    django.contrib.postgres.indexes.GinIndex(fields=["measures"], name="evaluation_fact_measures"),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="evalscheme",
            constraint=models.UniqueConstraint(fields=("code", "version"), name="evaluation_scheme_version"),
        ),
        migrations.AddConstraint(
            model_name="evalscheme",
            constraint=models.UniqueConstraint(
                condition=models.Q(("valid_to__isnull", True)), fields=("code",), name="evaluation_scheme_one_current"
            ),
        ),
        migrations.AddConstraint(
            model_name="evalscheme",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                ),
                name="evaluation_scheme_dates",
            ),
        ),
        migrations.AddConstraint(
            model_name="evalsnapshot",
            constraint=models.UniqueConstraint(fields=("period", "scheme"), name="evaluation_snapshot_once"),
        ),
        migrations.AddConstraint(
            model_name="evalresult",
            constraint=models.UniqueConstraint(fields=("snapshot", "object_key"), name="evaluation_result_once"),
        ),
        migrations.AddConstraint(
            model_name="evalresult",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("score__isnull", False), models.Q(("grade", ""), ("rank__isnull", True)), _connector="OR"
                ),
                name="evaluation_result_without_score_is_unranked",
            ),
        ),
    ]
