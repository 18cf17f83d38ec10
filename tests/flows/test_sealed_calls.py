"""A frozen call is a secret like any other: keys rotate while one waits for its answer."""

import base64
import secrets

from django.core.management import call_command
from django.test import override_settings

from flows import attempts, lanes, wire
from flows.models import Attempt, Delivery
from kit.scope import unscoped
from ledgers.port import Call
from tests.web.small_books import flow_of


def vault_key(name):
    return f"{name}:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"


def test_a_call_that_waits_for_its_answer_survives_a_rotation_of_keys(acme):
    old, new = vault_key("old"), vault_key("new")
    call = Call("POST", "/journalentry", {"requestid": "w"}, b'{"Line":[]}', "w", ("fact/1",))
    with unscoped("the test arranges rows"), override_settings(VAULT_KEYS=old):
        row = Delivery.objects.create(
            tenant=acme,
            flow=flow_of(acme),
            remote_key="quickbooks:sandbox:1",
            key="fact/1",
            kind="entry",
            state="ready",
        )
        attempt = attempts.begin(lanes.claim(row.remote_key, 60), call, [row], 10)

    with override_settings(VAULT_KEYS=f"{new},{old}"):
        call_command("rotate_keys")

    with unscoped("the test reads rows"), override_settings(VAULT_KEYS=new):
        assert wire.thaw(Attempt.objects.get(pk=attempt.pk)) == call
