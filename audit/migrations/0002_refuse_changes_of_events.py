"""Let the database itself refuse to change or delete an event. A superuser can still lift this: the chain proves it.

SQLite rebuilds a table that is altered, without its triggers: a later migration of this table runs ``create`` again.
"""

from django.db import migrations

SQLITE = [
    f"CREATE TRIGGER audit_event_no_{verb.lower()} BEFORE {verb} ON audit_event "
    "BEGIN SELECT RAISE(ABORT, 'events are only added'); END"
    for verb in ("UPDATE", "DELETE")
]
POSTGRES = [
    "CREATE OR REPLACE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'events are only added'; END $$",
    *(
        f"CREATE TRIGGER audit_event_no_{verb.lower()} BEFORE {verb} ON audit_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()"
        for verb in ("UPDATE", "DELETE", "TRUNCATE")
    ),
]
NAMES = {"sqlite": ("update", "delete"), "postgresql": ("update", "delete", "truncate")}


def create(apps, schema_editor):
    for statement in POSTGRES if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for name in NAMES[vendor]:
        on_table = " ON audit_event" if vendor == "postgresql" else ""
        schema_editor.execute(f"DROP TRIGGER IF EXISTS audit_event_no_{name}{on_table}")
    if vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION IF EXISTS audit_event_refuse()")


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]
