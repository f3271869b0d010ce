"""Reads values of a gemmi block that may be absent, which gemmi's type stubs do not express."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gemmi


def of(document: gemmi.cif.Document) -> list[gemmi.cif.Block]:
    """The blocks of a document; its own iterator takes three times as long to make as one block to find."""
    return [document[0]] if len(document) == 1 else [document[i] for i in range(len(document))]


def finder(block: gemmi.cif.Block) -> Callable[[str], str | None]:
    """A function that does the same as :func:`value` for one block, for callers that need many tags."""
    return block.find_value


def value(block: gemmi.cif.Block, tag: str) -> str | None:
    """The raw value of ``tag`` outside loops; None if the block has none."""
    return block.find_value(tag)


def loop(block: gemmi.cif.Block, tag: str) -> gemmi.cif.Loop | None:
    """The loop with the column ``tag``; None if there is none."""
    return block.find_loop(tag).get_loop()


def tagged(block: gemmi.cif.Block) -> Iterator[tuple[str, list[str], bool]]:
    """Yield each tag of a block, with its raw values and whether it is in a loop; a repeated tag comes repeatedly."""
    item: Any
    for item in block:
        if item.pair is not None:
            tag, value = item.pair
            yield tag, [value], False
        elif item.loop is not None:
            values, width = item.loop.values, item.loop.width()
            for column, tag in enumerate(item.loop.tags):
                yield tag, values[column::width], True


def text(block: gemmi.cif.Block, tags: tuple[str, ...]) -> str:
    """The value, unquoted, of the first of ``tags`` that has a known value; empty if none has."""
    find = finder(block)
    for tag in tags:
        raw = find(tag)
        if raw is not None:
            unquoted = gemmi.cif.as_string(raw).strip()
            if unquoted and unquoted not in "?.":
                return unquoted
    return ""


def column(block: gemmi.cif.Block, tag: str) -> tuple[str, ...]:
    """The known values of the column or single item ``tag``, unquoted; empty if there is none."""
    found = block.find_loop(tag)
    if found:
        return tuple(gemmi.cif.as_string(raw).strip() for raw in found)
    raw = value(block, tag)
    return () if raw is None or gemmi.cif.is_null(raw) else (gemmi.cif.as_string(raw).strip(),)


def ids(id: str, names: Sequence[str]) -> list[str]:
    """The ids of a CIF's blocks: ``id#block``; further blocks of the same name are ``id#block~2`` and so on."""
    counts: Counter[str] = Counter()
    taken = set(names)
    found = []
    for block in names:
        counts[block] += 1
        name = block
        while counts[block] > 1 and (name := f"{block}~{counts[block]}") in taken:
            counts[block] += 1
        taken.add(name)
        found.append(f"{id}#{name}")
    return found
