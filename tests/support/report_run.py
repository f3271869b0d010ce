"""The folders of a small run for the tests of the report: real CIFs, densities, tables and metrics."""

import csv
import json
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import torch
from ase.spacegroup import crystal

from hpcvox.descriptors.density import voxelize
from hpcvox.networks.vae.bins import quantile_edges
from hpcvox.networks.vae.model import VAE
from hpcvox.networks.vae.settings import VAESettings
from hpcvox.report.settings import ReportSettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder import runs
from tests.support import voxel_shards as training_shards

HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
FCC = [(0, 0, 0), (0.5, 0.5, 0.5)]


def table(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def rocksalt(a: float, cation: str, anion: str) -> ase.Atoms:
    return crystal([cation, anion], FCC, spacegroup=225, cellpar=[a, a, a, 90, 90, 90])


def perovskite(a: float, x: str, y: str) -> ase.Atoms:
    sites = [(0.5, 0.5, 0.5), (0, 0, 0), (0.5, 0, 0)]
    return crystal([x, y, "O"], sites, spacegroup=221, cellpar=[a, a, a, 90, 90, 90])


def make_database(folder: Path) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    kinds = ("rocksalt", "perovskite", "heusler")
    rows = [
        {
            "material_id": f"m{k}",
            "formula": "MgO",
            "class": kinds[k % 3],
            "formation_energy": rng.normal(-1 - k % 3, 0.3),
            "energy_model": "chgnet-0.4.2",
            "a": 4.2,
        }
        for k in range(300)
    ]
    table(folder / "crystals.csv", rows)
    (folder / "config.yaml").write_text("size: 300\nseed: 17\n")
    (folder / "database.json").write_text(
        json.dumps({"crystals": 300, "target": "formation_energy", "meaning": "by a potential", "seed": 17})
    )


def make_shards(folder: Path) -> None:
    training_shards.make_shards(folder)
    rejects = [
        {"id": "x.cif", "origin": "dir/x.cif", "code": "cif-syntax", "message": "line 3: no loop"},
        {"id": HOSTILE, "origin": "dir/y.cif", "code": "disordered", "message": HOSTILE},
    ]
    table(folder / "rejects.csv", rejects)


def make_training(folder: Path, *, torn: bool) -> None:
    folder.mkdir(parents=True)
    lines = []
    for epoch in range(1, 31):
        record: dict[str, Any] = {"epoch": epoch, "step": 40 * epoch}
        record |= {"train/loss": 3 * 0.85**epoch + 0.02, "train/recall": 1 - 0.9**epoch}
        if epoch % 2 == 0:
            record |= {"held_out/loss": 3 * 0.86**epoch + 0.05, "held_out/recall": 0.97 - 0.9**epoch}
        lines.append(json.dumps(record))
    (folder / "metrics.jsonl").write_text("\n".join(lines) + ("\n" + lines[-1][:20] if torn else "\n"))
    (folder / "config.yaml").write_text(f"epochs: 30\nseed: 3\nnote: '{HOSTILE.replace(chr(39), '')}'\n")
    (folder / "model.json").write_text(json.dumps({"weights": 12345, "versions": {"torch": "2.13.0"}}))


def make_vae(folder: Path, shards: Path) -> None:
    """A VAE of random weights, of the shard set's crystals."""
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    shape = VAESettings(
        patch=2, encoder=(8, 8), bottleneck=4, hidden=16, latent=8, seed_channels=4, decoder=(8, 8)
    )
    card = {"model": shape.model_dump(mode="json"), "grid": "periodic", "voxels": 16, "shards": str(shards)}
    edges = quantile_edges(ShardSet.open(shards).target("energy"), 4).tolist()
    card |= {"condition": "energy", "edges": edges, "conditions": 4, "seed": 0, "held_out_fraction": 0.3}
    runs.export(folder, "vae", VAE(shape, 4, 16), card)


def make_examples(folder: Path) -> None:
    true = []
    for atoms in (rocksalt(4.25, "Mg", "O"), perovskite(3.94, "Sr", "Ti"), rocksalt(5.6, "Na", "Cl")):
        lengths = atoms.cell.lengths()
        true.append(
            voxelize(lengths, atoms.get_scaled_positions() % 1, atoms.numbers.astype(np.uint8)).density
        )
    density = np.stack(true).astype(np.float16)
    moved = (0.9 * np.roll(density, 1, axis=3)).astype(np.float16)
    np.savez(
        folder / "examples.npz",
        density_true=density,
        density_reconstructed=moved,
        ids=np.array([b"MgO", b"SrTiO3", HOSTILE.encode()], dtype="S"),
    )


def make_generated(folder: Path) -> None:
    (folder / "cifs").mkdir(parents=True)
    rows = []
    for k in range(12):
        name = f"c{k:03d}" if k != 5 else "c005<b>"
        atoms = rocksalt(4.0 + 0.1 * k, "Mg", "O") if k % 2 else perovskite(3.8 + 0.05 * k, "Sr", "Ti")
        valid = k % 4 != 3
        if valid:
            ase.io.write(folder / "cifs" / f"{name.replace('<b>', '')}.cif", atoms, format="cif")
        rows.append(
            {
                "id": name,
                "decile": k % 10,
                "valid": valid,
                "code": "" if valid else "too-close",
                "message": "" if valid else "sites 0.41 Å apart",
                "formula": (atoms.get_chemical_formula(empirical=True) if k != 5 else HOSTILE)
                if valid
                else "",
                "a": round(float(atoms.cell.lengths()[0]), 4),
                "cif": f"cifs/{name.replace('<b>', '')}.cif" if valid else "",
            }
        )
    table(folder / "candidates.csv", rows)
    summary = {"samples": 12, "valid": 9, "condition": "formation_energy", "formulas": 3}
    (folder / "summary.json").write_text(json.dumps(summary))
    density = np.random.default_rng(0).random((5, 16, 16, 16)).astype(np.float16)
    np.savez(folder / "densities.npz", density=density, ids=np.array([f"d{k}".encode() for k in range(5)]))


def make_evaluation(folder: Path) -> None:
    folder.mkdir(parents=True)
    figures = {
        "length_mae": 0.31,
        "emd": 0.19,
        "recall": 0.8765,
        "failure_rate": 0.05,
        "failures": {"no-atoms": 2},
    }
    ways = {"segmentation": figures, "reconstruction": figures | {"emd": None}}
    (folder / "metrics.json").write_text(json.dumps(ways | {"held_out_crystals": 40}))
    rows = [
        {"id": f"m{k}", "formula": "NaN", "n_sites": 5, "a": 4.0 + k, "b": 4.0, "c": 4.0}
        | {"segmentation_a": 4.0 + k, "segmentation_b": 4.0, "segmentation_c": 4.0, "segmentation_excess": 0}
        | {"reconstruction_a": 4.1 + k, "reconstruction_excess": k - 1 if k else "", "emd": 0.1 * k}
        for k in range(3)
    ]
    table(folder / "per_crystal.csv", rows)


def make_network(folder: Path) -> None:
    folder.mkdir(parents=True)
    rows = [{"id": f"m{k}", "formula": "MgO", "true": 0.5 * k, "predicted": 0.5 * k + 0.25} for k in range(8)]
    table(folder / "held_out.csv", [*rows, {"id": "m9", "formula": "XeF2", "true": 1.0, "predicted": ""}])
    (folder / "model.json").write_text(json.dumps({"target": "band_gap", "log": False, "weights": 38_209}))


def make_judged(folder: Path) -> None:
    (folder / "cifs").mkdir(parents=True)
    alone = {"lost": "not-plausible", "code": "element", "message": "there is O alone"}
    rows: list[dict[str, str]] = [
        {"id": "c000", "formula": "SrTiO3", "lost": "", "code": "", "match": "", "cif": "cifs/c000.cif"},
        {"id": "c001", "formula": "MgO", "lost": "in-training-set", "match": HOSTILE, "cif": "cifs/c001.cif"},
        {"id": "c002", "formula": "O2", "match": "", "cif": "cifs/c002.cif"} | alone,
        {"id": "c003", "formula": "", "lost": "not-placed", "code": "no-cell", "match": "", "cif": ""},
        {"id": "c004", "formula": "O2", "match": "", "cif": "cifs/c004.cif"} | alone,
    ]
    ase.io.write(folder / "cifs" / "c000.cif", perovskite(3.8, "Sr", "Ti"), format="cif")  # the one left
    table(folder / "judged.csv", [dict.fromkeys(["id", *alone], "") | row for row in rows])
    left = {"drawn": 5, "placed": 4, "valid": 4, "plausible": 2, "distinct": 2, "not in the training set": 1}
    (folder / "summary.json").write_text(json.dumps({"funnel": left, "training_set": "compared"}))


def make_screened(folder: Path) -> None:
    folder.mkdir(parents=True)
    rows = [
        {"id": f"c{k:03d}", "formula": "MgO", "n_sites": 8, "band_gap": 0.4 * k, "band_gap_std": 0.1}
        for k in range(9)
    ]
    table(folder / "properties.csv", rows)
    table(folder / "screened.csv", rows[5:])
    network = folder.parent / "cgcnn"
    make_network(network)
    (folder / "config.yaml").write_text(f"where: band_gap > 1.9\nmodels: [{network}]\n")
    (folder / "summary.json").write_text(json.dumps({"predicted": 9}))


def make_relaxed(folder: Path) -> None:
    folder.mkdir(parents=True)
    rows: list[dict[str, Any]] = [
        {"id": "c000", "code": "", "bond_change_percent": 1.25, "energy_change": -0.04, "match": "mp-1"},
        {"id": "c001", "code": "failed", "bond_change_percent": "", "energy_change": "", "match": ""},
    ]
    table(folder / "relaxed.csv", rows)
    (folder / "summary.json").write_text(
        json.dumps({"crystals": 2, "relaxed": 1, "medians": {"bond_change_percent": 1.25}})
    )


def make_run(root: Path) -> ReportSettings:
    """Every folder of a run, and the settings that report them, without pictures, which take their time."""
    make_database(root / "database")
    make_shards(root / "shards")
    make_training(root / "unet", torn=True)
    make_training(root / "vae", torn=False)
    make_vae(root / "vae", root / "shards")
    make_examples(root / "vae")
    make_generated(root / "generated")
    make_evaluation(root / "evaluation")
    make_judged(root / "judged")
    make_screened(root / "screened")
    make_relaxed(root / "relaxed")
    names = (
        *("database", "shards", "unet", "vae", "generated", "evaluation"),
        *("judged", "screened", "relaxed"),
    )
    return ReportSettings(out=root / "report", figures=False, **{name: root / name for name in names})
