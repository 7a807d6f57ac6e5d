"""Photos from the web.

downloads.py (the port) -> robots.py, hosts.py (whose turn it is) -> requesting.py (one request) -> bodies.py
requesting.py -> guard.py (names to addresses, and which of them may be connected to)
"""
