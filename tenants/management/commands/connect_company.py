"""``manage.py connect_company --user me@example.com [--company ID …]``

Lists the companies that the person's living consents open, or connects some of them without a new consent, and tests them.
"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from kit.scope import scope
from tenants import companies
from tenants.connections import ConsentError
from tenants.console import ConnectCommand
from tenants.grants import NeedsReconnect, RefreshFailed
from tenants.models import Connection, Grant, Member
from tenants.providers import provider


class Command(ConnectCommand):
    help = "List the companies a person's consents open, or connect those named, without a new consent."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--company", action="append", default=[], metavar="ID", help="what to connect; can be given several times"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        member, wanted = self.owner(options), set(options["company"])
        consents = list(companies.own_grants(member.user))
        if not consents:
            raise CommandError(
                f"{member.user} has given no consent that opens several companies: connect in the browser."
            )
        connected: list[Connection] = []
        with scope(member.tenant_id):
            for grant in consents:
                try:
                    connected += companies.connect(member.user, member.tenant, grant, wanted) if wanted else []
                    if not wanted:
                        self._list(grant, member)
                except ConsentError as error:
                    raise CommandError(f"{error.text} {error.action}") from error
                except (NeedsReconnect, RefreshFailed) as error:
                    raise CommandError(str(error)) from error
            self.test(connected, member)
        if missing := wanted - {connection.remote_id for connection in connected}:
            raise CommandError(f"Not to be connected, or connected already: {', '.join(sorted(missing))}")

    def _list(self, grant: Grant, member: Member) -> None:
        self.stdout.write(f"{provider(grant.provider).name}, consent of {grant.consented_at:%Y-%m-%d}")
        for each in companies.offered(member.user, member.tenant, grant):
            here = [each.connection.get_state_display()] if each.connection else []
            said = ", ".join([*here, *(f"connected in {name}" for name in each.elsewhere)]) or "not connected"
            self.stdout.write(f"{each.identity.remote_id:<24} {each.identity.name} ({said})")
