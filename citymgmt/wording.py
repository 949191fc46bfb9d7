"""A sentence with gaps and the facts that fill them, worded for the reader. Used for refusals and messages."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, gettext

_known: ContextVar[str | None] = ContextVar("the language of the list that is being written", default=None)


def language() -> str | None:
    """Return the reader's language, "zh-hans" or "en"; None where translation is off."""
    return _known.get() or get_language()


@contextmanager
def one_language() -> Iterator[None]:
    """Ask for the reader's language once: a list asks ten times a row, and each time costs as much as the cell."""
    before = _known.set(get_language())
    try:
        yield
    finally:
        _known.reset(before)


def label(text: str) -> str:
    """A label in the reader's language, for lists that ask for the same few labels in every row.

    Looked up once for each language: a hundred times cheaper than asking the catalogue again for every row.
    """
    return _label(language(), text)


@lru_cache(maxsize=4096)
def _label(_language: str | None, text: str) -> str:
    return gettext(text)


class _Facts(dict):
    def __missing__(self, name: str) -> str:
        # A sentence with a gap is better than no sentence.
        return "—"


def shown(value: Any) -> str:
    """One fact as a reader expects it. Labels are translated, names come back as they are."""
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "Y-m-d H:i")
    if isinstance(value, date):
        return date_format(value, "Y-m-d")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_format(value, use_l10n=True)
    if isinstance(value, list | tuple):
        return gettext(", ").join(shown(one) for one in value)
    return gettext(str(value)) if value else "—"


def from_json(name: str, value: Any) -> Any:
    """Facts that were kept as JSON: `…_at` is an instant in ISO form."""
    return datetime.fromisoformat(value) if name.endswith("_at") and isinstance(value, str) else value


def worded(sentence: str, facts: Mapping[str, Any]) -> str:
    """The (translated) sentence with its `%(name)s` filled in."""
    return str(sentence) % _Facts({name: shown(from_json(name, value)) for name, value in facts.items()})
