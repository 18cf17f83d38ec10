"""Many rows written by one prepared statement, repeated for each of them.

Django's own ``bulk_update`` builds a statement with a branch for every row and field, which takes many times as long.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, models, transaction


def update(
    model: type[models.Model], using: str, rows: Sequence[Any], names: Sequence[str], only: Mapping[str, int]
) -> int | None:
    """Write these fields of the rows and return how many were; None, with nothing written, where Django has to do it.

    That is for expressions, for rows that were never saved and for fields without a column. ``only`` are fields and
    numbers that a row must have to be written.
    """
    meta: Any = model._meta
    columns: list[Any] = [meta.get_field(name) for name in names]
    if not rows or not columns or any(not column.concrete or column.primary_key for column in columns):
        return None
    values = [[getattr(row, column.attname) for column in columns] for row in rows]
    if any(row.pk is None for row in rows) or any(
        hasattr(value, "resolve_expression") for of in values for value in of
    ):
        return None
    connection = connections[using]
    name = connection.ops.quote_name
    written = ", ".join(f"{name(column.column)} = %s" for column in columns)
    where = "".join(f" AND {name(meta.get_field(field).column)} = {int(number)}" for field, number in only.items())
    # Nothing but names of the model and numbers goes into the text.
    sql = f"UPDATE {name(meta.db_table)} SET {written} WHERE {name(meta.pk.column)} = %s{where}"  # noqa: S608
    by_column = [
        _prepared(column, of, connection) for column, of in zip(columns, zip(*values, strict=True), strict=True)
    ]
    with transaction.atomic(using=using, savepoint=False), connection.cursor() as cursor:
        cursor.executemany(sql, list(zip(*by_column, [row.pk for row in rows], strict=True)))
        return int(cursor.rowcount)


def _prepared(column: Any, values: Sequence[Any], connection: Any) -> list[Any]:
    """Return the values of a column as the database takes them; one that all rows share is converted once."""
    if all(value is values[0] for value in values):
        return [column.get_db_prep_save(values[0], connection)] * len(values)
    return [column.get_db_prep_save(value, connection) for value in values]
