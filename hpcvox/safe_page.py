"""Makes our HTML pages safe to open, also if their data hold text that somebody else wrote."""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any


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
