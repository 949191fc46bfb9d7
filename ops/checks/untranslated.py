"""Gather every text of the code and find those that have no Chinese yet, leaving locale/ as it was."""

import os
import subprocess
import sys
from pathlib import Path

LANGUAGE = "zh_Hans"
IGNORED = [".local", "node_modules", "static/vendor", "tests", "bench"]
CATALOGUE = Path("locale") / LANGUAGE / "LC_MESSAGES" / "django.po"


def gather() -> None:
    """Write the texts of the code into the catalogue, as makemessages does: it knows no other place than locale/."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("makemessages", locale=[LANGUAGE], ignore_patterns=IGNORED, no_obsolete=True, verbosity=0)


def entries(catalogue: Path, *filters: str) -> str:
    out = subprocess.run(
        ["msgattrib", *filters, "--no-obsolete", catalogue], check=True, capture_output=True, text=True
    )
    return out.stdout.partition("\n\n")[2]  # without the catalogue's own head


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citymgmt.settings")
sys.path.insert(0, os.getcwd())
before = CATALOGUE.read_bytes()
try:
    gather()
    found = entries(CATALOGUE, "--untranslated") + entries(CATALOGUE, "--only-fuzzy")
finally:
    CATALOGUE.write_bytes(before)
if found:
    sys.stdout.write(found)
    sys.exit(1)
