"""The code of docs/python.md runs, as it is written, and so do the lines of the README."""

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.voxel_shards import make_shards

BLOCKS = [
    block
    for page in ("docs/python.md", "README.md")
    for block in re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    if page != "README.md" or "import hpcvox\n" in block
]


@pytest.mark.slow
def test_the_page_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_shards(tmp_path / "runs/shards", voxels=8)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/python.md", "exec"), names)  # noqa: S102 # our own page
    for made in ("salt.png", "fingerprint.png", "first.cif"):
        assert (tmp_path / made).stat().st_size
