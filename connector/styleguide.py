"""Every piece of the pages at once, with made-up contents. Routed only where DEBUG is set."""

from datetime import timedelta

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from connector.templatetags.ui import MINUS, STATES
from kit.clock import now


def styleguide(request: HttpRequest) -> HttpResponse:
    at = now()
    rows = [
        ("1–14 Nov 2026", "18293847561", "posted", 1_233_400, -312_100, 921_300),
        ("18–31 Oct 2026", "18293847002", "held", 887_000, -299_143, 587_857),
        ("4–17 Oct 2026", "18293846777", "failed", 1_000_000, -200_000, 800_000),
    ]
    context = {
        "now": at,
        "minus": MINUS,
        "states": list(STATES),
        "crumbs": [("Settlements", "#"), ("18293847561", "#")],
        "rows": [dict(zip(("period", "id", "state", "sales", "fees", "payout"), row, strict=True)) for row in rows],
        "page": Paginator(range(230), 50).page(2),
        "steps": [
            {"label": "Amazon", "state": "done", "url": "#", "hint": "Connected"},
            {"label": "QuickBooks", "state": "done", "url": "#"},
            {"label": "Mapping", "state": "current", "hint": "4 left"},
            {"label": "Dry run", "state": "todo"},
            {"label": "Live", "state": "todo"},
        ],
        "chain": [
            {"label": label, "minor": 101_608, "currency": "USD"}
            for label in ("1,204 rows", "Header", "Entries", "Payout")
        ],
        "tabs": [
            {"label": "Proof", "url": "#", "current": True, "count": None},
            {"label": "Entries", "url": "#", "current": False, "count": 4},
            {"label": "Source rows", "url": "#", "current": False, "count": 1204},
        ],
        "events": [
            {"title": "Fetched", "at": at - timedelta(hours=3), "state": "done", "text": "Report 50021, 1,204 rows"},
            {"title": "Approved", "at": at - timedelta(hours=2), "state": "done", "actor": "dana@example.com"},
            {
                "title": "Answer lost",
                "at": at - timedelta(hours=1),
                "state": "uncertain",
                "text": "QuickBooks did not answer within 30 s. It is looked up before anything is sent again.",
                "details": [("Attempt", "1"), ("Request", "9f3c1e")],
            },
            {"title": "Posted", "at": at, "state": "posted", "text": "Deposit 1042"},
        ],
        "checks": [
            {"name": "Sign in to Intuit", "verdict": "passed", "detail": "The token is good for 58 minutes."},
            {
                "name": "Read the company",
                "verdict": "failed",
                "detail": "QuickBooks answered 403.",
                "action": "Connect again as an administrator of the company.",
            },
            {"name": "Several currencies", "verdict": "skipped", "detail": "Not needed: one currency."},
        ],
    }
    return render(request, "styleguide.html", context)
