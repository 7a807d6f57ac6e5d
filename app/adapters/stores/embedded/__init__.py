"""The store that needs no server: SQLite is the truth, what is beside it is a cache that can be rebuilt from it.

truth.py (SQL) <- store.py (the port) -> cache.py (what a search reads) -> vector_file.py (float16 rows), scanning.py (faiss)
"""
