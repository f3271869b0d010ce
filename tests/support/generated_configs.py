"""The configs that ``hpcvox VERB --defaults`` prints; ``python -m tests.support.generated_configs`` writes them."""

import contextlib
import io
from typing import Final

from hpcvox import cli, defaults
from hpcvox.featurize.descriptor import DESCRIPTORS
from hpcvox.fetch.settings import VARIANTS as PROVIDERS
from hpcvox.files import durable
from hpcvox.reproduction.papers import PAPERS
from tests.support.paths import ROOT

CONFIGS: Final = ROOT / "configs"

COMMANDS: Final = {
    **{
        f"{verb.replace('-', '_')}.yaml": [verb]
        for verb in cli.VERBS
        if verb not in ("fetch", "pipeline", "campaign", "featurize", "reproduce")
    },
    **{f"fetch_{name}.yaml": ["fetch", f"provider={name}"] for name in PROVIDERS},
    **{f"featurize_{name}.yaml": ["featurize", f"descriptor={name}"] for name in DESCRIPTORS.ours},
    **{f"reproduce_{name}.yaml": ["reproduce", f"paper={name}"] for name in PAPERS},
}
"""By the name of each config the words that print it, after ``hpcvox`` and before ``--defaults``.

The configs of ``pipeline`` and ``campaign`` are recipes of their own, as ``demo.yaml``, ``study_*.yaml`` and
``*_paper.yaml`` are.
"""


def printed(name: str) -> str:
    """What the command of the config ``name`` prints."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert cli.main([*COMMANDS[name], defaults.FLAG]) == 0
    return said.getvalue()


if __name__ == "__main__":
    for each in COMMANDS:
        durable.write_text(CONFIGS / each, printed(each))
