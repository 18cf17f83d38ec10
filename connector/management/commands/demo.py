"""Show the main job on a pretend seller: set up, post in both modes, tie out, and leave the site running."""

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from bookkeeping.money import to_text
from connector.demo import job, mishap, tieout
from connector.demo import outside as outsides
from connector.demo.processes import Child, Died, environment, free_port, python, running
from connector.demo.stage import Stage
from connector.demo.visitor import Astray, Visitor
from flows import setup
from flows.models import Delivery, Flow
from kit.scope import scope
from ledgers.pretend import pretended
from ledgers.registry import ledger_spec

RATE_SCALE = 60  # searchOrders allows one call in three minutes; nobody wants to watch that
DRIVE = "TIEOUT_DEMO"  # what the driving process is told, as JSON
JOB_S = 240.0
EMAIL = "demo@tieout.example"
COMPANY = "Harbor Home Goods"
INTERRUPTED = 130


class Command(BaseCommand):
    help = "Run the main job on the embedded default with stand-ins of Amazon and every ledger, and show the tie-out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when it is done: 0 only if everything ties")
        parser.add_argument("--json", action="store_true", help="print the summary as JSON on the last line")
        parser.add_argument("--port", type=int, default=8000, help="port of the site that is left running")

    def handle(self, *args: Any, **options: Any) -> None:
        if DRIVE in os.environ:
            sys.exit(self._drive(json.loads(os.environ[DRIVE]), options))
        for each in (signal.SIGTERM, signal.SIGINT):  # a script that started it with "&" has it ignore INT
            signal.signal(each, _interrupt)
        if options["once"]:
            with tempfile.TemporaryDirectory(prefix="tieout-demo-") as name:
                sys.exit(self._show(Path(name), 0, options))
        place = Path(settings.BASE_DIR) / "var" / "demo"
        place.mkdir(parents=True, exist_ok=True)
        if _is_served(place):
            self.stderr.write(f"A demo is running in {place} already: end it there, or end its site's process.")
            sys.exit(1)
        shutil.rmtree(place)
        place.mkdir()
        sys.exit(self._show(place, options["port"], options))

    def _show(self, place: Path, port: int, options: dict[str, Any]) -> int:
        """Start the outside world and the site, have them driven, and stay until interrupted unless asked to end."""
        children: list[Child] = []
        try:
            with running(children):
                return self._run(Stage(place, RATE_SCALE, free_port(port)), children, options)
        except KeyboardInterrupt:
            self._say("\nEnded before it was done.")
            return INTERRUPTED
        except Died as error:
            self.stderr.write(str(error))
            return 1

    def _run(self, stage: Stage, children: list[Child], options: dict[str, Any]) -> int:
        self._say(f"Starting the stand-ins of Amazon, {_names()}, and the site")
        children += [stage.open_outside(), stage.open_site()]
        login = {"email": EMAIL, "password": secrets.token_urlsafe(12)}
        failed = self._have_driven(stage, children, login, options)
        if options["once"] or failed:
            return failed
        if options["port"] not in (0, stage.site_port):
            self._say(f"Port {options['port']} is taken, so the site has another one.")
        self._say(f"The site is running:  {stage.site}/")
        self._say(f"Sign in as            {login['email']}  with the password  {login['password']}")
        self._say(f"Logs and data are in {stage.place}; they are made anew by the next demo. Ctrl-C ends it.")
        try:
            while True:
                for child in children:
                    child.check()
                time.sleep(1)
        except KeyboardInterrupt:
            self._say("\nEnded.")
            return 0

    def _have_driven(self, stage: Stage, children: list[Child], login: dict[str, str], options: dict[str, Any]) -> int:
        """Let a process with the site's settings do what a new user does. Raises Died."""
        for child in children:
            child.ready()
        told = {"site": stage.site, "amazon": stage.amazon, "ledgers": stage.ledgers, **login}
        command = python("manage.py", "demo", *(f"--{flag}" for flag in ("once", "json") if options[flag]))
        env = environment({**stage.settings, DRIVE: json.dumps(told)})
        # Only our own interpreter and command are started.
        with subprocess.Popen(command, env=env, cwd=settings.BASE_DIR) as driver:  # noqa: S603
            try:
                while (status := driver.poll()) is None:
                    for child in children:
                        child.check()
                    time.sleep(0.05)
            finally:
                driver.terminate()
        if status:
            for child in children:
                child.check()
            self.stderr.write(f"The end of {stage.place / 'site.log'}:\n{children[-1].last_words()}")
        return status

    def _drive(self, told: dict[str, Any], options: dict[str, Any]) -> int:
        """Be the new user: sign up, connect both, map, go live, wait, compare."""
        try:
            return self._work(told, options)
        except KeyboardInterrupt:
            return INTERRUPTED
        except (Astray, job.NotDone, outsides.Failed) as error:
            self.stderr.write(f"The demo could not go on: {error}")
            return 1

    def _work(self, told: dict[str, Any], options: dict[str, Any]) -> int:
        started = time.monotonic()
        outside = outsides.prepare(told["amazon"], told["ledgers"], RATE_SCALE)
        self._say(f"Signing up as {told['email']}")
        visitor = Visitor(told["site"])
        visitor.sign_up(COMPANY, told["email"], told["password"])
        self._say(f"Connecting Amazon and {len(outside.companies)} companies on their consent pages")
        visitor.connect_all(outside)
        tenant = job.tenant_of(told["email"])
        with scope(tenant.pk):
            self._say("Fetching settlements and orders, planning (dry run)")
            flows = []
            for company in outside.companies:
                flows.append(job.make_flow(company, told["email"]))
                # One reader per seller account: the next flow finds everything fetched.
                job.wait_until_planned(flows[-1], JOB_S)
            self._say("Accepting the suggested mapping, going live, posting")
            for flow in flows:
                job.map_accounts(flow, told["email"])
                setup.go_live(flow, told["email"])
            job.wait_until_posted(flows, JOB_S, self._say)
            self._say("Comparing with Amazon's files and the companies' books")
            result = tieout.result_of(outside, flows)
            seconds = round(time.monotonic() - started, 1)
            self._say(f"\n{tieout.table(result, RATE_SCALE)}\nDone in {seconds} s.")
            if not options["once"]:
                self._say_what_is_left(flows, told["site"])
                for line in mishap.in_words(outside):
                    self._say(line)
        if options["json"]:
            self._say(json.dumps(_summary(result, seconds)))
        return 1 if result.problems else 0

    def _say_what_is_left(self, flows: list[Flow], site: str) -> None:
        for flow in flows:
            if Delivery.objects.filter(flow=flow, state=Delivery.State.HELD, code="unknown_label").exists():
                where = f"{site}{reverse('flows:mapping_labels', args=[flow.pk])}"
                self._say(f"Give the new label of {flow} a category: {where}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _names() -> str:
    return ", ".join(ledger_spec(slug).name for slug in pretended())


def _is_served(place: Path) -> bool:
    """Whether a site holds the lock of this place: an earlier demo that was killed leaves one running."""
    lock = place / "serve.lock"
    if not lock.exists():
        return False
    with lock.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _summary(result: tieout.Result, seconds: float) -> dict[str, Any]:
    settlements = {line.settlement_id for line in result.lines}
    off = {line.settlement_id for line in result.lines if line.difference}
    return {
        "settlements": len(settlements),
        "tied": len(settlements - off),
        "orders": result.orders,
        "held": len(result.held),
        "expected_held": result.expected_held,
        "difference": to_text(result.difference, outsides.CURRENCY),
        "seconds": seconds,
        "rate_scale": RATE_SCALE,
        "runs": [
            {
                "ledger": one.company.ledger,
                "mode": one.company.mode,
                "clearing": f"{one.clearing:.2f}",
                "payouts": f"{one.payouts:.2f}",
                "beside": [{"what": what, "amount": f"{amount:.2f}"} for what, amount in one.beside],
                "bank": f"{one.bank:.2f}",
                "unexplained": f"{one.unexplained:.2f}",
            }
            for one in result.books
        ],
    }
