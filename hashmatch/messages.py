"""What we say about a file: a code and its parameters, put into words only when a person reads it.

Results, JSON files and the database hold a `Message`, never a finished sentence, so that whoever reads one later reads it
in their own language. All its texts stand here. To add one: choose a code that says what happened, write the English text
below, and use `Message.of("code", parameter=value)`. Codes and the names of parameters stand in databases and files that
people keep, so they are never renamed, only added to.
"""

from __future__ import annotations

import math
import string
from dataclasses import dataclass

from hashmatch.i18n import N_, _

#: What a parameter can be.
MessageValue = str | int | float

#: The code of words that are not ours: a decoder's, the operating system's, or a sentence that an older database holds.
LITERAL = "text"

#: English texts by code. A placeholder that has a number format ({size:,}) takes a number.
TEXTS: dict[str, str] = {
    LITERAL: "{text}",
    # Finding and opening files.
    "does-not-exist": N_("does not exist"),
    "no-permission": N_("no permission to read it"),
    "not-a-regular-file": N_("is not a regular file"),
    "other-file-system": N_("is on another file system (--one-file-system)"),
    "folder-visited": N_("is a folder that was visited already"),
    "symbolic-link": N_("is a symbolic link, which is not followed (--follow)"),
    "changed-while-read": N_("changed while it was read"),
    # Recognising them.
    "empty": N_("is empty"),
    "not-what-its-name-says": N_("is named like an image or film, but its content is neither"),
    "format-not-examined": N_("{format} is not examined"),
    "needs-extra": N_("{format} needs the extra `{extra}`: pip install 'hashmatch[{extra}]'"),
    "first-frame-only": N_("is animated; only its first frame was hashed"),
    "size-limit": N_("{size:,} bytes are more than the limit of {limit:,}"),
    "too-little-detail": N_("shows too little detail to be compared: it is black, plain or blurred"),
    "too-little-left": N_("is so damaged that what is left shows too little detail to be compared"),
    "matches-as-file-only": N_("shows too little detail to be compared; only the same bytes will match it"),
    # Decoding pictures.
    "cannot-be-decoded": N_("cannot be decoded: {why}"),
    "bad-header": N_("its header is damaged, or its format is not supported"),
    "damaged-or-cut-off": N_("damaged or cut off; hashed as far as it goes ({why})"),
    "nothing-left": N_("cannot be decoded: nothing is left of the picture"),
    "little-left": N_("cannot be decoded: only {share:.1%} of the picture is left"),
    "frames-missing": N_("damaged or cut off; hashed as far as it goes (frames are missing at its end)"),
    "no-pixels": N_("the picture has no pixels"),
    "pixel-limit": N_("{width:,} × {height:,} pixels are more than the limit of {limit:,}"),
    "chunk-limit": N_("has more than {limit:,} chunks"),
    "layout-not-read": N_("a TIFF of this layout cannot be read rightly: {layout}"),
    "page-limit": N_("has {pages:,} pages; only the first {limit:,} were hashed"),
    "frame-limit": N_("has more than {limit:,} frames"),
    "parts-limit": N_("{count:,} further parts of it were not examined"),
    "animated": N_("is animated"),
    "no-picture": N_("is not a picture"),
    "no-pictures": N_("has no pictures"),
    # Decoding films.
    "encrypted": N_("its pictures are encrypted"),
    "cannot-be-opened": N_("cannot be opened as a film: {why}"),
    "end-missing": N_("its end is missing"),
    "no-video-decoder": N_("there is no decoder for its video stream"),
    "cover-only": N_("has sound and a cover picture, but no film"),
    "sound-only": N_("has sound, but no film"),
    "no-video-stream": N_("has no video stream"),
    "no-frames": N_("has no frames"),
    "no-frame-decoded": N_("no frame could be decoded ({why})"),
    "no-frame-decoded-cut-off": N_("no frame could be decoded (a part is cut off)"),
    "frame-not-shown": N_("a frame cannot be shown ({why})"),
    "frame-too-large": N_("a frame is larger than the limit"),
    "parts-damaged": N_("damaged parts were left out ({why})"),
    "parts-cut-off": N_("damaged parts were left out (a part is cut off)"),
    "hash-limit": N_("more than {limit:,} hashes; the rest was not examined"),
    # The processes that do it.
    "memory-limit": N_("decoding needs more memory than the limit"),
    "key-frames-only": N_("its frames take more memory than the limit; of the rest only key frames were examined"),
    "cpu-limit": N_("decoding needs more CPU time than the limit"),
    "no-progress": N_("no progress for {seconds:g} s; given up"),
    "decoder-failed": N_("the decoder failed: {error}"),
    "decoder-killed": N_("the system killed the decoder, probably because it used too much memory"),
    "decoder-forbidden-call": N_("the decoder tried what no decoder should (SIGSYS); the file may be an attack"),
    "decoder-crashed": N_("the decoder crashed ({signal})"),
    "decoder-exited": N_("the decoder ended its process (exit code {exit_code})"),
    "decoder-silent": N_("the decoder's process stopped responding"),
    "decoder-nonsense": N_("the decoder's process sent what it never should"),
    "host-died": N_("the process that examined it died"),
    "machines-died": N_("every machine that examined it crashed"),
    # Adding them to the reference set.
    "stays-retracted": N_("was retracted and stays so; `hashmatch restore` would revive it"),
    "on-the-allow-list": N_("is itself on the allow list (reference {id})"),
    "resembles-allowed": N_("resembles reference {id}, which is on the allow list ({tier}, distance {distance})"),
}


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence about a file, not yet in any language.

    code: a key of TEXTS. parameters: what fills its placeholders, by name, in the order of the names.
    """

    code: str
    parameters: tuple[tuple[str, MessageValue], ...] = ()

    @classmethod
    def of(cls, code: str, /, **parameters: MessageValue) -> Message:
        """A message of ours. Raises ValueError if the code is unknown or the parameters do not fit its text."""
        made = cls(code, tuple(sorted(parameters.items())))
        if _filled(TEXTS.get(code), parameters) is None:
            raise ValueError(f"no such message: {made}")
        return made

    @classmethod
    def literal(cls, text: str) -> Message:
        """Words of others, which are shown as they are in every language."""
        return cls(LITERAL, (("text", text),))

    def __str__(self) -> str:
        """The sentence in the language in force. Never fails: a code that only a newer version knows is shown as it is."""
        given = dict(self.parameters)
        english = TEXTS.get(self.code)
        if self.code != LITERAL and english is not None:
            translated = _filled(_(english), given)
            if translated is not None:
                return translated
        text = _filled(english, given)
        return (
            text if text is not None else " ".join([self.code, *(f"{name}={value}" for name, value in given.items())])
        )

    def is_sound(self, longest: int) -> bool:
        """Whether this can be a message of ours; for what a worker or a file says. longest: characters of its text."""
        given = dict(self.parameters)
        if self.parameters != tuple(sorted(given.items())):
            return False
        if any(type(value) not in (str, int, float) for value in given.values()):
            return False
        if not all(math.isfinite(value) for value in given.values() if isinstance(value, float)):
            return False
        text = _filled(TEXTS.get(self.code), given)
        return text is not None and len(text) <= longest


def placeholders(text: str) -> set[str]:
    """The names of a text's placeholders. Raises ValueError where they are malformed."""
    return {name for _text, name, _format, _conversion in string.Formatter().parse(text) if name is not None}


def _filled(text: str | None, parameters: dict[str, MessageValue]) -> str | None:
    """A text with its placeholders filled, or None where the parameters are not exactly those that it needs."""
    try:
        if text is None or placeholders(text) != parameters.keys():
            return None
        return text.format(**parameters)
    except (KeyError, ValueError, IndexError, AttributeError, TypeError):
        return None
