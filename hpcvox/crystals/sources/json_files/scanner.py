"""Finds the members of lists and objects in a stream of JSON; keeps only one value in memory."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

from hpcvox.crystals.limits import MAX_BYTES, MAX_PARTS, too_many_parts
from hpcvox.crystals.sources.streams import BrokenStream
from hpcvox.crystals.text import binary_lines

_CHUNK = 64 * 1024
_BLANK: Final = re.compile(r"\s*")
_VALUE: Final = r'(?:"[^"\\]*+"|[-+.0-9A-Za-z]++|\[\s*+\]|\{\s*+\})\s*+,'
_PLAIN: Final = {  # members that contain no other members, each with the comma after it
    "[": re.compile(rf"(?:\s*+{_VALUE})*+"),
    "{": re.compile(rf'(?:\s*+"[^"\\]*+"\s*+:\s*+{_VALUE})*+'),
}
_CLOSING: Final = {"[": "]", "{": "}"}


class Scanner:
    """A position in the JSON of a file, plain or compressed; the standard decoder reads values."""

    def __init__(self, path: Path) -> None:
        self._file = io.TextIOWrapper(binary_lines(path), "utf-8", errors="replace")
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = json.JSONDecoder()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def members(self) -> Iterator[str | None]:
        """Yield the keys of the object that begins here, or None for each element of a list.

        The caller must read each value before the next key, by :meth:`value`, :meth:`skip` or :meth:`members`.

        Raises:
            BrokenStream: no object or list begins here, or it is malformed.
        """
        opening = self._mark("[{", "a list or an object")
        closing = _CLOSING[opening]
        if self.peek() == closing:
            self._at += 1
            return
        while True:
            key: str | None = None
            if opening == "{":
                key = self.value()[1]
                if not isinstance(key, str):
                    raise BrokenStream("a key is missing")
                self._mark(":", "a colon")
            yield key
            if self._mark("," + closing, "a comma or the end") == closing:
                return

    def value(self) -> tuple[str, Any]:
        """The text of the next value, and the value.

        Raises:
            BrokenStream: there is none, it is longer than 16 MiB, or it has too many parts.
        """
        if not self.peek():
            raise BrokenStream("it ends too early")
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except RecursionError:
                raise BrokenStream("a value is nested too deep") from None
            except ValueError as error:
                problem = str(error).split(":")[0]
            else:
                if end < len(self._text) or self._ended:  # otherwise a number might continue
                    text, self._at = self._text[self._at : end], end
                    return text, value
                problem = "a value without an end"
            if self._ended or len(self._text) - self._at > MAX_BYTES:
                raise BrokenStream(problem)
            if too_many_parts(self._text[self._at :]):
                raise BrokenStream(f"a value has more than {MAX_PARTS:,} brackets and commas")
            self._fill()

    def skip(self) -> None:
        """Skip the next value; a list or object may be of any length, but each of its members may not."""
        opening = self.peek()
        if opening not in ("[", "{"):
            self.value()
            return
        self._at += 1
        self._leave(opening)

    def leave(self, opening: str) -> None:
        """Skip the rest of the list or object that began with ``opening``, after one of its values was read."""
        closing = _CLOSING[opening]
        if self._mark("," + closing, "a comma or the end") != closing:
            self._leave(opening)

    def _leave(self, opening: str) -> None:
        closing = _CLOSING[opening]
        while True:
            # ten times as fast as reading them one by one
            plain = _PLAIN[opening].match(self._text, self._at)
            self._at = plain.end() if plain else self._at
            if self.peek() == closing:
                self._at += 1
                return
            if opening == "{":
                self.value()
                self._mark(":", "a colon")
            self.value()
            if self._mark("," + closing, "a comma or the end") == closing:
                return

    def refuse_more(self) -> None:
        """Raise BrokenStream unless this is the end of the file."""
        if self.peek():
            raise BrokenStream("more follows the end of the list; one structure a line is a .jsonl")

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._fill()

    def _fill(self) -> None:
        """Read as many characters as are in memory already, which doubles them."""
        waiting = len(self._text) - self._at
        more = self._file.read(max(_CHUNK, waiting))
        self._text, self._at = self._text[self._at :] + more, 0
        self._ended = not more

    def _mark(self, allowed: str, what: str) -> str:
        found = self.peek()
        if not found or found not in allowed:
            raise BrokenStream(f"{what} should follow, not {found!r}" if found else f"{what} should follow")
        self._at += 1
        return found
