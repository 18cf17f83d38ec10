"""Amazon and QuickBooks as stand-ins in this process, and a tenant connected to both through their consent pages.

Other ledgers' stand-ins may join them.
"""

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.test import override_settings
from werkzeug.test import Client

from amazon.sandbox import DEMO_APPLICATION, AmazonStandIn
from flows import outbox, schedule
from flows.models import Delivery, Flow
from kit import http
from kit.scope import scope
from ledgers.quickbooks.sandbox import QuickBooksStandIn
from sandbox.store import Store
from tenants import connections
from tenants.models import Connection, Tenant, User

AMAZON = "https://amazon.test"
QUICKBOOKS = "https://quickbooks.test"


@dataclass
class World:
    """The stand-ins, and who is connected to them."""

    amazon: AmazonStandIn
    quickbooks: QuickBooksStandIn
    stack: ExitStack
    others: dict[str, tuple[Any, str]] = field(default_factory=dict)
    truths: dict[str, dict] = field(default_factory=dict)
    companies: dict[str, dict] = field(default_factory=dict)

    def seller(self, action="demo", **values):
        """Let a pretend seller exist; returns its truth and id."""
        with self.amazon.store.transaction():
            return self.amazon.controls()[action](values)

    def company(self, name="Acme Books", chart="bookkeeper", **values):
        made = self.quickbooks.control("create_company", {"name": name, "chart": chart, **values})
        self.companies[made["realm"]] = made
        return made

    def join(self, slug: str, stand_in: Any, base: str, **settings: object) -> None:
        """Let another ledger's stand-in be there as well, and the site know where."""
        self.others[slug] = (stand_in, base)
        self.stack.enter_context(override_settings(**settings))
        http.mount(base, stand_in)
        self.stack.callback(http.unmount, base)

    def connect(
        self, slug: str, user: User, tenant: Tenant, choice: str, marketplace: str = "ATVPDKIKX0DER"
    ) -> Connection:
        """Go through the real consent page of a stand-in, choosing a seller or company, and come back."""
        known = {"amazon": (self.amazon, AMAZON), "quickbooks": (self.quickbooks, QUICKBOOKS), **self.others}
        app, base = known[slug]
        extra = {"marketplace": marketplace} if slug == "amazon" else {}
        with scope(tenant.pk):
            page = urlsplit(connections.begin_consent(user, tenant, slug, extra=extra))
        browser = Client(app)
        form = _Form(browser.get(page.path, query_string=page.query, base_url=base).text)
        answer = browser.post(
            urlsplit(form.action).path, data={**form.fields, "choice": choice, "decision": "allow"}, base_url=base
        )
        back = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
        with scope(tenant.pk):
            [connection] = connections.finish_consent(user, tenant, slug, back).connected
        return connection

    def run(self, *flows: Flow) -> None:
        """Run the flows and serve every lane until nothing is due."""
        for flow in flows:
            with scope(flow.tenant_id):
                schedule.run_now(flow)
            schedule.run_flow(flow.pk)
        self.deliver()

    def deliver(self) -> None:
        for _ in range(50):
            waiting = schedule.lanes_with_work()
            if not waiting:
                return
            for remote_key in waiting:
                while outbox.work(remote_key):
                    pass
        raise AssertionError(f"still waiting: {waiting}")

    def balance(self, flow: Flow, key: str) -> int:
        """Return the balance, debit positive, of the account the flow has mapped to a key."""
        from flows import mapping

        account = mapping.load(flow).base[key].account
        if account.startswith("@"):
            account = Delivery.objects.get(key=account[1:], live=True).external_id
        return self.quickbooks.books(flow.target.remote_id).balance(account)

    def states(self, flow: Flow) -> dict[str, int]:
        found: dict[str, int] = {}
        for state in Delivery.objects.filter(flow=flow).values_list("state", flat=True):
            found[state] = found.get(state, 0) + 1
        return found


class _Form(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.fields = "", {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "form":
            self.action = values["action"]
        if tag == "input" and values.get("type") == "hidden":
            self.fields[values["name"]] = values.get("value", "")


@contextmanager
def world(amazon_store: Store | None = None, quickbooks_store: Store | None = None):
    amazon = AmazonStandIn(*([amazon_store] if amazon_store else []))
    quickbooks = QuickBooksStandIn(*([quickbooks_store] if quickbooks_store else []))
    amazon.switches["rate_scale"] = 0
    quickbooks.switches["rate_scale"] = 1000
    http.mount(AMAZON, amazon)
    http.mount(QUICKBOOKS, quickbooks)
    with override_settings(
        AMAZON_API_BASE=AMAZON,
        AMAZON_CONSENT_BASE=AMAZON,
        AMAZON_TOKEN_URL=f"{AMAZON}/auth/o2/token",
        AMAZON_APPLICATION_ID=DEMO_APPLICATION["application_id"],
        AMAZON_CLIENT_ID=DEMO_APPLICATION["client_id"],
        AMAZON_CLIENT_SECRET=DEMO_APPLICATION["client_secret"],
        AMAZON_RATE_SCALE=100_000.0,
        QBO_API_BASE=QUICKBOOKS,
        QBO_AUTHORIZE_URL=f"{QUICKBOOKS}/connect/oauth2",
        QBO_TOKEN_URL=f"{QUICKBOOKS}/oauth2/v1/tokens/bearer",
        QBO_REVOKE_URL=f"{QUICKBOOKS}/v2/oauth2/tokens/revoke",
        QBO_CLIENT_ID="sandbox-client",
        QBO_CLIENT_SECRET="sandbox-secret",
        QBO_RATE_SCALE=1000.0,
        SITE_URL="http://127.0.0.1:8000",
    ):
        try:
            with ExitStack() as stack:
                yield World(amazon, quickbooks, stack)
        finally:
            http.unmount(AMAZON)
            http.unmount(QUICKBOOKS)
