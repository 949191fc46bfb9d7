#!/usr/bin/env python
"""Django's commands. `./run manage …` calls this with everything set up."""

import os
import sys

# These change tables, so they connect as the tables' owner; all others as the application (see settings.DATABASES).
OWNER_COMMANDS = {"migrate", "grant_app_role", "flush", "sqlflush", "makemigrations", "optimizemigration"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citymgmt.settings")
    if len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS:
        os.environ.setdefault("CITY_DB_ROLE", "owner")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
