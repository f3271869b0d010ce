"""Networks are told which maps they were not trained on, and in what these differ."""

import pytest

from hpcvox.networks.maps import MapKind
from hpcvox.networks.unet.card import UNetCard
from tests.support.cards import training_on

TRAINED = MapKind("periodic", 32, None, oblique=False)


@pytest.mark.parametrize(
    ("maps", "said"),
    [
        (TRAINED._replace(grid="padded"), "32³ padded voxels, and runs/vae was trained on 32³ periodic ones"),
        (TRAINED._replace(voxels=16), "16³ periodic voxels, and runs/vae was trained on 32³ periodic ones"),
        (
            TRAINED._replace(sigma=1.0),
            "densities of sigma=1.0, and runs/vae was trained on those of sigma=None",
        ),
        (
            TRAINED._replace(oblique=True),
            "oblique cells, and runs/vae was trained on right-angled ones alone",
        ),
    ],
)
def test_the_difference_is_said(maps: MapKind, said: str) -> None:
    assert maps.misfit(TRAINED, "runs/vae") == said


def test_what_was_trained_on_fits() -> None:
    assert TRAINED.misfit(TRAINED, "runs/vae") is None
    assert TRAINED.misfit(TRAINED._replace(oblique=True), "runs/vae") is None
    # as a card tells it; those of before σ and oblique cells had neither
    for said in ({"grid": "periodic", "voxels": 32}, TRAINED._asdict()):
        tree = {"run": training_on().model_dump(), "model": {}, **said}
        assert MapKind.of_card(UNetCard.model_validate(tree)) == TRAINED
