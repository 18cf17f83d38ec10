"""``manage.py doctor``: is everything in place, and what is to be done where it is not."""

import textwrap
from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from connector import doctor

WIDTH, INDENT = 110, 33


class Command(BaseCommand):
    help = (
        "Say in named steps whether settings, database, broker, keys, trail and applications are right, and what to do."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for step in doctor.examine():
            failed += step.verdict == "failed"
            said = f"{step.verdict:<8} {step.name:<23} {step.detail}"
            self.stdout.write(textwrap.fill(said, WIDTH, subsequent_indent=" " * INDENT))
            if step.action:
                self.stdout.write(textwrap.fill(f"→ {step.action}", WIDTH, **_hanging()))
            self.stdout.flush()
        if failed:
            raise CommandError(f"{failed} of the steps failed.")


def _hanging() -> dict[str, Any]:
    return {"initial_indent": " " * INDENT, "subsequent_indent": " " * (INDENT + 2)}
