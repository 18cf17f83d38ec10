"""Statements of a bank account as a bank exports them, and which of their lines are payouts. Pure Python."""
