"""Stand-ins in a process of their own."""

import base64
import json
import subprocess
import sys
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest

from sandbox.serve import ROOT, load, stand_ins

pytestmark = pytest.mark.crash
CALLBACK = "http://127.0.0.1:9/callback"


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_args):
        return None


def ask(url, body=None, headers=None, method=None):
    """(status, headers, text) whatever the status."""
    try:
        answer = build_opener(_Stay).open(Request(url, body, headers or {}, method=method), timeout=10)
    except HTTPError as error:
        answer = error
    return answer.status, answer.headers, answer.read().decode()


class Served:
    def __init__(self, file):
        self.file, self.process, self.url = file, None, ""

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.serve", "--file", str(self.file), "--quickbooks-port", "0"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.url = self.process.stdout.readline().split()[-1]
        assert self.process.stdout.readline() == "ready\n"

    def control(self, path, values):
        return json.loads(ask(f"{self.url}/_control/{path}", json.dumps(values).encode())[2])

    def connect(self, realm):
        """Through the consent page, as a browser would."""
        page = {"client_id": "sandbox-client", "response_type": "code", "redirect_uri": CALLBACK, "state": "s",
                "scope": "com.intuit.quickbooks.accounting"}  # fmt: skip
        form = urlencode({**page, "choice": realm, "decision": "allow"}).encode()
        _, headers, _ = ask(f"{self.url}/connect/oauth2", form)
        code = parse_qs(urlsplit(headers["Location"]).query)["code"][0]
        basic = base64.b64encode(b"sandbox-client:sandbox-secret").decode()
        form = urlencode({"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}).encode()
        answer = ask(f"{self.url}/oauth2/v1/tokens/bearer", form, {"Authorization": f"Basic {basic}"})
        return {"Authorization": f"Bearer {json.loads(answer[2])['access_token']}", "Accept": "application/json"}

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=10)
        self.process.stdout.close()


@pytest.fixture
def served(tmp_path):
    served = Served(tmp_path / "file.sqlite3")
    served.start()
    yield served
    served.kill()


def test_what_was_answered_survives_a_killed_process(served):
    realm = served.control("do/create_company", {"name": "Acme"})["realm"]
    headers = served.connect(realm)
    company = f"/v3/company/{realm}"
    body = json.dumps({"DisplayName": "Amazon.com (USD)"}).encode()
    status, _, _ = ask(served.url + f"{company}/customer", body, {**headers, "Content-Type": "application/json"})

    served.kill()
    served.start()
    query = urlencode({"query": "select * from Customer"})
    answer = json.loads(ask(f"{served.url}{company}/query?{query}", headers=headers)[2])

    assert status == 200
    assert [each["DisplayName"] for each in answer["QueryResponse"]["Customer"]] == ["Amazon.com (USD)"]


def test_every_stand_in_of_the_checkout_can_be_loaded():
    found = stand_ins()

    assert "quickbooks" in found
    assert {slug: load(path).slug for slug, path in found.items()} == {slug: slug for slug in found}
