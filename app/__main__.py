"""python -m app: the command line."""

from app.cli.program import run


def main() -> None:
    """Run `lookalike` with the arguments of this process and end it with the command's exit code."""
    run()


if __name__ == "__main__":
    main()
