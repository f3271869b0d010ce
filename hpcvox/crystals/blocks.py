"""Reading from a gemmi block what may be absent; gemmi's type stubs leave the absence out."""

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


def space_group(name: str, alpha: float, gamma: float) -> gemmi.SpaceGroup | None:
    """The space group of a Hermann-Mauguin symbol, the setting told apart by the cell's angles."""
    return gemmi.find_spacegroup_by_name(name, alpha=alpha, gamma=gamma)
