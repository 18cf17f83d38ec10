"""Every ledger's forms in home money, as rows: planned, answered, proved, taken back and posted again."""

from collections import Counter

import pytest

from bookkeeping.accounts import ACCOUNTS, SYSTEM, AccountKey
from bookkeeping.documents import How, Kind, document_from
from bookkeeping.entries import effect
from flows import payouts, planning, rates, rules, undo
from flows.models import Delivery, Flow
from ledgers.models import Company
from ledgers.port import Binding
from ledgers.quickbooks.client import CAPABILITIES
from tests.bookkeeping.company import FRESHBOOKS, FRESHBOOKS_DIRECT, LITE, WAVE, WAVE_DIRECT, ZOHO, ZOHO_JOURNALS
from tests.web.small_books import answer_all, flow_of, listed, plan_of, post, settle

FORMS = {
    "freshbooks": FRESHBOOKS,
    "freshbooks direct": FRESHBOOKS_DIRECT,
    "without entries": LITE,
    "wave": WAVE,
    "wave direct": WAVE_DIRECT,
    "zoho": ZOHO,
    "zoho journals": ZOHO_JOURNALS,
}
# 20.00 − 3.00 − 4.50 at 0.9, of which 11.00 arrived at 0.92.
PROFIT = {"FEE_SELLING": 270, "FEE_FBA": 405}


@pytest.fixture
def converted(acme, monkeypatch, in_acme):
    """Return what books a settlement of 12.50 dollars into books in euros, cut by a policy."""

    def settled(policy, mode):
        monkeypatch.setattr("flows.drafts.policy_of", lambda flow: policy)
        monkeypatch.setitem(CAPABILITIES.undo, Kind.EXPENSE, How.DELETE)
        flow = flow_of(acme, mode=mode)
        Company.objects.update(home_currency="EUR")
        Flow.objects.update(home="EUR")
        flow.refresh_from_db()
        others = {*SYSTEM, AccountKey.PAYOUTS, AccountKey.DEFERRED, AccountKey.FX, AccountKey.FX_COST} - {AccountKey.AR}
        for key in sorted(others):
            listed(flow.target, "account", f"own {key}", account_class=ACCOUNTS[key].account_class)
        rules.save_accounts(flow, {key: Binding(account=f"own {key}") for key in others}, "alice", {})
        settlement = settle(acme)
        entry_day, *payout_day = sorted(one.on for one in rates.missing())
        rates.set_rate(acme.pk, "user:1", "EUR", "USD", entry_day, "0.9")
        for day in payout_day:
            rates.set_rate(acme.pk, "user:1", "EUR", "USD", day, "0.92")
        return plan_of(settlement)

    return settled


def balances(plan):
    total = Counter()
    for row in Delivery.objects.filter(plan__settlement=plan.settlement, state="posted").exclude(kind="undo"):
        document = document_from(row.plain_document)
        assert document.currency == row.currency == "EUR"
        total.update(effect(document))
    return {key.value if isinstance(key, AccountKey) else key: amount for key, amount in total.items() if amount}


@pytest.mark.parametrize(
    ("form", "mode"), [*((form, "orders") for form in FORMS), ("wave", "summary"), ("without entries", "summary")]
)
def test_every_form_is_converted_proved_taken_back_and_posted_again(converted, form, mode):
    policy = FORMS[form]
    plan = post(converted(policy, mode))
    assert plan.verdict["verdict"] == "waiting"

    planning.state_received(plan.settlement, "user:1", 1100, "EUR")
    answer_all(plan)

    plan, found = plan_of(plan.settlement), balances(plan)
    assert plan.verdict["verdict"] == "proved"
    assert {key: found[key] for key in PROFIT} == PROFIT
    assert -found["REVENUE" if policy.income_and_expenses else "SALES"] == 1800
    assert found.get("FX", 0) + found.get("FX_COST", 0) == 25  # 11.25 less 11.00
    assert 1100 in (found.get("BANK"), found.get("PAYOUTS"), found.get("PETTY"))
    assert not {"AR", "CLEARING", "DEFERRED"} & found.keys()

    undo.undo(plan, "alice")
    answer_all(plan)
    planning.plan_settlement(plan.flow, plan.settlement)
    again = post(plan_of(plan.settlement))
    assert again.revision == 2
    assert again.verdict["verdict"] == "proved"
    assert balances(again) == found


@pytest.mark.parametrize("form", ["freshbooks", "without entries"])
def test_a_payout_that_is_in_the_books_takes_no_other_amount_until_it_is_taken_back(converted, form):
    plan = post(converted(FORMS[form], "summary"))
    payouts.state_received(plan.settlement, "user:1", 1100, "EUR")
    answer_all(plan)

    plan.settlement.refresh_from_db()
    with pytest.raises(payouts.CannotState):
        payouts.state_received(plan.settlement, "user:1", 1120, "EUR")
    undo.undo(plan_of(plan.settlement), "alice")
    answer_all(plan)
    payouts.state_received(plan.settlement, "user:1", 1120, "EUR")

    plan.settlement.refresh_from_db()
    assert plan.settlement.received == 1120
