"""Makes our HTML pages safe to open, also if their data hold text that somebody else wrote; and alike."""

import base64
import hashlib
import importlib.resources
import json
from collections.abc import Sequence
from typing import Any, Final

PALETTE: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6bb1", "#999999")
"""Okabe and Ito's colours, which colour-blind people can distinguish (doi 10.1038/nmeth.1618)."""


def style() -> str:
    """The style sheet of all pages."""
    return importlib.resources.files("hpcvox").joinpath("page.css").read_text("utf-8")


def policy(scripts: Sequence[str]) -> str:
    """The content security policy of a page: the browser fetches nothing and runs only these ``scripts``."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def data(tree: Any) -> str:
    """``tree`` as JSON for a <script> element; no character of it can end the element."""
    text = json.dumps(tree, separators=(",", ":"), allow_nan=False)
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, escape)
    return text
