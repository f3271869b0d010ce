"""Fetching from the reference server of OPTIMADE: what comes, in which bytes, and what featurize makes of it."""

import csv
import gzip
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optimade.adapters.structures import Structure

from hpcvox import config
from hpcvox.actors.campaign import Part
from hpcvox.crystals.record import Crystal, Reject
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import ConfigError, SourceError
from hpcvox.featurize.settings import DensitySettings
from hpcvox.featurize.worker import ShardWorker
from hpcvox.fetch.job import run
from hpcvox.fetch.settings import OptimadeSettings
from hpcvox.process.outcome import Outcome
from tests.support.fetched_crystals import Fetch, parsed
from tests.support.optimade_server import good, odd, serving

BUNDLED = 17  # structures that come with the package


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that has good structures and odd ones beside those of the package."""
    with serving(tmp_path_factory.mktemp("optimade"), [*good(), *odd()]) as url:
        yield url


@pytest.fixture
def fetch(server: str, tmp_path: Path) -> Fetch:
    """Fetches from the server; gives what the job says and its folder."""

    def fetch(name: str = "out", **settings: Any) -> tuple[Outcome, Path]:
        given = {"url": server, "pause_s": 0, "retries": 1, "out": tmp_path / name, **settings}
        return run(OptimadeSettings(**given)), tmp_path / name

    return fetch


def test_every_structure_comes_and_is_the_servers(fetch: Fetch, server: str) -> None:
    (summary, status), out = fetch(properties=["_exmpl_energy"])
    every = BUNDLED + len(good()) + len(odd())
    assert status == 4
    assert f"{every - 4} crystals of {every} structures of Example provider" in summary
    assert f"_exmpl_energy of {every - 4 - BUNDLED}" in summary
    got = parsed(out)
    assert len(got) == every - 4
    with urllib.request.urlopen(f"{server}/v1/structures?page_limit=500") as answer:
        given = {entry["id"]: entry for entry in json.load(answer)["data"]}
    compared = 0
    for name, crystal in got.items():
        if isinstance(crystal, Crystal):
            theirs = Structure(given[name]).as_pymatgen  # by the package's own way
            assert sorted(crystal.numbers) == sorted(theirs.atomic_numbers)
            assert np.allclose(np.sort(np.linalg.norm(crystal.lattice, axis=1)), np.sort(theirs.lattice.abc))
            assert np.isclose(np.linalg.det(crystal.lattice), theirs.volume)
            compared += 1
    assert compared >= len(good())
    salt = got["salt-07"]
    assert isinstance(salt, Crystal)
    assert salt.targets == {"_exmpl_energy": -1.875}
    assert salt.formula == "NaBr"
    assert not (out / "pages").exists()


def test_positions_are_those_of_the_crystal(fetch: Fetch) -> None:
    _, out = fetch(filter='chemical_formula_reduced="MgO" AND _exmpl_energy<0')
    (crystal,) = parsed(out).values()
    assert isinstance(crystal, Crystal)
    magnesium, oxygen = crystal.frac[crystal.numbers == 12], crystal.frac[crystal.numbers == 8]
    shift = (magnesium[:, None] - oxygen[None]) @ crystal.lattice
    a = crystal.lattice[0, 0]
    nearest = np.linalg.norm(shift - a * np.round(shift / a), axis=-1).min()
    assert nearest == pytest.approx(a / 2)


def test_what_cannot_be_used_is_rejected_here_or_by_the_reader(fetch: Fetch) -> None:
    _, out = fetch(filter='id STARTS WITH "odd"')
    rows = list(csv.DictReader((out / "rejects.csv").open()))
    assert [(row["id"], row["origin"], row["code"]) for row in rows] == [
        ("odd-assemblies", "structure 1", "disordered"),
        ("odd-attached", "structure 2", "no-structure"),
        ("odd-implicit", "structure 4", "no-structure"),
        ("odd-no-positions", "structure 5", "no-structure"),
    ]
    assert all(row["message"] for row in rows)
    codes = {}
    for name, reason in parsed(out).items():
        assert isinstance(reason, Reject)
        codes[name] = reason.code
    assert codes == {
        "odd-disordered": "disordered",
        "odd-slab": "cell",
        "odd-unknown": "element",
        "odd-vacancy": "disordered",
    }
    card = json.loads((out / "fetch.json").read_text())
    assert (card["structures"], card["crystals"], card["rejects"]) == (
        8,
        4,
        {"disordered": 1, "no-structure": 3},
    )


def test_the_size_of_pages_does_not_change_the_bytes(fetch: Fetch) -> None:
    outs = [fetch(f"out-{size}", page_limit=size)[1] for size in (3, 7, 500)]
    for name in ("crystals.jsonl.gz", "rejects.csv"):
        assert len({(out / name).read_bytes() for out in outs}) == 1
    cards = [json.loads((out / "fetch.json").read_text()) for out in outs]
    assert len({card["xxh3_128"] for card in cards}) == 1
    assert cards[0]["api_version"] == "1.2.0"


@pytest.mark.parametrize("page_limit", [2, 4, 100])
def test_a_limit_is_kept_whatever_the_pages(fetch: Fetch, page_limit: int) -> None:
    (_, status), out = fetch(filter='id STARTS WITH "salt"', limit=5, page_limit=page_limit)
    assert status == 0
    assert list(parsed(out)) == [f"salt-{i:02d}" for i in range(5)]


def test_a_filter_filters_and_a_wrong_one_is_said_and_can_be_mended(fetch: Fetch) -> None:
    with pytest.raises(SourceError, match=r"400 Bad Request: Unable to parse filter elements HUS"):
        fetch(filter="elements HUS")
    with pytest.raises(SourceError, match="no structure matches filter='nelements=99'"):
        fetch(filter="nelements=99")
    (_, status), out = fetch(filter="_exmpl_energy<-3 AND nelements=2")
    assert status == 0
    assert list(parsed(out)) == [f"salt-{i:02d}" for i in range(17, 24)]


def test_a_property_that_is_not_there_is_refused_with_those_there_are(fetch: Fetch) -> None:
    with pytest.raises(
        ConfigError, match=r"no field _exmpl_enrgy: did you mean _exmpl_energy\? .*own: _exmpl_energy"
    ):
        fetch(properties=["_exmpl_enrgy"])


def test_a_finished_fetch_stays_and_is_not_mixed_with_another(fetch: Fetch) -> None:
    (_, first), out = fetch(filter='id STARTS WITH "odd"')
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (summary, again), _ = fetch(filter='id STARTS WITH "odd"', page_limit=1)
    assert "nothing to do" in summary
    assert (first, again) == (4, 4)
    with pytest.raises(ConfigError, match="holds results of other settings: filter"):
        fetch(filter="nelements=2")
    assert {p.name: p.read_bytes() for p in out.iterdir() if p.name != "config.yaml"} == {
        name: data for name, data in before.items() if name != "config.yaml"
    }
    with gzip.open(out / "crystals.jsonl.gz", "at") as file:
        file.write("{}\n")
    with pytest.raises(SourceError, match=r"crystals\.jsonl\.gz is not what was fetched: remove"):
        fetch(filter='id STARTS WITH "odd"')


def test_featurize_makes_shards_of_it(fetch: Fetch, tmp_path: Path) -> None:
    _, out = fetch(filter='id STARTS WITH "salt"', properties=["_exmpl_energy"])
    settings = DensitySettings(source=out / "crystals.jsonl.gz", out=tmp_path / "shards", voxels=8)
    settings.out.mkdir()
    entries = list(open_source(settings.source))
    line = ShardWorker(settings)(Part(0, entries)).line
    assert line is not None
    assert (line.samples, line.rejects) == (len(good()), 0)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://example.org", "http or https"),
        ("example.org/optimade", "http or https"),
        ("https://me:secret@example.org", "no user name or password"),
        ("https://example.org/?key=1", "without"),
    ],
)
def test_a_url_that_is_no_base_is_refused(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config.load(OptimadeSettings, None, [f"url={url}"])


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/", "/v1.2"])
def test_the_base_is_found_with_and_without_its_version(fetch: Fetch, server: str, path: str) -> None:
    (_, status), out = fetch(url=server + path, limit=1, filter='id STARTS WITH "salt"')
    assert status == 0
    assert json.loads((out / "fetch.json").read_text())["url"].startswith(f"{server}/v1")


def test_a_url_without_a_database_is_said(fetch: Fetch, server: str) -> None:
    with pytest.raises(SourceError, match=r"/nothing/v1/info: the server answers 404"):
        fetch(url=f"{server}/nothing")
