import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_apitoken"),
        ("cases", "0015_near_by_class"),
        ("dispatch", "0003_approval_chains"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Crew",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=80, verbose_name="Crew or contractor")),
                ("contact", models.CharField(max_length=50, verbose_name="Contact person")),
                ("phone", models.CharField(blank=True, max_length=30, verbose_name="Mobile phone")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="Note")),
                ("valid_from", models.DateField(verbose_name="Valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="Valid until (that day no longer)")),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.department",
                        verbose_name="Department",
                    ),
                ),
            ],
            options={
                "verbose_name": "Crew",
                "verbose_name_plural": "Crews",
                "ordering": ("department_id", "name", "id"),
            },
        ),
        migrations.CreateModel(
            name="CaseLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("rework_count", models.PositiveSmallIntegerField(default=0)),
                ("name", models.CharField(blank=True, max_length=50, verbose_name="For whom")),
                ("phone", models.CharField(blank=True, max_length=30, verbose_name="Mobile phone")),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="Note for the crew")),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("confirms", models.BooleanField(default=False)),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("erased_at", models.DateTimeField(null=True)),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.department"
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "stint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cases.handlingstint"
                    ),
                ),
                (
                    "crew",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="links",
                        to="dispatch.crew",
                    ),
                ),
            ],
            options={
                "verbose_name": "One-case link",
                "verbose_name_plural": "One-case links",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="LinkPractice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "confirms",
                    models.BooleanField(
                        verbose_name="The department confirms a crew's result before it goes to the centre"
                    ),
                ),
                ("changed_at", models.DateTimeField()),
                (
                    "changed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "department",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.department"
                    ),
                ),
            ],
            options={
                "verbose_name": "Practice with links",
                "verbose_name_plural": "Practices with links",
            },
        ),
        migrations.CreateModel(
            name="LinkStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("made", "made"),
                            ("shown", "address shown"),
                            ("sent", "sent"),
                            ("opened", "opened"),
                            ("turned_away", "opened in vain"),
                            ("picture", "picture sent"),
                            ("refused", "sending refused"),
                            ("done", "result sent"),
                            ("revoked", "taken back"),
                        ],
                        max_length=12,
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=80)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="dispatch.caselink"
                    ),
                ),
            ],
            options={
                "verbose_name": "Step of a link",
                "verbose_name_plural": "Steps of links",
                "ordering": ("id",),
            },
        ),
        migrations.AddConstraint(
            model_name="crew",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_to__isnull", True), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                ),
                name="crew_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="crew",
            constraint=models.UniqueConstraint(
                condition=models.Q(("valid_to__isnull", True)), fields=("department", "name"), name="crew_named_once"
            ),
        ),
        migrations.AddIndex(
            model_name="caselink",
            index=models.Index(
                condition=models.Q(("erased_at__isnull", True)), fields=["made_at"], name="caselink_named"
            ),
        ),
        migrations.AddConstraint(
            model_name="caselink",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__gt", models.F("made_at"))), name="caselink_ends_after_it_begins"
            ),
        ),
        migrations.AddConstraint(
            model_name="caselink",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("revoked_at__isnull", True), ("revoked_by__isnull", True)),
                    models.Q(("revoked_at__isnull", False), ("revoked_by__isnull", False)),
                    _connector="OR",
                ),
                name="caselink_revoked_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="caselink",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("erased_at__isnull", False), models.Q(("name", ""), _negated=True), _connector="OR"
                ),
                name="caselink_for_somebody",
            ),
        ),
    ]
