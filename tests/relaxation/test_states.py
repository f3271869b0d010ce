"""What is done of each crystal, packed into one file: a later run knows it, and goes on with what it can do more of."""

import json
from pathlib import Path

import numpy as np

from hpcvox import config
from hpcvox.actors.campaign import Part
from hpcvox.crystals.record import Crystal
from hpcvox.relaxation.settings import RelaxSettings
from hpcvox.relaxation.worker import STATES, RelaxWorker, pack_states, states

COPPER = Crystal("Cu", "x/Cu.cif", 3.6 * np.eye(3), np.zeros((1, 3)), np.array([29], np.uint8), {})


def settings(out: Path, timeout_s: float) -> RelaxSettings:
    tree = {"out": str(out), "stages": ["emt", "emt"], "timeout_s": timeout_s}
    return config.validate(RelaxSettings, tree, "test")


def test_a_packed_state_is_known_and_gone_on_with_where_there_is_more_to_do(tmp_path: Path) -> None:
    (tmp_path / STATES).mkdir()
    worker = RelaxWorker(settings(tmp_path, 3))
    path = tmp_path / STATES / f"{worker._key(COPPER)}.json"
    moved = {
        "lattice": (3.5 * np.eye(3)).tolist(),
        "frac": [[0.0, 0.0, 0.0]],
        "energy_start": 1.0,
        "energy": 0.5,
    }
    moved |= {"max_force": 0.01, "steps": 4, "converged": True}
    ended = {"code": "timeout", "message": "emt: it took longer than timeout_s=3 seconds", "timeout_s": 3.0}
    text = json.dumps({"id": "Cu", "stages": [moved], **ended})
    path.write_text(text)
    (other := path.with_name("other.json")).write_text("{}")
    pack_states(tmp_path, "zip")
    assert [one.name for one in tmp_path.iterdir()] == ["states.zip"]
    (tmp_path / STATES).mkdir()

    found = RelaxWorker(settings(tmp_path, 3)).found(Part(0, [COPPER]))
    assert found is not None
    assert (found[0].code, len(found[0].stages), found[0].kept) == ("timeout", 1, True)
    assert not path.exists()

    patient = RelaxWorker(settings(tmp_path, 9))
    assert patient.found(Part(0, [COPPER])) is None
    assert patient._state(COPPER)["stages"] == [moved], "it goes on from there"

    path.write_text(text.replace('"steps": 4', '"steps": 5'))
    pack_states(tmp_path, "zip")
    assert b'"steps": 5' in states(tmp_path).read(path.name), "what lay loose is newer"
    assert states(tmp_path).names() == sorted([path.name, "other.json"])

    pack_states(tmp_path, "folder")
    assert sorted(one.name for one in (tmp_path / STATES).iterdir()) == sorted([path.name, "other.json"])
    assert other.read_text() == "{}"
    assert not (tmp_path / "states.zip").exists()
