"""Proves that the trail is whole, and prints the head of each chain to keep elsewhere."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from audit import trail
from kit.commands import TablesCommand


class Command(TablesCommand):
    help = "Verify the chains of the trail. Ends with an error when an event was changed, taken out or moved."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", type=int, help="only this tenant's chain")

    def handle(self, *args: Any, tenant: int | None = None, **options: Any) -> None:
        heads = [head for head in trail.chains() if tenant is None or head.chain == f"tenant:{tenant}"]
        problems = 0
        for head in heads:
            found = trail.verify_chain(head.chain)
            problems += len(found)
            state = "whole" if not found else f"{len(found)} problems"
            self.stdout.write(f"{head.chain}: {state}, {head.seq} events, head {head.hash}")
            for problem in found:
                self.stderr.write(f"{problem.chain} #{problem.seq}: {problem.text}")
        if problems:
            raise CommandError(f"The trail has {problems} problems.")
