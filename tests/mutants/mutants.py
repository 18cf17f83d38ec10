"""Named ways to break the product. Each says why somebody might write it, and which check must notice.

A mutant is a function that patches the product; the check is an ordinary test of the suite, run in process. What the
product itself refuses (an invariant that raises) counts as noticed too.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

import bookkeeping.cutting
import bookkeeping.gather
import bookkeeping.income_and_expenses
import bookkeeping.parts
import bookkeeping.undo
from bookkeeping import carry
from bookkeeping.accounts import AccountKey
from bookkeeping.documents import Invoice
from bookkeeping.entries import reversed_lines
from bookkeeping.policy import Mode
from flows import attempts, lanes, looking, outbox, outcomes, rows, taking_back
from flows.models import Delivery
from kit import clock
from ledgers.port import Absent
from ledgers.quickbooks import answers, wire
from tests.bookkeeping.company import FRESHBOOKS, QUICKBOOKS, WAVE

SUMMARY = {"modes": (Mode.SUMMARY,) * 4, "policy": QUICKBOOKS}
FAULTS = "tests.flows.test_outbox_faults"
WRITE_ONLY = "tests.flows.test_write_only"
OUTBOX = "tests.flows.test_outbox"
REFUSED = "tests.flows.test_outbox_refused"
CRASH = "tests.flows.test_outbox_crash"
LANES = "tests.flows.test_lanes"
UNDO = "tests.flows.test_undo"
REPLAY = "tests.flows.test_replay"
E7 = "tests.bookkeeping.test_e7"
VARIATIONS = "tests.bookkeeping.test_e7_variations"
LITE = "tests.bookkeeping.test_income_and_expenses"
STATEMENT = "tests.bookkeeping.test_statement"


@dataclass(frozen=True)
class Mutant:
    """``check`` is ``module:test``; ``given`` are the parameters of a test that has a table of cases."""

    name: str
    why: str
    mutate: Callable[[Any], None]
    check: str
    given: Mapping[str, Any] = field(default_factory=dict)


def replaced(where: Any, name: str, by: Any) -> Callable[[Any], None]:
    return lambda patch: patch.setattr(where, name, by)


# The outbox -----------------------------------------------------------------------------------------------------------


def without_look_up(patch: Any) -> None:
    patch.setattr(looking.Reader, "find", lambda self, row: Absent())


def unknown_as_retry(patch: Any) -> None:
    def again(found: Iterable[Delivery], look_at: Any) -> None:
        Delivery.objects.filter(pk__in=[row.pk for row in found]).update(state=Delivery.State.READY)

    patch.setattr(outcomes, "uncertain", again)


def no_quarantine(patch: Any) -> None:
    uncertain = outcomes.uncertain
    patch.setattr(outcomes, "uncertain", lambda found, look_at: uncertain(found, clock.now()))


def generation_raised_on_unknown(patch: Any) -> None:
    absent = outcomes._absent

    def raising(attempt: Any, found: Any, base_s: float) -> None:
        for row in found:
            row.generation += 1
        absent(attempt, found, base_s)

    patch.setattr(outcomes, "_absent", raising)


def resend_rendered_anew(patch: Any) -> None:
    absent = outcomes._absent

    def forgetting(attempt: Any, found: Any, base_s: float) -> None:
        absent(attempt, found, base_s)
        Delivery.objects.filter(pk__in=[row.pk for row in found]).update(resend=None)

    patch.setattr(outcomes, "_absent", forgetting)


def throttle_thaws_the_call(patch: Any) -> None:
    not_sent = outcomes.not_sent

    def thawing(found: Any) -> None:
        not_sent(found)
        Delivery.objects.filter(pk__in=[row.pk for row in found]).update(resend=None)

    patch.setattr(outcomes, "not_sent", thawing)


def part_resent_as_the_whole(patch: Any) -> None:
    absent = outcomes._absent

    def whole(attempt: Any, found: Any, base_s: float) -> None:
        absent(attempt, found, base_s)
        Delivery.objects.filter(pk__in=[row.pk for row in found]).update(resend=attempt)

    def sends_all(lease: Any, ledger: Any, first: Any) -> None:
        call = outbox.wire.thaw(first.resend)
        found = Delivery.objects.filter(resend=first.resend).select_related("flow__target")
        outbox.deliver(lease, ledger, call, list(found))

    patch.setattr(outcomes, "_absent", whole)
    patch.setattr(outbox, "_send_again", sends_all)


def absent_at_first_sight(patch: Any) -> None:
    patch.setattr(looking, "_not_yet_absent", lambda *_: None)


def lag_forgotten(patch: Any) -> None:
    patch.setattr(attempts, "unsettled_s", lambda *_: 0.0)


def balances_not_read_again(patch: Any) -> None:
    patch.setattr(outbox, "_before", lambda lease, ledger, call, found: getattr(found[0].resend, "before", {}))


def others_sent_meanwhile(patch: Any) -> None:
    patch.setattr(outbox, "_open_before", lambda lease, first: None)


def outcome_lost_with_the_lane(patch: Any) -> None:
    learn = attempts.learn

    def only_owners(lease: Any, *args: Any) -> None:
        with transaction.atomic():
            if not lanes.owns(lease):
                raise lanes.LeaseLost(lease.remote_key)
        learn(lease, *args)

    patch.setattr(attempts, "learn", only_owners)


def a_transaction_during_the_call(patch: Any) -> None:
    deliver = outbox.deliver

    def within(*args: Any) -> None:
        with transaction.atomic():
            deliver(*args)

    patch.setattr(outbox, "deliver", within)


def an_outage_counts_as_a_try(patch: Any) -> None:
    def counted(found: Iterable[Delivery]) -> None:
        Delivery.objects.filter(pk__in=[row.pk for row in found]).update(state=Delivery.State.READY)

    patch.setattr(outcomes, "not_sent", counted)


# Bookkeeping ----------------------------------------------------------------------------------------------------------


def a_dropped_row(patch: Any) -> None:
    take = bookkeeping.gather.Gather.take
    patch.setattr(bookkeeping.gather.Gather, "take", lambda self, found: take(self, list(found)[:-1]))


def rows_known_by_value(patch: Any) -> None:
    take = bookkeeping.gather.Gather.take

    def distinct(self: Any, found: Any) -> None:
        take(self, list({tuple(row)[1:]: row for row in found}.values()))

    patch.setattr(bookkeeping.gather.Gather, "take", distinct)


def a_dropped_remainder(patch: Any) -> None:
    plan_parts = carry.plan_parts

    def dropping(statement: Any, left: Any, *args: Any, **kwargs: Any) -> Any:
        first = min(left)
        short = {**left, first: dict(list(left[first].items())[1:])}
        return plan_parts(statement, short, *args, **kwargs)

    patch.setattr(carry, "plan_parts", dropping)


def a_flipped_sign(patch: Any) -> None:
    entry_lines = bookkeeping.parts.entry_lines
    patch.setattr(bookkeeping.parts, "entry_lines", lambda *args: reversed_lines(entry_lines(*args)))


def a_tax_leg_counted(patch: Any) -> None:
    tax = bookkeeping.gather.Gather._tax

    def collected_only(self: Any, slot: Any, order_id: str, amount: int) -> None:
        if amount > 0:
            tax(self, slot, order_id, amount)

    patch.setattr(bookkeeping.gather.Gather, "_tax", collected_only)


def months_of_utc(patch: Any) -> None:
    days = bookkeeping.gather.LocalDays
    patch.setattr(bookkeeping.gather, "LocalDays", lambda zone: days(ZoneInfo("UTC")))


def promotions_lost_from_invoices(patch: Any) -> None:
    patch.setattr(Invoice, "total", property(lambda self: sum(line.amount for line in self.lines if line.amount > 0)))


def payments_left_where_the_ledger_puts_them(patch: Any) -> None:
    patch.setattr(carry, "moved_on", lambda *_: {})


def a_whole_entry_without_clearing(patch: Any) -> None:
    patch.setattr(bookkeeping.cutting, "_pieces", lambda planned, _: iter([planned]))


def a_reversal_that_repeats(patch: Any) -> None:
    patch.setattr(bookkeeping.undo, "reversed_lines", tuple)


def a_refund_on_the_income_invoice(patch: Any) -> None:
    patch.setattr(bookkeeping.income_and_expenses, "account_key", lambda _: AccountKey.PROMO)


MUTANTS = [
    # Never two
    Mutant(
        "absent_at_first_sight",
        "The balance did not move, so the ledger does not have it: why look twice?",
        absent_at_first_sight,
        f"{WRITE_ONLY}:test_a_stale_balance_does_not_double_what_is_booked",
    ),
    Mutant(
        "lag_forgotten",
        "A balance read just before a call is the balance just before it.",
        lag_forgotten,
        f"{WRITE_ONLY}:test_what_shows_late_of_one_document_is_not_taken_for_the_next",
    ),
    Mutant(
        "balances_not_read_again",
        "It was proved absent; another reading before the resend only costs a call.",
        balances_not_read_again,
        f"{WRITE_ONLY}:test_a_commit_that_shows_between_the_second_look_and_the_resend_is_found_instead",
    ),
    Mutant(
        "others_sent_meanwhile",
        "While one answer is out the company could take other documents.",
        others_sent_meanwhile,
        f"{WRITE_ONLY}:test_nothing_else_is_sent_while_it_is_open_what_became_of_one",
    ),
    Mutant(
        "no_look_up",
        "Asking the ledger after a lost answer is slow and metered; surely it was not kept.",
        without_look_up,
        f"{FAULTS}:test_where_the_remote_remembers_no_request_the_look_up_alone_prevents_a_second_document",
        {"write": "entry", "fault": "the answer is lost"},
    ),
    Mutant(
        "unknown_treated_as_retry",
        "A time-out looks like any other error, so it is sent again.",
        unknown_as_retry,
        f"{FAULTS}:test_where_the_remote_remembers_no_request_the_look_up_alone_prevents_a_second_document",
        {"write": "shared payment", "fault": "the answer is lost"},
    ),
    Mutant(
        "no_quarantine",
        "The look-up found nothing at once, so why wait?",
        no_quarantine,
        f"{FAULTS}:test_where_the_remote_remembers_no_request_the_look_up_alone_prevents_a_second_document",
        {"write": "deposit", "fault": "it is kept late"},
    ),
    Mutant(
        "generation_raised_on_unknown",
        "A new try deserves a new request id.",
        generation_raised_on_unknown,
        f"{REFUSED}:test_a_refusal_raises_the_generation_and_an_unknown_answer_does_not",
    ),
    Mutant(
        "resend_rendered_anew",
        "The documents are the same, so their bytes need not be kept.",
        resend_rendered_anew,
        f"{OUTBOX}:test_what_is_absent_goes_out_again_by_itself_whatever_waits_beside_it",
    ),
    Mutant(
        "throttle_thaws_the_call",
        "After a 429 nothing was sent, so the next call may be put together anew.",
        throttle_thaws_the_call,
        f"{OUTBOX}:test_a_throttled_resend_stays_frozen",
    ),
    Mutant(
        "part_resent_as_the_whole",
        "The remote knows the request id and will leave out what it has.",
        part_resent_as_the_whole,
        f"{OUTBOX}:test_what_a_stopped_batch_left_out_is_sent_by_itself_under_the_same_generation",
        {"retention": "0"},
    ),
    Mutant(
        "adopt_without_marker",
        "Number, date and lines are ours, so it must be ours.",
        replaced(answers, "carries", lambda remote, marker: True),
        f"{REFUSED}:test_the_same_invoice_of_another_connector_is_not_ours_however_alike_it_is",
    ),
    Mutant(
        "a_second_flow_books_it_too",
        "Keys name the revision, so an earlier one cannot be in the way.",
        replaced(rows, "_is_elsewhere", lambda plan, remote_key: False),
        f"{REPLAY}:test_a_settlement_that_another_tenant_has_in_the_same_company_is_held_whatever_its_mode",
        {"mode": "orders"},
    ),
    # Whose lane
    Mutant(
        "fence_ignored",
        "The lease was ours when we began.",
        replaced(lanes, "owns", lambda lease: True),
        f"{CRASH}:test_a_zombie_cannot_put_back_what_the_next_owner_is_sending",
    ),
    Mutant(
        "lease_not_renewed",
        "Thirty seconds are plenty for a call.",
        replaced(lanes, "renew", lambda lease, lease_s: None),
        f"{OUTBOX}:test_the_lease_outlives_the_deadline_of_every_call_by_half_a_minute",
    ),
    Mutant(
        "outcome_lost_with_the_lane",
        "Whoever lost the lane has nothing to say.",
        outcome_lost_with_the_lane,
        f"{CRASH}:test_a_zombies_answer_clears_the_document_without_another_question",
    ),
    Mutant(
        "a_transaction_during_the_call",
        "All or nothing: begin, call and outcome in one transaction.",
        a_transaction_during_the_call,
        f"{OUTBOX}:test_no_transaction_is_open_during_a_call",
    ),
    Mutant(
        "first_come_first_served",
        "A worker stays with a company until its work is done.",
        replaced(lanes, "others_wait", lambda lease: False),
        f"{LANES}:test_a_thousand_documents_of_one_tenant_delay_another_tenants_one_by_at_most_twice_its_time",
    ),
    # Never silently none
    Mutant(
        "an_outage_counts_as_a_try",
        "Eight tries are eight tries.",
        an_outage_counts_as_a_try,
        f"{OUTBOX}:test_an_outage_uses_up_no_tries_and_people_are_told_once",
    ),
    Mutant(
        "all_are_refused_for_one",
        "They were refused together, so they are held together.",
        replaced(outcomes, "_shared", lambda refused, answers: set()),
        f"{REFUSED}:test_of_payments_that_share_a_refusal_only_the_culprit_is_held",
    ),
    Mutant(
        "another_total_is_accepted",
        "It is posted; the proof will show the difference.",
        replaced(taking_back, "must_go", lambda row: False),
        f"{REFUSED}:test_an_invoice_with_another_total_is_taken_out_again_and_held_with_the_reason",
    ),
    # Taking back
    Mutant(
        "undo_with_the_version_we_stored",
        "Nobody else writes to our documents.",
        replaced(looking, "unchanged", lambda reader, found: found),
        f"{UNDO}:test_payments_raised_the_versions_of_their_invoices_and_the_undo_knows",
    ),
    Mutant(
        "undo_whatever_it_became",
        "With the current version the ledger will not object.",
        replaced(answers, "_essence", lambda *args: {}),
        f"{UNDO}:test_a_document_that_somebody_changed_is_left_alone_and_the_difference_is_said",
    ),
    # To the cent
    Mutant(
        "a_float_is_read",
        "Money has two decimals; a float has fifteen.",
        replaced(wire, "from_decimal", lambda amount, currency: int(float(amount) * 100)),
        f"{OUTBOX}:test_amounts_that_no_float_holds_are_posted_to_the_cent",
        {"cents": 115},
    ),
    Mutant(
        "a_float_is_written",
        "JSON numbers are floats anyway.",
        replaced(wire, "money", lambda amount, currency: float(Decimal(amount) / 100)),
        f"{OUTBOX}:test_amounts_that_no_float_holds_are_posted_to_the_cent",
        {"cents": 115},
    ),
    Mutant(
        "a_dropped_row",
        "The last line of a file is often empty.",
        a_dropped_row,
        f"{E7}:test_end_balances_and_profit_with_the_settlement_trigger",
        SUMMARY,
    ),
    Mutant(
        "a_dropped_remainder",
        "What an invoice covers need not be carried by the entry.",
        a_dropped_remainder,
        f"{E7}:test_end_balances_and_profit_with_the_settlement_trigger",
        SUMMARY,
    ),
    Mutant(
        "rows_known_by_value",
        "The same row twice is a repetition of Amazon's.",
        rows_known_by_value,
        f"{STATEMENT}:test_identical_rows_all_count",
    ),
    Mutant(
        "a_flipped_sign",
        "What Amazon takes is a credit.",
        a_flipped_sign,
        f"{E7}:test_end_balances_and_profit_with_the_settlement_trigger",
        SUMMARY,
    ),
    Mutant(
        "a_tax_leg_counted",
        "Tax collected is income until it is withheld.",
        a_tax_leg_counted,
        f"{STATEMENT}:test_tax_that_cancels_leaves_nothing",
    ),
    Mutant(
        "month_taken_in_utc",
        "The file's times are in UTC.",
        months_of_utc,
        f"{STATEMENT}:test_parts_are_calendar_months_of_the_marketplace_not_of_utc",
    ),
    Mutant(
        "promotions_lost_from_invoices",
        "A rebate is not part of the price.",
        promotions_lost_from_invoices,
        f"{E7}:test_end_balances_and_profit_with_the_settlement_trigger",
        {"modes": (Mode.ORDERS,) * 4, "policy": QUICKBOOKS},
    ),
    Mutant(
        "payments_left_where_the_ledger_puts_them",
        "The payment is in the books; who cares in which account?",
        payments_left_where_the_ledger_puts_them,
        f"{E7}:test_end_balances_and_profit_with_the_settlement_trigger",
        {"modes": (Mode.ORDERS,) * 4, "policy": FRESHBOOKS},
    ),
    Mutant(
        "a_whole_entry_without_clearing",
        "It balances as it is.",
        a_whole_entry_without_clearing,
        f"{E7}:test_end_balances_and_profit_with_the_settlement_trigger",
        {"modes": (Mode.SUMMARY,) * 4, "policy": WAVE},
    ),
    Mutant(
        "a_reversal_that_repeats",
        "Its lines are those of the entry.",
        a_reversal_that_repeats,
        f"{VARIATIONS}:test_undo_and_redo_of_any_settlement",
        {"n": 0, "first": Mode.SUMMARY, "again": Mode.ORDERS, "policy": FRESHBOOKS},
    ),
    Mutant(
        "a_refund_on_the_income_invoice",
        "A refund lowers income like a promotion does.",
        a_refund_on_the_income_invoice,
        f"{LITE}:test_end_balances",
        {"history": "summary", "table": "PETTY 127.96, REVENUE -625.98, refund category 144.99"},
    ),
]
