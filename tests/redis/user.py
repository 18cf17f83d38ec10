"""A new user of a site in production: signs up, confirms the address, connects, maps, goes live, waits, compares.

Run with the site's settings, told as JSON on stdin; says each milestone on a line of its own, and at last what is not as
it should be, as JSON.
"""

import json
import re
import sys
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402

from connector.demo import job, outside, tieout  # noqa: E402
from connector.demo.visitor import Visitor  # noqa: E402
from flows import setup  # noqa: E402
from kit.scope import scope  # noqa: E402
from tenants.grants import redirect_uri  # noqa: E402

EMAIL, PASSWORD = "owner@acme.example", "opened by nobody but me"
WITHIN_S = 120.0


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def confirm(visitor, site, mails):
    """Follow the link of the message, and sign in."""
    text = "".join(path.read_text() for path in sorted(mails.iterdir()))
    [link] = set(re.findall(rf"{site}/accounts/confirm-email/\S+", text))
    visitor.send(visitor.open(link), {})
    visitor.send(visitor.open("/accounts/login/"), {"login": EMAIL, "password": PASSWORD})


def register(told):
    """Register our addresses with both applications, as a person does at Amazon and at Intuit."""
    for base, action, client_id, slug in (
        (told["amazon"], "application", settings.AMAZON_CLIENT_ID, "amazon"),
        (told["ledgers"]["quickbooks"], "register_app", settings.QBO_CLIENT_ID, "quickbooks"),
    ):
        outside.tell(base, action, {"client_id": client_id, "redirect_uris": [redirect_uri(slug)]})


told = json.load(sys.stdin)
made = outside.prepare(
    told["amazon"], told["ledgers"], told["rate_scale"], [("quickbooks", "summary"), ("quickbooks", "orders")]
)
register(told)
visitor = Visitor(told["site"])
visitor.session.verify, visitor.session.trust_env = told["certificate"], False
visitor.sign_up("Acme", EMAIL, PASSWORD)
confirm(visitor, told["site"], Path(told["mails"]))
visitor.connect_all(made)
say("connected")
with scope(job.tenant_of(EMAIL).pk):
    flows = []
    for company in made.companies:
        flows.append(job.make_flow(company, EMAIL))
        job.wait_until_planned(flows[-1], WITHIN_S)
    for flow in flows:
        job.map_accounts(flow, EMAIL)
        setup.go_live(flow, EMAIL)
    say("live")
    job.wait_until_posted(flows, WITHIN_S, say)
    result = tieout.result_of(made, flows)
    say(json.dumps({"problems": list(result.problems), "proofs": sorted({line.verdict for line in result.lines})}))
