"""The store that needs no server: SQLite is the truth, what is beside it is a cache that can be rebuilt from it.

store.py (the port) -> writing.py, reading.py (SQL over schema.py), following.py (from the truth to the cache)
store.py -> searching.py -> cache.py (files) -> snapshot.py (a search) -> scanning.py (faiss)
"""
