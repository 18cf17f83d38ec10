"""Calls of the Sellers API and of listFinancialEventGroups whose answers are held against their models."""

from tests.conformance.amazon_models import Call

SINCE = "2026-08-01T00:00:00Z"

CALLS = [
    Call("getMarketplaceParticipations"),
    Call("listFinancialEventGroups", {"FinancialEventGroupStartedAfter": SINCE}),
    Call("listFinancialEventGroups", {"FinancialEventGroupStartedAfter": SINCE, "MaxResultsPerPage": "2"}),
    Call("listFinancialEventGroups", {"MaxResultsPerPage": "10"}, status=400),
]
