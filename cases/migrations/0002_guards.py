"""What the database itself holds: events and clock entries only grow; an event's side is its actor's in that case."""

from django.db import migrations

APPEND_ONLY = ("cases_caseevent", "cases_clockentry")

REFUSE = """
CREATE FUNCTION cases_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
-- Emptying whole tables belongs to tests alone.
CREATE FUNCTION cases_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_database() NOT LIKE 'test\\_%' THEN
        RAISE EXCEPTION '% is append-only: TRUNCATE refused', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
"""
GUARD = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION cases_refuse_change();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION cases_refuse_truncate();
"""
UNGUARD = """
DROP TRIGGER {table}_append_only ON {table};
DROP TRIGGER {table}_no_truncate ON {table};
"""
SIDES = """
ALTER TABLE cases_casepart ADD CONSTRAINT part_side_key UNIQUE (case_id, actor_id, side);
ALTER TABLE cases_caseevent ADD CONSTRAINT event_on_the_actors_side
    FOREIGN KEY (case_id, actor_id, side) REFERENCES cases_casepart (case_id, actor_id, side)
    DEFERRABLE INITIALLY DEFERRED;
"""
NO_SIDES = """
ALTER TABLE cases_caseevent DROP CONSTRAINT event_on_the_actors_side;
ALTER TABLE cases_casepart DROP CONSTRAINT part_side_key;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_cases")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE cases_number_seq", "DROP SEQUENCE cases_number_seq"),
        migrations.RunSQL(
            REFUSE + "".join(GUARD.format(table=table) for table in APPEND_ONLY),
            "".join(UNGUARD.format(table=table) for table in APPEND_ONLY)
            + "DROP FUNCTION cases_refuse_change(); DROP FUNCTION cases_refuse_truncate();",
        ),
        migrations.RunSQL(SIDES, NO_SIDES),
    ]
