"""``manage.py amazon_secret [--new] [--ends 2027-05-01] [--rotate]``

The client secret of the installation's own Amazon application: says when it ends, enters a new one, or has Amazon make one.
"""

import getpass
import sys
from datetime import UTC, date, datetime, time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from amazon import rotation
from amazon.client import ENDPOINTS, AmazonError
from amazon.secrets import own
from kit.commands import TablesCommand
from kit.oauth import OAuthError
from tenants import secrets


class Command(TablesCommand):
    help = "Say when the client secret of this installation's Amazon application ends, enter a new one, or ask for it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--new", action="store_true", help="enter a new secret: it is asked for, or read from a pipe"
        )
        parser.add_argument(
            "--ends", type=date.fromisoformat, metavar="DAY", help="the day on which it ends, 2027-05-01"
        )
        parser.add_argument("--rotate", action="store_true", help="have Amazon make a new one and send it to the queue")
        parser.add_argument(
            "--region", choices=sorted(ENDPOINTS), default="NA", help="where the application is registered"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.AMAZON_CLIENT_ID:
            raise CommandError("AMAZON_CLIENT_ID is not set: this installation has no Amazon application of its own.")
        ends_at = datetime.combine(options["ends"], time(), UTC) if options["ends"] else None
        try:
            if options["rotate"]:
                rotation.rotate(options["region"])
                self.stdout.write(
                    "Amazon makes a new secret and sends it to the queue that the developer console names."
                )
            if options["new"]:
                new = rotation.enter(_read(), ends_at)
                self.stdout.write("Amazon takes it; it is used from now on." if new else "It is known already.")
            elif ends_at:
                secrets.ends(own(), ends_at)
        except (AmazonError, OAuthError) as error:
            raise CommandError(f"{error}. Nothing was changed.") from error
        found = rotation.step()
        self.stdout.write(f"{found.name}: {found.detail}")


def _read() -> str:
    secret = getpass.getpass("New client secret: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not secret.strip():
        raise CommandError("No secret was given.")
    return secret.strip()
