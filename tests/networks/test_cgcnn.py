"""CGCNN: the network's symmetries, and whole trainings on small sets of real graphs."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hpcvox.descriptors.clusters import Cell
from hpcvox.descriptors.graph import gaussians
from hpcvox.errors import CheckpointError, ConfigError, ShardError
from hpcvox.networks.cgcnn.card import CGCNNCard
from hpcvox.networks.cgcnn.graphs import GraphBatch, load
from hpcvox.networks.cgcnn.model import CGCNN, Convolution
from hpcvox.networks.cgcnn.samples import targets
from hpcvox.networks.cgcnn.settings import CGCNNSettings, TrainCGCNNSettings
from hpcvox.networks.cgcnn.task import CGCNNTask, predict
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.split import split
from hpcvox.training.data import ORDER, Slice, generator, plan
from hpcvox.training.folder import runs
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.job import run as train
from hpcvox.training.order import STORED, order_of
from hpcvox.training.ranks.comm import Alone
from tests.support.graph_shards import Named, crystals, make_graphs
from tests.support.training_runs import MPIRUN, assert_same_weights, killed, run, settings, weights
from tests.support.voxel_shards import A_SITES, B_SITES, X_SITES, make_shards

SEED = 2
A_B_X3 = np.array([38, 22, 8, 8, 8], np.uint8)
FAST = ["target=affinity", "epochs=2", "batch_size=8", "threads=1", "warmup_steps=2", f"seed={SEED}"]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard set of the graphs of small crystals."""
    return make_graphs(tmp_path_factory.mktemp("data") / "graphs", crystals())


@pytest.fixture(scope="module")
def trained(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CGCNN that has learnt the affinity of the crystals."""
    out = tmp_path_factory.mktemp("run") / "cgcnn"
    long = ["epochs=60", "learning_rate=3e-3", "batch_size=16"]
    assert train(settings(TrainCGCNNSettings, shards, out, *FAST, *long)).exit_status == 0
    return out


def command(shards: Path, out: Path, *more: str) -> list[str]:
    given = [f"shards={shards}", f"out={out}", *FAST, *more]
    return [sys.executable, "-m", "hpcvox", "train-cgcnn", *given]


def values_of(model: torch.nn.Module, batch: GraphBatch) -> torch.Tensor:
    with torch.no_grad():
        values: torch.Tensor = model(*batch.graph)
    return values


def network(convolutions: int) -> CGCNN:
    """A network with all of its normalisations at work."""
    torch.manual_seed(0)
    model = CGCNN(CGCNNSettings(convolutions=convolutions))
    for name, value in model.state_dict().items():
        if name.endswith("running_mean"):
            value.normal_()
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2)
    return model.eval()


def test_the_network_has_itsweights() -> None:
    table, convolution = 119 * 64, (64 + 64 + 41) * 128 + 128 + 2 * 128 + 2 * 64
    dense = 64 * 128 + 128 + 128 + 1
    assert table + convolution + dense == 38_209
    assert sum(p.numel() for p in CGCNN(CGCNNSettings()).parameters()) == 38_209
    three = sum(p.numel() for p in CGCNN(CGCNNSettings(convolutions=3)).parameters())
    assert three == 38_209 + 2 * convolution


def test_the_convolution_is_equation_5() -> None:
    torch.manual_seed(1)
    layer = Convolution(4, 3).eval()
    sites, bonds, neighbours = torch.randn(5, 4), torch.rand(5, 2, 3), torch.randint(5, (5, 2))
    z = torch.cat((sites[:, None].expand(5, 2, 4), sites[neighbours], bonds), dim=2)
    both = layer.edge_norm(layer.dense(z).flatten(0, 1)).view(5, 2, 8)
    messages = (torch.sigmoid(both[..., :4]) * torch.nn.functional.softplus(both[..., 4:])).sum(1)
    wanted = torch.nn.functional.softplus(sites + layer.site_norm(messages))
    torch.testing.assert_close(layer(sites, neighbours, bonds), wanted)


def test_distances_are_seen_by_the_gaussians_of_the_descriptor(shards: Path) -> None:
    seen = []
    model = CGCNN(CGCNNSettings()).eval()
    model.convolutions[0].register_forward_pre_hook(lambda module, given: seen.append(given[2]))
    batch = load(ShardSet.open(shards), Slice(np.arange(20), np.ones(20, np.float32)), 0)
    values_of(model, batch)
    np.testing.assert_allclose(seen[0], gaussians(batch.graph.distances.numpy()), atol=2e-6)


def test_values_do_not_depend_on_the_order_of_sites_their_number_or_the_other_crystals(
    tmp_path: Path,
) -> None:
    random = np.random.default_rng(0)
    one, other = (c.cell for c in (crystals()[3], crystals()[-1]))
    one = one._replace(frac=one.frac + random.normal(0, 0.02, one.frac.shape))  # no two distances alike
    order = random.permutation(len(one.numbers))
    mixed = one._replace(frac=one.frac[order], numbers=one.numbers[order])
    shift = np.repeat(np.array([[0, 0, 0], [1, 0, 0]]), len(one.numbers), axis=0)
    doubled = Cell(
        one.lattice * np.array([[2], [1], [1]]),
        (np.tile(one.frac, (2, 1)) + shift) / np.array([2, 1, 1]),
        np.tile(one.numbers, 2),
    )
    cells = [one, mixed, doubled, other]
    out = make_graphs(tmp_path / "graphs", [Named(str(i), "X", c, {}) for i, c in enumerate(cells)], 12)
    model, graphs = network(convolutions=3), ShardSet.open(out)
    first, permuted, twice, metal = values_of(model, load(graphs, _slice(0, 1, 2, 3), 0)).tolist()
    assert permuted == pytest.approx(first, abs=1e-5)
    assert twice == pytest.approx(first, abs=1e-5)
    assert abs(metal - first) > 1e-3
    backwards = values_of(model, load(graphs, _slice(3, 2, 0), 0)).tolist()
    assert backwards == pytest.approx([metal, twice, first], abs=1e-5)


def test_sites_that_are_alike_are_computed_once_and_change_no_value(tmp_path: Path) -> None:
    salt = crystals()[-20].cell
    eight = Cell(  # two sites, each sixteen times, in any order
        2 * salt.lattice,
        np.concatenate([(salt.frac + shift) / 2 for shift in np.ndindex(2, 2, 2)]),
        np.tile(salt.numbers, 8),
    )
    order = np.random.default_rng(0).permutation(len(eight.numbers))
    ideal = Cell(4 * np.eye(3), np.array([[0, 0, 0], [1, 1, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2, A_B_X3)
    made = [
        *crystals(),  # whose perovskites have no symmetry
        Named("ideal", "ABX3", ideal, {}),
        Named("mixed", "AX", eight._replace(frac=eight.frac[order], numbers=eight.numbers[order]), {}),
    ]
    every = ShardSet.open(make_graphs(tmp_path / "every", made, 12))
    once = ShardSet.open(make_graphs(tmp_path / "once", made, 12, symprec=0.01))
    model, part = network(convolutions=3), _slice(*range(len(made) - 1, -1, -1))
    all_sites, few = load(every, part, 0).graph, load(once, part, 0).graph
    assert (all_sites.sites[:2].tolist(), few.sites[:2].tolist()) == ([16, 5], [2, 3])
    assert len(all_sites.numbers) == len(few.numbers) + 16
    for graphs in (all_sites, few):
        torch.testing.assert_close(
            torch.segment_reduce(graphs.weights, "sum", lengths=graphs.sites),
            torch.ones(len(part.indices), 1),
        )
    with torch.no_grad():
        torch.testing.assert_close(model(*few), model(*all_sites), atol=1e-5, rtol=0)


def _slice(*indices: int) -> Slice:
    return Slice(np.array(indices), np.ones(len(indices), np.float32))


def test_it_learns_what_the_composition_decides(trained: Path) -> None:
    lines = read_metrics(trained)
    assert lines[-1]["held_out/relative_mae"] < 0.2
    assert lines[-1]["held_out/mae"] < 0.2 * 0.5
    assert lines[-1]["held_out/loss"] < lines[0]["held_out/loss"]


def test_the_loss_can_be_the_absolute_error(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "cgcnn"
    assert train(settings(TrainCGCNNSettings, shards, out, *FAST, "loss=absolute")).exit_status == 0
    _, card = runs.load_model(out, CGCNNCard)
    last = read_metrics(out)[-1]
    assert last["held_out/loss"] * card.std == pytest.approx(last["held_out/mae"])


def test_predictions_are_in_the_targets_unit_and_have_the_error_that_was_said(
    trained: Path, shards: Path
) -> None:
    graphs = ShardSet.open(shards)
    held_out = split(graphs.formulas, SEED, 0.2)
    error = np.abs(predict(trained, graphs) - graphs.target("affinity"))
    _, card = runs.load_model(trained, CGCNNCard)
    assert error[held_out].mean() == pytest.approx(card.run.metrics["held_out/mae"], rel=1e-4)
    assert card.elements == sorted([*A_SITES.values(), *B_SITES.values(), *X_SITES.values()])


def test_a_finished_training_has_what_it_says_of_held_out_crystals(trained: Path, shards: Path) -> None:
    graphs = ShardSet.open(shards)
    with (trained / "held_out.csv").open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    held_out = np.flatnonzero(split(graphs.formulas, SEED, 0.2))
    assert list(rows) == [graphs.ids[i] for i in held_out.tolist()]
    said = np.array([float(row["predicted"] or "nan") for row in rows.values()])
    np.testing.assert_allclose(said, predict(trained, graphs)[held_out], rtol=1e-5)
    true = [float(row["true"]) for row in rows.values()]
    assert true == graphs.target("affinity")[held_out].tolist()


def test_a_crystal_of_an_unseen_element_has_no_prediction(trained: Path, tmp_path: Path) -> None:
    known, strange = (
        crystals()[0],
        Named("Th", "Th", crystals()[-1].cell._replace(numbers=np.array([90], np.uint8)), {}),
    )
    out = make_graphs(tmp_path / "graphs", [strange, known])
    assert np.isnan(predict(trained, ShardSet.open(out))).tolist() == [True, False]
    out = make_graphs(tmp_path / "more", [known, known], neighbours=8)
    with pytest.raises(ShardError, match=r"8 neighbours per site.*trained on 6.*neighbours=6"):
        predict(trained, ShardSet.open(out))


def test_the_logarithm_is_learnt_of_positive_targets(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = settings(TrainCGCNNSettings, shards, tmp_path / "run", *FAST, "target=modulus", "log=true")
    train(given)
    assert "10 without a value of the target left out" in capsys.readouterr().out
    graphs = ShardSet.open(shards)
    known = np.isfinite(targets(given, graphs))
    held_out = split(graphs.formulas, SEED, 0.2) & known
    error = np.abs(np.log10(predict(given.out, graphs) / graphs.target("modulus")))
    _, card = runs.load_model(given.out, CGCNNCard)
    assert error[held_out].mean() == pytest.approx(card.run.metrics["held_out/mae"], rel=1e-4)


def test_one_site_alone_can_be_a_batch(shards: Path, tmp_path: Path) -> None:
    outcome = train(settings(TrainCGCNNSettings, shards, tmp_path / "run", *FAST, "batch_size=1"))
    assert outcome.summary.startswith("trained 2 epochs")


@pytest.mark.slow
def test_killed_and_run_again_it_ends_with_the_same_bits(shards: Path, tmp_path: Path) -> None:
    long = ["epochs=12", "checkpoint_steps=2", "model.convolutions=2"]
    train(settings(TrainCGCNNSettings, shards, tmp_path / "undisturbed", *FAST, *long))
    out = tmp_path / "killed"
    killed(command(shards, out, *long)[3:], out)
    train(settings(TrainCGCNNSettings, shards, out, *FAST, *long))
    assert_same_weights(tmp_path / "undisturbed", out)


@pytest.fixture(scope="module")
def idle(shards: Path) -> tuple[NDArray[np.int64], int]:
    """Training samples, and a batch size that leaves one sample to the last step of two ranks."""
    graphs = ShardSet.open(shards)
    train = np.flatnonzero(~split(graphs.formulas, SEED, 0.2))
    return train, next(b for b in range(4, 20) if len(train) % (2 * b) == 1)


@pytest.mark.slow
def test_two_ranks_compute_what_one_does_though_one_is_left_without_a_sample(
    shards: Path, idle: tuple[NDArray[np.int64], int], tmp_path: Path
) -> None:
    _, batch = idle
    more = ["batch_statistics=global", "schedule=constant", "learning_rate=1e-4", "epochs=1"]
    run([*MPIRUN, "2", *command(shards, tmp_path / "two", *more, f"batch_size={batch}")])
    alone = settings(TrainCGCNNSettings, shards, tmp_path / "one", *FAST, *more, f"batch_size={2 * batch}")
    train(alone)
    (two,), (one,) = read_metrics(tmp_path / "two"), read_metrics(tmp_path / "one")
    for name in ("train/loss", "train/mae", "train/relative_mae"):
        assert two[name] == pytest.approx(one[name], rel=5e-5), name
    assert two["held_out/loss"] == pytest.approx(one["held_out/loss"], rel=2e-3)
    of_two, of_one = weights(tmp_path / "two"), weights(tmp_path / "one")
    for name, value in of_one.items():
        torch.testing.assert_close(of_two[name], value, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_by_rank_the_running_statistics_are_the_mean_over_the_ranks_that_have_a_sample(
    shards: Path, idle: tuple[NDArray[np.int64], int], tmp_path: Path
) -> None:
    train, batch = idle
    more = [f"batch_size={batch}", "learning_rate=1e-12", "epochs=1"]  # the weights stay as they are
    run([*MPIRUN, "2", *command(shards, tmp_path / "two", *more)])
    graphs = ShardSet.open(shards)
    torch.manual_seed(SEED)
    model = CGCNNTask(
        settings(TrainCGCNNSettings, shards, tmp_path, *FAST, *more), graphs, train, Alone()
    ).model
    order = order_of(STORED, len(train), generator(SEED, ORDER, 0))
    steps = zip(*(plan(train, batch, rank, 2, order) for rank in range(2)), strict=True)
    for parts in steps:
        before = {name: value.clone() for name, value in model.state_dict().items()}
        after = []
        for part in (part for part in parts if part.share.any()):
            model.load_state_dict(before)
            values_of(model.train(), load(graphs, part, 0))
            after.append({name: value.double().clone() for name, value in model.state_dict().items()})
        model.load_state_dict({name: sum(state[name] for state in after) / len(after) for name in before})
    assert len(after) == 1
    for name, value in weights(tmp_path / "two").items():
        torch.testing.assert_close(value, model.state_dict()[name], rtol=1e-5, atol=1e-6)


def test_another_propertys_network_starts_from_the_features_of_the_first(
    shards: Path, trained: Path, tmp_path: Path
) -> None:
    graphs = ShardSet.open(shards)
    given = ["target=modulus", "log=true", f"initial={trained}", "model.hidden=16"]
    wanted = settings(TrainCGCNNSettings, shards, tmp_path / "run", *FAST, *given)
    task = CGCNNTask(wanted, graphs, np.flatnonzero(np.isfinite(targets(wanted, graphs))), Alone())
    first, _ = runs.load_model(trained, CGCNNCard)
    assert isinstance(first, CGCNN)
    features = task.model.features()
    assert all(torch.equal(value, features[name]) for name, value in first.features().items())
    assert train(wanted).exit_status == 0
    tuned, card = runs.load_model(tmp_path / "run", CGCNNCard)
    assert isinstance(tuned, CGCNN)
    assert card.initial == str(trained)
    name = "convolutions.0.dense.weight"
    assert not torch.equal(tuned.features()[name], first.features()[name])


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (
            ["target=signed", "log=true"],
            ConfigError,
            r"signed is -\d.*for \w+ \(made:\d+\).*above 0.*log=false",
        ),
        (["target=gap"], ShardError, r"no target 'gap': valid here: affinity, modulus, same, signed"),
        (["target=same"], ConfigError, r"same is 1 for all.*nothing to learn.*affinity"),
        (["initial=/nowhere"], CheckpointError, r"/nowhere holds no trained model"),
    ],
)
def test_what_cannot_be_learnt_is_refused(
    shards: Path, tmp_path: Path, given: list[str], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        train(settings(TrainCGCNNSettings, shards, tmp_path / "run", *FAST, *given))


def test_a_network_of_another_shape_is_refused_as_a_beginning(
    shards: Path, trained: Path, tmp_path: Path
) -> None:
    more = [f"initial={trained}", "model.convolutions=2", "model.width=0.3"]
    with pytest.raises(
        ConfigError,
        match=r"set model\.convolutions=1 model\.width=0\.2, as it has \(model\.hidden may differ\)",
    ):
        train(settings(TrainCGCNNSettings, shards, tmp_path / "run", *FAST, *more))


def test_voxels_are_no_graphs(tmp_path: Path) -> None:
    voxels = make_shards(tmp_path / "shards")
    with pytest.raises(
        ShardError, match=r"holds the descriptor density, but graph is needed here: .*descriptor=graph"
    ):
        train(settings(TrainCGCNNSettings, voxels, tmp_path / "run", *FAST, "target=energy"))
