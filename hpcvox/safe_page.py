"""What makes an HTML page of ours safe to open, whatever text of strangers its data holds."""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any


def policy(scripts: Sequence[str]) -> str:
    """The content security policy of a page: nothing is fetched, and of scripts these alone run."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def data(tree: Any) -> str:
    """JSON that can stand in a <script> element: no character of it can end the element."""
    text = json.dumps(tree, separators=(",", ":"), allow_nan=False)
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, escape)
    return text
