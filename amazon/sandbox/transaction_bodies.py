"""Transactions as the finances API shows them. Source: official model finances_2024-06-19, ``Transaction``."""

from collections.abc import Iterable
from typing import Any

from amazon.sandbox.breakdowns import money, named, tree
from amazon.sandbox.groups import group_id
from amazon.sandbox.times import written
from sandbox.seller import Account, Line, Settlement
from sandbox.seller.account import INVOICED
from sandbox.seller.marketplaces import Marketplace
from sandbox.seller.postings import Posting, reference


def bodies(account: Account, posting: Posting) -> list[dict[str, Any]]:
    """Return a posting's transactions: the released one, after the deferred one if it was held back first.

    Each names the other, its settlement and its group; what of that shows depends on when somebody looks.
    """
    own = (account.seller_id, account.account_type, account.marketplace.currency, posting.number)
    released_id, deferred_id = (reference(*own, what) for what in ("released", "deferred"))
    body = _body(account, posting)
    released = {**body, "transactionId": released_id, "transactionStatus": "RELEASED"}
    released["relatedIdentifiers"] = [*body["relatedIdentifiers"], *_period(account, posting.settlement)]
    if posting.deferred_at is None:
        return [released]
    released["relatedIdentifiers"].append(_identifier("DEFERRED_TRANSACTION_ID", deferred_id))
    deferral = {
        "contextType": "DeferredContext",
        "deferralReason": "B2B" if account.account_type == INVOICED else "DD7",
        "maturityDate": written(posting.posted_at),
    }
    deferred = {
        **body,
        "transactionId": deferred_id,
        "transactionStatus": "DEFERRED",
        "postedDate": written(posting.deferred_at),
        "relatedIdentifiers": [*body["relatedIdentifiers"], _identifier("RELEASE_TRANSACTION_ID", released_id)],
        "contexts": [deferral],
    }
    return [deferred, released]


def transfer(account: Account, settlement: Settlement) -> dict[str, Any]:
    """Return the payout of a settlement as a transaction. It belongs to no period, so that a period adds up without it."""
    currency = account.marketplace.currency
    payout = reference(account.seller_id, settlement.settlement_id, "transfer")
    amount = money(-settlement.total, currency)
    leaf = {"breakdownType": "FundTransfer", "breakdownAmount": amount, "breakdowns": []}
    return {
        **_seller(account, account.marketplace),
        "relatedIdentifiers": [
            _identifier("DISBURSEMENT_ID", settlement.settlement_id),
            _identifier("TRANSFER_ID", payout),
        ],
        "transactionType": "Transfer",
        "transactionId": payout,
        "transactionStatus": "RELEASED",
        "description": "Disbursement",
        "postedDate": written(settlement.deposit_at),
        "totalAmount": amount,
        "contexts": [
            {
                "contextType": "PaymentsContext",
                "paymentType": "Disbursement",
                "paymentMethod": "BANK",
                "paymentReference": settlement.settlement_id,
                "paymentDate": written(settlement.deposit_at),
            }
        ],
        "breakdowns": [{"breakdownType": "Other", "breakdownAmount": amount, "breakdowns": [leaf]}],
    }


def merchant_fulfilled(posting: Posting) -> bool:
    return any(line.fulfillment == "MFN" for line in posting.lines)


def shop_of(account: Account, posting: Posting) -> Marketplace:
    """Return where a posting happened; what names no marketplace counts for the account's first one."""
    names = {line.marketplace for line in posting.lines}
    return next((each for each in account.marketplaces if names & {each.site, each.multi_channel}), account.marketplace)


def _body(account: Account, posting: Posting) -> dict[str, Any]:
    """Return what the two transactions of a posting share."""
    currency, first = account.marketplace.currency, posting.lines[0]
    kind, description = named(posting)
    identifiers = {"ORDER_ID": first.order_id, "SHIPMENT_ID": first.shipment_id, "REFUND_ID": first.adjustment_id}
    made = {
        **_seller(account, shop_of(account, posting)),
        "relatedIdentifiers": [_identifier(name, value) for name, value in identifiers.items() if value],
        "transactionType": kind,
        "description": description,
        "postedDate": written(posting.posted_at),
        "totalAmount": money(posting.amount, currency),
        "breakdowns": tree(posting.lines, currency),
    }
    if items := _items(posting.lines, currency):
        made["items"] = items
    return made


def _items(lines: Iterable[Line], currency: str) -> list[dict[str, Any]]:
    """One item for each order line; none where a row belongs to no item, so that items always add up to the whole."""
    by_item: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        if not line.item_code:
            return []
        by_item.setdefault((line.item_code, line.sku), []).append(line)
    made = []
    for (code, sku), rows in by_item.items():
        first = rows[0]
        context: dict[str, Any] = {
            "contextType": "ProductContext",
            "sku": sku,
            "quantityShipped": first.quantity,
            "fulfillmentNetwork": first.fulfillment,
        }
        item: dict[str, Any] = {
            "description": sku,
            "relatedIdentifiers": [],
            "totalAmount": money(sum(row.amount for row in rows), currency),
            "breakdowns": tree(rows, currency),
            "contexts": [context],
        }
        if first.adjustment_item:
            item["relatedIdentifiers"].append(_item_identifier("ORDER_ADJUSTMENT_ITEM_ID", first.adjustment_item))
        item["relatedIdentifiers"].append(_item_identifier("TRANSACTION_ID", code))
        made.append(item)
    return made


def _seller(account: Account, shop: Marketplace) -> dict[str, Any]:
    return {
        "sellingPartnerMetadata": {
            "sellingPartnerId": account.seller_id,
            "accountType": account.account_type,
            "marketplaceId": shop.marketplace_id,
        },
        "marketplaceDetails": {"marketplaceId": shop.marketplace_id, "marketplaceName": shop.site},
    }


def _period(account: Account, settlement: Settlement | None) -> list[dict[str, str]]:
    starts_at = settlement.starts_at if settlement else account.running_from
    group = group_id(account.seller_id, account.account_type, account.marketplace.currency, starts_at)
    made = [_identifier("FINANCIAL_EVENT_GROUP_ID", group)]
    return [*made, _identifier("SETTLEMENT_ID", settlement.settlement_id)] if settlement else made


def _identifier(name: str, value: str) -> dict[str, str]:
    return {"relatedIdentifierName": name, "relatedIdentifierValue": value}


def _item_identifier(name: str, value: str) -> dict[str, str]:
    return {"itemRelatedIdentifierName": name, "itemRelatedIdentifierValue": value}
