"""Whole rows of one or several tables by a statement written by hand, for what every request asks.

The ORM puts a statement together anew each time, which for the questions of every single request costs more than the
database takes to answer. Here the columns are put together once; rows come back as ordinary objects of their models.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any

from django.db import connection, models
from django.db.models.expressions import Col

Reader = Callable[[tuple], models.Model | None]


class Rows:
    """Read rows: `Rows("FROM a JOIN b ON … WHERE a.id = %s", a=Model, b=(Other, "name"))(5)` is a list of pairs.

    The names are the aliases of the tables in the statement. A model with names of fields brings these only, with "-"
    before them all others, and its key in any case. A table joined from outside that has no row gives None; a row that
    is joined to many is one object for all of them. A text is an expression, read as it is. `within` takes the place of
    {within} in the statement. Parameters are given in order or by name.
    """

    def __init__(self, tail: str, **tables: type[models.Model] | tuple | str) -> None:
        self._tail = tail
        self._tables = {alias: (one,) if isinstance(one, type) else one for alias, one in tables.items()}

    def __call__(self, *params: Any, within: str = "", **named: Any) -> list[tuple[Any, ...]]:
        sql, readers = self._put_together
        with connection.cursor() as cursor:
            cursor.execute(sql.replace("{within}", within) if within else sql, named or params)
            found = cursor.fetchall()
        known: list[dict[Any, Any]] = [{} for _reader in readers]
        read_rows = []
        for row in found:
            parts: list[Any] = []
            for (first, last, key, read), seen in zip(readers, known, strict=True):
                if read is None:
                    parts.append(row[first])
                elif first == 0:
                    parts.append(read(row[:last]))
                else:
                    if (one := row[key]) not in seen:
                        seen[one] = read(row[first:last])
                    parts.append(seen[one])
            read_rows.append(tuple(parts))
        return read_rows

    def whole(self, params: Sequence[Any] = (), *, within: str = "") -> list[Any]:
        """Return the rows of the first table with all others as their attributes, under the names of the aliases.

        An alias of a relation is that relation; one with two underscores belongs to another: case__minor_class.
        """
        places = [self._place(alias) for alias in self._tables][1:]
        found = []
        for parts in self(*params, within=within):
            for one, (owner, name, is_relation) in zip(parts[1:], places, strict=True):
                if is_relation:
                    parts[owner]._state.fields_cache[name] = one
                else:
                    setattr(parts[owner], name, one)
            found.append(parts[0])
        return found

    def _place(self, alias: str) -> tuple[int, str, bool]:
        """Return whose attribute a table or an expression becomes (by its number), under which name, and how."""
        owner, _mark, name = alias.rpartition("__")
        number = list(self._tables).index(owner) if owner else 0
        model = list(self._tables.values())[number][0]
        relations = {field.name for field in model._meta.concrete_fields if field.is_relation}
        return number, name, name in relations

    @cached_property
    def _put_together(self) -> tuple[str, list[tuple[int, int, int, Reader | None]]]:
        columns: list[str] = []
        readers: list[tuple[int, int, int, Reader | None]] = []
        for alias, table in self._tables.items():
            first, quoted = len(columns), connection.ops.quote_name(alias)
            if isinstance(table, str):
                columns.append(f"{table} AS {quoted}")
                readers.append((first, first + 1, first, None))
                continue
            model, *names = table
            fields = _fields(model, names)
            columns += [f"{quoted}.{connection.ops.quote_name(field.column)}" for field in fields]
            key = first + [field.attname for field in fields].index(model._meta.pk.attname)
            readers.append((first, len(columns), key, _reader(model, fields)))
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
