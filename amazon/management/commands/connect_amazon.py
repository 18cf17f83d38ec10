"""``manage.py connect_amazon --user me@example.com --seller A2… --marketplace ATVPDKIKX0DER``

Connects a private application whose client id, client secret and refresh token are in the environment, and tests it.
"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from amazon import consent
from amazon.marketplaces import MARKETPLACES
from kit.scope import scope
from tenants.connections import ConsentError
from tenants.console import ConnectCommand


class Command(ConnectCommand):
    help = "Connect the private Amazon application of the environment (AMAZON_CLIENT_ID, …_SECRET, …_REFRESH_TOKEN)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--seller", required=True, help="merchant token of the seller; it begins with A")
        parser.add_argument("--marketplace", required=True, choices=[one.id for one in MARKETPLACES], metavar="ID")

    def handle(self, *args: Any, **options: Any) -> None:
        member = self.owner(options)
        with scope(member.tenant_id):
            try:
                connected = consent.connect_from_environment(
                    member.user, member.tenant, options["marketplace"], options["seller"]
                )
            except ConsentError as error:
                raise CommandError(f"{error.text} {error.action}") from error
            self.test(connected, member)
