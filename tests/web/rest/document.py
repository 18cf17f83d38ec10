"""The OpenAPI document, and addresses made of it."""

from functools import cache

from drf_spectacular.generators import SchemaGenerator


@cache
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def operations():
    """Yield (method, path) of every operation."""
    for path, methods in sorted(document()["paths"].items()):
        for method in methods:
            yield method, path


def address(path, ids):
    """Return the path below /api/v1/ with the ids of existing things."""
    prefix = "/api/v1/"
    assert path.startswith(prefix)
    short = path.removeprefix(prefix)
    named = short.replace("{rule}", str(ids["rule"])).replace("{month}", "2026-01")
    return named.replace("{id}", str(ids[short.partition("/")[0]]) if "{id}" in short else "")
