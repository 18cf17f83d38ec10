"""A plugin for the run on Postgres: it keeps the tests that use the database, wherever they are.

Tests that start processes of their own bring their database with them and stay out. So does what asks a page, or a
mutant, that is the same on any database, in a transaction that is rolled back. Of a test with many cases some run,
spread over all of them: the statements are the same in each.
"""

from collections import defaultdict

import pytest

DATABASE = frozenset({"db", "transactional_db", "django_db_setup", "live_server"})
OWN_PROCESSES = ("browser", "crash", "postgres", "redis")
COMMITS = frozenset({"transactional_db", "live_server"})
SAME_ANYWHERE = (
    "ledgers/",
    "tests/conformance/",
    "tests/contract/",
    "tests/mutants/",
    "tests/sandbox/",
    "tests/security/",
    "tests/web/",
    # Pages and a token endpoint; what they store is looked at in tests/amazon/test_secrets.py.
    "tests/amazon/test_appstore.py",
    "tests/amazon/test_appstore_stand_in.py",
    # What it stores, and how, is looked at in tests/amazon/test_backfill.py.
    "tests/amazon/test_backfill_stand_in.py",
    "tests/amazon/test_grantless.py",
    # Buckets and pulls, whose statements tests/amazon/test_rates.py and test_pull_settlements.py look at.
    "tests/amazon/test_limits_kept.py",
    "tests/amazon/test_steady.py",
    "tests/amazon/test_subscriptions.py",
    "tests/amazon/test_subscriptions_stand_in.py",
    "tests/amazon/test_renewal_stand_in.py",
    "tests/docs/",
    # What is told of a ledger's answers, of Amazon's and of a person's choices: rows and queries are those of the stories that
    # stay, the whole job into two companies among them.
    "tests/amazon/test_consent.py",
    "tests/amazon/test_notices_stand_in.py",
    "tests/amazon/test_payouts.py",
    "tests/amazon/test_pull_stand_in.py",
    "tests/amazon/test_regions.py",
    "tests/amazon/test_renewal.py",
    "tests/amazon/test_transfers.py",
    "tests/flows/test_account_types.py",
    "tests/flows/test_accruals.py",
    "tests/flows/bad_input/",
    "tests/flows/test_books_begin.py",
    "tests/flows/test_buyers.py",
    "tests/flows/test_balances.py",
    "tests/flows/test_chain.py",
    "tests/flows/test_converted_forms.py",
    "tests/flows/test_currencies_in_the_books.py",
    "tests/flows/test_e7_in_freshbooks.py",
    "tests/flows/test_e7_in_the_books.py",
    "tests/flows/test_e7_in_wave.py",
    "tests/flows/test_e7_in_zoho.py",
    "tests/flows/test_e7_variations_in_the_books.py",
    "tests/flows/test_european_seller.py",
    "tests/flows/test_five_numbers.py",
    "tests/flows/test_forms_in_the_books.py",
    "tests/flows/test_labels.py",
    "tests/flows/test_ledger_calls.py",
    "tests/flows/test_order_history.py",
    "tests/flows/test_owed.py",
    "tests/flows/test_mapping_value.py",
    "tests/flows/test_payouts_from_amazon.py",
    "tests/flows/test_payouts_told.py",
    "tests/flows/test_pounds_in_zoho.py",
    "tests/flows/test_rates.py",
    "tests/flows/test_revisions.py",
    "tests/flows/test_setup.py",
    "tests/flows/test_wave_faults.py",
    "tests/flows/test_zoho_limits.py",
)
CASES = 5


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept, left = [], []
    cases = defaultdict[str, list[pytest.Item]](list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    some = {each.nodeid for all_of_it in cases.values() for each in all_of_it[:: -(-len(all_of_it) // CASES)]}
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        uses = DATABASE.intersection(fixtures) or item.get_closest_marker("django_db")
        alone = any(item.get_closest_marker(name) for name in OWN_PROCESSES)
        same = item.nodeid.startswith(SAME_ANYWHERE) and not COMMITS.intersection(fixtures)
        (kept if uses and not alone and not same and item.nodeid in some else left).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)
