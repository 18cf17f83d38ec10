"""What commands that connect something share: whom they act for, and what they say."""

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError, CommandParser

from kit.commands import TablesCommand
from kit.scope import unscoped
from tenants.connections import run_checks
from tenants.models import Connection, Member, Role


class ConnectCommand(TablesCommand):
    """A command that connects something for an owner of a company, and tests it."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, help="e-mail address of an owner of the company")
        parser.add_argument("--tenant", type=int, help="number of the company, if the owner has several")

    def owner(self, options: dict[str, Any]) -> Member:
        """Return the membership to act for. Raises CommandError where there is none, or a choice is left."""
        email, tenant_id = options["user"], options["tenant"]
        with unscoped("whoever runs the installation acts for an owner of any company"):
            owners = Member.objects.select_related("user", "tenant").filter(user__email__iexact=email, role=Role.OWNER)
            found = list(owners if tenant_id is None else owners.filter(tenant_id=tenant_id))
        if not found:
            raise CommandError(f"{email} owns no such company here: sign up first.")
        if len(found) > 1:
            names = ", ".join(f"{member.tenant_id} {member.tenant}" for member in found)
            raise CommandError(f"{email} owns several companies; choose one with --tenant: {names}")
        return found[0]

    def test(self, connected: Sequence[Connection], member: Member) -> None:
        """Test what was connected and print each step. Raises CommandError where some failed."""
        failed = 0
        for connection in connected:
            self.stdout.write(f"{connection} is connected to {member.tenant}.")
            for step in run_checks(connection, actor=member.user.actor):
                failed += step.verdict == "failed"
                self.stdout.write(f"{step.verdict:<8} {step.name}: {step.detail}")
                if step.action:
                    self.stdout.write(f"         → {step.action}")
        if failed:
            raise CommandError(f"{failed} of the steps failed.")
