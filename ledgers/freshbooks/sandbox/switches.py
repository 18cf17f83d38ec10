"""What nobody could settle about FreshBooks from outside, as switches; the first setting is the default."""

from sandbox.switches import Switch

SWITCHES = (
    # Authorisation (sheet §1)
    Switch("refresh_answer_lost", ("off", "drop"), "drop the answer of every refresh: the old pair is dead by then"),
    Switch("refresh_reuse", ("refused", "ends_grant"), "what a second use of a refresh token does to the living pair"),
    Switch("revoke", ("works", "404"), "whether the revocation call, which nobody has confirmed, is there"),
    # Errors (sheet §3)
    Switch(
        "error_form",
        ("version", "old", "new", "mixed"),
        "the accounting form: by the version asked for; one of them; or new for 401 and 404, old for the rest",
    ),
    Switch("errors_are", ("list", "object"), "the old form holds a list of errors, or one bare error"),
    Switch(
        "errors_status", ("http", "200"), "a refused accounting call says so in its status line, or only in its body"
    ),
    Switch("permission_error", ("403", "404"), "what a plan without the feature gets"),
    # Lists (sheet §4)
    Switch("filters", ("documented", "ignored"), "search keys known to work do work, or are ignored like unknown ones"),
    Switch("max_filter", ("exclusive", "inclusive"), "whether date_max and updated_max mean before, or up to"),
    Switch("list_order", ("newest_first", "oldest_first"), "the order of a list without a working sort key"),
    # Documents (sheet §5, §11)
    Switch(
        "duplicate_invoice_number",
        ("refused", "refused_unless_deleted", "accepted"),
        "an own number that another invoice has, or that only a deleted one has",
    ),
    Switch("invoice_number_length", (0,), "characters an invoice number may have; 0: any"),
    Switch("notes_length", (0,), "characters the notes of a document may have; 0: any"),
    Switch("create_with_status", ("ignored", "honoured"), "status and action_mark_as_sent in the creating call"),
    Switch("negative_lines", ("accepted", "refused"), "an invoice line below zero"),
    Switch("negative_total", ("refused", "accepted"), "an invoice below zero"),
    Switch("payment_on_draft", ("refused", "sends"), "a payment of a draft is refused, or marks it as sent"),
    Switch("delete_paid_invoice", ("refused", "deletes_payments"), "deleting an invoice that has payments"),
    Switch("duplicate_client_email", ("accepted", "refused"), "a second client with the same address"),
    Switch("client_limit", ("flagged", "refused"), "one client more than the plan has"),
    Switch("negative_expense", ("refused", "accepted"), "an expense below zero"),
    Switch("credit_note_key", ("credit_notes", "credit_note"), "the key of a single credit note in an answer"),
    Switch("closed_books", ("refused", "accepted"), "writing into the closed period"),
    Switch(
        "edited_entries", ("replaced", "reversed"), "journal details of an edited document: new, or old, reversal, new"
    ),
    # Journal entries and accounts (sheet §5, §11)
    Switch("legacy_journal_on_flexible", ("open", "closed"), "the known call where the chart of accounts is flexible"),
    Switch("journal_unbalanced_status", ("422", "400"), "the status of an unbalanced journal entry"),
    # Somebody's account showed both second settings in July 2026.
    Switch("custom_sub_account_names", ("names", "uuids"), "what journal_entry_accounts calls an account a user made"),
    Switch("account_balances", ("live", "stale"), "balances in journal_entry_accounts are kept up, or stay 0"),
    Switch("new_account_is_category", ("at_once", "never"), "an expense account made through the API is a category"),
    Switch(
        "lite_reads", ("open", "refused"), "accounts and journal details can be read on a plan that cannot write them"
    ),
    Switch("lite_permissions", ("false", "absent"), "how a plan without a feature says so"),
    # Webhooks (sheet §7)
    Switch("webhook_copies", (1,), "how often each webhook is delivered"),
    Switch("webhook_delay_s", (0,), "seconds between a change and its webhook"),
    Switch("verification_signed", ("yes", "no"), "the verification call carries a signature"),
    # Throttling (sheet §3)
    Switch("rate_scale", (100,), "percent of the assumed rate; 0 switches the throttle off"),
    Switch("retry_after", ("absent", "present"), "a 429 says how long to wait"),
    Switch("throttle_body", ("json", "text", "html"), "the form of a 429"),
)
