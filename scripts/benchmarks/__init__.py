"""What scripts/benchmark.py and scripts/benchmark_store.py share: processes, loads, galleries, tables."""
