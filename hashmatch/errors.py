"""The two kinds of errors: of one file, and of the whole command."""

from __future__ import annotations

from hashmatch.messages import Message
from hashmatch.records import Failure

#: Codes of what can be wrong with one file. Scripts rely on them, so never rename one; only add.
CODES = (
    "not-found",
    "not-regular-file",
    "permission",
    "too-large",
    "unsupported-format",
    "corrupt",
    "partial",
    "encrypted",
    "nothing-to-compare",
    "timeout",
    "out-of-memory",
    "decoder-crash",
    "no-usable-frames",
    "changed-while-read",
    "io-error",
)

#: Codes of files that were left out, wholly or in part, because examining them would have cost too much.
LIMIT_CODES = ("too-large", "timeout", "out-of-memory")
#: Codes of files that may show more than was examined, though nothing is wrong with them: a limit was reached, or nothing
#: that we have decodes the rest.
MORE_TO_SEE = (*LIMIT_CODES, "unsupported-format")


class HashmatchError(Exception):
    """The base of all errors that this package raises for its callers."""


class MediaError(HashmatchError):
    """One file cannot be examined.

    code: one of CODES. detail: what is wrong, one line for a person, without the path.
    """

    def __init__(self, code: str, detail: Message) -> None:
        assert code in CODES, code
        super().__init__(code, detail)  # both in args, so that it survives pickling between processes
        self.code = code
        self.detail = detail

    @property
    def failure(self) -> Failure:
        """The same as a record."""
        return Failure(self.code, self.detail)

    @property
    def message(self) -> str:
        """One line for a person, in the language in force."""
        return str(self.detail)

    def __str__(self) -> str:
        return self.message


class CommandError(HashmatchError):
    """The command as a whole cannot go on; the message is one line for a person. Ends with exit code 2."""
