"""The store that needs no server: SQLite is the truth, what is beside it is a cache that can be rebuilt from it.

truth.py (SQL) <- store.py (the port) -> cache.py (files) -> snapshot.py (a search) -> scanning.py (faiss)
"""
