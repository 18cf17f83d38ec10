"""The life of an application's client secret at the pretend Amazon."""

import pytest

from amazon.sandbox import DEMO_APPLICATION
from tests.sandbox.amazon_caller import demo_caller, first_error
from tests.sandbox.amazon_notified import CONSOLE, SECRET, Notified

DAY_S = 86_400
NEW = "applicationOAuthClientNewSecret"
EXPIRY = "applicationOAuthClientSecretExpiry"


@pytest.fixture
def told():
    made = Notified(demo_caller())
    made.caller.control("console_queue", arn=CONSOLE)
    return made


def rotate(told):
    return told.as_app("POST", SECRET, scope="client_credential:rotation")


def refreshed(told, **form):
    answer = told.caller.token("refresh_token", refresh_token=told.caller.refresh_token, **form)
    return answer.status_code, answer.json.get("error")


def test_new_secret_is_known_from_the_console_queue_alone(told):
    answer = rotate(told)

    (message,) = told.taken(CONSOLE)
    new = message["payload"][NEW]
    assert (answer.status_code, answer.data) == (204, b"")
    assert message["notificationType"] == "APPLICATION_OAUTH_CLIENT_NEW_SECRET"
    assert new["clientId"] == DEMO_APPLICATION["client_id"]
    assert new["newClientSecretExpiryTime"] == "2027-05-19T12:00:00.000Z"
    assert new["oldClientSecretExpiryTime"] == "2026-11-27T12:00:00.000Z"
    assert refreshed(told, client_secret=new["newClientSecret"]) == (200, None)
    assert refreshed(told) == (200, None)


def test_old_secret_ends_after_seven_days(told):
    rotate(told)
    new = told.taken(CONSOLE)[0]["payload"][NEW]["newClientSecret"]

    told.caller.stand_in.clock.advance(7 * DAY_S)

    assert refreshed(told) == (401, "invalid_client")
    assert refreshed(told, client_secret=new) == (200, None)


def test_secret_is_rotated_once_a_minute(told):
    told.caller.switch(rate_scale=1)

    statuses = [rotate(told).status_code for _ in range(2)]
    told.caller.stand_in.clock.advance(60)
    later = rotate(told).status_code

    assert [*statuses, later] == [204, 429, 204]


def test_rotation_without_a_queue_loses_the_secret():
    told = Notified(demo_caller())

    assert rotate(told).status_code == 204
    assert told.taken(CONSOLE) == []


def test_every_call_fails_past_the_deadline_until_a_secret_is_made_by_hand(told):
    told.caller.control("secret_expires", in_s=60)
    told.caller.stand_in.clock.advance(60)

    called = told.caller.settlements()
    assert refreshed(told) == (401, "invalid_client")
    assert (called.status_code, first_error(called)["code"]) == (403, "Unauthorized")

    made = told.caller.control("rotate_secret", client_id=DEMO_APPLICATION["client_id"])["client_secret"]
    assert refreshed(told) == (401, "invalid_client")
    assert refreshed(told, client_secret=made) == (200, None)
    assert told.caller.settlements().status_code == 200


def test_secret_lives_for_180_days(told):
    told.caller.stand_in.clock.advance(180 * DAY_S - 1)
    before = refreshed(told)
    told.caller.stand_in.clock.advance(1)

    assert before == (200, None)
    assert refreshed(told) == (401, "invalid_client")


def test_warnings_begin_90_days_before_the_end(told):
    told.caller.stand_in.clock.advance(90 * DAY_S - 1)
    early = told.taken(CONSOLE)
    told.caller.stand_in.clock.advance(1)
    first, again = told.taken(CONSOLE), told.taken(CONSOLE)
    told.caller.control("secret_expires", in_s=6 * DAY_S)
    near = told.taken(CONSOLE)

    assert (early, again) == ([], [])
    assert first[0]["notificationType"] == "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY"
    assert first[0]["payload"][EXPIRY]["clientId"] == DEMO_APPLICATION["client_id"]
    assert first[0]["payload"][EXPIRY]["clientSecretExpiryTime"] == "2027-05-19T12:00:00.000Z"
    assert len(near) == 1
