"""Let the application's role use the tables, and never rewrite history."""

from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

# Rows of these are only ever added: the application's role may read and insert, nothing else.
APPEND_ONLY = (
    "cases_caseevent", "cases_clockentry", "cases_checkpoint", "dispatch_linkstep", "office_erasure", "office_readlog",
)  # fmt: skip

OWN_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user ORDER BY 1"
OWN_SEQUENCES = (
    "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND sequenceowner = current_user ORDER BY 1"
)


def role_of(url: str) -> str:
    return unquote(urlsplit(url).username or "")


class Command(BaseCommand):
    help = "Grants the application's database role its rights, after every migrate. Run as the owner of the tables."

    def handle(self, *args, **options):
        owner, app = role_of(settings.DATABASE_OWNER_URL), role_of(settings.DATABASE_URL)
        if owner == app:
            self.stdout.write("The application connects as the owner of the tables: there is no role to grant to.")
            return
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [app])
            if cursor.fetchone() is None:
                raise CommandError(f"the database has no role {app!r} (the user of DATABASE_URL)")
            self._grant(cursor, connection.ops.quote_name(app))
        self.stdout.write(f"{app} may use the tables; history stays as it is written.")

    def _grant(self, cursor, role: str) -> None:
        quote = connection.ops.quote_name
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        cursor.execute(OWN_TABLES)
        for (table,) in cursor.fetchall():
            rights = "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
            cursor.execute(f"REVOKE ALL ON {quote(table)} FROM {role}")
            cursor.execute(f"GRANT {rights} ON {quote(table)} TO {role}")
        cursor.execute(OWN_SEQUENCES)
        for (sequence,) in cursor.fetchall():
            cursor.execute(f"GRANT USAGE, SELECT ON SEQUENCE {quote(sequence)} TO {role}")
