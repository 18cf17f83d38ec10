"""A command that is run before the site ever was."""

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from kit.commands import TablesCommand

APPS = ("amazon", "audit", "connector", "flows", "tenants")
MAKE_OR_MISS_THEM = {"demo", "doctor", "serve"}


@pytest.mark.django_db
def test_a_command_before_the_first_serve_says_what_to_run_first():
    MigrationRecorder(connection).record_unapplied("tenants", "0001_initial")

    with pytest.raises(CommandError, match=r"run `make serve` \(or `manage.py migrate`\) first"):
        call_command("upload_settlement", "settlement.txt")


def test_every_command_of_ours_that_needs_the_tables_says_so():
    ours = {name: app for name, app in get_commands().items() if app in APPS}

    bare = {name for name, app in ours.items() if not isinstance(load_command_class(app, name), TablesCommand)}

    assert bare == MAKE_OR_MISS_THEM
