"""Reading from a gemmi block what may be absent; gemmi's type stubs leave the absence out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import gemmi


def value(block: gemmi.cif.Block, tag: str) -> str | None:
    """The raw value of ``tag`` where the block has it outside any loop."""
    return block.find_value(tag)


def loop(block: gemmi.cif.Block, tag: str) -> gemmi.cif.Loop | None:
    """The loop that has the column ``tag``."""
    return block.find_loop(tag).get_loop()


def tagged(block: gemmi.cif.Block) -> Iterator[tuple[str, list[str], bool]]:
    """Each tag of a block as often as it is given, with its raw values, and whether it is in a loop."""
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
    """The first of ``tags`` that has a known value, unquoted; empty where none has."""
    for tag in tags:
        raw = value(block, tag)
        if raw is not None and not gemmi.cif.is_null(raw):
            unquoted = gemmi.cif.as_string(raw).strip()
            if unquoted and unquoted not in "?.":
                return unquoted
    return ""


def space_group(name: str, alpha: float, gamma: float) -> gemmi.SpaceGroup | None:
    """The space group of a Hermann-Mauguin symbol, the setting told apart by the cell's angles."""
    return gemmi.find_spacegroup_by_name(name, alpha=alpha, gamma=gamma)


def ids(id: str, names: Sequence[str]) -> list[str]:
    """The ids of a CIF's blocks, ``id#block``; that of a name's second block is ``id#block~2``, and so on."""
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
