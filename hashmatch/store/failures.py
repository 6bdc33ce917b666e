"""How the table `reference` keeps why a file could not be hashed: as a code and parameters, or as the words of others."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Annotated

from hashmatch.messages import LITERAL, Message, MessageValue
from hashmatch.records import Failure

if TYPE_CHECKING:
    import msgspec

#: The columns, in the order of what `packed` gives and `unpacked` takes.
COLUMNS = "error_code, error_message, error_detail, error_parameters"

PackedFailure = tuple[str | None, str | None, str | None, str | None]


def packed(failure: Failure | None) -> PackedFailure:
    """The values of COLUMNS. None: nothing is wrong with the file."""
    if failure is None:
        return None, None, None, None
    detail, parameters = failure.detail, dict(failure.detail.parameters)
    if detail.code == LITERAL:
        return failure.code, str(detail), None, None
    return failure.code, None, detail.code, json.dumps(parameters, ensure_ascii=False, separators=(",", ":"))


def unpacked(code: str | None, text: str | None, detail: str | None, parameters: str | None) -> Failure | None:
    """The failure of the values of COLUMNS. Rows from before version 8 of the schema have a text only.

    Parameters that we never write are left out, because the database may be damaged or another's; the message is then shown
    by its code.
    """
    if code is None:
        return None
    if detail is None:
        return Failure(code, Message.literal(text or ""))
    try:
        given = _reader().decode(parameters or "{}")
    except (ValueError, RecursionError):
        given = {}
    return Failure(code, Message(detail, tuple(sorted(given.items()))))


@functools.cache
def _reader() -> msgspec.json.Decoder[dict[str, MessageValue]]:
    """Reads error_parameters. It refuses what cannot be shown or written: NaN, half a surrogate pair, huge integers."""
    import msgspec  # few commands show failures

    integer = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
    return msgspec.json.Decoder(dict[str, str | integer | float])
