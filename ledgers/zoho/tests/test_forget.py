"""A contact that loses its person."""

from ledgers.zoho.tests.scripted import scripted

NAME = "Removed buyer (Amazon abcdefgh)"
PERSON = {"contact_person_id": "9", "first_name": "Ann", "last_name": "Buyer", "email": "x1@marketplace.example"}


def test_every_person_of_a_contact_is_emptied_and_then_it_is_made_inactive() -> None:
    with scripted() as (script, client):
        row = {"contact_id": "7", "contact_name": "Ann Buyer (Amazon abcdefgh)", "status": "active"}
        script.will(200, {"code": 0, "contact": {**row, "contact_persons": [PERSON]}})
        script.will(200, {"code": 0, "contact": row})
        script.will(200, {"code": 0})

        done = client.forget("7", NAME, hide=True)

    _, renamed, hidden = script.asked
    body = renamed["body"]
    assert done is None
    assert (body["contact_name"], body["contact_persons"]) == (
        NAME,
        [{"contact_person_id": "9", "first_name": "", "last_name": "", "email": "", "phone": "", "mobile": ""}],
    )
    assert (hidden["method"], hidden["path"]) == ("POST", "/contacts/7/inactive")


def test_a_contact_that_is_gone_needs_nothing() -> None:
    with scripted() as (script, client):
        script.will(404, {"code": 1002, "message": "Contact does not exist."})

        assert client.forget("7", NAME, hide=True) is None
