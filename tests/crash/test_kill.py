"""The site is killed with SIGKILL at a boundary that the outside world names, and started on what it left behind.

Whatever the boundary: every document is in the books once, bank, clearing and every other account are what the
seller's truth says, what is held is what the truth says, and the rest is proved. The auditor reads the books.
"""

import pytest
import requests

from connector.demo import outside
from connector.demo.stage import Stage, ports_of
from connector.demo.visitor import Visitor
from tests.crash.theatre import RATE_SCALE, opened


def _ids(boundaries):
    return ", ".join(boundary for boundary, _ in boundaries)


pytestmark = [pytest.mark.crash, pytest.mark.timeout(400)]

# Each story is killed at one boundary after another; the next is counted from the start that follows a death.
WHILE_FETCHING = [
    [("amazon.token:after_commit", 1), ("amazon.getReportDocument:after_commit", 3)],
    [("amazon.getReports:before_commit", 1), ("amazon.searchOrders:after_commit", 4)],
    [("amazon.downloadDocument:mid_answer", 2), ("quickbooks.account.create:after_commit", 1)],
]
WHILE_POSTING = [
    [
        ("quickbooks.token:after_commit", 1),
        ("quickbooks.batch:before_commit", 2),
        ("quickbooks.batch:after_commit", 1),
    ],
    [
        ("quickbooks.customer.create:after_commit", 1),
        ("quickbooks.item.create:after_commit", 1),
        ("quickbooks.invoice.create:after_commit", 17),
        ("quickbooks.payment.create:after_commit", 1),
    ],
    [("quickbooks.deposit.create:after_commit", 2)],
    [
        ("quickbooks.journalentry.create:after_commit", 3),
        ("quickbooks.batch:mid_answer", 1),
        ("quickbooks.transfer.create:after_commit", 1),
    ],
]
TIED = {"problems": [], "proofs": ["proved", "waiting"]}


@pytest.mark.parametrize("boundaries", WHILE_FETCHING, ids=_ids)
def test_site_killed_while_it_fetches_and_plans_posts_everything_once(new_flow, tmp_path, boundaries):
    with new_flow.copy(tmp_path / "stage") as theatre:
        theatre.open_outside()
        theatre.tell("amazon", "expire_tokens")
        _killed_and_started_again(theatre, boundaries, ["plan", "live", "settle"], new_flow.made)


@pytest.mark.parametrize("boundaries", WHILE_POSTING, ids=_ids)
def test_site_killed_while_it_posts_posts_everything_once(ready_to_post, tmp_path, boundaries):
    with ready_to_post.copy(tmp_path / "stage") as theatre:
        theatre.open_outside()
        for company in ready_to_post.made["companies"]:
            theatre.tell("quickbooks", "expire_access", realm=company["made"]["realm"])
        _killed_and_started_again(theatre, boundaries, ["settle"], ready_to_post.made)


def _killed_and_started_again(theatre, boundaries, steps, made):
    driver = None
    for boundary, nth in boundaries:
        theatre.open_site()
        theatre.kill_site_at(boundary, nth)
        driver = driver or theatre.start_driving(steps, made=made)
        theatre.await_death(driver)
    theatre.open_site()

    assert theatre.answer_of(driver) == TIED


def test_site_killed_again_while_it_looks_up_posts_everything_once(ready_to_post, tmp_path):
    with ready_to_post.copy(tmp_path / "stage") as theatre:
        theatre.open_outside()
        theatre.open_site()
        theatre.kill_site_at("quickbooks.invoice.create:after_commit", 8)

        driver = theatre.start_driving(["settle"], made=ready_to_post.made)
        theatre.await_death(driver)
        theatre.open_site()
        theatre.kill_site_at("quickbooks.batch:after_commit", 1)
        theatre.await_death(driver)
        theatre.open_site()

        assert theatre.answer_of(driver) == TIED


def test_consent_whose_code_was_being_exchanged_at_the_kill_is_given_again(tmp_path):
    with opened(Stage(tmp_path, RATE_SCALE, ports=ports_of("quickbooks"))) as theatre:
        theatre.open_outside()
        theatre.open_site().ready()
        made = outside.prepare(theatre.stage.amazon, theatre.stage.ledgers, RATE_SCALE, [("quickbooks", "orders")])
        visitor = Visitor(theatre.stage.site)
        visitor.sign_up("Crash Goods", "crash@tieout.example", "survives kill -9 at noon")
        theatre.kill_site_at("quickbooks.token:after_commit")

        with pytest.raises(requests.ConnectionError):
            visitor.connect_all(made)
        theatre.open_site().ready()
        visitor.connect_all(made)

        assert "Harbor Books (orders)" in visitor.open("/connections/").text
