"""``manage.py forget_buyer --user me@example.com ORDER…``

Forgets the buyers of orders, as an owner does on an order's page.
"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from amazon.models import Order
from flows import forgetting
from kit.scope import scope
from tenants.console import ConnectCommand


class Command(ConnectCommand):
    help = (
        "Forget the buyers of orders: what is sealed is emptied, and their customers in the ledgers lose their names."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("order", nargs="+", help="Amazon's order number")

    def handle(self, *args: Any, **options: Any) -> None:
        member = self.owner(options)
        with scope(member.tenant_id):
            for number in options["order"]:
                orders = list(Order.objects.filter(order_id=number, buyer__isnull=False).defer("raw"))
                if not orders:
                    raise CommandError(f"Nothing is kept of the buyer of an order {number}.")
                for order in orders:
                    forgetting.forget(order, member.user.actor)
                self.stdout.write(f"{number}: the buyer is forgotten.")
