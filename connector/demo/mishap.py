"""What a visitor of the demo can break, and mend again: by a stand-in's side door, as nobody but a person at the ledger could."""

import json
from collections.abc import Iterator

from connector.demo.outside import Outside
from ledgers.pretend import pretend_of


def in_words(outside: Outside) -> Iterator[str]:
    """Yield where the stand-ins are, and how to break a company whose ledger has an account to make inactive."""
    bases = {"amazon": outside.amazon, **outside.ledgers}
    yield "The stand-ins, each with what it can be told: " + "  ".join(f"{base}/_control/" for base in bases.values())
    for company in outside.companies:
        if (find := pretend_of(company.ledger).in_use) is not None:
            said = json.dumps(find(company.made))
            yield f"Break something: make an account of {company.name} inactive, then give its new label a category:"
            yield f"  curl -d '{said}' {outside.ledgers[company.ledger]}/_control/do/inactivate"
            yield "What it breaks is under Audit; the same with reactivate mends it. Then replay it there."
            return
