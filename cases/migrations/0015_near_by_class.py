"""The indexes over the place of open and of closed cases hold the class too, and the class no other one of its own.

Together with the class's own index the database read every case of a class to find those at one place.
"""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import grid.models

OPEN = [
    "reported", "accepted", "verifying", "pending_filing", "pending_dispatch", "disputed", "pending_handle", "handling",
    "suspended", "handed_over", "pending_check", "inspecting", "checking", "pending_close",
]  # fmt: skip


def near(name: str, condition: models.Q) -> migrations.AddIndex:
    place = grid.models.Geography(models.F("point"))
    index = django.contrib.postgres.indexes.GistIndex(place, models.F("minor_class"), condition=condition, name=name)
    return migrations.AddIndex(model_name="case", index=index)


class Migration(migrations.Migration):
    dependencies = [("cases", "0014_branches"), ("components", "0005_same_problem"), ("grid", "0002_who_changed")]

    operations = [
        migrations.RemoveIndex(model_name="case", name="case_closed_near"),
        migrations.RemoveIndex(model_name="case", name="case_open_near"),
        migrations.AlterField(
            model_name="case",
            name="minor_class",
            field=models.ForeignKey(
                "components.MinorClass", django.db.models.deletion.PROTECT, db_index=False, verbose_name="Class"
            ),
        ),
        near("case_open_near", models.Q(("stage__in", OPEN))),
        near("case_closed_near", models.Q(("closed_at__isnull", False))),
    ]
