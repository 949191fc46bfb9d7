"""Rows that belong together, written by one statement: each insert or update is one part of a single WITH query.

All parts see the database as it was before and take effect together; constraints are checked at the end of the
statement, so the order of the parts does not matter. No row may be written by two parts: the database would keep one of
them and say nothing of the other, so a batch refuses, and leaves a row with an update of its own out of `update_all`.
"""

from collections.abc import Sequence

from django.db import connection, models
from django.db.models.sql import InsertQuery, UpdateQuery


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
        fields = [field for field in rows[0]._meta.concrete_fields if not field.primary_key or rows[0].pk]
        for row in rows:
            if row.pk:
                self._once(row)
        query = InsertQuery(type(rows[0]))
        query.insert_values(fields, list(rows))
        [(sql, params)] = query.get_compiler(connection=connection).as_sql()
        if returning:
            sql += f" RETURNING {', '.join(returning)}"
        return self.add(sql, params)

    def update(self, row: models.Model, names: Sequence[str]) -> None:
        """Write these fields of a row that stands in the database."""
        if names:
            self._once(row)
            fields = [row._meta.get_field(name) for name in names]
            values = [(field, None, field.pre_save(row, add=False)) for field in fields]
            self._update(type(row)._base_manager.filter(pk=row.pk), values)

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

    def _update(self, rows: models.QuerySet, values: list) -> None:
        query = rows.order_by().query.chain(UpdateQuery)
        query.add_update_fields(values)
        self.add(*query.get_compiler(connection=connection).as_sql())

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
            self._update(rows.exclude(pk__in=own) if own else rows, values)
        self._parts, self._rows, self._all = self._parts + added, set(), {}
        *before, last = self._parts
        named = ", ".join(f"part_{number} AS ({sql})" for number, (sql, _params) in enumerate(before, 1))
        sql = f"WITH {named} {last[0]}" if named else last[0]
        params = [param for _sql, given in self._parts for param in given]
        self._parts = []
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.rowcount
