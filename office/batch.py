"""Rows that belong together, written by one statement: each insert or update is one part of a single WITH query.

All parts see the database as it was before and take effect together; constraints are checked at the end of the
statement, so the order of the parts does not matter. No row may be written by two parts: the database would keep one of
them and say nothing of the other, so a batch refuses, and leaves a row with an update of its own out of `update_all`.

The words of a part depend only on the model and the columns, so they are put together once; each row then brings no
more than its values.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models.sql import InsertQuery, UpdateQuery

# Columns that take values of just this type as they are; all others are converted by their field, as the ORM does.
PLAIN: dict[type[models.Field], type] = {
    models.AutoField: int, models.BigAutoField: int, models.IntegerField: int, models.BigIntegerField: int,
    models.SmallIntegerField: int, models.PositiveSmallIntegerField: int, models.PositiveIntegerField: int,
    models.ForeignKey: int, models.OneToOneField: int, models.BooleanField: bool, models.CharField: str,
    models.TextField: str, models.UUIDField: UUID, models.DateTimeField: datetime, models.DateField: date,
    models.FloatField: float,
}  # fmt: skip


class Batch:
    """Gather inserts and updates, then `write()` them. Rows inserted here do not learn their keys."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, list]] = []
        self._rows: set[tuple[type[models.Model], int]] = set()
        self._all: dict[type[models.Model], tuple[models.QuerySet, list]] = {}

    def insert(self, rows: Sequence[models.Model], *, returning: Sequence[str] = ()) -> str:
        """Insert rows of one model; return the name under which other parts may read the columns of `returning`."""
        if not rows:
            return ""
        model = type(rows[0])
        head, columns = _insert(model, rows[0].pk is not None)
        tuples, params = [], []
        for row in rows:
            if row.pk is not None:
                self._once(row)
            marks = [_value(field, plain, field.pre_save(row, add=True), params) for field, plain in columns]
            tuples.append(f"({', '.join(marks)})")
        tail = f" RETURNING {', '.join(returning)}" if returning else ""
        return self.add(f"{head} VALUES {', '.join(tuples)}{tail}", params)

    def update(self, row: models.Model, names: Sequence[str]) -> None:
        """Write these fields of a row that stands in the database."""
        if not names:
            return
        self._once(row)
        head, columns, tail = _update(type(row), tuple(names))
        params: list = []
        marks = [
            f"{column} = {_value(field, plain, field.pre_save(row, add=False), params)}"
            for column, field, plain in columns
        ]
        self.add(f"{head} {', '.join(marks)} {tail}", [*params, row.pk])

    def update_all(self, rows: models.QuerySet, **values) -> None:
        """Write the same values into every row of a queryset but those that are written by themselves."""
        if rows.model in self._all:
            raise ValueError(f"{rows.model.__name__}: two updates of many rows in one batch may meet")
        fields = rows.model._meta
        self._all[rows.model] = rows, [(fields.get_field(name), None, value) for name, value in values.items()]

    def _once(self, row: models.Model) -> None:
        key = (type(row), row.pk)
        if row.pk is None or key in self._rows:
            raise ValueError(f"{type(row).__name__} {row.pk}: written twice in one batch, or not there to be updated")
        self._rows.add(key)

    def add(self, sql: str, params: Sequence = ()) -> str:
        """Add any other statement; return its name."""
        self._parts.append((sql, list(params)))
        return f"part_{len(self._parts)}"

    def write(self) -> int:
        """Write everything and return how many rows the part added last wrote."""
        added = self._parts[-1:]
        self._parts = self._parts[:-1]
        for model, (rows, values) in self._all.items():
            own = [pk for known, pk in self._rows if known is model]
            query = (rows.exclude(pk__in=own) if own else rows).order_by().query.chain(UpdateQuery)
            query.add_update_fields(values)
            self.add(*query.get_compiler(connection=connection).as_sql())
        self._parts, self._rows, self._all = self._parts + added, set(), {}
        *before, last = self._parts
        named = ", ".join(f"part_{number} AS ({sql})" for number, (sql, _params) in enumerate(before, 1))
        sql = f"WITH {named} {last[0]}" if named else last[0]
        params = [param for _sql, given in self._parts for param in given]
        self._parts = []
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.rowcount


# — the words of a part ———————————————————————————————————————————————————————————————————————————————


def _quote(name: str) -> str:
    return connection.ops.quote_name(name)


def _compiler(model: type[models.Model]):
    return InsertQuery(model).get_compiler(connection=connection)


@cache
def _insert(model: type[models.Model], has_key: bool) -> tuple[str, list[tuple[models.Field, type | None]]]:
    """Return the beginning of an insert, and its columns: each field with the type of its plain values."""
    fields = [
        field for field in model._meta.concrete_fields if not field.generated and (has_key or not field.primary_key)
    ]
    columns = ", ".join(_quote(field.column) for field in fields)
    return f"INSERT INTO {_quote(model._meta.db_table)} ({columns})", [
        (field, PLAIN.get(type(field))) for field in fields
    ]


@cache
def _update(
    model: type[models.Model], names: tuple[str, ...]
) -> tuple[str, list[tuple[str, models.Field, type | None]], str]:
    """Return the beginning of an update, its columns (as "name" with field and type of plain values), and its end."""
    fields = [model._meta.get_field(name) for name in names]
    columns = [(_quote(field.column), field, PLAIN.get(type(field))) for field in fields]
    return f"UPDATE {_quote(model._meta.db_table)} SET", columns, f"WHERE {_quote(model._meta.pk.column)} = %s"


def _value(field: models.Field, plain: type | None, value: Any, params: list) -> str:
    """Add what the database is told about this value to the parameters; return the words that stand for it."""
    if value is None or type(value) is plain:
        params.append(value)
        return "%s"
    if hasattr(value, "resolve_expression"):
        compiler = _compiler(field.model)
        expression = value.resolve_expression(compiler.query, allow_joins=False, for_save=True)
        sql, given = compiler.compile(expression)
        params.extend(given)
        return f"({sql})"
    prepared = field.get_db_prep_save(value, connection)
    params.append(prepared)
    if not hasattr(field, "get_placeholder"):
        return "%s"
    return field.get_placeholder(prepared, _compiler(field.model), connection)
