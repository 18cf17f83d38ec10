"""The pretend outside world's tool box: HTTP, durable state, consent pages, faults and double-entry books.

Nothing here, and nothing built on it, imports the product: a stand-in is an independent reading of the same facts.
"""
