"""A column that holds a sealed value. ``rotate_keys`` finds every one, so a secret column is always one of these."""

from typing import TYPE_CHECKING

from django.db import models

from kit.vault import seal, unseal

if TYPE_CHECKING:
    _Text = models.TextField[str, str]
else:
    _Text = models.TextField


class SealedField(_Text):
    """Text as ``kit.vault.seal`` returned it, or "" for no secret. Its context is ``<table>:<row>:<column>``."""


def context_of(row: models.Model, name: str) -> str:
    return f"{row._meta.db_table}:{row.pk}:{name}"


def seal_into(row: models.Model, name: str, plain: str) -> None:
    """Set a sealed column of a row that has its primary key; does not save. An empty text clears it."""
    if row.pk is None:
        raise ValueError(f"{row._meta.label} has no primary key yet, so {name} cannot be sealed for its place")
    setattr(row, name, seal(plain.encode(), context_of(row, name)) if plain else "")


def open_from(row: models.Model, name: str) -> str:
    """Return the secret of a sealed column, "" where none was stored.

    Raises:
        CannotOpen: something is stored, and it does not open here.
    """
    sealed: str = getattr(row, name)
    return unseal(sealed, context_of(row, name)).decode() if sealed else ""
