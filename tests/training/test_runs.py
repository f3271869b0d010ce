"""Trained networks from elsewhere: damaged or lying weights and cards are told in one line by the one door to them."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save
from torch import nn

from hpcvox.errors import CheckpointError
from hpcvox.networks.cgcnn.card import CGCNNCard
from hpcvox.networks.cgcnn.model import CGCNN
from hpcvox.networks.cgcnn.settings import CGCNNSettings
from hpcvox.networks.fingerprint.card import FingerprintCard
from hpcvox.networks.fingerprint.model import ConvNet
from hpcvox.networks.fingerprint.settings import ConvNetSettings
from hpcvox.networks.r3dvs.card import R3DVSCard
from hpcvox.networks.r3dvs.model import VoxelCNN
from hpcvox.networks.r3dvs.settings import VoxelCNNSettings
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.model import UNet
from hpcvox.networks.unet.settings import UNetSettings
from hpcvox.networks.vae.card import VAECard
from hpcvox.networks.vae.model import VAE
from hpcvox.networks.vae.settings import VAESettings
from hpcvox.training.folder import carded, earlier, runs
from hpcvox.training.folder.card import WEIGHTS, Card, read_card
from tests.support.cards import as_before, bare, card_in, put, training_on, write_before
from tests.support.paths import ROOT

MAPS: dict[str, Any] = {"grid": "periodic", "voxels": 16, "sigma": None, "oblique": False}


def make(folder: Path, task: str) -> Path:
    """A small network of random weights with the card that a training would write."""
    folder.mkdir()
    torch.manual_seed(0)
    network, card = _made(task)
    runs.export(folder, network, card)
    return folder


def _made(task: str) -> tuple[nn.Module, Card]:
    run = training_on()
    match task:
        case "unet":
            unet = UNetSettings(down=((4, 4),), bottom=(4, 4), up=((4, 4),), features=4, head=(8,))
            return UNet(unet), UNetCard(run=run, model=unet, **MAPS, classes=95, elements=[8, 22])
        case "vae":
            vae = VAESettings(encoder=(4,), bottleneck=2, hidden=8, latent=4, seed_channels=2, decoder=(4, 4))
            binned: dict[str, Any] = {"condition": "energy", "conditions": 2, "edges": [-1.0, 0, 1.5]}
            return VAE(vae, 2, 16), VAECard(run=run, model=vae, **MAPS, **binned)
        case "cgcnn":
            cgcnn = CGCNNSettings(atom_features=4, hidden=4)
            known: dict[str, Any] = {"elements": [8, 12], "descriptor": {"neighbours": 6}, "neighbours": 6}
            return CGCNN(cgcnn), CGCNNCard(
                run=run, model=cgcnn, target="energy", log=False, mean=-1, std=0.5, **known
            )
        case "r3dvs":
            voxels = VoxelCNNSettings(filters=(2, 2), dense=(4,))
            shape: dict[str, Any] = {"channels": 1, "voxels": 8, "outputs": 1, "scale": [2.5]}
            field: dict[str, Any] = {"resolution": 0.8, "length": 6.4, "mean": True, "replicas": 2}
            return VoxelCNN(voxels, 1, 8, 1, [2.5]), R3DVSCard(
                run=run, model=voxels, of="regression", judged="original", **shape, **field
            )
    images = ConvNetSettings(filters=((2, 2),), kernel=3, dense=4)
    classes = {"fcc": [225], "bcc": [229]}
    return ConvNet(images, 16, 2), FingerprintCard(
        run=run, model=images, pixels=16, classes=classes, target="space_group"
    )


@pytest.mark.parametrize("task", ["unet", "vae", "cgcnn", "r3dvs", "fingerprint"])
def test_what_a_training_writes_is_read(task: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "run", task)
    model, card = runs.load_model(folder)
    assert not model.training
    assert card.task == task
    assert json.loads(card.model_dump_json()) == card_in(folder / WEIGHTS)
    assert card.weights == sum(parameter.numel() for parameter in model.parameters())
    assert [path.name for path in folder.iterdir()] == [WEIGHTS]
    for name, tensor in load_file(folder / WEIGHTS).items():
        assert torch.equal(model.state_dict()[name], tensor)
    assert all(buffer.device.type == "cpu" for buffer in model.buffers())


def refused(folder: Path, told: str) -> None:
    """The model of ``folder`` is refused in one line that says ``told`` and where."""
    with pytest.raises(CheckpointError, match=told) as error:
        runs.load_model(folder)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)
    assert len(str(error.value)) < 1000


def rewritten(folder: Path, data: bytes) -> None:
    """Other weights, with a card that vouches for them, where there is room for one."""
    card = card_in(folder / WEIGHTS)
    (folder / WEIGHTS).write_bytes(data)
    with contextlib.suppress(ValueError, AttributeError):
        put(folder / WEIGHTS, card | {"checksum": carded.checksum(data)})


def header(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file, and what follows it."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def with_header(tree: dict[str, Any], rest: bytes) -> bytes:
    text = json.dumps(tree).encode()
    return len(text).to_bytes(8, "little") + text + rest


def _claimed(data: bytes) -> bytes:
    tree, rest = header(data)
    tree["mask_head.weight"] |= {"shape": [10**12]}
    return with_header(tree, rest)


def _far(data: bytes) -> bytes:
    tree, rest = header(data)
    tree["mask_head.weight"] |= {"data_offsets": [10**12, 10**12 + 64]}
    return with_header(tree, rest)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda data: b"",
    "a few bytes": lambda data: data[:5],
    "a cut header": lambda data: data[:40],
    "a header beyond the file": lambda data: (10**7).to_bytes(8, "little") + data[8:],
    "a header beyond all files": lambda data: (2**63).to_bytes(8, "little") + data[8:],
    "a header that is no JSON": lambda data: data[:8] + b"x" * 50 + data[58:],
    "a header that is a list": lambda data: (2).to_bytes(8, "little") + b"[]",
    "a cut end": lambda data: data[:-8],
    "more than its tensors": lambda data: data + b"\0" * 64,
    "a shape of more than its bytes": _claimed,
    "tensors beyond the end": _far,
    "a picture": lambda data: b"\x89PNG\r\n\x1a\n" * 50,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_weights_are_refused_though_their_checksum_fits(damage: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "run", "unet")
    rewritten(folder, DAMAGES[damage]((folder / WEIGHTS).read_bytes()))
    refused(folder, "model.safetensors (cannot be read|is damaged)")


def _tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], bytes]:
    def made(folder: Path) -> bytes:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        return save(tensors)

    return made


def _nan(tensors: dict[str, torch.Tensor]) -> None:
    tensors["mask_head.weight"][0, 0] = torch.nan


def _infinite(tensors: dict[str, torch.Tensor]) -> None:
    tensors["bottom.norm.running_var"][0] = torch.inf


MISFITS: dict[str, tuple[Callable[[dict[str, torch.Tensor]], object], str]] = {
    "double": (lambda t: t.update({"mask_head.bias": t["mask_head.bias"].double()}), "mask_head.bias is F64"),
    "half": (lambda t: t.update({"mask_head.bias": t["mask_head.bias"].half()}), "mask_head.bias is F16"),
    "a shape": (
        lambda t: t.update({"mask_head.bias": torch.zeros(7)}),
        r"mask_head.bias is torch.float32 \(7,\)",
    ),
    "a missing tensor": (lambda t: t.pop("mask_head.bias"), "lacks 'mask_head.bias'"),
    "an extra tensor": (lambda t: t.update({"more": torch.zeros(3)}), "has 'more'"),
    "no tensors": (lambda t: t.clear(), "lacks 'bottom"),
    "nan": (_nan, "mask_head.weight has a weight that is not finite"),
    "an infinite variance": (_infinite, "bottom.norm.running_var has a weight that is not finite"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_weights_of_another_network_are_refused(misfit: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "run", "unet")
    change, told = MISFITS[misfit]
    rewritten(folder, _tensors(change)(folder))
    refused(folder, told)


def test_a_card_without_its_weights_is_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "run", "unet")
    (folder / WEIGHTS).unlink()
    refused(folder, "holds no trained model")
    (folder / WEIGHTS).mkdir()
    refused(folder, "holds no trained model")


NONE = ["", "{", "[]", "null", "7", '"unet"', "[" * 100_000, '{"a":' * 100_000, "9" * 5000, "{}", "NaN"]


@pytest.mark.parametrize("text", NONE)
def test_a_card_that_is_no_object_is_refused(text: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "run", "unet")
    path = folder / WEIGHTS
    path.write_bytes(carded.joined(path.read_bytes(), text))
    told = r"cannot be read|is no object|the task None is not one of"
    refused(folder, told)
    with pytest.raises(CheckpointError, match=told):
        read_card(folder, Card)
    path.write_bytes(carded.joined(path.read_bytes(), "{}").replace(b'"card":"{}"', b'"card":{"a":1}'))
    refused(folder, "cannot be read")


@pytest.mark.parametrize("text", [*NONE, "\xff\xfe"])
def test_a_card_beside_the_weights_that_is_no_object_is_refused(text: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "run", "unet")
    as_before(folder)
    (folder / earlier.CARD).write_text(text, encoding="latin-1")
    refused(folder, r"model.json cannot be read|the task None is not one of")
    (folder / earlier.CARD).unlink()
    refused(folder, "has no card, which describes its network")


def test_a_card_of_any_length_is_not_read(tmp_path: Path) -> None:
    folder = make(tmp_path / "run", "unet")
    with (folder / WEIGHTS).open("r+b") as file:
        file.write((10**10).to_bytes(8, "little"))
    os.truncate(folder / WEIGHTS, 10**11)  # a hole, which takes no room
    refused(folder, "its header has 10,000,000,000 bytes")
    folder = make(tmp_path / "before", "unet")
    as_before(folder)
    os.truncate(folder / earlier.CARD, 10**11)
    refused(folder, "too many for a card")


@pytest.mark.parametrize("name", [earlier.CARD, WEIGHTS])
def test_a_pipe_is_not_waited_for_and_a_device_not_read(name: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "run", "unet")
    if name == earlier.CARD:
        as_before(folder)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    refused(folder, "it is a named pipe, and a regular file is needed")
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/zero")
    refused(folder, "it is a device")


CARDS: list[tuple[str, dict[str, Any], str]] = [
    ("unet", {"task": "painter"}, "task 'painter' is not one of cgcnn, fingerprint"),
    ("unet", {"task": ["unet"]}, "task"),
    ("unet", {"task": None}, "task None"),
    ("unet", {"model": [1, 2]}, "model: Input should be an object"),
    ("unet", {"model": {"down": [[1]]}}, "model.down.0: "),
    ("unet", {"model": {"down": "many"}}, "model.down: "),
    ("unet", {"model": {"colour": 1}}, "unknown key model.colour: valid here: bottom, classes"),
    ("unet", {"model": {"classes": 10**9}}, "model.classes is 1000000000"),
    ("unet", {"model": {"bottom": [-4, 4]}}, "model.bottom is -4"),
    ("unet", {"model": {"head": [4] * 1000}}, "model.head has 1,000 numbers"),
    ("unet", {"model": {"head": [10**6]}}, "and the network of its card has"),
    ("unet", {"grid": "skewed"}, "grid: it is for 'skewed' voxels, which are none of periodic, padded"),
    ("unet", {"grid": 3}, "grid: Input should be a valid string"),
    ("unet", {"voxels": 17}, "take a multiple of 4 voxels along each edge, but the maps have 17³"),
    ("unet", {"voxels": "16"}, "voxels: Input should be a valid integer"),
    ("unet", {"voxels": 10**30}, "voxels"),
    ("unet", {"voxls": 16}, "unknown key voxls: did you mean voxels"),
    ("unet", {"a\nb" * 1000: 16}, "unknown key a b"),
    ("unet", {"run": {"seed": 0}}, "run.hpcvox is missing"),
    ("unet", {"run": 3}, "run: Input should be an object"),
    ("unet", {"voxels": 0}, "voxels"),
    ("unet", {"sigma": -1}, "sigma"),
    ("unet", {"oblique": "no"}, "oblique"),
    ("unet", {"elements": [500]}, "elements.0"),
    ("vae", {"conditions": 10**9}, "conditions"),
    ("vae", {"conditions": 3}, "edges are not 4 rising numbers"),
    ("vae", {"edges": [1, 0, 2]}, "edges are not 3 rising numbers"),
    ("vae", {"edges": [0, float("nan"), 1]}, "edges.1"),
    ("vae", {"edges": None}, "edges"),
    ("vae", {"voxels": 32}, "describes no network"),
    ("vae", {"condition": 3}, "condition"),
    ("vae", {"run": {"seed": "zero"}}, "run.seed"),
    ("vae", {"run": {"held_out_fraction": 5}}, "run.held_out_fraction"),
    ("vae", {"run": {"shards": 5}}, "run.shards"),
    ("vae", {"model": {"latent": 10**6, "hidden": 10**6}}, "and the network of its card has"),
    ("cgcnn", {"std": "1"}, "std"),
    ("cgcnn", {"mean": float("inf")}, "mean"),
    ("cgcnn", {"log": 1}, "log"),
    ("cgcnn", {"neighbours": -1}, "neighbours"),
    ("cgcnn", {"elements": [0]}, "elements.0"),
    ("cgcnn", {"elements": []}, "elements"),
    ("cgcnn", {"descriptor": 12}, "descriptor"),
    ("cgcnn", {"model": {"convolutions": 10**6}}, "model.convolutions: "),
    ("cgcnn", {"model": {"step": 1e-12}}, "model.step: "),
    ("r3dvs", {"scale": [1, 2]}, "scale has 2 numbers, and there are 1 channels"),
    ("r3dvs", {"scale": [0]}, "scale.0"),
    ("r3dvs", {"outputs": 10**6}, "outputs"),
    ("fingerprint", {"classes": {}}, "classes"),
    ("fingerprint", {"classes": ["fcc"]}, "classes"),
    ("fingerprint", {"pixels": 10**9}, "pixels"),
    ("fingerprint", {"model": {"kernel": 4}}, "describes no network"),
]


@pytest.mark.parametrize(("task", "change", "told"), CARDS)
def test_a_lying_card_is_refused(task: str, change: dict[str, Any], told: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "run", task)
    card = card_in(folder / WEIGHTS)
    for group in ("model", "run"):
        if isinstance(change.get(group), dict) and "is missing" not in told:
            change = {group: card[group] | change[group]}
    put(folder / WEIGHTS, card | change)
    refused(folder, told)


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("unet", ["model", "grid", "voxels", "checksum", "task", "run"]),
        ("vae", ["model", "grid", "conditions", "edges", "condition", "run"]),
        ("cgcnn", ["target", "log", "mean", "std", "neighbours", "elements"]),
        ("r3dvs", ["channels", "voxels", "outputs", "scale"]),
        ("fingerprint", ["pixels", "classes", "target"]),
    ],
)
def test_a_card_that_lacks_what_its_network_needs_is_refused(
    task: str, names: list[str], tmp_path: Path
) -> None:
    folder = make(tmp_path / "run", task)
    card = card_in(folder / WEIGHTS)
    for name in names:
        put(folder / WEIGHTS, {key: value for key, value in card.items() if key != name})
        refused(folder, f"{name} is missing|is damaged|task None")


@pytest.mark.parametrize("task", ["unet", "vae", "cgcnn", "r3dvs", "fingerprint"])
def test_a_card_beside_the_weights_as_versions_before_kept_it_is_read(task: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "run", task)
    expected, card = runs.load_model(folder)
    said = as_before(folder)
    write_before(folder, said | {"note": "for people", "epoch": 7})
    model, found = runs.load_model(folder)
    assert found.run.epoch == 7
    assert found.checksum == said["checksum"]
    assert found.model_copy(update={"run": card.run, "checksum": card.checksum}) == card
    for name, tensor in expected.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor)
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1] + b"\x01")
    refused(folder, "is damaged: the card in .*model.json has another checksum")
    write_before(folder, {key: value for key, value in said.items() if key != "model"})
    refused(folder, "the card in .*model.json: model is missing")


def test_the_same_network_is_the_same_file_and_has_the_checksum_of_its_tensors(tmp_path: Path) -> None:
    one, other = (make(tmp_path / name, "vae") / WEIGHTS for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
    checksum = carded.checksum(one.read_bytes())
    assert card_in(one)["checksum"] == checksum
    bare(one)
    assert carded.checksum(one.read_bytes()) == checksum
    data = save(load_file(other))
    assert one.read_bytes()[carded.start(one.read_bytes()) :] == data[carded.start(data) :]


def test_a_network_of_a_terabyte_is_refused_before_it_is_made(tmp_path: Path) -> None:
    folder = make(tmp_path / "run", "unet")
    card = card_in(folder / WEIGHTS)
    put(folder / WEIGHTS, card | {"model": card["model"] | {"bottom": [600_000, 600_000]}})
    code = (
        "import re, sys; from pathlib import Path; from hpcvox.training.folder.runs import load_model\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "before = peak()\n"
        "try: load_model(Path(sys.argv[1]))\n"
        "except Exception as e: print(type(e).__name__)\n"
        "print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    name, kilobytes = done.stdout.split()
    assert name == "CheckpointError"
    assert int(kilobytes) < 100_000
