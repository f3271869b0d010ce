"""Reading from a gemmi block what may be absent; gemmi's type stubs leave the absence out."""

from typing import Any

import gemmi


def value(block: gemmi.cif.Block, tag: str) -> str | None:
    """The raw value of ``tag`` where the block has it outside any loop."""
    return block.find_value(tag)


def loop(block: gemmi.cif.Block, tag: str) -> gemmi.cif.Loop | None:
    """The loop that has the column ``tag``."""
    return block.find_loop(tag).get_loop()


def text(block: gemmi.cif.Block, tags: tuple[str, ...]) -> str:
    """The first of ``tags`` that has a known value, unquoted; empty where none has."""
    for tag in tags:
        raw = value(block, tag)
        if raw is not None and not gemmi.cif.is_null(raw):
            unquoted = gemmi.cif.as_string(raw).strip()
            if unquoted and unquoted not in "?.":
                return unquoted
    return ""


def column(block: gemmi.cif.Block, tag: str) -> tuple[str, ...]:
    """The known values of the column or single item ``tag``, unquoted; empty where there is none."""
    found = block.find_loop(tag)
    if found:
        return tuple(gemmi.cif.as_string(raw) for raw in found)
    raw = value(block, tag)
    return () if raw is None or gemmi.cif.is_null(raw) else (gemmi.cif.as_string(raw),)


def tags(block: gemmi.cif.Block) -> list[str]:
    """All tags of the block that have a known value, in lower case and with ``_`` for the dots of DDLm."""
    found: list[str] = []
    for item in block:
        pair: Any = item.pair  # a tag and its value; the stubs say object
        if pair is not None and not gemmi.cif.is_null(pair[1]):
            found.append(pair[0])
        if item.loop is not None:
            found += item.loop.tags
    return [tag.lower().replace(".", "_") for tag in found]
