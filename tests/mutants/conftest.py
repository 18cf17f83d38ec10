"""The worlds that the checks ask for."""

from tests.flows.conftest import books
from tests.flows.test_lanes import slow_calls
from tests.flows.test_undo import plan

__all__ = ["books", "plan", "slow_calls"]
