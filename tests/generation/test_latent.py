"""Latent points: of the prior, around a crystal and between two."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcvox import config
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal
from hpcvox.errors import CheckpointError, ConfigError
from hpcvox.generation.latent import Latent, Sample
from hpcvox.generation.networks import Networks
from hpcvox.generation.settings import GenerateSettings
from hpcvox.networks.vae import prior
from hpcvox.networks.vae.bins import bin_of
from hpcvox.networks.vae.card import PRIOR, VAECard
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder.card import read_card
from tests.support.generated_runs import BINS, VAE_SHAPE, generate
from tests.support.voxel_shards import FRAC

LATENT = VAE_SHAPE.latent


def latent(trained: Path, **changes: Any) -> Latent:
    tree = {"vae": trained / "vae", "unet": trained / "unet", "threads": 1, "per_condition": 5} | changes
    made = config.validate(GenerateSettings, tree, "test")
    return Latent(made, Networks(made))


def points(made: Latent, deciles: list[int] | None = None) -> np.ndarray:
    return made.points([s for s in made.samples(5) if deciles is None or s.decile in deciles])


def file_of(trained: Path, name: str, path: Path) -> Path:
    """A crystal of the shard set as a CIF."""
    shards = ShardSet.open(trained / "shards")
    index = shards.ids.index(name)
    numbers, _ = shards.sites(index)
    path.write_text(cif_text(Crystal(name, "", shards.cells[index], FRAC, numbers, {})))
    return path


def decile_of(trained: Path, name: str) -> int:
    shards = ShardSet.open(trained / "shards")
    made = latent(trained)
    value = shards.target("energy")[[shards.ids.index(name)]]
    return int(bin_of(value, np.array(made.networks.card.edges))[0])


@pytest.fixture(scope="module")
def fitted(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The networks, the VAE with a prior for its bins."""
    folder = tmp_path_factory.mktemp("fitted")
    for name in ("unet", "vae"):
        shutil.copytree(trained / name, folder / name)
    random, bins = np.random.default_rng(1), np.repeat(range(BINS), 60)
    means = (
        random.standard_normal((len(bins), LATENT)) @ random.standard_normal((LATENT, LATENT)) + bins[:, None]
    )
    of = read_card(folder / "vae", VAECard).checksum
    prior.write(folder / "vae", prior.fit(means, np.full_like(means, -1), bins, BINS), of)
    return folder


def test_draws_have_the_mean_and_the_covariance_of_the_prior(fitted: Path) -> None:
    made = latent(fitted, sigma=0.5)
    assert made.prior is not None
    for decile in (0, 3):
        drawn = made.points([Sample(number, decile) for number in range(20_000)]).astype(float)
        covariance = 0.25 * made.prior.factor[decile] @ made.prior.factor[decile].T
        off = np.sqrt(np.diag(covariance) / 20_000)  # of a mean
        assert (np.abs(drawn.mean(0) - made.prior.mean[decile]) < 4 * off).all()
        of_covariance = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / 20_000)
        assert (np.abs(np.cov(drawn.T) - covariance) < 5 * of_covariance).all()


def test_a_draw_depends_on_seed_decile_and_number_alone(fitted: Path) -> None:
    made = latent(fitted)
    alone = made.points([Sample(4, 2)])[0]
    np.testing.assert_array_equal(alone, points(latent(fitted, conditions=[2, 1]), [2])[4])
    assert not np.array_equal(alone, latent(fitted, seed=1).points([Sample(4, 2)])[0])


def test_of_the_normal_prior_points_and_parts_are_as_if_there_were_no_other(
    trained: Path, fitted: Path
) -> None:
    for changes in ({}, {"base": "SrTiO3", "conditions": [1]}):
        without, normal = (
            latent(trained, sigma=0.7, **changes),
            latent(fitted, sigma=0.7, prior="normal", **changes),
        )
        assert points(without).tobytes() == points(normal).tobytes()
        assert without.work() == normal.work() != latent(fitted, sigma=0.7, **changes).work()
    expected = (0.7 * np.random.default_rng([0, 2, 3]).standard_normal(LATENT)).astype(np.float32)
    drawn = latent(fitted, sigma=0.7, prior="normal").points([Sample(3, 2)])
    assert drawn.tobytes() == expected.tobytes()


def test_around_a_crystal_the_spread_is_that_of_its_decile(fitted: Path) -> None:
    made = latent(fitted, base="SrTiO3", sigma=0.5)
    (own,) = made.deciles
    assert made.prior is not None
    centre = points(latent(fitted, base="SrTiO3", sigma=1e-9))[0]
    noise = points(latent(fitted, prior="normal", conditions=[own], sigma=0.5))
    np.testing.assert_allclose(points(made) - centre, noise @ made.prior.factor[own].T, rtol=1e-4, atol=1e-5)
    line = {"base": "SrTiO3", "towards": "KMnF3", "conditions": [1]}
    np.testing.assert_array_equal(
        points(latent(fitted, **line)), points(latent(fitted, prior="normal", **line))
    )


def test_a_vae_without_a_prior_has_the_normal_one_and_says_what_makes_another(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert latent(trained).prior is None
    said = capsys.readouterr().err
    assert said == f"points are drawn from N(0, 1): {prior.absent(trained / 'vae')}\n"
    with pytest.raises(
        CheckpointError, match=r"prior=fitted: .* has no prior.safetensors.*or take prior=normal$"
    ):
        latent(trained, prior="fitted")
    latent(trained, prior="normal")
    latent(trained, base="SrTiO3", towards="KMnF3")
    assert capsys.readouterr().err == ""


def test_a_damaged_prior_is_refused_unless_the_normal_one_is_asked_for(fitted: Path, tmp_path: Path) -> None:
    shutil.copytree(fitted, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "vae" / PRIOR
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match="is no prior of this VAE: it is damaged"):
        latent(tmp_path)
    assert latent(tmp_path, prior="normal").prior is None


def test_a_run_says_where_its_points_are_from(fitted: Path, tmp_path: Path) -> None:
    rows = generate(fitted, tmp_path / "fitted")
    assert len(rows) == 6 * BINS
    assert json.loads((tmp_path / "fitted/summary.json").read_text())["prior"] == "fitted"
    generate(fitted, tmp_path / "normal", prior="normal")
    assert "prior" not in json.loads((tmp_path / "normal/summary.json").read_text())
    with pytest.raises(ConfigError, match=r"prior .'auto' → 'normal'"):
        generate(fitted, tmp_path / "fitted", prior="normal")


def test_around_a_crystal_of_the_training_set_is_in_its_decile(trained: Path) -> None:
    made = latent(trained, base="SrTiO3", sigma=0.5)
    assert made.deciles == [decile_of(trained, "SrTiO3")]
    close = points(latent(trained, base="SrTiO3", sigma=1e-9))
    np.testing.assert_allclose(close, np.broadcast_to(close[0], close.shape), atol=1e-6)
    about_nothing = points(latent(trained, conditions=made.deciles, sigma=0.5))
    np.testing.assert_allclose(points(made) - close, about_nothing, atol=1e-6)


def test_a_file_is_the_crystal_of_the_training_set(trained: Path, tmp_path: Path) -> None:
    own = decile_of(trained, "BaZrO3")
    path = file_of(trained, "BaZrO3", tmp_path / "mine.cif")
    from_file = points(latent(trained, base=str(path), conditions=[own]))
    np.testing.assert_allclose(from_file, points(latent(trained, base="BaZrO3")), rtol=1e-3, atol=1e-3)
    other = points(latent(trained, base="KMnF3", conditions=[own]))
    assert np.abs(from_file - other).max() > 1e-2


def test_a_line_goes_from_one_crystal_to_the_other_in_equal_steps(trained: Path) -> None:
    way = points(latent(trained, base="SrTiO3", towards="KMnF3", conditions=[1]))
    ends = [points(latent(trained, base=name, conditions=[1], sigma=1e-9))[0] for name in ("SrTiO3", "KMnF3")]
    np.testing.assert_allclose(way[0], ends[0], atol=1e-6)
    np.testing.assert_allclose(way[-1], ends[1], atol=1e-6)
    np.testing.assert_allclose(np.diff(way, axis=0), np.tile((ends[1] - ends[0]) / 4, (4, 1)), atol=1e-5)


def test_every_sample_is_a_candidate(trained: Path, tmp_path: Path) -> None:
    own = decile_of(trained, "SrTiO3")
    rows = generate(trained, tmp_path / "around", base="SrTiO3", sigma=0.5)
    assert [row["id"] for row in rows] == [Sample(number, own).id for number in range(6)]
    rows = generate(trained, tmp_path / "between", base="SrTiO3", towards="KMnF3", conditions=[0, 2])
    assert [row["id"] for row in rows] == [Sample(number, d).id for d in (0, 2) for number in range(6)]
    with pytest.raises(ConfigError, match="per_condition"):  # the steps would be others
        generate(
            trained,
            tmp_path / "between",
            base="SrTiO3",
            towards="KMnF3",
            conditions=[0, 2],
            per_condition=7,
        )


def test_what_is_not_there_is_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"base: Kryptonite is neither a file nor an id of .* such as CaTiO3"
    ):
        latent(trained, base="Kryptonite")
    with pytest.raises(ConfigError, match="give base too"):
        latent(trained, towards="SrTiO3")
    with pytest.raises(ConfigError, match="per_condition of at least 2"):
        latent(trained, base="SrTiO3", towards="KMnF3", per_condition=1)
    path = file_of(trained, "SrTiO3", tmp_path / "one.cif")
    with pytest.raises(ConfigError, match=f"decile of energy .* 0 to {BINS - 1}"):
        latent(trained, base=str(path))
    twice = tmp_path / "two.cif"
    twice.write_text(path.read_text() + path.read_text().replace("data_SrTiO3", "data_again"))
    with pytest.raises(ConfigError, match="holds 2 crystals"):
        latent(trained, base=str(twice), conditions=[0])
    oblique = tmp_path / "oblique.cif"
    crystal = Crystal("x", "", np.diag([4.0, 5.0, 6.0]), FRAC, np.array([38, 22, 8, 8, 8], np.uint8), {})
    oblique.write_text(cif_text(crystal))
    with pytest.raises(ConfigError, match=r"base: .*not cubic"):
        latent(trained, base=str(oblique), conditions=[0])
