"""Pretend Amazon sellers: histories that add up, the files Amazon would write about them, and the truth about both."""

from sandbox.seller.account import Account, Item, Line, Order, Period, Product, Settlement
from sandbox.seller.big import BigSettlement, big_seller
from sandbox.seller.demo import demo_seller
from sandbox.seller.history import History
from sandbox.seller.layout import Style, v1_file, v2_file
from sandbox.seller.marketplaces import MARKETPLACES, Marketplace
from sandbox.seller.orders import order_json
from sandbox.seller.shapes import Shape, seller
from sandbox.seller.truth import truth

__all__ = [
    "MARKETPLACES",
    "Account",
    "BigSettlement",
    "History",
    "Item",
    "Line",
    "Marketplace",
    "Order",
    "Period",
    "Product",
    "Settlement",
    "Shape",
    "Style",
    "big_seller",
    "demo_seller",
    "order_json",
    "seller",
    "truth",
    "v1_file",
    "v2_file",
]
