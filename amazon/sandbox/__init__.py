"""A pretend Amazon: consent, tokens, orders, settlement reports and their downloads, in a process of its own or
in-process.
"""

from amazon.sandbox.applications import DEMO_APPLICATION
from amazon.sandbox.stand_in import AmazonStandIn

STAND_IN = AmazonStandIn

__all__ = ["DEMO_APPLICATION", "STAND_IN", "AmazonStandIn"]
