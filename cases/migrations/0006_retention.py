"""What was erased of a case leaves its mark; a legal hold stops it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_vault_kept"),
        ("cases", "0005_checkpoints"),
        ("components", "0004_limit_to_the_second"),
        ("grid", "0002_who_changed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("why", models.CharField(max_length=200, verbose_name="Why")),
                ("at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "Legal hold",
                "verbose_name_plural": "Legal holds",
                "ordering": ("-at", "-id"),
            },
        ),
        migrations.AddField(
            model_name="case",
            name="words_erased_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(
                    (
                        "stage__in",
                        [
                            "answered_at_once",
                            "closed",
                            "merged",
                            "not_accepted",
                            "not_filed",
                            "self_handled_closed",
                            "voided",
                        ],
                    ),
                    ("words_erased_at__isnull", True),
                ),
                fields=["moved_at"],
                name="case_words_kept",
            ),
        ),
        migrations.AddConstraint(
            model_name="eventtext",
            constraint=models.CheckConstraint(
                condition=models.Q(("erased_at__isnull", True), models.Q(("salt", b""), ("text", "")), _connector="OR"),
                name="event_text_erased_is_empty",
            ),
        ),
        migrations.AddField(
            model_name="legalhold",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="legalhold",
            name="case",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="holds", to="cases.case"),
        ),
        migrations.AddField(
            model_name="legalhold",
            name="ended_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="legalhold",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("case",), name="hold_one_at_a_time"
            ),
        ),
    ]
