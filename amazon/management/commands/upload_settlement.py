"""``manage.py upload_settlement --tenant 1 file.txt …``: the same way in as the upload page."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from amazon.flat_errors import BadSettlementFile
from amazon.upload import WhichSeller, import_file
from tenants.models import Tenant

_PIECE: Final = 1 << 18


class Command(BaseCommand):
    help = "Bring in settlement files that were downloaded from Seller Central, plain or gzip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--tenant", type=int, required=True, help="number of the tenant the files belong to")
        parser.add_argument("--connection", type=int, help="number of the Amazon connection, if there are several")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id: int = options["tenant"]
        if not Tenant.objects.filter(pk=tenant_id).exists():
            raise CommandError(f"There is no tenant {tenant_id}.")
        refused = 0
        for path in options["files"]:
            try:
                imported = import_file(
                    tenant_id, _pieces(path), path.name, "command", connection_id=options["connection"]
                )
            except BadSettlementFile as error:
                refused += 1
                self.stderr.write(f"{path}: refused. {error}")
            except (WhichSeller, OSError) as error:
                raise CommandError(f"{path}: {error}") from error
            else:
                self.stdout.write(f"{path}: {imported.message}")
        if refused:
            raise CommandError(f"{refused} of {len(options['files'])} files were refused.")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
