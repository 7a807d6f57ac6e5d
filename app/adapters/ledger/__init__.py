"""The durable record of jobs, in one SQLite file: every image of a job has its row and its outcome.

mirrored.py (the port, where several processes share a store) -> mirroring.py, adopting.py -> summaries.py
ledger.py (the port) -> opening.py, retrying.py (new jobs), recording.py (outcomes), ending.py (a job's states)
-> failures.py -> planning.py (a job's images) -> reading.py (jobs as they are shown); schema.py (tables)
"""
