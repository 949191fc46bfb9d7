"""Settings kept in the database: reading one costs no query.

Each process keeps all rows in memory and reads them anew when what it has is older than ten seconds, or after it wrote.
"""

import time
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import transaction

from citymgmt.errors import Refusal
from office.declared import SETTINGS
from office.models import Setting

FRESH_SECONDS = 10

Row = tuple[str, date, Any]


class SettingNotValid(Refusal):
    code = "setting_not_valid"


class _Snapshot:
    """All rows by key, the longest area first, within an area the latest day first."""

    rows: dict[str, list[Row]] = {}
    taken_at: float | None = None


def _arranged(rows: Iterable[tuple[str, str, date, Any]]) -> dict[str, list[Row]]:
    by_key: dict[str, list[Row]] = {}
    for key, area_code, valid_from, value in rows:
        by_key.setdefault(key, []).append((area_code, valid_from, value))
    for known in by_key.values():
        known.sort(key=lambda row: (len(row[0]), row[1]), reverse=True)
    return by_key


def _rows(key: str) -> list[Row]:
    now = time.monotonic()
    if _Snapshot.taken_at is None or now - _Snapshot.taken_at > FRESH_SECONDS:
        _Snapshot.rows = _arranged(Setting.objects.values_list("key", "area_code", "valid_from", "value"))
        _Snapshot.taken_at = now
    return _Snapshot.rows.get(key, [])


def forget() -> None:
    """The next reading looks into the database."""
    _Snapshot.taken_at = None


def begin_empty() -> None:
    """Begin as a database without rows would: for tests, which start with none."""
    _Snapshot.rows, _Snapshot.taken_at = {}, time.monotonic()


def get(key: str, *, on: date, area_code: str = "") -> Any:
    """The value that holds on this day in this area: of the smallest area that says something, else the default."""
    declared = SETTINGS[key]
    for known_area, valid_from, value in _rows(key):
        if valid_from <= on and area_code.startswith(known_area):
            return value
    return declared.default


def areas(key: str) -> list[str]:
    """The areas for which a row of this setting was ever kept, the smallest first, "" for the city at the end."""
    return sorted({"", *(area_code for area_code, _valid_from, _value in _rows(key))}, key=lambda one: (-len(one), one))


def set_value(key: str, value: Any, *, by, at: datetime, area_code: str = "", valid_from: date) -> Setting:
    """Keep a value from a day on. A row for the same day and area is replaced. Raises SettingNotValid."""
    declared = SETTINGS[key]
    if not declared.accepts(value):
        raise SettingNotValid(value=value, rule=declared.help)
    row, _created = Setting.objects.update_or_create(
        key=key,
        area_code=area_code,
        valid_from=valid_from,
        defaults={"value": value, "changed_by": by, "changed_at": at},
    )
    # Now for what follows in this transaction, and again when others can see it.
    forget()
    transaction.on_commit(forget)
    return row
