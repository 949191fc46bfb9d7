import uuid

import django.contrib.gis.db.models.fields
import django.contrib.postgres.constraints
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import grid.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        # For the periods that may not overlap. Left in place on the way back: others may stand on it.
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS btree_gist", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="DutyGrid",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name_zh", models.CharField(max_length=100, verbose_name="Chinese name")),
                ("name_en", models.CharField(blank=True, max_length=100, verbose_name="English name")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid until (that day no longer)")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("code", models.CharField(max_length=20, verbose_name="code")),
                ("area_code", models.CharField(blank=True, max_length=12, verbose_name="code of the area")),
            ],
            options={
                "verbose_name": "duty grid",
                "verbose_name_plural": "duty grids",
                "ordering": ["code", "valid_from"],
            },
        ),
        migrations.CreateModel(
            name="Area",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name_zh", models.CharField(max_length=100, verbose_name="Chinese name")),
                ("name_en", models.CharField(blank=True, max_length=100, verbose_name="English name")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid until (that day no longer)")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("code", models.CharField(max_length=12, verbose_name="code")),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("division", "district or county"),
                            ("street", "street or town"),
                            ("community", "community or village"),
                        ],
                        max_length=9,
                        verbose_name="level",
                    ),
                ),
                (
                    "boundary",
                    django.contrib.gis.db.models.fields.MultiPolygonField(
                        blank=True, null=True, spatial_index=False, srid=4490, verbose_name="boundary"
                    ),
                ),
                ("is_made_up", models.BooleanField(default=False, verbose_name="boundary made up")),
                ("source", models.CharField(blank=True, max_length=200, verbose_name="source of the data")),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="grid.area",
                    ),
                ),
            ],
            options={
                "verbose_name": "area",
                "verbose_name_plural": "areas",
                "ordering": ["code", "valid_from"],
            },
        ),
        migrations.CreateModel(
            name="Place",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name_zh", models.CharField(max_length=100, verbose_name="Chinese name")),
                ("name_en", models.CharField(blank=True, max_length=100, verbose_name="English name")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid until (that day no longer)")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("area", "administrative area"),
                            ("tract", "named tract"),
                            ("quarter", "quarter"),
                            ("lane", "street or lane"),
                            ("door_plate", "door or building plate"),
                            ("poi", "point of interest"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "geometry",
                    django.contrib.gis.db.models.fields.GeometryField(
                        spatial_index=False, srid=4490, verbose_name="position"
                    ),
                ),
                ("address", models.CharField(blank=True, max_length=256, verbose_name="address")),
                ("area_code", models.CharField(blank=True, max_length=15, verbose_name="code of the area")),
                ("source", models.CharField(blank=True, max_length=200, verbose_name="source of the data")),
            ],
            options={
                "verbose_name": "named place",
                "verbose_name_plural": "named places",
                "ordering": ["name_zh", "id"],
                "indexes": [
                    django.contrib.postgres.indexes.GistIndex(
                        grid.models.Geography("geometry"),
                        condition=models.Q(("valid_to__isnull", True)),
                        name="grid_place_metres",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                        ),
                        name="grid_place_period",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Road",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name_zh", models.CharField(max_length=100, verbose_name="Chinese name")),
                ("name_en", models.CharField(blank=True, max_length=100, verbose_name="English name")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid until (that day no longer)")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "road_class",
                    models.CharField(
                        choices=[
                            ("main", "main road"),
                            ("secondary", "secondary road"),
                            ("branch", "branch road"),
                            ("lane", "lane"),
                        ],
                        max_length=9,
                        verbose_name="road class",
                    ),
                ),
                (
                    "line",
                    django.contrib.gis.db.models.fields.MultiLineStringField(
                        spatial_index=False, srid=4490, verbose_name="line"
                    ),
                ),
                ("area_code", models.CharField(blank=True, max_length=12, verbose_name="code of the area")),
                ("source", models.CharField(blank=True, max_length=200, verbose_name="source of the data")),
            ],
            options={
                "verbose_name": "road",
                "verbose_name_plural": "roads",
                "ordering": ["name_zh", "id"],
                "indexes": [
                    django.contrib.postgres.indexes.GistIndex(fields=["line"], name="grid_road_line"),
                    django.contrib.postgres.indexes.GistIndex(
                        grid.models.Geography("line"),
                        condition=models.Q(("valid_to__isnull", True)),
                        name="grid_road_line_metres",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                        ),
                        name="grid_road_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name_zh", ""), _negated=True), name="grid_road_has_a_name"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UnitGrid",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid until (that day no longer)")),
                ("code", models.CharField(max_length=15, unique=True, verbose_name="code")),
                (
                    "boundary",
                    django.contrib.gis.db.models.fields.PolygonField(
                        spatial_index=False, srid=4490, verbose_name="boundary"
                    ),
                ),
                (
                    "centre",
                    django.contrib.gis.db.models.fields.PointField(
                        spatial_index=False, srid=4490, verbose_name="centre"
                    ),
                ),
                ("area_m2", models.DecimalField(decimal_places=2, max_digits=12, verbose_name="area in m²")),
                (
                    "area_class",
                    models.CharField(
                        choices=[("1", "class 1"), ("2", "class 2"), ("3", "class 3")],
                        default="1",
                        max_length=1,
                        verbose_name="class of area",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                (
                    "community",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="unit_grids", to="grid.area"
                    ),
                ),
            ],
            options={
                "verbose_name": "unit grid",
                "verbose_name_plural": "unit grids",
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="DutyGridCell",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid until (that day no longer)")),
                (
                    "duty_grid",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="memberships", to="grid.dutygrid"
                    ),
                ),
                (
                    "unit_grid",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="memberships", to="grid.unitgrid"
                    ),
                ),
            ],
            options={
                "verbose_name": "unit grid of a duty grid",
                "verbose_name_plural": "unit grids of duty grids",
                "ordering": ["duty_grid_id", "unit_grid_id"],
            },
        ),
        migrations.AddField(
            model_name="dutygrid",
            name="cells",
            field=models.ManyToManyField(related_name="duty_grids", through="grid.DutyGridCell", to="grid.unitgrid"),
        ),
        migrations.AddIndex(
            model_name="area",
            index=django.contrib.postgres.indexes.GistIndex(fields=["boundary"], name="grid_area_boundary"),
        ),
        migrations.AddIndex(
            model_name="area",
            index=models.Index(
                condition=models.Q(("valid_to__isnull", True)),
                fields=["code"],
                name="grid_area_code_prefix",
                opclasses=["varchar_pattern_ops"],
            ),
        ),
        migrations.AddConstraint(
            model_name="area",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("code__regex", "^[0-9]{6}$"), ("level", "division"), ("parent__isnull", True)),
                    models.Q(("code__regex", "^[0-9]{6}[0-9A-Z]{3}$"), ("level", "street"), ("parent__isnull", False)),
                    models.Q(
                        ("code__regex", "^[0-9]{6}[0-9A-Z]{6}$"), ("level", "community"), ("parent__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="grid_area_code_fits_level",
            ),
        ),
        migrations.AddConstraint(
            model_name="area",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_to__isnull", True), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                ),
                name="grid_area_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="area",
            constraint=models.CheckConstraint(
                condition=models.Q(("boundary__isnull", True), ("boundary__isvalid", True), _connector="OR"),
                name="grid_area_boundary_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="area",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("code", "="), (grid.models.Period("valid_from", "valid_to"), "&&")],
                name="grid_area_one_at_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="unitgrid",
            index=django.contrib.postgres.indexes.GistIndex(fields=["boundary"], name="grid_unitgrid_boundary"),
        ),
        migrations.AddConstraint(
            model_name="unitgrid",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("code__regex", "^[0-9]{6}[0-9A-Z]{6}[0-9]{3}$"), models.Q(("code__endswith", "000"), _negated=True)
                ),
                name="grid_unitgrid_code_format",
            ),
        ),
        migrations.AddConstraint(
            model_name="unitgrid",
            constraint=models.CheckConstraint(
                condition=models.Q(("area_m2__gt", 0)), name="grid_unitgrid_area_above_zero"
            ),
        ),
        migrations.AddConstraint(
            model_name="unitgrid",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_to__isnull", True), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                ),
                name="grid_unitgrid_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="unitgrid",
            constraint=models.CheckConstraint(
                condition=models.Q(("boundary__isvalid", True)), name="grid_unitgrid_boundary_valid"
            ),
        ),
        migrations.AddConstraint(
            model_name="dutygridcell",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_to__isnull", True), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                ),
                name="grid_dutygridcell_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="dutygridcell",
            constraint=models.UniqueConstraint(
                condition=models.Q(("valid_to__isnull", True)),
                fields=("unit_grid",),
                name="grid_dutygridcell_one_duty_grid",
            ),
        ),
        migrations.AddConstraint(
            model_name="dutygrid",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_to__isnull", True), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                ),
                name="grid_dutygrid_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="dutygrid",
            constraint=models.UniqueConstraint(
                condition=models.Q(("valid_to__isnull", True)), fields=("code",), name="grid_dutygrid_code_current"
            ),
        ),
    ]
