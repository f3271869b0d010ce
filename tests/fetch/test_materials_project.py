"""Fetching from the Materials Project's own server software behind a gateway that asks for a key."""

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Structure

from hpcvox import cli, config
from hpcvox.actors.campaign import Part
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import ConfigError, MissingDependencyError, SourceError
from hpcvox.featurize.settings import DensitySettings
from hpcvox.featurize.worker import ShardWorker
from hpcvox.fetch.job import run
from hpcvox.fetch.settings import FetchSettings, MaterialsProjectSettings, OptimadeSettings
from hpcvox.process.outcome import Outcome
from tests.support.fetched_crystals import Fetch, parsed
from tests.support.flaky_proxy import Fault, Handler, Proxy, proxying
from tests.support.materials_project_server import FIRST, KEY, RELEASE, materials, serving

SALTS = {"theoretical": False}  # all that have a structure and every number


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that has the materials and asks for no key."""
    documents = [{"theoretical": False} | document for document in materials()]
    with serving(tmp_path_factory.mktemp("materials_project"), documents) as url:
        yield url


@pytest.fixture
def proxy(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A gateway to the server, which asks for the key; the environment has it."""
    monkeypatch.setenv("MP_API_KEY", KEY)
    with proxying(server) as proxy:
        proxy.key = KEY
        yield proxy


@pytest.fixture
def fetch(proxy: Proxy, tmp_path: Path) -> Fetch:
    """Fetches through the gateway; gives what the job says and its folder."""

    def fetch(name: str = "out", **settings: Any) -> tuple[Outcome, Path]:
        given = {"url": proxy.url, "pause_s": 0, "retries": 2, "out": tmp_path / name, "page_limit": 5}
        return run(MaterialsProjectSettings(**(given | settings))), tmp_path / name

    return fetch


@pytest.fixture(scope="module")
def undisturbed(server: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of the crystals as they come without a gateway or a fault."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MP_API_KEY", KEY)
        run(MaterialsProjectSettings(url=server, out=out, pause_s=0, criteria=SALTS))
    return (out / "crystals.jsonl.gz").read_bytes()


def asked(proxy: Proxy, part: str) -> list[str]:
    return [path for _, path, _ in proxy.requests if part in path]


def test_every_material_comes_and_is_the_servers(fetch: Fetch, proxy: Proxy) -> None:
    (summary, status), out = fetch()
    assert status == 4
    assert "25 crystals of 26 structures of the Materials Project" in summary
    assert "band_gap of 24; 1 reject (no-structure 1)" in summary
    got = parsed(out)
    given = {f"mp-{FIRST + i}": document for i, document in enumerate(materials()[:24])}
    assert list(got) == [*given, f"mp-{FIRST + 102}"], "as one knows them, in order, no deprecated one"
    for name, document in given.items():
        structure = Structure.from_dict(document["structure"])
        crystal = got[name]
        assert isinstance(crystal, Crystal)
        assert sorted(crystal.numbers) == sorted(structure.atomic_numbers)
        assert np.allclose(crystal.lattice, structure.lattice.matrix)
        names = ("formation_energy_per_atom", "band_gap", "energy_above_hull")
        assert crystal.targets == {key: document[key] for key in names}
    card = json.loads((out / "fetch.json").read_text())
    assert card["database_version"] == RELEASE
    assert card["criteria"] == {}
    assert card["units"] == {
        "formation_energy_per_atom": "eV/atom",
        "band_gap": "eV",
        "energy_above_hull": "eV/Atom",
    }
    (row,) = csv.DictReader((out / "rejects.csv").open())
    assert (row["id"], row["code"]) == (f"mp-{FIRST + 101}", "no-structure")
    assert not (out / "pages").exists()
    assert proxy.most_at_once == 1
    assert all(path.startswith(("/heartbeat", "/materials/summary/?")) for _, path, _ in proxy.requests)


@pytest.mark.parametrize(
    ("criteria", "numbers"),
    [
        ({"elements": ["O"], "theoretical": False}, range(0, 24, 4)),
        ({"band_gap": [0.45, None], "formation_energy": [-2.95, 0], **SALTS}, range(5, 16)),
        (
            {"energy_above_hull": [0, 0.015], "num_sites": [1, 8], "num_elements": 2, "chemsys": "Na-*"},
            [5, 6],
        ),
        ({"material_ids": ["mp-160", "mp-150"]}, [1, 11]),
        ({"is_stable": True, **SALTS}, range(0, 24, 5)),
        ({"deprecated": True}, [100]),
    ],
)
def test_criteria_are_those_of_the_library(
    fetch: Fetch, criteria: dict[str, Any], numbers: Sequence[int]
) -> None:
    _, out = fetch(criteria=criteria)
    assert list(parsed(out)) == [f"mp-{FIRST + i}" for i in numbers]


def test_the_size_of_pages_does_not_change_the_bytes_and_a_limit_is_kept(
    fetch: Fetch, undisturbed: bytes
) -> None:
    for size in (7, 1000):
        _, out = fetch(f"out-{size}", page_limit=size, criteria=SALTS)
        assert (out / "crystals.jsonl.gz").read_bytes() == undisturbed
        (_, status), out = fetch(f"limited-{size}", page_limit=size, criteria=SALTS, limit=8)
        assert status == 0
        assert list(parsed(out)) == [f"mp-{FIRST + i}" for i in range(8)]


@pytest.mark.parametrize(("at_once", "answers"), [(7, 4), (8, 4)])  # the last of 8 is empty
def test_a_list_of_many_answers_is_whole(
    fetch: Fetch,
    proxy: Proxy,
    undisturbed: bytes,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
    answers: int,
) -> None:
    monkeypatch.setattr("hpcvox.fetch.materials_project.IDS_AT_ONCE", at_once)
    _, out = fetch(criteria=SALTS)
    assert (out / "crystals.jsonl.gz").read_bytes() == undisturbed
    assert len(asked(proxy, "_page=")) == answers


def test_a_list_without_end_is_given_up(fetch: Fetch, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpcvox.fetch.materials_project.IDS_AT_ONCE", 7)
    first: list[bytes] = []

    def change(path: str, body: bytes) -> bytes:
        if "_page=" in path:
            first.append(body)
            return first[0]
        return body

    proxy.change = change
    with pytest.raises(SourceError, match="the list of materials goes on with those that came before"):
        fetch(criteria=SALTS)
    assert len(first) == 2


def test_featurize_makes_shards_of_it(fetch: Fetch, tmp_path: Path) -> None:
    _, out = fetch(criteria=SALTS)
    settings = DensitySettings(source=out / "crystals.jsonl.gz", out=tmp_path / "shards", voxels=8)
    settings.out.mkdir()
    line = ShardWorker(settings)(Part(0, list(open_source(settings.source)))).line
    assert line is not None
    assert (line.samples, line.rejects) == (24, 0)


def test_a_key_that_is_refused_is_said_but_not_shown(fetch: Fetch, proxy: Proxy, tmp_path: Path) -> None:
    proxy.key = KEY[::-1]
    with pytest.raises(
        SourceError, match="401 Unauthorized: Invalid authentication credentials: is the key"
    ) as error:
        fetch()
    assert KEY not in str(error.value)
    assert len(asked(proxy, "summary")) == 1, "no other try"
    proxy.key = KEY
    assert fetch()[0].exit_status == 4


def test_a_key_comes_from_the_environment_or_a_private_file(
    fetch: Fetch, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MP_API_KEY")
    with pytest.raises(ConfigError, match="there is no key in MP_API_KEY: take yours"):
        fetch()
    path = tmp_path / "key"
    with pytest.raises(ConfigError, match=r"key_file: cannot read .*key: No such file"):
        fetch(key_file=path)
    path.write_text(f"{KEY}\n")
    path.chmod(0o640)
    with pytest.raises(ConfigError, match=r"key_file: others may read .*: chmod 600"):
        fetch(key_file=path)
    path.chmod(0o600)
    assert fetch(key_file=path)[0].exit_status == 4
    for wrong in (KEY[1:], f"{KEY[1:]}é", f"{KEY[:-2]}\r\n"):
        monkeypatch.setenv("MP_API_KEY", wrong)
        with pytest.raises(
            ConfigError, match="what is in MP_API_KEY is no key of the Materials Project"
        ) as error:
            fetch("other")
        assert wrong not in str(error.value)


def test_the_key_itself_in_place_of_its_file_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fetch", "provider=materials_project", f"key_file={KEY}"]) == 2
    said = capsys.readouterr().err
    assert "not the key itself" in said
    assert KEY not in said


def test_the_key_goes_only_by_https_and_to_nobody_else(fetch: Fetch, proxy: Proxy, server: str) -> None:
    with pytest.raises(ConfigError, match="must be https: the key goes with each request"):
        config.load(
            FetchSettings, None, ["provider=materials_project", "url=http://api.materialsproject.org"]
        )
    with proxying(server) as stranger:

        class Moved(Handler):
            def do_GET(self) -> None:
                if self.path == "/heartbeat":
                    super().do_GET()
                    return
                self.send_response(302)
                self.send_header("Location", stranger.url + self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()

        proxy.RequestHandlerClass = Moved
        with pytest.raises(SourceError, match=r"sends on to .*, which is not asked"):
            fetch()
        assert not stranger.requests


@pytest.mark.parametrize("fault", [503, (429, "1"), 500, "cut", "drop", "garbage"])
def test_a_passing_fault_is_asked_again(fetch: Fetch, proxy: Proxy, undisturbed: bytes, fault: Fault) -> None:
    proxy.faults = [fault, None, fault, None, None, fault]
    _, out = fetch(criteria=SALTS)
    assert (out / "crystals.jsonl.gz").read_bytes() == undisturbed
    assert not proxy.faults


@pytest.mark.slow
def test_killed_it_goes_on_to_the_same_bytes_and_the_key_is_nowhere(
    proxy: Proxy, undisturbed: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "hpcvox", "fetch", "provider=materials_project", f"url={proxy.url}"]
    command += [f"out={out}", f"criteria={json.dumps(SALTS)}", "page_limit=2"]
    process = subprocess.Popen(
        [*command, "pause_s=0.4"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    ends = time.monotonic() + 300
    while not (out / "pages" / "000003.jsonl.gz").exists():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < ends
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    said = process.communicate()[0]
    left = [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    came = len(asked(proxy, "structure"))
    proxy.faults = [None, 503]
    done = subprocess.run([*command, "pause_s=0"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (out / "crystals.jsonl.gz").read_bytes() == undisturbed
    assert len(asked(proxy, "structure")) - came <= 12 - 3
    assert "24 crystals of 24 structures" in done.stdout.splitlines()[-1]
    assert "fetch: 24/24 crystals" in done.stderr
    left += [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    assert not [data for data in left if KEY.encode() in data]
    assert KEY not in said + done.stdout + done.stderr
    assert all(headers["x-api-key"] == KEY for _, _, headers in proxy.requests if "x-api-key" in headers)


def test_a_server_that_stays_away_leaves_what_came_and_the_next_run_goes_on(
    fetch: Fetch, proxy: Proxy, undisturbed: bytes
) -> None:
    proxy.faults = [None, None, None, None, 503, 503, 503]
    with pytest.raises(SourceError, match=r"no answer after 3 tries: 503 .*; 10 structures kept"):
        fetch(criteria=SALTS)
    _, out = fetch(criteria=SALTS, page_limit=3)
    assert (out / "crystals.jsonl.gz").read_bytes() == undisturbed


@pytest.mark.parametrize("when", ["between runs", "in the midst"])
def test_two_releases_are_not_mixed(fetch: Fetch, proxy: Proxy, when: str) -> None:
    def next_release(path: str, body: bytes) -> bytes:
        return body.replace(RELEASE.encode(), b"2026.05.01") if path == "/heartbeat" else body

    if when == "between runs":
        proxy.faults = [None, None, None, 404]
        with pytest.raises(SourceError, match="404"):
            fetch(criteria=SALTS)
        proxy.change = next_release
    else:
        beats = iter([False, True])
        proxy.change = lambda path, body: (
            next_release(path, body) if path == "/heartbeat" and next(beats) else body
        )
    with pytest.raises(
        SourceError, match=rf"from release {RELEASE} to 2026.05.01 in the midst of this fetch.*remove"
    ):
        fetch(criteria=SALTS)


def test_a_material_that_is_not_given_is_a_reject(fetch: Fetch, proxy: Proxy) -> None:
    def change(path: str, body: bytes) -> bytes:
        answer = json.loads(body)
        if "structure" in path:
            answer["data"] = answer["data"][1:]
        return json.dumps(answer).encode()

    proxy.change = change
    (_, status), out = fetch(criteria=SALTS, page_limit=20)
    rows = list(csv.DictReader((out / "rejects.csv").open()))
    assert status == 4
    assert [(row["id"], row["code"]) for row in rows] == [
        ("mp-149", "no-structure"),
        ("mp-169", "no-structure"),
    ]
    assert len(parsed(out)) == 22


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"criteria": {"formula": "Xe2O"}}, SourceError, "no structure matches criteria={'formula': 'Xe2O'}"),
        (
            {"criteria": {"bandgap": [0, 1]}},
            ConfigError,
            "criteria: there is no bandgap: did you mean band_gap?",
        ),
        ({"criteria": {"band_gap": [1]}}, SourceError, "mp-api cannot search for .*band_gap.*IndexError"),
        ({"criteria": {"band_gap": ["a", "b"]}}, SourceError, "422 .*valid number"),
        (
            {"criteria": {"elements": ["Zz"]}},
            SourceError,
            "400 Bad Request: Please provide a comma-seperated list",
        ),
        ({"criteria": {"magnetic_ordering": "up"}}, ConfigError, "magnetic_ordering='up'; valid: FM, AFM"),
        ({"properties": ["bandgap"]}, ConfigError, "has no number bandgap: did you mean band_gap?"),
        ({"properties": ["structure"]}, ValueError, "no field of numbers"),
        ({"properties": ["formula_pretty"]}, ConfigError, "has no number formula_pretty: valid: band_gap"),
    ],
)
def test_a_question_that_cannot_be_answered_is_said_and_can_be_mended(
    fetch: Fetch, settings: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        fetch(**settings)
    assert fetch(criteria=SALTS)[0].exit_status == 0


def test_a_folder_of_another_provider_is_refused(fetch: Fetch) -> None:
    _, out = fetch(criteria=SALTS)
    with pytest.raises(ConfigError, match="holds results of other settings: provider"):
        run(OptimadeSettings(out=out))
    assert "nothing to do" in fetch(criteria=SALTS)[0].summary


def test_another_server_is_no_materials_project(fetch: Fetch, proxy: Proxy) -> None:
    proxy.change = lambda path, body: b"{}"
    with pytest.raises(SourceError, match="is no API of the Materials Project: it names no db_version"):
        fetch()


def test_without_the_library_its_extra_is_named(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("materials_project", "summaries"):
        monkeypatch.delitem(sys.modules, f"hpcvox.fetch.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "mp_api.client.core.exceptions", None)
    with pytest.raises(MissingDependencyError, match=r"needs mp-api .*hpcvox\[mp\]"):
        fetch()
