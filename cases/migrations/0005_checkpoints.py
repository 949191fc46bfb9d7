"""The daily checkpoint over all cases, append-only like what it covers; and the results of proving the history."""

from django.db import migrations, models

GUARD = """
CREATE TRIGGER cases_checkpoint_append_only BEFORE UPDATE OR DELETE ON cases_checkpoint
    FOR EACH ROW EXECUTE FUNCTION cases_refuse_change();
CREATE TRIGGER cases_checkpoint_no_truncate BEFORE TRUNCATE ON cases_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION cases_refuse_truncate();
"""
UNGUARD = """
DROP TRIGGER cases_checkpoint_append_only ON cases_checkpoint;
DROP TRIGGER cases_checkpoint_no_truncate ON cases_checkpoint;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0004_straight_through"),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoryCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "scope",
                    models.CharField(
                        choices=[("recent", "Cases of the last days"), ("all", "All cases")],
                        max_length=8,
                        verbose_name="Looked at",
                    ),
                ),
                ("started_at", models.DateTimeField(verbose_name="Begun")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="Ended")),
                ("cases_upto", models.BigIntegerField(default=0)),
                ("event_count", models.PositiveBigIntegerField(default=0)),
                ("case_count", models.PositiveBigIntegerField(default=0)),
                ("checkpoint_count", models.PositiveIntegerField(default=0)),
                ("finding_count", models.PositiveIntegerField(default=0)),
                ("findings", models.JSONField(default=list)),
            ],
            options={
                "verbose_name": "Proof of the history",
                "verbose_name_plural": "Proofs of the history",
                "ordering": ("-started_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(unique=True)),
                ("day", models.DateField()),
                ("made_at", models.DateTimeField()),
                ("events_after", models.BigIntegerField()),
                ("events_upto", models.BigIntegerField()),
                ("entries_after", models.BigIntegerField()),
                ("entries_upto", models.BigIntegerField()),
                ("event_count", models.PositiveIntegerField()),
                ("entry_count", models.PositiveIntegerField()),
                ("case_count", models.PositiveIntegerField()),
                ("total_events", models.PositiveBigIntegerField()),
                ("leaves", models.BinaryField()),
                ("payload", models.BinaryField()),
                ("hash", models.BinaryField(max_length=32)),
            ],
            options={
                "verbose_name": "Checkpoint of the history",
                "verbose_name_plural": "Checkpoints of the history",
                "ordering": ("number",),
                "indexes": [models.Index(fields=["-day"], name="checkpoint_day")],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
