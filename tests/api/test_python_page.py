"""The Python code of the README and of the pages of docs/ runs, as it is written."""

from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.shown_commands import blocks, pages
from tests.support.voxel_shards import make_shards

ELSEWHERE = {
    "docs/shards.md": "tests/files/test_durable.py",
    "docs/install.md": "tests/test_package.py",
    "docs/extending.md": "the package of its example, which tests/test_docs.py counts",
    "docs/tutorials/screening.md": "tests/test_readme.py, where there is its network",
}

BLOCKS = {
    page.relative_to(ROOT).as_posix(): text for page in pages() if (text := "\n".join(blocks(page, "python")))
}


def test_what_runs_elsewhere_is_there() -> None:
    assert set(BLOCKS) >= set(ELSEWHERE) | {"README.md", "docs/python.md", "docs/start.md"}


@pytest.mark.slow
def test_the_pages_run_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_shards(tmp_path / "runs/shards", voxels=8)
    monkeypatch.chdir(tmp_path)
    for page, text in BLOCKS.items():
        if page not in ELSEWHERE:
            exec(compile(text, page, "exec"), {})  # noqa: S102 # our own page
    for made in ("salt.png", "fingerprint.png", "copper.png", "first.cif"):
        assert (tmp_path / made).stat().st_size
