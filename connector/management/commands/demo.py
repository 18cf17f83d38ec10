"""Show the main job on a pretend seller: set up, post in both modes, tie out, and leave the site running."""

import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import BaseCommand

from bookkeeping.money import to_text
from connector.demo import outside as outsides
from connector.demo import tieout
from connector.demo.processes import Child, environment, free_port, python, running
from connector.demo.visitor import Visitor
from flows import schedule, setup
from flows.models import Delivery, Flow, Plan, Run
from kit.clock import now
from kit.scope import scope, unscoped
from ledgers.registry import refresh_lists
from tenants.models import Connection, Member, Tenant

RATE_SCALE = 60  # searchOrders allows one call in three minutes; nobody wants to watch that
DRIVE = "TIEOUT_DEMO"  # what the driving process is told, as JSON
JOB_S = 240.0
EMAIL = "demo@tieout.example"
COMPANY = "Harbor Home Goods"
State = Delivery.State


class Command(BaseCommand):
    help = "Run the main job on the embedded default with stand-ins of Amazon and QuickBooks, and show the tie-out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when it is done: 0 only if everything ties")
        parser.add_argument("--json", action="store_true", help="print the summary as JSON on the last line")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        if DRIVE in os.environ:
            self._drive(json.loads(os.environ[DRIVE]), options)
            return
        if options["once"]:
            with tempfile.TemporaryDirectory(prefix="tieout-demo-") as name:
                sys.exit(self._run(Path(name), options))
        place = Path(settings.BASE_DIR) / "var" / "demo"
        shutil.rmtree(place, ignore_errors=True)
        sys.exit(self._run(place, options))

    def _run(self, place: Path, options: dict[str, Any]) -> int:
        """Start the outside world and the site, drive them, and stay until interrupted unless asked to end."""
        place.mkdir(parents=True, exist_ok=True)
        port = free_port(0 if options["once"] else options["port"])
        ports = {"amazon": free_port(), "quickbooks": free_port()}
        site = f"http://127.0.0.1:{port}"
        amazon, quickbooks = (f"http://127.0.0.1:{ports[name]}" for name in ("amazon", "quickbooks"))
        env = {
            "TIEOUT_VAR": str(place),
            "SITE_URL": site,
            "EMAIL_URL": "dummymail://",
            "AMAZON_API_BASE": amazon,
            "AMAZON_CONSENT_BASE": amazon,
            "AMAZON_TOKEN_URL": f"{amazon}/auth/o2/token",
            "AMAZON_RATE_SCALE": str(RATE_SCALE),
            "QBO_API_BASE": quickbooks,
            "QBO_AUTHORIZE_URL": f"{quickbooks}/connect/oauth2",
            "QBO_TOKEN_URL": f"{quickbooks}/oauth2/v1/tokens/bearer",
            "QBO_REVOKE_URL": f"{quickbooks}/v2/oauth2/tokens/revoke",
            "QBO_ENVIRONMENT": "sandbox",
            "QBO_RATE_SCALE": str(RATE_SCALE),
            **_applications(),
        }
        children: list[Child] = []
        with running(children):
            sandbox = Child(
                python(
                    "-m",
                    "sandbox.serve",
                    "--file",
                    str(place / "outside.sqlite3"),
                    "--amazon-port",
                    str(ports["amazon"]),
                    "--quickbooks-port",
                    str(ports["quickbooks"]),
                ),
                env,
                place / "outside.log",
            )
            children.append(sandbox)
            serve = Child(python("manage.py", "serve", "--port", str(port)), env, place / "site.log")
            children.append(serve)
            sandbox.wait_for("\nready\n")
            serve.wait_for("is ready on")
            login = {"email": EMAIL, "password": secrets.token_urlsafe(12)}
            told = {"site": site, "amazon": amazon, "quickbooks": quickbooks, **login}
            flags = [flag for flag in ("once", "json") if options[flag]]
            command = python("manage.py", "demo", *(f"--{flag}" for flag in flags))
            drive = environment({**env, DRIVE: json.dumps(told)})
            failed = os.spawnve(os.P_WAIT, command[0], command, drive)
            if options["once"] or failed:
                return failed
            self.stdout.write(
                f"\nThe site is running: {site}  sign in as {EMAIL} with the password {login['password']}"
            )
            self.stdout.write("Press Ctrl-C to end.")
            self.stdout.flush()
            try:
                serve.process.wait()
            except KeyboardInterrupt:
                self.stdout.write("")
            return 0

    def _drive(self, told: dict[str, str], options: dict[str, Any]) -> None:
        """Be the new user: sign up, connect both, map, go live, wait, compare."""
        started = time.monotonic()
        outside = outsides.prepare(told["amazon"], told["quickbooks"], RATE_SCALE)
        self._say(f"Signing up as {told['email']}")
        visitor = Visitor(told["site"])
        visitor.sign_up(COMPANY, told["email"], told["password"])
        self._say("Connecting Amazon and two QuickBooks companies on their consent pages")
        visitor.connect("amazon", outside.seller_id, {"marketplace": outside.truth["seller"]["marketplace_id"]})
        for company in outside.companies.values():
            visitor.connect("quickbooks", company["realm"], {})
        with unscoped("the demo finds the company it has just signed up"):
            tenant = Tenant.objects.get(pk=Member.objects.get(user__email=told["email"]).tenant_id)
        with scope(tenant.pk):
            flows = self._set_up(tenant, outside)
            self._wait(flows, started)
            result = tieout.result_of(outside, flows)
        seconds = round(time.monotonic() - started, 1)
        self.stdout.write("\n" + tieout.table(result, RATE_SCALE))
        self.stdout.write(f"Done in {seconds} s.")
        if options["json"]:
            self.stdout.write(json.dumps(_summary(result, seconds)))
        self.stdout.flush()
        if result.problems:
            sys.exit(1)

    def _set_up(self, tenant: Tenant, outside: outsides.Outside) -> list[Flow]:
        source = Connection.objects.get(provider="amazon")
        flows = []
        for mode, company in outside.companies.items():
            target = Connection.objects.get(provider="quickbooks", remote_id=company["realm"])
            refresh_lists(target)
            flow = Flow.objects.create(
                tenant=tenant,
                name=f"Amazon.com USD, {mode}",
                source=source,
                target=target,
                currency="USD",
                mode=mode,
                approval=Flow.Approval.AUTOMATIC,
            )
            flows.append(flow)
            schedule.run_now(flow)
        self._say("Fetching settlements and orders, planning (dry run)")
        for flow in flows:
            schedule.run_flow(flow.pk)
            left = setup.accept_suggestions(flow, EMAIL, create_missing=True)
            if left:
                raise CommandError(f"no suggestion for {', '.join(left)}")
            setup.go_live(flow, EMAIL)
        self._say("Live: posting")
        return flows

    def _wait(self, flows: list[Flow], started: float) -> None:
        """Wait until nothing is on its way; say how far it is."""
        moving = [State.READY, State.SENDING, State.UNCERTAIN, State.FAILED]
        said = -1
        while time.monotonic() - started < JOB_S:
            rows = Delivery.objects.filter(flow__in=flows)
            posted, waiting = rows.filter(state=State.POSTED).count(), rows.filter(state__in=moving)
            planned = Plan.objects.filter(flow__in=flows, state=Plan.State.PLANNED).exists()
            running_now = Run.objects.filter(flow__in=flows, state=Run.State.RUNNING).exists()
            due = waiting.exclude(not_before__gt=now().date())
            if posted and not planned and not running_now and not due.exists():
                return
            if posted != said:
                said = posted
                self._say(f"  {posted} documents in the books")
            time.sleep(0.5)
        raise CommandError(f"not done after {JOB_S:.0f} s; see the audit page")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _applications() -> dict[str, str]:
    """Return the credentials under which the stand-ins know this installation."""
    from amazon.sandbox import DEMO_APPLICATION
    from ledgers.quickbooks.sandbox.oauth import DEFAULT_APP

    return {
        "AMAZON_APPLICATION_ID": DEMO_APPLICATION["application_id"],
        "AMAZON_CLIENT_ID": DEMO_APPLICATION["client_id"],
        "AMAZON_CLIENT_SECRET": DEMO_APPLICATION["client_secret"],
        "QBO_CLIENT_ID": str(DEFAULT_APP["client_id"]),
        "QBO_CLIENT_SECRET": str(DEFAULT_APP["client_secret"]),
    }


def _summary(result: tieout.Result, seconds: float) -> dict[str, Any]:
    settlements = {line.settlement_id for line in result.lines}
    off = {line.settlement_id for line in result.lines if line.difference}
    return {
        "settlements": len(settlements),
        "tied": len(settlements - off),
        "orders": result.orders,
        "held": len(result.held),
        "expected_held": result.expected_held,
        "difference": to_text(result.difference, tieout.CURRENCY),
        "seconds": seconds,
        "rate_scale": RATE_SCALE,
        "runs": [
            {
                "ledger": "quickbooks",
                "mode": one.mode,
                "clearing": f"{one.clearing:.2f}",
                "bank": f"{one.bank:.2f}",
                "payouts": f"{one.payouts:.2f}",
            }
            for one in result.books
        ],
    }
