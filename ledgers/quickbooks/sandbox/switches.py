"""What nobody could settle about QuickBooks from outside (sheet §13.3), as switches; the first setting is the default."""

from sandbox.switches import Switch

SWITCHES = (
    Switch("old_refresh_grace", ("0", "24h"), "how long a refresh token still works after a new one was handed out"),
    Switch("refresh_reuse_revokes_grant", ("yes", "no"), "using a rotated refresh token ends the whole grant"),
    Switch("refresh_rotates", ("daily", "always"), "the value changes once a day, or on every refresh"),
    Switch("refresh_answer_lost", ("off", "drop"), "drop the answer of every refresh that rotated the value"),
    Switch("second_consent_kills_first", ("yes", "no"), "a new consent for a company ends its earlier tokens"),
    Switch("requestid_retention", ("24h", "0", "forever"), "how long a requestid is remembered"),
    Switch("requestid_replays_4xx", ("no", "yes"), "a refused request is remembered as well"),
    Switch("requestid_other_body", ("replay", "600"), "the same requestid with another body"),
    Switch("requestid_in_flight", ("600", "execute"), "the same requestid while the first request is still running"),
    Switch(
        "deposit_line_account_types",
        ("documented", "documented+bank", "documented+bank+liabilities"),
        "account types a direct deposit line may use",
    ),
    Switch("deposit_max_lines", ("none", "1000"), "lines a deposit may have"),
    Switch("deposit_zero_total", ("accept", "reject"), "a deposit of nothing"),
    Switch(
        "uf_foreign_currency_link", ("reject", "accept"), "depositing foreign transactions out of Undeposited Funds"
    ),
    Switch("je_multiple_ar_ap_lines", ("reject", "accept"), "several A/R or A/P lines in one journal entry"),
    Switch("je_max_lines", ("none", "1000"), "lines a journal entry may have"),
    Switch("transfer_from_card", ("accept", "reject"), "a transfer out of a credit card account"),
    Switch("void_creditmemo_refund_purchase", ("400", "ok"), "void of CreditMemo, RefundReceipt, Purchase, Transfer"),
    Switch("void_linked_invoice", ("unapply", "refuse"), "void or delete of an invoice with payments on it"),
    Switch("missing_synctoken", ("5010", "2020"), "the fault when the SyncToken is missing"),
    Switch("dup_number_warning", ("on", "off"), "the company warns about repeated document numbers"),
    Switch("liability_balance_sign", ("debit_positive", "owed_positive"), "CurrentBalance of liabilities and equity"),
    Switch("sku_in_select_star", ("yes", "no"), "SELECT * carries Sku"),
    Switch("error_time_field", ("present", "absent"), "fault bodies carry time"),
    Switch("batch_order", ("same", "reversed"), "the order of the answers of a batch"),
    Switch("batch_meter", ("1", "n"), "CorePlus reads a batch with queries counts as"),
    Switch("batch_rate_cost", ("1", "n"), "requests a batch counts as, of 500 a minute"),
    Switch("rate_scale", (100,), "percent of the published rates; 0 switches the throttles off"),
    Switch("throttle_body", ("json", "xml", "html"), "the form of a 429"),
    Switch("coreplus_monthly_block", (500_000,), "metered reads in a month before all reads are 429"),
)
