"""What a process of the service has imported before it is one: see `launching`."""

import warnings
from importlib import import_module

# As `python -W error -m app` has it, before the rest is imported.
warnings.simplefilter("error")
for name in ("app.__main__", "app.cli.serve", "app.main", "tests.service.launching"):
    import_module(name)
