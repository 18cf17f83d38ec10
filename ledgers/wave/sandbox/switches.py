"""What nobody could settle about Wave from outside (sheet, tags [?] and §12), as switches; the first is the default."""

from sandbox.switches import Switch

SWITCHES = (
    # Errors
    Switch("status_invalid", (200, 400), "HTTP status of an invalid document or variable"),
    Switch("status_unauthenticated", (200, 401), "HTTP status without a good token"),
    Switch("variable_error_code", ("BAD_USER_INPUT", "VARIABLE_VALUE"), "code of a variable of the wrong type"),
    Switch("missing_scope", ("FORBIDDEN", "UNAUTHENTICATED"), "code of a field that the token's scopes do not cover"),
    Switch("free_plan", ("FORBIDDEN", "UNAUTHENTICATED", "NOT_FOUND", "served"), "calls to a business without Pro"),
    Switch("unknown_reference", ("not_found", "input_error"), "how an unknown id inside a mutation's input is told"),
    # Tokens
    Switch("refresh_token", ("rotated", "absent"), "a refresh answers a new refresh token, or none and the old stays"),
    Switch("refresh_reuse_revokes_grant", ("no", "yes"), "using a rotated refresh token ends the whole grant"),
    Switch("offline_access_in_scope", ("absent", "present"), "the returned scope names offline_access"),
    Switch("revoke_endpoint", ("exists", "missing"), "there is a revocation endpoint"),
    # Reading
    Switch("balance_lag_s", (0,), "seconds until a balance shows what was posted"),
    Switch("balance_sign", ("normal", "debit_positive"), "balances are positive on the account's own side, or debit"),
    Switch("payments_in_lists", ("empty", "null"), "Invoice.payments in a list of invoices"),
    Switch("page_totals", ("given", "null"), "totalCount and totalPages"),
    Switch("page_size_limit", (0,), "the largest pageSize; 0 for none"),
    Switch("archivable", ("null", "given"), "AccountSubtype.archivable, declared non-null"),
    # Money transactions
    Switch("duplicate_external_id", ("refuse", "first", "twice"), "refused; the first one answered; posted again"),
    Switch("external_id_after_delete", ("taken", "free"), "the externalId of a transaction that a person deleted"),
    Switch("anchor_whitelist", ("strict", "lenient"), "bank, card and loan accounts; or any balance sheet account"),
    Switch("money_in_transit_anchor", ("refused", "allowed"), "a strict list knows MONEY_IN_TRANSIT"),
    Switch("bulk", ("atomic", "partial"), "one refused transaction refuses them all"),
    Switch("line_tax", ("on_top", "included"), "the tax of a line comes on top of its amount"),
    # Invoices
    Switch("duplicate_invoice_number", ("reject", "accept"), "a number that another invoice has"),
    Switch("negative_total_invoice", ("refuse", "accept"), "an invoice whose total is below zero"),
    Switch("delete_paid_invoice", ("refuse", "delete"), "deleting an invoice with payments takes them along"),
    # Both
    Switch("closed_period", ("reject", "accept"), "writing into a closed period"),
    Switch("line_limit", (0,), "lines of an invoice or a transaction; 0 for no limit"),
    Switch("duplicate_account_name", ("accept", "reject"), "a second account of the same name"),
    # Pace
    Switch("rate_scale", (100,), "percent of the reported rates; 0 switches the throttles off"),
    Switch("daily_calls", (5000,), "calls a day of one application, before scaling"),
    Switch("retry_after", ("header", "none"), "a 429 carries Retry-After"),
)
