"""What the demo says can be broken really breaks, and mends, as it says."""

import json
import re
from urllib.parse import urlsplit

import pytest
import requests

from connector.demo import mishap, outside
from ledgers.quickbooks.sandbox import QuickBooksStandIn
from sandbox.serve import serve


@pytest.fixture
def quickbooks():
    server = serve(QuickBooksStandIn())
    yield server.url
    server.stop()


def test_the_command_that_breaks_something_makes_an_account_inactive_and_reactivate_mends_it(quickbooks):
    made = outside.tell(quickbooks, "create_company", {"name": "Harbor Books", "chart": "bookkeeper"})
    company = outside.Company("quickbooks", "summary", made)
    world = outside.Outside("http://127.0.0.1:1", {"quickbooks": quickbooks}, {}, [company])

    said = "\n".join(mishap.in_words(world))
    body, address = re.search(r"curl -d '(.*)' (\S+)", said).groups()
    broken = requests.post(
        address, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"}, timeout=10
    )
    mended = requests.post(address.replace("inactivate", "reactivate"), data=body, timeout=10)

    assert f"http://127.0.0.1:1/_control/  {quickbooks}/_control/" in said
    assert urlsplit(address).path == "/_control/do/inactivate"
    assert (broken.json()["Id"], broken.json()["Active"]) == (json.loads(body)["id"], False)
    assert mended.json()["Active"] is True
