"""``manage.py upload_settlement file.txt …``: the same way in as the upload page."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError

from amazon.flat_errors import BadSettlementFile
from amazon.upload import WhichSeller, import_file
from kit.commands import TablesCommand
from tenants.models import Tenant

_PIECE: Final = 1 << 18


class Command(TablesCommand):
    help = "Bring in settlement files that were downloaded from Seller Central, plain or gzip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument(
            "--tenant", type=int, help="number of the company the files belong to, if there are several"
        )
        parser.add_argument("--connection", type=int, help="number of the Amazon connection, if there are several")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = _company(options["tenant"])
        refused = 0
        for path in options["files"]:
            try:
                imported = import_file(
                    tenant_id, _pieces(path), path.name, "command", connection_id=options["connection"]
                )
            except BadSettlementFile as error:
                refused += 1
                self.stderr.write(f"{path}: refused. {error}")
            except WhichSeller as error:
                where = "Its number, for --connection, is in the address of its page."
                raise CommandError(f"{path}: {error} {where}") from error
            except OSError as error:
                raise CommandError(f"{path}: {error.strerror}") from error
            else:
                self.stdout.write(f"{path}: {imported.message}")
        if refused:
            raise CommandError(f"{refused} of {len(options['files'])} files were refused.")


def _company(number: int | None) -> int:
    """Return the number of the company that is meant. Raises CommandError where it is not there, or a choice is left."""
    names = dict(Tenant.objects.order_by("pk").values_list("pk", "name"))
    if number is None and len(names) == 1:
        [number] = names
    if number is not None and number in names:
        return number
    if not names:
        raise CommandError("There is no company yet: sign up first.")
    raise CommandError("Choose the company with --tenant: " + ", ".join(f"{pk} {name}" for pk, name in names.items()))


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
