"""The meaning of what Amazon says: pure Python, values in and values out, no Django, clock or network."""
