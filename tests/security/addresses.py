"""Every address of the site, REST left out, and who may do what there. An address that is not in here fails a test.

REST has its own walk over the OpenAPI document (tests/web/rest).
"""

from dataclasses import dataclass

from django.urls import URLPattern, get_resolver

VIEWER, BOOKKEEPER, OWNER = RANKS = ("viewer", "bookkeeper", "owner")


@dataclass(frozen=True)
class Page:
    """Who may look (``get``) and act (``post``) at least; None: not at all. ``about`` names what its ids stand for.

    ``outside`` is where somebody reaches it without a company: "open" to strangers, "person" to whoever is signed in.
    """

    get: str | None = VIEWER
    post: str | None = None
    about: tuple[str, ...] = ()
    outside: str = ""


def see(*about):
    return Page(about=about)


def work(*about, get=BOOKKEEPER):
    return Page(get, BOOKKEEPER, about)


def act(*about, by=BOOKKEEPER):
    return Page(None, by, about)


OPEN, PERSON = Page(outside="open"), Page(outside="person")

PAGES = {
    "home": OPEN,
    "theme": OPEN,
    "amazon:notices": OPEN,  # asks for its secret (tests/amazon/test_notice_endpoint)
    "amazon:login": OPEN,
    "amazon:appstore": PERSON,
    "health_live": OPEN,
    "health_ready": OPEN,
    "account_login": OPEN,
    "account_logout": OPEN,
    "account_inactive": OPEN,
    "account_signup": OPEN,
    "account_reauthenticate": PERSON,
    "account_email": PERSON,
    "account_email_verification_sent": OPEN,
    "account_change_password": PERSON,
    "account_set_password": PERSON,
    "account_reset_password": OPEN,
    "account_confirm_login_code": OPEN,
    "account_confirm_email": OPEN,
    "account_reset_password_from_key_done": OPEN,
    "account_reset_password_from_key": OPEN,
    "account_reset_password_done": OPEN,
    "mfa_index": PERSON,
    "mfa_authenticate": OPEN,
    "mfa_reauthenticate": PERSON,
    "mfa_activate_totp": PERSON,
    "mfa_deactivate_totp": PERSON,
    "mfa_view_recovery_codes": PERSON,
    "mfa_generate_recovery_codes": PERSON,
    "mfa_download_recovery_codes": PERSON,
    "usersessions_list": PERSON,
    "tenants:create": PERSON,
    "tenants:switch": PERSON,
    "tenants:invitation": OPEN,
    "tenants:callback": OPEN,  # says to sign in (tests/web/test_connection_pages)
    "tenants:connection_secret": Page(OWNER, OWNER, ("connection",)),
    "tenants:connection_renew": act("connection", by=OWNER),
    "tenants:settings": Page(VIEWER, VIEWER),
    "tenants:members": Page(VIEWER, OWNER),
    "tenants:member_role": Page(OWNER, OWNER, ("member",)),
    "tenants:member_remove": Page(OWNER, OWNER, ("member",)),
    "tenants:invitation_withdraw": act("invitation", by=OWNER),
    "tenants:keys": Page(VIEWER, OWNER),
    "tenants:key_revoke": Page(OWNER, OWNER, ("key",)),
    "tenants:alerts": see(),
    "tenants:alert_settle": act("alert"),
    "tenants:connections": see(),
    "tenants:connection": see("connection"),
    "tenants:connection_test": act("connection"),
    "amazon:notifications": see("connection"),
    "amazon:notifications_on": act("connection", by=OWNER),
    "amazon:notifications_off": Page(OWNER, OWNER, ("connection",)),
    "amazon:notifications_test": act("connection", by=OWNER),
    "amazon:notifications_secret": act("connection", by=OWNER),
    "amazon:notifications_end": act("connection", by=OWNER),
    "tenants:disconnect": Page(OWNER, OWNER, ("connection",)),
    "tenants:companies": Page(OWNER, OWNER, ("grant",)),
    "tenants:connect": Page(OWNER, OWNER, ("provider",)),
    "tenants:credentials": Page(OWNER, OWNER, ("provider",)),
    "amazon:history": see("connection"),
    "amazon:history_start": act("connection"),
    "amazon:history_pause": act("connection"),
    "amazon:history_again": act("connection"),
    "flows:dashboard": see(),
    "flows:flows": see(),
    "flows:flow_new": work(),
    "flows:flow": see("flow"),
    "flows:flow_edit": work("flow"),
    "flows:flow_discard": work("flow"),
    "flows:flow_run": act("flow"),
    "flows:flow_progress": see("flow"),
    "flows:flow_live": work("flow"),
    "flows:flow_checks": Page(BOOKKEEPER, None, ("flow",)),
    "flows:flow_pause": work("flow"),
    "flows:flow_mode": work("flow"),
    "flows:flow_buyers": Page(OWNER, OWNER, ("flow",)),
    "flows:flow_clearing": act("flow"),
    "flows:dry_run": see("flow"),
    "flows:dry_run_approve": act("flow"),
    "flows:mapping": see(),
    "flows:mapping_accounts": work("flow", get=VIEWER),
    "flows:mapping_accept": act("flow"),
    "flows:mapping_lists": act("flow"),
    "flows:mapping_skus": see("flow"),
    "flows:mapping_general_item": act("flow"),
    "flows:mapping_groups": work("flow"),
    "flows:rule_new": work("flow"),
    "flows:rule_retire": work("flow", "rule"),
    "flows:mapping_customers": work("flow", get=VIEWER),
    "flows:mapping_labels": work("flow", get=VIEWER),
    "flows:mapping_history": see("flow"),
    "flows:owed": see("flow"),
    "flows:months": see(),
    "flows:month": see("flow", "month"),
    "flows:month_csv": see("flow", "month"),
    "flows:settlements": see(),
    "flows:files": see(),
    "flows:revision": work("revision", get=VIEWER),
    "flows:upload": work(),
    "flows:settlement": see("settlement"),
    "flows:rows": see("settlement"),
    "flows:payout": work("settlement"),
    "flows:received": work("settlement"),
    "flows:belongs": work("settlement"),
    "flows:remove": work("settlement"),
    "flows:difference": see("plan"),
    "flows:repost": work("plan"),
    "flows:remap": work("plan"),
    "flows:approve": work("plan"),
    "flows:undo": work("plan"),
    "flows:post_again": act("plan"),
    "flows:revalued": act("plan"),
    "flows:check_books": act("plan"),
    "flows:labels": act("plan"),
    "flows:rates": see(),
    "flows:rate_set": act(),
    "flows:rates_upload": act(),
    "flows:rate_remove": act("rate"),
    "flows:bank": see(),
    "flows:bank_open": act(),
    "flows:bank_account": see("bank"),
    "flows:bank_import": act("bank"),
    "flows:bank_columns": act("bank"),
    "flows:bank_remove": work("bank"),
    "flows:bank_match": work("bank_line"),
    "flows:bank_unmatch": act("bank_line"),
    "flows:bank_aside": act("bank_line"),
    "flows:orders": see(),
    "flows:order": see("order"),
    "flows:forget": Page(OWNER, OWNER, ("order",)),
    "flows:close_out": work("invoice"),
    "audit:records": see(),
    "audit:record": see("delivery"),
    "audit:replay": act("delivery"),
    "audit:in_the_books": act("delivery"),
    "audit:not_there": work("delivery"),
    "audit:replay_many": act(),
    "audit:export_records": see(),
    "audit:export_trail": see(),
    "audit:integrity": see(),
}
OF_COMPANIES = {name: page for name, page in PAGES.items() if not page.outside}
REST = "api"


def names(patterns=None, above=()):
    """Return the full name of every address; one without a name stands with what it matches."""
    found = []
    for each in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(each, URLPattern):
            found.append(":".join((*above, each.name or str(each.pattern))))
        elif getattr(each, "namespace", None) != REST:
            namespace = getattr(each, "namespace", None)
            found.extend(names(each.url_patterns, (*above, namespace) if namespace else above))
    return found
