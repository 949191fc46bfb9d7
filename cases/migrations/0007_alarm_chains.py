import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# How far a clock was told: before, 1 was nearly due and 2 overdue; now a level of cases/escalation.py. Those that are
# running are looked at once more, for the steps that the chain has beyond.
LEVELS = """
UPDATE cases_stageclock
SET told_level = CASE told_level WHEN 1 THEN 81 ELSE 101 END,
    next_look_at = CASE WHEN state = 'running' THEN due_at ELSE next_look_at END
WHERE told_level IN (1, 2) AND state <> 'stopped'
"""
BACK = """
UPDATE cases_stageclock SET told_level = CASE WHEN told_level < 101 THEN 1 ELSE 2 END
WHERE told_level > 0 AND state <> 'stopped'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_rosters"),
        ("cases", "0006_retention"),
        ("components", "0004_limit_to_the_second"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AlarmChain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=60, verbose_name="Name of the chain")),
                (
                    "kind",
                    models.CharField(
                        blank=True,
                        choices=[("component", "component"), ("event", "event")],
                        max_length=9,
                        verbose_name="Kind",
                    ),
                ),
                ("major_code", models.CharField(blank=True, max_length=2, verbose_name="Major class")),
                ("clock", models.CharField(blank=True, max_length=12, verbose_name="Clock")),
                (
                    "urgency",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(0, "Normal"), (1, "Urgent"), (2, "Very urgent")],
                        null=True,
                        verbose_name="Urgency",
                    ),
                ),
                ("area_code", models.CharField(blank=True, max_length=12, verbose_name="Area code")),
                ("steps", models.JSONField(default=list)),
                ("valid_from", models.DateField(verbose_name="Valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="Valid until (that day no longer)")),
                ("changed_at", models.DateTimeField()),
                ("looked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "Escalation chain",
                "verbose_name_plural": "Escalation chains",
                "ordering": ("name", "valid_from", "id"),
            },
        ),
        migrations.AddField(
            model_name="alarmchain",
            name="changed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="alarmchain",
            name="minor_class",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="components.minorclass",
                verbose_name="Minor class",
            ),
        ),
        migrations.AddConstraint(
            model_name="alarmchain",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                ),
                name="alarm_chain_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="alarmchain",
            constraint=models.CheckConstraint(
                condition=models.Q(("major_code", ""), models.Q(("kind", ""), _negated=True), _connector="OR"),
                name="alarm_chain_major_class_of_a_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="alarmchain",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("minor_class__isnull", True), models.Q(("kind", ""), ("major_code", "")), _connector="OR"
                ),
                name="alarm_chain_one_way_to_name_the_class",
            ),
        ),
        migrations.RunSQL(LEVELS, BACK),
    ]
