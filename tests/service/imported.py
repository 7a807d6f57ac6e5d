"""What a process of the service has imported before it is one: see `launching`."""

import os
import warnings
from importlib import import_module

# As `python -W error -m app` has it; both must be so before the rest is imported.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
warnings.simplefilter("error")
for name in ("app.cli.serve", "app.main", "tests.service.launching"):
    import_module(name)
