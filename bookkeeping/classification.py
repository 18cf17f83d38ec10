"""What a row's label means, as the source's own rule table answers it."""

from dataclasses import dataclass

from bookkeeping.accounts import AccountKey, Category


@dataclass(frozen=True, slots=True)
class Classification:
    """The meaning of one label.

    ``account`` is None where nothing is booked under an account of its own: UNKNOWN (a person must decide) and
    OPENING_DEBT (already in the books). ``coverable`` says that an invoice may carry such a row (transaction type
    Order with a sale, shipping, wrap or promotion amount); the row must also have an order id. ``rule`` is the number
    of the rule that matched; ``review`` asks a person to look at the label once, without holding anything.
    """

    category: Category
    account: AccountKey | None
    coverable: bool
    rule: int
    review: bool = False
