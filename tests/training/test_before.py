"""A mistake is told once, before ranks are launched and PyTorch is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fingerprint_shards import make_fingerprints
from tests.support.graph_shards import crystals, make_graphs
from tests.support.spot_shards import make_spots
from tests.support.voxel_shards import make_shards


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a shard set for each network."""
    place = tmp_path_factory.mktemp("before")
    make_graphs(place / "graphs", crystals())
    make_shards(place / "voxels", voxels=8)
    make_fingerprints(place / "fingerprints")
    make_spots(place / "spots", 6)
    return place


MISTAKES = {
    "train-cgcnn shards=graphs target=afinity": "has no target 'afinity': did you mean affinity?",
    "train-cgcnn shards=graphs target=same": "same is 1 for all",
    "train-cgcnn shards=graphs target=signed log=true": "log=true needs values above 0",
    "train-cgcnn shards=voxels target=energy": "holds the descriptor density, but graph is needed here",
    "train-cgcnn shards=graphs target=affinity held_out_fraction=0.001": "both are needed",
    "train-cgcnn shards=graphs target=affinity initial=graphs": "holds no trained model",
    "train-vae shards=voxels model.encoder=[32,64] model.decoder=[128]": "has no target 'formation_energy'",
    "train-vae shards=voxels model.encoder=[32,64] model.decoder=[128] condition=energy bins=90": "choose fewer bins",
    "train-vae shards=voxels model.encoder=[32,64] model.decoder=[128] condition=energy held_out_fraction=0.9": "bins: "
    "of 10 quantile bins 6 would have none of the 4 training samples, and what has no sample cannot be learnt",
    "train-vae shards=graphs condition=affinity": "holds the descriptor graph",
    "train-unet shards=graphs": "holds the descriptor graph",
    "train-unet shards=voxels model.patch=4": "model.down: 2 levels and patches of 4³ take a multiple of 16 voxels",
    "train-unet shards=voxels model.down=[[8,8]]": "model.up: it has 2 levels, and model.down 1: give as many",
    "train-unet shards=voxels vae=nope": "holds no trained model",
    "train-unet shards=voxels vae=perovskites": "voxels has 8³ periodic voxels, and perovskites was trained on "
    "32³ periodic ones: train both on one shard set",
    "train-vae shards=voxels model.encoder=[32,64] model.decoder=[128] condition=energy initial=perovskites": "has "
    "another shape: set model.encoder=[32, 64, 128] model.latent=64 model.decoder=[128, 64, 32], as it has",
    "train-vae shards=voxels model.encoder=[32,64] model.decoder=[128] condition=energy unet=perovskites": "holds a "
    "vae, but a unet is needed here",
    "train-cgcnn shards=graphs target=affinity initial=perovskite_formation_energy": "has another shape: set "
    "model.convolutions=4, as it has (model.hidden may differ)",
    "train-fingerprint shards=fingerprints": "has no training sample of bct 139",
    "train-fingerprint shards=fingerprints target=group": "did you mean space_group?",
    "train-r3dvs shards=spots target=x": "has no target 'x'",
    "train-r3dvs shards=spots task=rotation crystals=50": "crystals: 50, but spots has only 6",
}


@pytest.mark.parametrize("command", MISTAKES)
def test_it_is_one_line_and_no_rank_is_started(command: str, sets: Path) -> None:
    verb, *settings = command.split()
    probe = (
        "import sys; from hpcvox.cli import main; status = main(sys.argv[1:]);"
        "sys.exit('loaded torch' if 'torch' in sys.modules else status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, verb, *settings, "ranks=2", "out=run"],
        capture_output=True,
        text=True,
        cwd=sets,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert MISTAKES[command] in done.stderr
    assert not (sets / "run").exists()
