"""The invented names, words and numbers of the demonstration, read from fixtures/demo."""

import csv
from collections.abc import Mapping
from functools import cache

from django.conf import settings

FOLDER = "fixtures/demo"


@cache
def rows(name: str) -> tuple[Mapping[str, str], ...]:
    """Return the rows of one table, each by the names of its columns."""
    with open(settings.BASE_DIR / FOLDER / f"{name}.tsv", encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file, delimiter="\t"))


@cache
def texts(kind: str) -> tuple[str, ...]:
    """Return what people write on such an occasion."""
    return tuple(row["text"] or "" for row in rows("words") if row["kind"] == kind)
