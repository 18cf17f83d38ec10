"""Tenant isolation that fails closed: outside a scope a query raises, inside one it sees a single tenant.

Writes are checked too. The scope lives in a context variable, so threads and async tasks do not share it. A query set
belongs to the scope it was built in and cannot be evaluated in another; a streaming response enters its scope itself.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, Self, TypeVar

from django.db import models

from kit import prepared

_M = TypeVar("_M", bound=models.Model, covariant=True)


class NoScope(Exception):
    """A tenant's rows were asked for outside any tenant's scope."""


class ForeignTenant(Exception):
    """A write for another tenant than the one in scope."""


class _Everyone:
    """The scope of code that works across tenants, and its reason."""

    def __init__(self, why: str) -> None:
        self.why = why


_scope: ContextVar[int | _Everyone | None] = ContextVar("tenant_scope", default=None)


@contextmanager
def scope(tenant_id: int) -> Iterator[None]:
    """See and write this tenant's rows only."""
    with _set(tenant_id):
        yield


@contextmanager
def unscoped(why: str) -> Iterator[None]:
    """See and write every tenant's rows; ``why`` tells the reader what makes that right."""
    if not why:
        raise ValueError("unscoped() wants a reason")
    with _set(_Everyone(why)):
        yield


@contextmanager
def outside() -> Iterator[None]:
    """Leave every scope for the block. What ``enter`` sets within ends with it: no request leaks into the next."""
    with _set(None):
        yield


def enter(tenant_id: int) -> None:
    """Set the scope for the rest of the surrounding ``outside()``, ``scope()`` or ``unscoped()`` block.

    For code that learns the tenant half-way, as an API key's authentication does.
    """
    _scope.set(tenant_id)


def current_tenant_id() -> int:
    """Return the tenant in scope.

    Raises:
        NoScope: there is none, or the code runs for every tenant.
    """
    found = _scope.get()
    if not isinstance(found, int):
        raise NoScope("no tenant is in scope here")
    return found


@contextmanager
def _set(value: int | _Everyone | None) -> Iterator[None]:
    token = _scope.set(value)
    try:
        yield
    finally:
        _scope.reset(token)


def _checked(model: type[models.Model]) -> int | _Everyone:
    found = _scope.get()
    if found is None:
        raise NoScope(f"{model.__name__} rows belong to tenants: use scope(tenant_id), or unscoped() with a reason")
    return found


class ScopedQuerySet(models.QuerySet[_M]):
    # The tenant this set was filtered for; None when it was built for every tenant.
    tenant_id: int | None = None

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone.tenant_id = self.tenant_id
        return clone

    def _check(self) -> None:
        if self.query.is_empty():
            return
        found = _checked(self.model)
        if isinstance(found, int) and found != self.tenant_id:
            raise ForeignTenant(f"a query of {self.model.__name__} was built in another scope")

    def _fetch_all(self) -> None:
        self._check()
        super()._fetch_all()

    def _iterator(self, use_chunked_fetch: bool, chunk_size: int | None) -> Iterator[Any]:
        self._check()
        yield from super()._iterator(use_chunked_fetch, chunk_size)  # type: ignore[misc]

    def count(self) -> int:
        self._check()
        return super().count()

    def exists(self) -> bool:
        self._check()
        return super().exists()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._check()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self._check()
        for name in ("tenant", "tenant_id"):
            if name in kwargs:
                target = kwargs[name]
                _refuse_foreign(self.model, target.pk if isinstance(target, models.Model) else target)
        return super().update(**kwargs)

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        rows = list(objs)
        for row in rows:
            check_write(row)
        return super().bulk_create(rows, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> int:
        """Write fields of rows; a set that was filtered by more than the tenant is left to Django."""
        rows, names = list(objs), list(fields)
        for row in rows:
            check_write(row)
        if len(self.query.where.children) > (self.tenant_id is not None):
            return super().bulk_update(rows, names, batch_size)
        self._check()
        self._for_write = True
        ours = {} if self.tenant_id is None else {"tenant": self.tenant_id}
        written = prepared.update(self.model, self.db, rows, names, ours)
        return super().bulk_update(rows, names, batch_size) if written is None else written

    def delete(self) -> tuple[int, dict[str, int]]:
        self._check()
        return super().delete()

    def _raw_delete(self, using: str | None) -> int:
        self._check()
        deleted: int = super()._raw_delete(using)
        return deleted

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        if isinstance(_checked(self.model), int):
            raise ForeignTenant("raw SQL carries no tenant filter: run it under unscoped() and filter by hand")
        return super().raw(*args, **kwargs)


class ScopedManager(models.Manager[_M]):
    def get_queryset(self) -> ScopedQuerySet[_M]:
        found = _checked(self.model)
        query: ScopedQuerySet[_M] = ScopedQuerySet(self.model, using=self._db)
        if isinstance(found, int):
            query = query.filter(tenant_id=found)
            query.tenant_id = found
        return query

    def none(self) -> ScopedQuerySet[_M]:
        """An empty set, allowed anywhere: forms and filters name their model when they are imported."""
        return ScopedQuerySet(self.model, using=self._db).none()


class ScopedModel(models.Model):
    """A tenant's row. A new one without a tenant gets the one in scope."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        abstract = True
        # Following a foreign key, saving and refreshing use the base manager: they are scoped too.
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        check_write(self)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        check_write(self)
        return super().delete(*args, **kwargs)


def check_write(row: models.Model) -> None:
    """Give a new row the tenant in scope, and refuse a row of another tenant."""
    found = _checked(type(row))
    if isinstance(found, int) and getattr(row, "tenant_id", None) is None:
        row.tenant_id = found  # type: ignore[attr-defined]
    _refuse_foreign(type(row), getattr(row, "tenant_id", None))


def _refuse_foreign(model: type[models.Model], tenant_id: int | None) -> None:
    found = _checked(model)
    if isinstance(found, int) and tenant_id != found:
        raise ForeignTenant(f"a {model.__name__} of another tenant cannot be written from this scope")
