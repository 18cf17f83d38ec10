"""Webhooks: the handshake, what is sent and when, how it is signed."""

import base64
import hashlib
import hmac
import json

from .conftest import Api

CLIENTS = "users/clients"
PAYMENTS = "payments/payments"


def register(api, event="invoice.update", uri="https://tieout.example.com/hooks"):
    path = f"/events/account/{api.account}/events/callbacks"
    return api.send("POST", path, {"callback": {"event": event, "uri": uri}})


def verify(api, callback, verifier):
    path = f"/events/account/{api.account}/events/callbacks/{callback['callbackid']}"
    return api.send("PUT", path, {"callback": {"verifier": verifier}})


def handshake(api, event):
    made = register(api, event).json["response"]["result"]["callback"]
    [sent] = api.do("take_webhooks")
    verify(api, made, sent["fields"]["verifier"])
    return made, sent


def test_callback_is_verified_by_what_was_sent_to_it(api):
    made = register(api).json["response"]["result"]["callback"]
    [sent] = api.do("take_webhooks")

    wrong = verify(api, made, "guess")
    api.do("edit", kind="invoice", id=api.sent()["id"], changes={"notes": "x"})
    unverified = api.do("take_webhooks")
    right = verify(api, made, sent["fields"]["verifier"])

    assert (made["verified"], wrong.status_code, unverified) == (False, 422, [])
    assert right.json["response"]["result"]["callback"]["verified"] is True
    assert sent["uri"] == "https://tieout.example.com/hooks"


def test_unknown_event_is_a_422_of_the_events_family(api):
    answer = register(api, "unicorn.create")

    assert (answer.status_code, answer.json) == (
        422,
        {"errno": 422, "message": "Unrecognized event.", "details": ["Unrecognized event."]},
    )


def test_webhook_is_signed_over_json_in_python_s_spacing(api):
    made, verification = handshake(api, "invoice")
    invoice = api.sent()

    webhooks = api.do("take_webhooks")

    assert [each["fields"]["name"] for each in webhooks] == ["invoice.create", "invoice.update"]
    fields, headers = webhooks[0]["fields"], webhooks[0]["headers"]
    assert (fields["object_id"], fields["account_id"]) == (str(invoice["id"]), api.account)
    message = json.dumps(fields, separators=(", ", ": ")).encode()
    key = verification["fields"]["verifier"].encode()
    assert (
        headers["X-FreshBooks-Hmac-SHA256"]
        == base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    )
    assert made["event"] == "invoice"


def test_webhooks_may_come_late_twice_and_unsigned_at_first(api):
    api.remote.switches["verification_signed"] = "no"
    _, verification = handshake(api, "payment.delete")
    api.remote.switches["webhook_copies"] = 2
    api.remote.switches["webhook_delay_s"] = 120
    paid = api.pay(api.sent(), "10.00")
    api.put(PAYMENTS, paid["id"], {"vis_state": 1})

    early = api.do("take_webhooks")
    api.remote.clock.advance(120)
    due = api.do("take_webhooks")

    assert "X-FreshBooks-Hmac-SHA256" not in verification["headers"]
    assert (early, [each["fields"]["name"] for each in due]) == ([], ["payment.delete"] * 2)


def test_callback_can_be_asked_again_listed_and_deleted(api):
    made, _ = handshake(api, "client")
    path = f"/events/account/{api.account}/events/callbacks"

    api.send("PUT", f"{path}/{made['callbackid']}", {"callback": {"resend": True}})
    again = api.do("take_webhooks")
    listed = api.send("GET", path).json["response"]["result"]["callbacks"]
    api.send("DELETE", f"{path}/{made['callbackid']}")
    api.post(CLIENTS, {"organization": "x"})

    assert ([each["fields"]["name"] for each in again], len(listed)) == (["callback.verify"], 1)
    assert api.do("take_webhooks") == []
    assert Api(api.remote, api.made).send("GET", f"{path}/{made['callbackid']}").status_code == 404
