"""The folders of a small run for the tests of the report: real CIFs, densities, tables and metrics."""

import csv
import json
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import torch
from ase.spacegroup import crystal

from hpcvox.database.summary import DatabaseSummary
from hpcvox.descriptors.density import voxelize
from hpcvox.experiments.evaluate.summary import EvaluateSummary, Figures
from hpcvox.generation.densities import Densities
from hpcvox.generation.judging.summary import JudgeSummary, Plausible, Stage
from hpcvox.generation.summary import GenerateSummary
from hpcvox.networks.cgcnn.card import CGCNNCard
from hpcvox.networks.cgcnn.settings import CGCNNSettings
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.settings import UNetSettings
from hpcvox.networks.vae.bins import quantile_edges
from hpcvox.networks.vae.card import VAECard
from hpcvox.networks.vae.examples import Examples
from hpcvox.networks.vae.model import VAE
from hpcvox.networks.vae.settings import VAESettings
from hpcvox.relaxation.summary import RelaxSummary, StageDone
from hpcvox.report.run import Run, open_run
from hpcvox.report.settings import ReportSettings
from hpcvox.screening.summary import ScreenSummary, Target
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.stability.job import run as lay
from hpcvox.stability.settings import HullSettings
from hpcvox.training.folder import carded, runs
from hpcvox.training.folder.card import WEIGHTS
from tests.support import voxel_shards as training_shards
from tests.support.cards import training_on
from tests.support.hull_run import REFERENCES
from tests.support.small_training import NO_WEIGHTS

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
    DatabaseSummary(
        crystals=300,
        rejects=0,
        size=300,
        seed=17,
        classes=dict.fromkeys(kinds, 100),
        target="formation_energy",
        energy_model="chgnet-0.4.2",
        meaning="by a potential",
    ).save(folder)


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
    card = UNetCard(run=training_on(), model=UNetSettings(), grid="periodic", voxels=16, weights=12345)
    carded.write(folder / WEIGHTS, NO_WEIGHTS, card.model_dump_json())


def make_vae(folder: Path, shards: Path) -> None:
    """A VAE of random weights, of the shard set's crystals."""
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    shape = VAESettings(
        patch=2, encoder=(8, 8), bottleneck=4, hidden=16, latent=8, seed_channels=4, decoder=(8, 8)
    )
    edges = quantile_edges(ShardSet.open(shards).target("energy"), 4).tolist()
    card = VAECard(
        run=training_on(shards, held_out_fraction=0.3),
        model=shape,
        grid="periodic",
        voxels=16,
        condition="energy",
        edges=edges,
        conditions=4,
    )
    runs.export(folder, VAE(shape, 4, 16), card)


def make_examples(folder: Path) -> None:
    true = []
    for atoms in (rocksalt(4.25, "Mg", "O"), perovskite(3.94, "Sr", "Ti"), rocksalt(5.6, "Na", "Cl")):
        lengths = atoms.cell.lengths()
        true.append(
            voxelize(lengths, atoms.get_scaled_positions() % 1, atoms.numbers.astype(np.uint8)).density
        )
    density = np.stack(true).astype(np.float16)
    moved = (0.9 * np.roll(density, 1, axis=3)).astype(np.float16)
    Examples(density.astype(np.float32), moved.astype(np.float32), ["MgO", "SrTiO3", HOSTILE]).save(folder)


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
    GenerateSummary(
        samples=12,
        placed=9,
        valid=9,
        valid_rate=0.75,
        valid_and_charge_balanced=9,
        valid_and_novel=9,
        formulas=3,
        failures={"too-close": 3},
        valid_rate_by_decile={str(k): float(k % 4 != 3) for k in range(10)},
        condition="formation_energy",
        edges=[-2.0, -1.0, 0.0],
        novelty="formulas of the training set",
    ).save(folder)
    density = np.random.default_rng(0).random((5, 16, 16, 16)).astype(np.float32)
    Densities(density, [f"d{k}" for k in range(5)]).save(folder)


def make_evaluation(folder: Path) -> None:
    folder.mkdir(parents=True)
    figures = Figures(
        length_mae=0.31,
        emd=0.19,
        recall=0.8765,
        failure_rate=0.05,
        failures={"no-atoms": 2},
        failed=["m1", "m2"],
    )
    through = figures.model_copy(update={"emd": None})
    EvaluateSummary(segmentation=figures, reconstruction=through, held_out_crystals=40).save(folder)
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
    card = CGCNNCard(
        run=training_on(), model=CGCNNSettings(), target="band_gap", log=False, weights=38_209,
        mean=1.0, std=1.0, neighbours=12, elements=[8, 12],
    )  # fmt: skip
    carded.write(folder / WEIGHTS, NO_WEIGHTS, card.model_dump_json())


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
    JudgeSummary(
        funnel=left,
        lost={Stage.PLACED: 1, Stage.PLAUSIBLE: 2, Stage.NOT_TRAINED_ON: 1},
        plausible=Plausible(drawn=5, plausible=2, why_not={"element": 2, "not-placed": 1}),
        space_groups={"Pm-3m": 1},
        left_and_charge_balanced=1,
        anonymous_formula=None,
        training_set="compared",
        known=[],
    ).save(folder)


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
    band_gap = Target(
        target="band_gap",
        networks=[str(network)],
        checksums=[""],
        learnt_as_logarithm=[False],
        uncertainty="none",
    )
    ScreenSummary(
        read=9,
        rejected=0,
        predicted=9,
        with_unseen_elements=0,
        metals=1,
        where="band_gap > 1.9",
        clauses=[],
        passing=4,
        rank=None,
        descending=False,
        rejects={},
        targets={"band_gap": band_gap},
        without_the_rule_of_metals=[],
        phases_of_the_hull=None,
        significant_digits=6,
    ).save(folder)


def make_relaxed(folder: Path) -> None:
    folder.mkdir(parents=True)
    rows: list[dict[str, Any]] = [
        {"id": "c000", "formula": "SrTiO3", "code": "", "bond_change_percent": 1.25, "energy_change": -0.04}
        | {"chgnet_energy": -4.25, "match": "mp-1", "cif": "cifs/c000.cif", "message": ""},
        {"id": "c001", "formula": "MgO", "code": "failed", "message": "said"},
    ]
    rows[1] = dict.fromkeys(rows[0], "") | rows[1]
    (folder / "cifs").mkdir()
    ase.io.write(folder / "cifs" / "c000.cif", perovskite(3.9, "Sr", "Ti"), format="cif")
    table(folder / "relaxed.csv", rows)
    RelaxSummary(
        crystals=2,
        relaxed=1,
        converged=1,
        codes={"failed": 1},
        stages=[StageDone(calculator="chgnet", version="0.4.2", cell="full")],
        matched=1,
        means={"bond_change_percent": 1.25},
        medians={"bond_change_percent": 1.25},
    ).save(folder)


def make_hull(folder: Path, relaxed: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "references.csv").write_text(REFERENCES)
    lay(HullSettings(relaxed=relaxed, out=folder, references=folder / "references.csv"))


FOLDERS = (
    *("database", "shards", "unet", "vae", "finetuned_unet", "generated", "evaluation"),
    *("judged", "screened", "relaxed", "hull", "networks"),
)
"""Settings of a report that are folders."""


def run_of(folder: Path, **given: Any) -> Run:
    """A run of which there are the folders ``given`` alone, reported below ``folder``; settings may be given, too."""
    settings = ReportSettings(out=folder / "report", **dict.fromkeys(FOLDERS) | given)
    return open_run(settings, settings.out / "report.html")


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
    make_hull(root / "hull", root / "relaxed")
    names = (
        *("database", "shards", "unet", "vae", "generated", "evaluation"),
        *("judged", "screened", "relaxed", "hull"),
    )
    return ReportSettings(out=root / "report", figures=False, **{name: root / name for name in names})
