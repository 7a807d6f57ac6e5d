"""The durable record of jobs, in one SQLite file: every image of a job has its row and its outcome.

ledger.py (the port) -> opening.py, retrying.py (new jobs), recording.py (outcomes), ending.py (a job's states)
-> failures.py -> planning.py (a job's images) -> reading.py (jobs as they are shown); schema.py (tables)
"""
