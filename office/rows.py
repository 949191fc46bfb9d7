"""Whole rows of one or several tables by a statement written by hand, for what every request asks.

The ORM puts a statement together anew each time, which for the questions of every single request costs more than the
database takes to answer. Here the columns are put together once; rows come back as ordinary objects of their models.
"""

from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any

from django.db import connection, models
from django.db.models.expressions import Col

Reader = Callable[[tuple], models.Model | None]


class Rows:
    """Read rows: `Rows("FROM a JOIN b ON … WHERE a.id = %s", a=Model, b=(Other, "name"))(5)` is a list of pairs.

    The names are the aliases of the tables in the statement. A model with names of fields brings these only, with "-"
    before them all others, and its key in any case. A table joined from outside that has no row gives None. `within`
    takes the place of {within} in the statement. Parameters are given in order or by name.
    """

    def __init__(self, tail: str, **tables: type[models.Model] | tuple) -> None:
        self._tail = tail
        self._tables = {alias: one if isinstance(one, tuple) else (one,) for alias, one in tables.items()}

    def __call__(self, *params: Any, within: str = "", **named: Any) -> list[tuple[Any, ...]]:
        sql, readers = self._put_together
        with connection.cursor() as cursor:
            cursor.execute(sql.replace("{within}", within) if within else sql, named or params)
            found = cursor.fetchall()
        return [tuple(read(row[first:last]) for first, last, read in readers) for row in found]

    @cached_property
    def _put_together(self) -> tuple[str, list[tuple[int, int, Reader]]]:
        columns: list[str] = []
        readers = []
        for alias, (model, *names) in self._tables.items():
            fields, first = _fields(model, names), len(columns)
            columns += [f"{alias}.{connection.ops.quote_name(field.column)}" for field in fields]
            readers.append((first, len(columns), _reader(model, fields)))
        return f"SELECT {', '.join(columns)} {self._tail}", readers


def _fields(model: type[models.Model], names: Collection[str]) -> list[models.Field]:
    """Return the columns to read: all, or the key and those named; of "-name" all but those."""
    out = {name[1:] for name in names if name.startswith("-")}
    wanted = {name for name in names if not name.startswith("-")}
    return [
        field for field in model._meta.concrete_fields
        if field.primary_key or (field.name in wanted if wanted else field.name not in out)
    ]  # fmt: skip


def _reader(model: type[models.Model], fields: list[models.Field]) -> Reader:
    """Return what makes an object of a row's values, as the ORM would read them."""
    names = [field.attname for field in fields]
    key = names.index(model._meta.pk.attname)
    convert = []
    for place, field in enumerate(fields):
        column = Col(model._meta.db_table, field)
        for one in (*connection.ops.get_db_converters(column), *field.get_db_converters(connection)):
            convert.append((place, one, column))

    def read(values: tuple) -> models.Model | None:
        if values[key] is None:
            return None
        if convert:
            changed = list(values)
            for place, one, column in convert:
                changed[place] = one(changed[place], column, connection)
            values = tuple(changed)
        return model.from_db(connection.alias, names, values)

    return read
