"""The latent space in the report: where crystals are, and what lies between two of them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hpcvox.networks.vae.model import VAE
from hpcvox.networks.voxels import load
from hpcvox.report.drawing.chart import Line, Points, Scale
from hpcvox.report.encoding import Encoder
from hpcvox.report.parts import Section
from hpcvox.report.sections import latent
from hpcvox.shards.reading.densities import read_densities
from hpcvox.training.data import Slice
from hpcvox.training.folder import runs
from tests.support.report_run import make_vae, run_of
from tests.support.voxel_shards import make_shards


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a VAE and the shards that it is of."""
    root = tmp_path_factory.mktemp("latent")
    make_vae(root / "vae", make_shards(root / "shards"))
    return root


@pytest.fixture(scope="module")
def encoder(root: Path) -> Encoder:
    """The encoder of that VAE."""
    return Encoder(root / "vae", root / "shards")


def sections(root: Path, most: int = 1000, rows: int = 10, shards: str = "shards") -> list[Section]:
    run = run_of(root, vae=root / "vae", shards=root / shards, latent=most, interpolations=rows)
    return latent.sections(run)


def test_crystals_are_encoded_as_they_were_trained(root: Path, encoder: Encoder) -> None:
    samples = np.array([40, 3, 17])
    encoded = encoder.encode(samples)
    model, _ = runs.load_model(root / "vae")
    assert isinstance(model, VAE)
    for row, sample in enumerate(samples):
        batch = load(encoder.shards, Slice(np.array([sample]), np.ones(1, np.float32)), 0, None)
        condition = torch.zeros(1, 4)
        condition[0, encoder.deciles[sample]] = 1
        with torch.no_grad():
            mean, log_variance = model.encode(batch.x, batch.species, condition)
        np.testing.assert_allclose(encoded.mean[row], mean[0].numpy(), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(encoded.deviation[row] ** 2, log_variance[0].exp().numpy(), rtol=1e-4)


def test_a_line_is_decoded_in_equal_steps(root: Path, encoder: Encoder) -> None:
    ends = encoder.encode(np.array([5, 30])).mean
    line = encoder.line(ends, 2, 5)
    model, _ = runs.load_model(root / "vae")
    assert isinstance(model, VAE)
    condition = torch.tensor([[0.0, 0.0, 1.0, 0.0]])
    for step, density in enumerate(line):
        point = torch.from_numpy(ends[0] + np.float32(step / 4) * (ends[1] - ends[0]))[None]
        with torch.no_grad():
            wanted = model.decode(point, condition).maps[0, 0].numpy()
        np.testing.assert_allclose(density, wanted, rtol=1e-3, atol=1e-4)


def test_points_that_are_near_stay_near_and_where_they_are() -> None:
    random = np.random.default_rng(0)
    centres = 20 * random.standard_normal((3, 1, 16))
    cloud = (centres + random.standard_normal((3, 25, 16))).reshape(75, 16).astype(np.float32)
    place = latent.embedded(cloud)
    apart = np.linalg.norm(place[:, None] - place[None], axis=2) + np.diag(np.full(75, np.inf))
    group = np.repeat(np.arange(3), 25)
    assert (group[apart.argmin(axis=1)] == group).all()
    assert latent.embedded(cloud).tobytes() == place.tobytes()
    assert latent.embedded(cloud[:4]).shape == (4, 2)


def test_the_map_has_every_crystal_with_its_kind_and_its_condition(root: Path, encoder: Encoder) -> None:
    space, _ = sections(root)
    assert not space.missing
    facts = dict(space.facts)
    assert facts["crystals"] == "48 of 48"
    assert facts["of them held out"] == str(encoder.held_out.sum())
    lines, (kind,), (condition,) = (chart.marks for chart in space.charts)
    assert len(lines) == 8 + 1
    assert isinstance(lines[0], Line)
    assert 0.5 < np.trapezoid(lines[0].y, lines[0].x) < 1.01
    assert isinstance(kind, Points)
    assert isinstance(condition, Points)
    assert (kind.name, len(kind.x)) == ("ABC3", 48)
    np.testing.assert_array_equal([condition.x, condition.y], [kind.x, kind.y])
    assert isinstance(condition.colour, Scale)
    np.testing.assert_allclose(condition.colour.values, encoder.shards.target("energy"), rtol=1e-6)
    assert sum("held out" in text for text in condition.texts) == encoder.held_out.sum()
    few, _ = sections(root, most=10)
    assert dict(few.facts)["crystals"] == "10 of 48"


def test_a_row_goes_between_two_held_out_crystals_of_a_decile(root: Path, encoder: Encoder) -> None:
    (gallery,) = sections(root)[1].galleries
    assert 2 <= len(gallery.rows) <= 4
    assert gallery.heads == ["true", *(f"{k / 7:.2f}" for k in range(8)), "true"]
    for row in gallery.rows:
        decile, names = row.label.removeprefix("decile ").split(": ")
        ends = [encoder.shards.formulas.index(name) for name in names.split(" → ")]
        assert ends[0] != ends[1]
        assert encoder.held_out[ends].all()
        assert (encoder.deciles[ends] == int(decile)).all()
        true, _ = read_densities(encoder.shards, ends)
        for density, picture in zip(true, (row.pictures[0], row.pictures[-1]), strict=True):
            np.testing.assert_array_equal(picture, density[:, ::-1, 8].T)
        assert len(row.pictures) == 10
        assert row.high == true.max()
    assert len(sections(root, rows=1)[1].galleries[0].rows) == 1


def test_what_cannot_be_encoded_is_said(root: Path, tmp_path: Path) -> None:
    make_shards(root / "other", voxels=8)
    space, rows = sections(root, shards="other")
    assert "has 8³ periodic voxels, and" in space.missing
    assert space.missing == rows.missing
    assert "There is no folder" in sections(root, shards="none")[0].missing
    assert [section.name for section in sections(root, most=0)] == ["interpolations"]
    assert sections(root, most=0, rows=0) == []
