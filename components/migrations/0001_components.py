import uuid

import django.contrib.gis.db.models.fields
import django.contrib.postgres.constraints
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import grid.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_accounts"),
        ("grid", "0001_grid"),
    ]

    operations = [
        migrations.CreateModel(
            name="MinorClass",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name_zh", models.CharField(max_length=100, verbose_name="Chinese name")),
                ("name_en", models.CharField(blank=True, max_length=100, verbose_name="English name")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid until (that day no longer)")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "scheme",
                    models.CharField(
                        choices=[
                            ("GBT47678", "GB/T 47678.5-2026"),
                            ("GBT30428", "GB/T 30428.2-2013"),
                            ("LOCAL", "local extension"),
                        ],
                        max_length=8,
                        verbose_name="code scheme",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("component", "component"), ("event", "event")], max_length=9, verbose_name="kind"
                    ),
                ),
                ("major_code", models.CharField(max_length=2, verbose_name="major class")),
                ("major_name_zh", models.CharField(max_length=50, verbose_name="Chinese name of the major class")),
                (
                    "major_name_en",
                    models.CharField(blank=True, max_length=80, verbose_name="English name of the major class"),
                ),
                ("minor_code", models.CharField(max_length=3, verbose_name="minor class")),
                ("department_type", models.CharField(blank=True, max_length=100, verbose_name="kind of department")),
                ("pinyin_initials", models.CharField(blank=True, max_length=50, verbose_name="pinyin initials")),
                ("aliases", models.TextField(blank=True, verbose_name="other names, one a line")),
                (
                    "accuracy_class",
                    models.CharField(
                        blank=True,
                        choices=[("A", "A ±0.5 m"), ("B", "B ±1.0 m"), ("C", "C ±10.0 m")],
                        max_length=1,
                        verbose_name="accuracy of position",
                    ),
                ),
                ("is_extension", models.BooleanField(default=False, verbose_name="local extension")),
            ],
            options={
                "verbose_name": "minor class",
                "verbose_name_plural": "minor classes",
                "ordering": ["scheme", "kind", "major_code", "minor_code", "valid_from"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("major_code__regex", "^[0-9]{2}$"),
                            models.Q(
                                models.Q(("minor_code__regex", "^[0-9]{3}$"), ("scheme", "GBT47678")),
                                models.Q(("minor_code__regex", "^[0-9]{2}$"), ("scheme", "GBT30428")),
                                models.Q(
                                    ("minor_code__regex", "^([0-9]{2}|0[89][0-9]|[1-9][0-9]{2})$"), ("scheme", "LOCAL")
                                ),
                                _connector="OR",
                            ),
                        ),
                        name="components_class_code_fits_scheme",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                        ),
                        name="components_class_period",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("scheme", "="),
                            ("kind", "="),
                            ("major_code", "="),
                            ("minor_code", "="),
                            (grid.models.Period("valid_from", "valid_to"), "&&"),
                        ],
                        name="components_class_one_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FilingCondition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid until (that day no longer)")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("number", models.PositiveSmallIntegerField(verbose_name="number")),
                ("condition_zh", models.TextField(verbose_name="filing condition")),
                ("condition_en", models.TextField(blank=True, verbose_name="filing condition in English")),
                ("close_condition_zh", models.TextField(verbose_name="close condition")),
                ("close_condition_en", models.TextField(blank=True, verbose_name="close condition in English")),
                (
                    "limit_value",
                    models.DecimalField(blank=True, decimal_places=2, max_digits=6, null=True, verbose_name="limit"),
                ),
                (
                    "limit_unit",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("continuous_hour", "continuous hours"),
                            ("working_hour", "working hours"),
                            ("working_day", "working days"),
                            ("calendar_day", "calendar days"),
                            ("continuous_day", "continuous days"),
                        ],
                        max_length=15,
                        verbose_name="unit of the limit",
                    ),
                ),
                (
                    "season",
                    models.CharField(
                        blank=True,
                        choices=[("planting", "planting season only")],
                        max_length=8,
                        verbose_name="season in which the limit runs",
                    ),
                ),
                ("legal_basis", models.TextField(blank=True, verbose_name="legal basis")),
                ("source", models.CharField(blank=True, max_length=100, verbose_name="source of the data")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                (
                    "minor_class",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conditions",
                        to="components.minorclass",
                    ),
                ),
            ],
            options={
                "verbose_name": "filing condition",
                "verbose_name_plural": "filing conditions",
                "ordering": ["minor_class_id", "number", "valid_from"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                        ),
                        name="components_condition_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("limit_unit", ""), ("limit_value__isnull", True)),
                            models.Q(("limit_value__gt", 0), models.Q(("limit_unit", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="components_condition_limit_complete",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("minor_class", "="),
                            ("number", "="),
                            (grid.models.Period("valid_from", "valid_to"), "&&"),
                        ],
                        name="components_condition_one_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Component",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("identifier", models.CharField(max_length=17, unique=True, verbose_name="identifier")),
                ("name_zh", models.CharField(max_length=30, verbose_name="name")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("intact", "intact"),
                            ("damaged", "damaged"),
                            ("lost", "lost"),
                            ("abandoned", "abandoned"),
                            ("removed", "removed"),
                        ],
                        default="intact",
                        max_length=9,
                        verbose_name="state",
                    ),
                ),
                (
                    "supervising_authority_code",
                    models.CharField(blank=True, max_length=18, verbose_name="code of the authority in charge"),
                ),
                ("supervising_authority_name", models.CharField(max_length=100, verbose_name="authority in charge")),
                ("owner_code", models.CharField(blank=True, max_length=18, verbose_name="code of the owner")),
                ("owner_name", models.CharField(blank=True, max_length=100, verbose_name="owner")),
                ("maintainer_code", models.CharField(blank=True, max_length=18, verbose_name="code of the maintainer")),
                ("maintainer_name", models.CharField(blank=True, max_length=100, verbose_name="maintainer")),
                (
                    "geometry",
                    django.contrib.gis.db.models.fields.GeometryField(
                        spatial_index=False, srid=4490, verbose_name="position"
                    ),
                ),
                (
                    "accuracy_class",
                    models.CharField(
                        blank=True,
                        choices=[("A", "A ±0.5 m"), ("B", "B ±1.0 m"), ("C", "C ±10.0 m")],
                        max_length=1,
                        verbose_name="accuracy of position",
                    ),
                ),
                ("initial_date", models.DateField(verbose_name="initial date")),
                ("change_date", models.DateField(blank=True, null=True, verbose_name="date of change")),
                ("data_source", models.CharField(blank=True, max_length=30, verbose_name="source of the data")),
                ("note", models.CharField(blank=True, max_length=1000, verbose_name="note")),
                ("extended", models.JSONField(blank=True, default=dict, verbose_name="further attributes")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid until (that day no longer)")),
                (
                    "maintainer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.department",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.department",
                    ),
                ),
                (
                    "unit_grid",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="components", to="grid.unitgrid"
                    ),
                ),
                (
                    "minor_class",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="components",
                        to="components.minorclass",
                    ),
                ),
            ],
            options={
                "verbose_name": "component",
                "verbose_name_plural": "components",
                "ordering": ["identifier"],
                "indexes": [
                    django.contrib.postgres.indexes.GistIndex(
                        fields=["geometry"], name="components_component_geometry"
                    ),
                    django.contrib.postgres.indexes.GistIndex(
                        grid.models.Geography("geometry"),
                        condition=models.Q(("valid_to__isnull", True)),
                        name="components_component_metres",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("identifier__regex", "^[0-9]{16,17}$")),
                        name="components_component_identifier_format",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("change_date__isnull", True),
                            ("change_date__gte", models.F("initial_date")),
                            _connector="OR",
                        ),
                        name="components_component_changed_after_it_began",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True), ("valid_to__gte", models.F("initial_date")), _connector="OR"
                        ),
                        name="components_component_period",
                    ),
                ],
            },
        ),
    ]
