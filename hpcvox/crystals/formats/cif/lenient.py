"""Reads CIFs that gemmi refuses: first allows names that are given twice, then uses pymatgen's reader of tokens.

pymatgen's reader forgives more than gemmi's, and is slower.  It deletes characters that are not ASCII, and gemmi
refuses them in words without quotes.  Therefore both get escapes instead (:func:`_in_ascii`), so that no value loses a
character.
"""

import re
import warnings
from typing import Final, NamedTuple

import gemmi

from hpcvox.crystals.formats.cif import blocks
from hpcvox.crystals.formats.cif.doubled import of_the_crystal, refuse_in_text, settle, short
from hpcvox.crystals.text import MARK
from hpcvox.errors import Rejected

MAX_BYTES = 512 * 1024
MAX_LINE = 2048
"""Longest file and line that pymatgen reads: its time grows with the file and with the square of a line (CIF 1.1 allows
lines of this length).  Longer ones are rejected, so that none stalls a run."""

_STRAY: Final = "Possible issue in CIF file at line"
"""Pymatgen's warning for a word that it leaves out."""

_NEEDED: Final = ("_cell", "_symmetry", "_space_group", "_atom_site", "_chemical_formula_sum")
_SITES: Final = "_atom_site_fract_x"
_HEADING: Final = re.compile(r"^\s*data_", re.MULTILINE)
_NAME_OF_WORDS: Final = re.compile(r"\S+[ \t]+(?!_|loop_|#)\S")

_MEANT: Final = str.maketrans(
    {
        **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014", "-"),
        **dict.fromkeys("\x85\u2028\u2029", "\n"),
        "\xa0": " ",
    }
)
"""Characters that pages and programs write for a hyphen, a line end or a blank (minus sign, dashes, fixed blank)."""
_FOREIGN: Final = "not a valid CIF: there are characters outside quotes that are not ASCII"
_ESCAPE: Final = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


_UNQUOTED: Final = re.compile(
    rb"^([ \t]*_(?:(?:symmetry[._])?space_group[._]name|chemical_formula)\S*[ \t]+)"
    rb"([^\s'\"#;_]\S*(?:[ \t]+(?!loop_)[^\s'\"#_][^\s'\"]*)+)(?=[ \t]*(?:#.*)?$)",
    re.MULTILINE | re.IGNORECASE,
)
"""Finds symbols and formulas of several words without quotation marks, with their tags."""


class Reading(NamedTuple):
    """What could be read of a faulty CIF."""

    document: gemmi.cif.Document
    complaint: str  # what is wrong with its syntax; empty if only names are given twice
    written: str = ""  # the original text, if the document's values have escaped characters
    stray: bool = False  # whether words were left out that belong to no tag

    def check(self, block: gemmi.cif.Block) -> None:
        """Settle tags that a block gives twice, and reject values with invalid characters.

        Raises:
            Rejected: ``cif-syntax``; it concerns only this block.
        """
        settle(block)
        if self.written:
            _refuse_escaped(block, self.written)


def reread(text: bytes) -> Reading:
    """Read a CIF that gemmi refuses.

    Its blocks may have equal names, and tags may be given twice: see
    :func:`hpcvox.crystals.formats.cif.doubled.settle`.

    Raises:
        Rejected: ``cif-syntax``, if pymatgen cannot read it either.
    """
    text = text.replace(MARK, b"")  # files that were put together, each with its own
    text = _UNQUOTED.sub(rb"\1'\2'", text)
    document, complaint = _by_gemmi(text)
    written, stray = "", False
    if document is None and not text.isascii():
        written = _decoded(text)
        text = _in_ascii(written)
        document, still = _by_gemmi(text)
        complaint = still or _FOREIGN
    if document is None:
        document, stray = _by_pymatgen(text, complaint)
    if written:
        for block in blocks.of(document):
            block.name = _unescaped(block.name)
    return Reading(document, complaint, written, stray)


def _by_gemmi(text: bytes) -> tuple[gemmi.cif.Document | None, str]:
    """The document, or what is wrong with the text's syntax beside names that are given twice."""
    try:
        document = gemmi.cif.read_string(text, 0)  # does not check for names that are given twice
        document.check_for_missing_values()
    except (ValueError, RuntimeError) as error:
        return None, f"not a valid CIF: {(str(error).splitlines() or [type(error).__name__])[0]}"
    return document, ""


def _decoded(text: bytes) -> str:
    """Decode the text of a CIF as UTF-8, or else as Windows-1252 (western Europe)."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("cp1252", errors="replace")


def _in_ascii(written: str) -> bytes:
    """The text in ASCII: hyphens, line ends and blanks for characters that mean these, and escapes for all others."""
    return written.translate(_MEANT).encode("ascii", errors="backslashreplace")


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(lambda escape: chr(int(escape[0].lstrip("\\xuU"), 16)), value)


def _refuse_escaped(block: gemmi.cif.Block, written: str) -> None:
    """Raise ``Rejected("cif-syntax")`` if a value that concerns the crystal has a character that is not ASCII.

    ``written`` is the original text of the file.
    """
    for tag, values, _ in blocks.tagged(block):
        if not of_the_crystal(tag):
            continue
        for value in values:
            if escape := _ESCAPE.search(value):
                character, as_written = _unescaped(escape[0]), _unescaped(gemmi.cif.as_string(value))
                lines = enumerate(written.translate(_MEANT).split("\n"), 1)
                line = next((f", line {number}" for number, line in lines if as_written in line), "")
                raise Rejected(
                    "cif-syntax",
                    f"{tag} is {short(as_written)}{line}, and {character!r} (U+{ord(character):04X}) is no "
                    f"character of such a value: write it in ASCII",
                )


def _by_pymatgen(text: bytes, complaint: str) -> tuple[gemmi.cif.Document, bool]:
    """The document, and whether words were left out that belong to no tag."""
    refused = Rejected("cif-syntax", complaint)
    lowered = text.lower()
    if b"\0" in text or len(text) > MAX_BYTES or b"_cell" not in lowered or b"_atom_site" not in lowered:
        raise refused
    # Its search for blocks takes the square of the number of empty lines.
    lines = [line for line in text.decode().splitlines() if line and not line.isspace()]
    if max(map(len, lines)) > MAX_LINE:
        raise refused
    document = gemmi.cif.Document()
    read = 0
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        # block by block, because pymatgen's CifFile keeps only one block of each name
        for part in _HEADING.split("x\n" + "\n".join(lines))[1:]:
            header = part.split("\n", 1)[0]
            if "powder_pattern" in header:  # as pymatgen: no structure, much else
                continue
            try:
                refuse_in_text(part)
            except Rejected as contradiction:
                raise Rejected("cif-syntax", f"{complaint}; and {contradiction}") from None
            # of a name of several words the first is the name
            named = part.replace(header, header.split()[0], 1) if _NAME_OF_WORDS.match(header) else part
            try:
                block = _block("data_" + named)
                read += 1
            except Exception:  # pymatgen raises whatever it stumbles over
                block = gemmi.cif.Block(header.split(" ")[0])
            if _SITES in part.lower() and not block.find_values(_SITES):
                block.set_pair(
                    _SITES, "?"
                )  # so that the block is rejected, and does not count as one without atoms
            document.add_copied_block(block)
    if not read:
        raise refused
    return document, any(_STRAY in str(warning.message) for warning in said)


def _block(text: str) -> gemmi.cif.Block:
    """Read ``text`` as one block."""
    from pymatgen.io.cif import CifBlock

    read = CifBlock.from_str(text)
    block = gemmi.cif.Block(read.header)
    looped = {tag for tags in read.loops for tag in tags}
    for tag, value in read.data.items():
        if tag.startswith(_NEEDED) and tag not in looped:
            block.set_pair(tag, _quoted(value))
    for tags in read.loops:
        kept = [tag for tag in tags if tag.startswith(_NEEDED)]
        if kept:
            loop = block.init_loop("", kept)
            loop.set_all_values([list(map(_quoted, read.data[tag])) for tag in kept])
    return block


def _quoted(value: str) -> str:
    return value if value in ("?", ".") else gemmi.cif.quote(value)
