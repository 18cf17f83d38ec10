"""A person at a browser, from sign-up to a replayed record, on a site and an outside world that really run."""

import pytest
from playwright.sync_api import Locator, Page, expect

from connector.demo import outside

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FIRST, SECOND = "22942859575", "23120319916"
USED = "Merchant Fees:AMZ Referral Fees"
POSTED_WITHIN_S = 30


class Walk:
    """One person's page, with the few moves that come again."""

    def __init__(self, page: Page, site: str) -> None:
        self.page, self.site = page, site
        self.main = page.get_by_role("main")

    def sign_up(self) -> None:
        self.page.goto(self.site)
        self.main.get_by_role("link", name="Sign up").click()
        self.page.get_by_label("Company").fill("Acme Goods")
        self.page.get_by_label("Email").fill("alice@acme.test")
        self.page.get_by_label("Password").fill("correct horse battery staple")
        self.main.get_by_role("button", name="Create my account").click()

    def agree(self) -> None:
        """On the provider's own page, to which the page before it leads by itself."""
        self.page.get_by_role("button", name="Allow").click()
        expect(self.main.get_by_text("is connected and tested: all is well.")).to_be_visible()

    def go_to(self, name: str) -> None:
        self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()

    def follow(self, name: str) -> None:
        """Take the next step that the dashboard names; it says so as soon as it is due."""
        self.go_to("Dashboard")
        step = self.main.get_by_role("link", name=name)
        self.await_(step)
        step.first.click()

    def await_(self, sight: Locator) -> None:
        """Load the page again until it shows something."""
        for _ in range(POSTED_WITHIN_S):
            if sight.first.is_visible():
                return
            self.page.wait_for_timeout(1000)
            self.page.reload()
        expect(sight.first).to_be_visible()

    def approve(self, settlement: str) -> None:
        """Approve a settlement, and look once more where it was planned anew just then, as its page asks."""
        self.press(f"Approve {settlement}")
        for _ in range(POSTED_WITHIN_S):
            told = self.page.get_by_text("Nothing was approved").or_(self.page.get_by_text("Approved. "))
            expect(told.first).to_be_visible(timeout=20_000)
            if not self.page.get_by_text("it was being planned anew").count():
                return
            self.follow("Look and approve")
            self.press(f"Approve {settlement}")

    def press(self, name: str) -> None:
        self.main.get_by_role("button", name=name).click()


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_new_seller_walks_from_sign_up_to_a_replayed_record(stage, pretended, open_page, javascript):
    walk = Walk(open_page(java_script_enabled=javascript), stage.site)
    page, main = walk.page, walk.main
    company = pretended.companies[0].made
    account = {"realm": company["realm"], "kind": "Account", "id": company["accounts"][USED]}

    walk.sign_up()
    walk.follow("Connect Amazon Seller Central")
    page.get_by_label("Marketplace you registered in").select_option("Amazon.com (US)")
    walk.press("Continue to Amazon Seller Central")
    walk.agree()
    walk.follow("Connect QuickBooks Online")
    walk.press("Continue to QuickBooks Online")
    walk.agree()
    walk.follow("Create the flow")
    walk.press("Create and fetch")
    walk.follow("Choose the accounts")
    walk.press("Accept all suggestions")
    walk.follow("See the dry run")
    expect(main.get_by_role("row", name=FIRST)).to_contain_text("241.00")
    main.get_by_role("link", name="go live").click()
    walk.press("Go live")

    walk.approve(FIRST)
    walk.go_to("Settlements")
    main.get_by_role("link", name=FIRST).click()
    walk.await_(main.get_by_role("heading", name="Ties to the cent"))

    outside.tell(stage.ledgers["quickbooks"], "edit", {**account, "changes": {"Active": False}})
    walk.follow("Look and approve")
    walk.approve(SECOND)
    walk.go_to("Audit")
    broken = main.get_by_role("row", name=f"Journal entry AMZ-{SECOND}").filter(has_text="was made inactive")
    walk.await_(broken)

    outside.tell(stage.ledgers["quickbooks"], "edit", {**account, "changes": {"Active": True}})
    for box in broken.get_by_role("checkbox").all():
        box.check()
    walk.press("Replay what is marked")
    walk.go_to("Settlements")
    main.get_by_role("link", name=SECOND).click()
    walk.await_(main.get_by_role("heading", name="Ties to the cent"))
    expect(main.get_by_role("link", name="Take out of the books")).to_be_visible()
