"""What a mapping may point at is checked wherever a decision comes from."""

import pytest

from bookkeeping.accounts import AccountKey
from flows import mapping, rules
from ledgers.models import ListEntry
from ledgers.port import Binding
from tests.web.small_books import flow_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_acme")]
K = AccountKey


@pytest.fixture
def flow(acme):
    return flow_of(acme)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Binding(account="999"), "no active account"),
        (Binding(account="@company/account/ADS/USD/1x"), "no active account"),
        (Binding(account="77"), "cannot serve as Amazon Sales"),
        (Binding(item="999"), "no active item"),
        (Binding(class_="999"), "no active class"),
        (Binding(department="999"), "no active location"),
    ],
)
def test_what_the_company_does_not_have_or_cannot_serve_is_refused(flow, target, words):
    version = flow.mapping_version

    with pytest.raises(rules.BadMapping, match=words):
        rules.save_accounts(flow, {K.SALES: target}, "alice", {})
    with pytest.raises(rules.BadMapping, match=words):
        rules.save_split(flow, K.SALES, target, "alice", sku="LAMP-*")

    flow.refresh_from_db()
    assert flow.mapping_version == version


def test_a_customer_that_the_company_does_not_have_is_refused(flow):
    with pytest.raises(rules.BadMapping, match="no active customer"):
        rules.save_customer(flow, "Amazon.com", "999", "alice")


def test_an_account_that_we_make_may_be_mapped(flow):
    made = rules.create_accounts(flow, [K.ADS], "alice")

    rules.save_accounts(flow, made, "alice", {})

    assert mapping.load(flow).base[K.ADS] == made[K.ADS]


def test_what_was_mapped_before_it_went_stays_until_it_is_changed(flow):
    before = mapping.load(flow).base[K.ADS]
    ListEntry.objects.filter(external_id=before.account).update(active=False)
    ListEntry.objects.create(
        tenant_id=flow.tenant_id, connection=flow.target, list="class", external_id="9", name="Online"
    )

    rules.save_accounts(flow, {K.ADS: Binding(account=before.account, class_="9")}, "alice", {})

    assert mapping.load(flow).base[K.ADS].class_ == "9"


def test_an_account_that_is_being_made_serves_only_what_its_type_can(flow):
    making = rules.create_accounts(flow, [K.ADS], "alice")[K.ADS]

    rules.save_accounts(flow, {K.SUBSCRIPTION: making}, "alice", {})
    with pytest.raises(
        rules.BadMapping, match="Amazon Advertising, which is being made, cannot serve as Amazon Clearing"
    ):
        rules.save_accounts(flow, {K.CLEARING: making}, "alice", {})

    assert mapping.load(flow).target(K.SUBSCRIPTION) == making
