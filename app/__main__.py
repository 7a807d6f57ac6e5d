"""python -m app: the command line."""

import os

# Before NumPy is loaded, which the commands do: threads of its own for each matrix product would fight with those that
# search and index, and wait for each other at full speed.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from app.cli.program import run


def main() -> None:
    """Run `lookalike` with the arguments of this process and end it with the command's exit code."""
    run()


if __name__ == "__main__":
    main()
