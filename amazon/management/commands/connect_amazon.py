"""``manage.py connect_amazon --user me@example.com --seller A2… --marketplace ATVPDKIKX0DER``

Connects a private application whose client id, client secret and refresh token are in the environment, and tests it.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from amazon import consent
from amazon.marketplaces import MARKETPLACES
from kit.scope import scope, unscoped
from tenants.connections import run_checks
from tenants.consents import ConsentError
from tenants.models import Member


class Command(BaseCommand):
    help = "Connect the private Amazon application of the environment (AMAZON_CLIENT_ID, …_SECRET, …_REFRESH_TOKEN)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", required=True, help="e-mail address of an owner of the company")
        parser.add_argument("--seller", required=True, help="merchant token of the seller; it begins with A")
        parser.add_argument("--marketplace", required=True, choices=[one.id for one in MARKETPLACES], metavar="ID")
        parser.add_argument("--tenant", type=int, help="number of the company, if the owner has several")

    def handle(self, *args: Any, **options: Any) -> None:
        member = _owner(options["user"], options["tenant"])
        failed = 0
        with scope(member.tenant_id):
            try:
                connected = consent.connect_from_environment(
                    member.user, member.tenant, options["marketplace"], options["seller"]
                )
            except ConsentError as error:
                raise CommandError(f"{error.text} {error.action}") from error
            for connection in connected:
                self.stdout.write(f"{connection} is connected to {member.tenant}.")
                for step in run_checks(connection, actor=member.user.actor):
                    failed += step.verdict == "failed"
                    self.stdout.write(f"{step.verdict:<8} {step.name}: {step.detail}")
                    if step.action:
                        self.stdout.write(f"         → {step.action}")
        if failed:
            raise CommandError(f"{failed} of the steps failed.")


def _owner(email: str, tenant_id: int | None) -> Member:
    """Return the membership to act for. Raises CommandError where there is none, or a choice is left."""
    with unscoped("whoever runs the installation acts for an owner of any company"):
        owners = Member.objects.select_related("user", "tenant").filter(user__email__iexact=email, role="owner")
        found = list(owners if tenant_id is None else owners.filter(tenant_id=tenant_id))
    if not found:
        raise CommandError(f"{email} owns no such company here: sign up first.")
    if len(found) > 1:
        names = ", ".join(f"{member.tenant_id} {member.tenant}" for member in found)
        raise CommandError(f"{email} owns several companies; choose one with --tenant: {names}")
    return found[0]
