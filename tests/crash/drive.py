"""What a user does beside the site, in a process of its own with the site's settings: steps, told as a line of JSON on stdin.

    echo '{"steps": ["plan"], "told": {...}}' | python -m tests.crash.drive

``connect``  make the seller and the companies, sign up, connect them all → the outside as it was made
``begin``    create a flow into the next company
``plan``     let the site fetch and plan, accept the suggested mapping
``live``     go live
``settle``   let the site post, and compare                               → what is not as it should be

The answer of the last step is printed as JSON. Only ``connect`` asks the site; the others ask its database.
"""

import json
import sys
from dataclasses import asdict

import django

django.setup()

from connector.demo import job, outside, tieout  # noqa: E402
from connector.demo.visitor import Visitor  # noqa: E402
from flows import setup  # noqa: E402
from flows.models import Flow  # noqa: E402
from kit.scope import scope  # noqa: E402

EMAIL, PASSWORD = "crash@tieout.example", "survives kill -9 at noon"
WITHIN_S = 120.0


def connect(site, amazon, ledgers, companies, rate_scale):
    made = outside.prepare(amazon, ledgers, rate_scale, companies)
    visitor = Visitor(site)
    visitor.sign_up("Crash Goods", EMAIL, PASSWORD)
    visitor.connect_all(made)
    return asdict(made)


def begin(made):
    with scope(job.tenant_of(EMAIL).pk):
        companies = outside.Outside.from_json(made).companies
        job.make_flow(companies[len(flows())], EMAIL)


def plan(made):
    with scope(job.tenant_of(EMAIL).pk):
        for flow in flows():
            job.wait_until_planned(flow, WITHIN_S)
            job.map_accounts(flow, EMAIL)


def live(made):
    with scope(job.tenant_of(EMAIL).pk):
        for flow in flows():
            setup.go_live(flow, EMAIL)


def settle(made):
    with scope(job.tenant_of(EMAIL).pk):
        job.wait_until_posted(flows(), WITHIN_S, lambda text: None)
        result = tieout.result_of(outside.Outside.from_json(made), flows())
    return {"problems": list(result.problems), "proofs": sorted({line.verdict for line in result.lines})}


def flows():
    return list(Flow.objects.select_related("source", "target").order_by("pk"))


STEPS = {"connect": connect, "begin": begin, "plan": plan, "live": live, "settle": settle}

if __name__ == "__main__":
    question = json.loads(sys.stdin.readline())
    answers = [STEPS[step](**question["told"]) for step in question["steps"]]
    json.dump(answers[-1], sys.stdout)
