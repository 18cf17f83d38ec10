"""What nobody could settle about Zoho Books from outside (sheet, tag [?]), as switches; the first is the default.

A single number means: any number.
"""

from sandbox.switches import Switch

SWITCHES = (
    # Consent and tokens
    Switch("code_life_s", (60,), "seconds an authorization code works; documents say 60, 120 and 180"),
    Switch("live_refresh_tokens", (20,), "refresh tokens of one user and client that live; 1: a second consent kills"),
    Switch("live_access_tokens", (15,), "access tokens of one refresh token that live; documents say 15 and 30"),
    Switch("access_tokens_per_10_min", (10,), "access tokens per refresh token in ten minutes"),
    Switch("token_error_status", (200,), "HTTP status of the errors of the token endpoint"),
    Switch("throttle_error_status", (200,), "HTTP status of Access Denied"),
    Switch("token_answer_lost", ("off", "drop"), "drop the answer of every refresh"),
    Switch("repeat_consent_refresh_token", ("absent", "present"), "refresh token on a repeat without prompt=consent"),
    Switch("callback_accounts_server", ("listed", "unlisted", "absent"), "accounts-server in the callback"),
    Switch(
        "api_domain", ("listed", "legacy", "absent"), "api_domain of the token answer; legacy: https://api.zoho.com"
    ),
    # Limits
    Switch("rate_scale", (100,), "percent of the published rates; 0 switches limits off"),
    Switch("burst_per_minute", (1100,), "calls of one user in a minute before code 43"),
    Switch("block_s", (3600,), "seconds a burst blocks"),
    Switch("quota_headers", ("present", "absent"), "x-rate-limit headers on answers of an organization"),
    Switch("quota_status", ("429", "500"), "HTTP status around code 45"),
    Switch("refused_calls_count", ("no", "yes"), "calls answered 429 count against the daily quota"),
    # Codes nobody has read
    Switch("duplicate_number_code", (1001,), "code of a document number that exists"),
    Switch("locked_code", (12087,), "code of a write into a locked period"),
    Switch("inactive_code", (12086,), "code of a reference to something inactive"),
    Switch("refusal_code", (12000,), "code of other refusals whose code is unknown"),
    Switch("inactive_organization", ("6041", "57"), "answer for an organization made inactive"),
    # Reading
    Switch("search_lag_s", (2,), "seconds a new record stays out of filtered lists"),
    Switch("filters", ("documented", "ignored"), "ignored: every list filter is dropped in silence"),
    Switch("empty_values", ("loose", "tidy"), "loose: empty lists and numbers come as an empty text"),
    # Posting
    Switch("exchange_rate_decimals", (12,), "decimals of an exchange rate that are kept, the rest is cut off"),
    Switch("missing_rate", ("stored_or_1", "1"), "the rate of a foreign document that names none"),
    Switch("residual", ("exchange_gain", "last_line", "refuse"), "what converting line by line leaves over in base"),
    Switch("journal_max_lines", (0,), "lines a journal may have, 0: any"),
    Switch("journal_foreign_account", ("own_currency", "any"), "journal currencies a foreign account may meet"),
    Switch("party_on_control_lines", ("required", "free"), "customer_id on receivable and payable journal lines"),
    Switch("foreign_asset_accounts", ("ignored", "kept"), "currency_id on an account that is no bank or card"),
    Switch("transfer_account_types", ("bank_and_card", "balance_sheet"), "accounts a transfer_fund may join"),
    Switch("transfer_amount_currency", ("foreign", "from_account"), "what the amount of a mixed transfer is in"),
    Switch("payment_on_draft", ("sends", "refuse"), "a payment on a draft invoice marks it sent, or is refused"),
    Switch("payment_max_invoices", (0,), "invoices one payment may cover, 0: any"),
    Switch("void_paid_invoice", ("unapply", "refuse"), "void of an invoice with payments or credits"),
    Switch("delete_paid_invoice", ("refuse", "unapply"), "delete of an invoice with payments or credits"),
    Switch("upsert_disagreement", ("header", "refuse"), "the body's unique field differs from the header"),
    Switch("unmarked_number", ("ignored", "kept"), "a number sent without ignore_auto_number_generation"),
)
