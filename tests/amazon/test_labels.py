import pytest
from hypothesis import given
from hypothesis import strategies as st

from amazon.labels import ACCOUNT_OF_CATEGORY, CATEGORY_NAMES, LabelRule, classify, conflicts
from bookkeeping.accounts import AccountKey, Category
from bookkeeping.facts import Label

K, C = AccountKey, Category


def label(text):
    return Label(*text.split("|"))


# Rule, label, category, account: one line at least for every rule of the table.
RULES = """
1  | Order | ItemPrice | Principal                                | PRODUCT_SALE        | SALES
2  | Order | ItemPrice | Shipping                                 | SHIPPING_CHARGE     | SHIP_INCOME
3  | Order | ItemPrice | GiftWrap                                 | GIFT_WRAP           | WRAP_INCOME
4  | Order | ItemPrice | Tax                                      | TAX_COLLECTED       | TAX_CLEARING
4  | Refund | ItemPrice | ShippingTax                             | TAX_COLLECTED       | TAX_CLEARING
4  | A-to-z Guarantee Refund | ItemPrice | GiftWrapTax            | TAX_COLLECTED       | TAX_CLEARING
4  | Refund_Retrocharge | ItemPrice | Tax                         | TAX_COLLECTED       | TAX_CLEARING
4  | Liquidations | ItemPrice | Tax                               | TAX_COLLECTED       | TAX_CLEARING
5  | Order | ItemWithheldTax | MarketplaceFacilitatorTax-Other    | TAX_WITHHELD        | TAX_CLEARING
5  | Order | ItemWithheldTax | MarketplaceFacilitatorVAT-Principal | TAX_WITHHELD       | TAX_CLEARING
5  | Refund | ItemWithheldTax | LowValueGoodsTax-Shipping         | TAX_WITHHELD        | TAX_CLEARING
6  | Order | ItemWithheldTax | TCS-IGST                           | TAX_CREDIT          | TAX_WITHHELD_ASSET
6  | Order | ItemWithheldTax | TDS (Section 194-O)                | TAX_CREDIT          | TAX_WITHHELD_ASSET
7  | Order | Promotion | TaxDiscount                              | TAX_COLLECTED       | TAX_CLEARING
8  | Order | Promotion | Shipping                                 | PROMO_REBATE        | PROMO
8  | Refund | Promotion | Points for a loan                       | PROMO_REBATE        | PROMO
9  | Order | ItemFees | Commission                                | SELLING_FEE         | FEE_SELLING
9  | Refund | ItemFees | DigitalServicesFee                       | SELLING_FEE         | FEE_SELLING
9  | Order | ItemFees | GetPaidFasterFee                          | SELLING_FEE         | FEE_SELLING
10 | Refund | ItemFees | RefundCommission                         | REFUND_ADMIN_FEE    | FEE_REFUND_ADMIN
11 | Order | ItemFees | FBAPerUnitFulfillmentFee                  | FBA_FEE             | FEE_FBA
11 | Order | ItemFees | FBA Pick & Pack Fulfilment                | FBA_FEE             | FEE_FBA
12 | Order | ItemFees | ShippingChargeback                        | FBA_SHIP_CHARGEBACK | FEE_FBA
12 | Order | ItemFees | GiftwrapChargeback                        | FBA_SHIP_CHARGEBACK | FEE_FBA
13 | Refund | ItemFees | FBACustomerReturnPerUnitFee              | FBA_FEE             | FEE_FBA
14 | Order | ItemFees | TaxOnFees                                 | FEE_TAX             | FEE_SELLING
15 | Chargeback Refund | ItemPrice | Principal                    | CLAIM               | CLAIMS
15 | A-to-z Guarantee Refund | ItemPrice | Goodwill               | CLAIM               | CLAIMS
16 | Refund | ItemPrice | RestockingFee                           | REFUND              | REFUNDS
16 | Refund | ItemPrice | ReturnShipping                          | REFUND              | REFUNDS
17 | Order_Retrocharge | ItemPrice | Principal                    | RECHARGE            | SALES
17 | BuyerRecharge | ItemPrice | Shipping                         | RECHARGE_SHIPPING   | SHIP_INCOME
17 | Refund_Retrocharge | ItemPrice | Principal                   | RECHARGE_REVERSAL   | REFUNDS
18 | Liquidations Adjustments | ItemPrice | Principal             | LIQUIDATION         | LIQUIDATION
19 | Liquidations | ItemFees | Liquidations Brokerage Fee         | LIQUIDATION_FEE     | FEE_REMOVAL
19 | Liquidations | ItemFees | Commission                         | LIQUIDATION_FEE     | FEE_REMOVAL
20 | ServiceFee | Cost of Advertising | TransactionTotalAmount    | ADVERTISING         | ADS
21 | CouponRedemptionFee | CouponRedemptionFee | Storage box 10 % | DEAL_FEE            | DEALS
21 | AmazonFees | Vine Enrollment Fee | Tax on fee                | DEAL_FEE            | DEALS
21 | ServiceFee | Deals | Promotion Fee                           | DEAL_FEE            | DEALS
22 | Lightning Deal Fee | other-transaction | LightningDealFee    | DEAL_FEE            | DEALS
23 | other-transaction | FBA Inventory Reimbursement | WAREHOUSE_LOST_MANUAL  | REIMBURSEMENT | REIMB
23 | other-transaction | FBA Inventory Reimbursement | MISSING_FROM_INBOUND_CLAWBACK | REIMBURSEMENT | REIMB
23 | other-transaction | FBA Inventory Reimbursement | REMOVAL_ORDER_DAMAGED  | REIMBURSEMENT | REIMB
23 | other-transaction | FBA Inventory Reimbursement | something new  | REIMBURSEMENT   | REIMB
24 | SAFE-T Reimbursement | SAFE-T Reimbursement | SAFE-T Reimbursement | REIMBURSEMENT | REIMB
24 | other-transaction | other-transaction | SAFE-T reimbursement | REIMBURSEMENT      | REIMB
25 | FBAFees | FBA Long Term Storage Fee | Discount on fee         | STORAGE_FEE         | FEE_STORAGE
25 | FBAFees | AWD Storage Fee | Base fee                          | STORAGE_FEE         | FEE_STORAGE
26 | FBAFees | FBA Amazon-Partnered Carrier Shipment Fee | Base fee | INBOUND_FEE        | FEE_INBOUND
26 | FBAFees | Inbound Defect Fee | Base fee                       | INBOUND_FEE         | FEE_INBOUND
27 | FBAFees | FBA Removal Order: Disposal Fee | Base fee          | REMOVAL_FEE         | FEE_REMOVAL
27 | FBAFees | FBA Customer Returns Fee | Base fee                 | REMOVAL_FEE         | FEE_REMOVAL
28 | FBAFees | FBA Inventory Storage Fee | Tax on fee              | FEE_TAX             | FEE_STORAGE
28 | FBAFees | FBA Low Inventory Level Fee | Tax on fee            | FEE_TAX             | FEE_FBA
29 | FBAFees | FBA Low Inventory Level Fee | Base fee              | FBA_FEE             | FEE_FBA
29 | FBAFees | AWD Processing Fee | Base fee                       | FBA_FEE             | FEE_FBA
30 | other-transaction | other-transaction | Storage Fee           | STORAGE_FEE         | FEE_STORAGE
30 | other-transaction | other-transaction | StorageRenewalBilling | STORAGE_FEE         | FEE_STORAGE
31 | other-transaction | other-transaction | FBAInboundTransportationFee | INBOUND_FEE   | FEE_INBOUND
31 | other-transaction | other-transaction | FBA Inbound Placement Service Fee | INBOUND_FEE | FEE_INBOUND
31 | other-transaction | other-transaction | AGSGlobalInboundTransportation | INBOUND_FEE | FEE_INBOUND
32 | other-transaction | other-transaction | DisposalComplete      | REMOVAL_FEE         | FEE_REMOVAL
33 | other-transaction | other-transaction | Subscription Fee      | SUBSCRIPTION        | SUBSCRIPTION
34 | other-transaction | other-transaction | Shipping label purchase for return | SHIPPING_LABEL | SHIP_LABELS
35 | other-transaction | other-transaction | Current Reserve Amount | RESERVE_HELD       | RESERVE
36 | other-transaction | other-transaction | Previous Reserve Amount Balance | RESERVE_RELEASED | RESERVE
37 | other-transaction | other-transaction | Payable to Amazon     | OPENING_DEBT        | -
38 | other-transaction | other-transaction | Successful charge     | DEBT_COLLECTED      | CHARGE_METHOD
39 | other-transaction | other-transaction | Transfer of funds unsuccessful: bank closed | PAYOUT_REVERSED | BANK
39 | other-transaction | other-transaction | Failed Disbursement   | PAYOUT_REVERSED     | BANK
40 | Transfers | Micro Deposit | Micro Deposit                     | PAYOUT_MOVEMENT     | BANK
40 | other-transaction | other-transaction | Transfer to bank      | PAYOUT_MOVEMENT     | BANK
41 | other-transaction | other-transaction | Transfer: cross-marketplace | CROSS_MARKET  | PAYOUTS
42 | other-transaction | other-transaction | Amazon Capital Services | LOAN              | LOAN
43 | other-transaction | other-transaction | Manual Processing Fee Reimbursement | FEE_ADJUSTMENT | FEE_OTHER
43 | Adjustment | other-transaction | Reversal                     | FEE_ADJUSTMENT      | FEE_OTHER
44 | Commingling VAT | Commingling VAT | COMMINGLING_VAT           | OTHER_TAX_OR_LEVY   | FEE_OTHER
44 | other-transaction | other-transaction | EPR Pay on Behalf     | OTHER_TAX_OR_LEVY   | FEE_OTHER
45 | Order | Points | PointsGranted                               | PROMO_REBATE        | PROMO
46 | Order | ItemPrice | CODItemCharge                            | SHIPPING_CHARGE     | SHIP_INCOME
48 | other-transaction | other-transaction | BalanceAdjustment     | UNKNOWN             | -
"""
CASES = [[cell.strip() for cell in line.split("|")] for line in RULES.strip().splitlines()]


@pytest.mark.parametrize(
    ("rule", "one", "category", "account"),
    [(int(case[0]), Label(*case[1:4]), C[case[4]], case[5]) for case in CASES],
    ids=[f"{case[0]}-{'|'.join(case[1:4])}" for case in CASES],
)
def test_the_table_gives_rule_category_and_account(rule, one, category, account):
    found = classify(one)

    assert (found.rule, found.category) == (rule, category)
    assert found.account == (None if account == "-" else K(account))


def test_every_rule_has_a_case():
    assert {int(case[0]) for case in CASES} == set(range(1, 49)) - {47}


# What the table is silent about is left to a person, however plausible a guess would be.
SILENT = """
Order|ItemPrice|Goodwill
Order|ItemFees|RemoteFulfillmentCredit
Order|Shipment-Fees|FBATransportationFee
ServiceFee|Refund for Advertiser|TransactionTotalAmount
other-transaction|MCF Inventory Reimbursement|MULTICHANNEL_ORDER_LOST
other-transaction|Capacity Reservation Fee|Reservation Fee
other-transaction|other-transaction|LowInventoryLevelFee
other-transaction|other-transaction|Safety recall fee
other-transaction|other-transaction|Merchant Bad Debt
Refund|ItemWithheldTax|Something
Refund|ItemPrice|NewTax
Seller Rewards|Seller Rewards|Seller Rewards
||
""".strip().splitlines()


@pytest.mark.parametrize("text", SILENT)
def test_what_the_table_is_silent_about_is_unknown(text):
    found = classify(label(text))

    assert (found.category, found.account, found.rule) == (C.UNKNOWN, None, 48)


@pytest.mark.parametrize(
    "text",
    [
        "ORDER|itemprice|PRINCIPAL",
        "Order|Item Price|Princi pal",
        "order|item-price|principal",
        "Order|Item_Price|Principal",
    ],
)
def test_case_blanks_dashes_and_underscores_do_not_matter(text):
    assert classify(label(text)) == classify(label("Order|ItemPrice|Principal"))


def test_coverable_rows_are_sales_of_orders_only():
    covered = [
        label(text)
        for text in (
            "Order|ItemPrice|Principal",
            "Order|ItemPrice|Shipping",
            "Order|ItemPrice|GiftWrap",
            "Order|Promotion|Principal",
        )
    ]
    others = [
        label(text)
        for text in (
            "Order|ItemPrice|Tax",
            "Order|ItemFees|Commission",
            "Refund|ItemPrice|Principal",
            "Refund|Promotion|Principal",
            "Order_Retrocharge|ItemPrice|Principal",
            "Liquidations|ItemPrice|Principal",
        )
    ]

    assert all(classify(one).coverable for one in covered)
    assert not any(classify(one).coverable for one in others)


def test_plausible_wording_is_flagged_for_a_look_and_attested_wording_is_not():
    assert classify(label("other-transaction|other-transaction|Lending repayment")).review
    assert classify(label("Order|Promotion|TaxDiscount")).review
    assert classify(label("FBAFees|AWD Processing Fee|Base fee")).review
    assert not classify(label("Order|ItemFees|Commission")).review
    assert not classify(label("FBAFees|FBA Inventory Storage Fee|Base fee")).review


def test_tax_on_fees_is_recoverable_for_the_registered_and_else_a_cost_like_its_fee():
    tax = label("FBAFees|FBA Inventory Storage Fee|Tax on fee")

    assert classify(tax, recovers_fee_tax=True).account is K.INPUT_TAX
    assert classify(tax).account is K.FEE_STORAGE


SIGNS = [
    ("Order|ItemFees|Commission", 100, True),
    ("Order|ItemFees|Commission", -100, False),
    ("Refund|ItemFees|Commission", 100, False),
    ("Order|ItemPrice|Principal", -100, True),
    ("Refund|ItemPrice|Principal", 100, True),
    ("Refund|ItemPrice|RestockingFee", 100, False),
    ("other-transaction|other-transaction|Current Reserve Amount", 100, True),
    ("other-transaction|FBA Inventory Reimbursement|COMPENSATED_CLAWBACK", -100, False),
]


@pytest.mark.parametrize(("text", "amount", "expected"), SIGNS)
def test_a_sign_against_the_family_conflicts(text, amount, expected):
    one = label(text)

    assert conflicts(one, classify(one), amount) is expected


def test_a_persons_decision_makes_an_unknown_label_known():
    one = label("Order|Shipment-Fees|FBA transportation fee")
    rule = LabelRule("Order", "Shipment-Fees", "FBATransportationFee", C.FBA_FEE)

    found = classify(one, (rule,))

    assert (found.category, found.account, found.rule, found.coverable) == (C.FBA_FEE, K.FEE_FBA, 0, False)


def test_a_persons_decision_may_name_a_pattern_and_wins_over_the_table():
    rule = LabelRule("other-transaction", "*", "*Storage*", C.FEE_ADJUSTMENT)

    assert classify(label("other-transaction|other-transaction|Storage Fee"), (rule,)).category is C.FEE_ADJUSTMENT
    assert classify(label("FBAFees|FBA Inventory Storage Fee|Base fee"), (rule,)).category is C.STORAGE_FEE


def test_the_first_of_a_persons_decisions_wins():
    exact = LabelRule("A", "B", "C", C.LOAN)
    general = LabelRule("A", "*", "*", C.ADVERTISING)

    assert classify(label("a|b|c"), (exact, general)).category is C.LOAN


def test_a_decision_to_leave_a_label_unknown_keeps_it_held():
    rule = LabelRule("other-transaction", "other-transaction", "Storage Fee", C.UNKNOWN)

    assert classify(label("other-transaction|other-transaction|Storage Fee"), (rule,)).account is None


@given(st.tuples(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20)))
def test_any_label_has_a_meaning(triple):
    found = classify(Label(*triple))

    assert (found.account is None) == (found.category in (C.UNKNOWN, C.OPENING_DEBT))


def test_every_category_has_a_name_and_a_default_account():
    assert set(CATEGORY_NAMES) == set(ACCOUNT_OF_CATEGORY) == set(C)
    assert len(set(CATEGORY_NAMES.values())) == len(C)
    assert [one for one in C if ACCOUNT_OF_CATEGORY[one] is None] == [C.OPENING_DEBT, C.UNKNOWN]
