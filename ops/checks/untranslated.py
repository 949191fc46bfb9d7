"""Gather every text of the code and find those that have no Chinese yet, without touching locale/."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LANGUAGE = "zh_Hans"
IGNORED = ["locale", ".local", "node_modules", "static/vendor", "tests", "bench"]


def gather(into: Path) -> Path:
    """Return the catalogue of all texts with the translations that exist."""
    catalogue = into / LANGUAGE / "LC_MESSAGES" / "django.po"
    catalogue.parent.mkdir(parents=True)
    existing = Path("locale") / LANGUAGE / "LC_MESSAGES" / "django.po"
    if existing.exists():
        shutil.copy(existing, catalogue)
    import django
    from django.core.management import call_command
    from django.test.utils import override_settings

    django.setup()
    with override_settings(LOCALE_PATHS=[str(into)]):
        call_command("makemessages", locale=[LANGUAGE], ignore_patterns=IGNORED, no_obsolete=True, verbosity=0)
    return catalogue


def entries(catalogue: Path, *filters: str) -> str:
    out = subprocess.run(
        ["msgattrib", *filters, "--no-obsolete", catalogue], check=True, capture_output=True, text=True
    )
    return out.stdout.partition("\n\n")[2]  # without the catalogue's own head


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citymgmt.settings")
sys.path.insert(0, os.getcwd())
with tempfile.TemporaryDirectory() as folder:
    catalogue = gather(Path(folder))
    found = entries(catalogue, "--untranslated") + entries(catalogue, "--only-fuzzy")
if found:
    sys.stdout.write(found)
    sys.exit(1)
