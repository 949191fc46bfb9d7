"""The log of reading and the tombstones of what was erased only grow; a reading may go after half a year."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

REFUSE = """
CREATE FUNCTION office_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Retention alone takes away old readings, through the function below; nothing younger goes by any way.
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'office_readlog' AND OLD.at < now() - interval '183 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
-- Emptying whole tables belongs to tests alone.
CREATE FUNCTION office_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_database() NOT LIKE 'test\\_%' THEN
        RAISE EXCEPTION '% is append-only: TRUNCATE refused', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
-- The application's role may not delete; it may ask its owner to forget what the law no longer wants kept.
CREATE FUNCTION office_forget_readings(before timestamptz, at_most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    forgotten integer;
BEGIN
    DELETE FROM public.office_readlog WHERE id IN (
        SELECT id FROM public.office_readlog
         WHERE at < least(before, now() - interval '183 days') ORDER BY at, id LIMIT at_most
    );
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END $$;
"""
REFUSE_NO_MORE = """
DROP FUNCTION office_forget_readings(timestamptz, integer);
DROP FUNCTION office_refuse_change();
DROP FUNCTION office_refuse_truncate();
"""
TABLES = ("office_readlog", "office_erasure")
GUARD = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION office_refuse_change();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION office_refuse_truncate();
"""
UNGUARD = """
DROP TRIGGER {table}_append_only ON {table};
DROP TRIGGER {table}_no_truncate ON {table};
"""


class Migration(migrations.Migration):
    dependencies = [
        ("office", "0001_office"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("rule", models.CharField(max_length=40)),
                ("why", models.CharField(max_length=200)),
                ("about", models.CharField(max_length=60)),
                ("number", models.CharField(blank=True, max_length=32)),
                ("pieces", models.PositiveIntegerField(default=1)),
            ],
            options={
                "verbose_name": "erasure",
                "verbose_name_plural": "erasures",
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.AddField(
            model_name="readlog",
            name="number",
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name="storedfile",
            name="erased_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="readlog",
            index=models.Index(fields=["-at", "-id"], name="office_readlog_at"),
        ),
        migrations.AddIndex(
            model_name="readlog",
            index=models.Index(
                condition=models.Q(("number", ""), _negated=True),
                fields=["number", "-at"],
                name="office_readlog_number",
            ),
        ),
        migrations.AddIndex(
            model_name="storedfile",
            index=models.Index(
                condition=models.Q(("erased_at__isnull", True)),
                fields=["kind", "recorded_at"],
                name="office_storedfile_kept",
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="erasures",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="erasure",
            index=models.Index(fields=["-at", "-id"], name="office_erasure_at"),
        ),
        migrations.AddIndex(
            model_name="erasure",
            index=models.Index(fields=["number", "rule"], name="office_erasure_number"),
        ),
        migrations.RunSQL(
            REFUSE + "".join(GUARD.format(table=table) for table in TABLES),
            "".join(UNGUARD.format(table=table) for table in TABLES) + REFUSE_NO_MORE,
        ),
    ]
