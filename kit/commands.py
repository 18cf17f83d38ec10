"""What commands share that need the database to be made."""

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class TablesCommand(BaseCommand):
    """A command that works on the tables, and says what to do where they are not there, or not up to date."""

    requires_migrations_checks = True

    def check_migrations(self) -> None:
        """Raises CommandError where a migration is not applied; Django's own only mentions it."""
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The database is not ready: run `make serve` (or `manage.py migrate`) first.")
