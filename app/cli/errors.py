"""What ends a command other than well: a sentence for stderr and an exit code.

CommandError              the sentence, the exit code
├── UsageError       2    an argument or a setting that cannot be acted on
├── ProblemError     1    the service answered with a problem
└── UnreachableError 3    no Lookalike service answers
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """A promise to scripts; 0 is fine."""

    PROBLEM = 1
    """The service answered with a problem, is not ready, did not start, or a job did not get through."""
    USAGE = 2
    """Arguments or settings that cannot be acted on."""
    UNREACHABLE = 3
    """No Lookalike service answers at --url."""
    INTERRUPTED = 130
    """Ctrl-C."""


class CommandError(Exception):
    """`str(error)` is one sentence for the user."""

    exit_code = ExitCode.PROBLEM


class UsageError(CommandError):
    """Arguments or settings that cannot be acted on; nothing was done."""

    exit_code = ExitCode.USAGE


class ProblemError(CommandError):
    """The service's own problem+json: its detail and its code."""


class UnreachableError(CommandError):
    """Nothing, or something else than Lookalike, answers at the address."""

    exit_code = ExitCode.UNREACHABLE
