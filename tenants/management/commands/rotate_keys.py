"""Seals every secret again with the newest key of VAULT_KEYS, while everything runs.

To rotate: put a new key first in VAULT_KEYS, restart, run this, then drop the old key. Interrupted, it is run again.
"""

from typing import Any

from django.apps import apps
from django.core.management.base import CommandError
from django.db import models

from kit.commands import TablesCommand
from kit.scope import unscoped
from kit.sealed import SealedField, context_of
from kit.vault import CannotOpen, current_key_id, seal, unseal

BATCH = 200


class Command(TablesCommand):
    help = "Seal every secret again with the newest key of VAULT_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for model in apps.get_models():
            for field in model._meta.concrete_fields:
                if isinstance(field, SealedField):
                    failed += self._rotate(model, field.name)
        if failed:
            raise CommandError(f"{failed} values do not open with any key; keep the old keys until that is understood.")

    def _rotate(self, model: type[models.Model], name: str) -> int:
        """Seal one column again; return how many values did not open."""
        sealed = failed = 0
        after: Any = None
        with unscoped("keys are rotated for the whole installation"):
            stale = model._base_manager.exclude(**{f"{name}__startswith": f"{current_key_id()}:"}).exclude(**{name: ""})
            while True:
                rest = stale if after is None else stale.filter(pk__gt=after)
                rows = list(rest.only("pk", name).order_by("pk")[:BATCH])
                for row in rows:
                    old, context = getattr(row, name), context_of(row, name)
                    try:
                        new = seal(unseal(old, context), context)
                    except CannotOpen as error:
                        self.stderr.write(str(error))
                        failed += 1
                        continue
                    # Changed since it was read: then it is sealed with the newest key already.
                    sealed += model._base_manager.filter(**{"pk": row.pk, name: old}).update(**{name: new})
                if not rows:
                    break
                after = rows[-1].pk
        self.stdout.write(f"{model._meta.label}.{name}: {sealed} sealed again")
        return failed
