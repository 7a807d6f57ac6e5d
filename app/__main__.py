"""python -m app: the command line."""

import os

from app.cli.program import run


def main() -> None:
    """Run `lookalike` with the arguments of this process and end it with the command's exit code."""
    # NumPy is not loaded yet. Threads of its own for each matrix product would fight with those that search and index.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    run()


if __name__ == "__main__":
    main()
