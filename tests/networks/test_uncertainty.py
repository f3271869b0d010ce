"""How sure a fingerprint network is: predictions with dropout."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hpcvox.networks.fingerprint.at_work import Classifier
from tests.support.fingerprint_network import network_folder, small_network


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier(network_folder(tmp_path_factory.mktemp("network") / "run"))


def images(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(3).random((count, 16, 16, 3), dtype=np.float32)


def test_it_is_the_mean_over_predictions_that_each_leave_features_out(network: Classifier) -> None:
    model, given, draws = small_network(), images(2), 40
    found = network.uncertainty(list(given), draws, seed=5)
    x = torch.from_numpy(given.transpose(0, 3, 1, 2).copy())
    said = []
    for draw in range(draws):
        random = np.random.default_rng([5, 6, draw]).random(model.features)
        kept = torch.from_numpy(random >= model.dropout).expand(2, -1)
        with torch.no_grad():
            said.append(torch.softmax(model(x, kept), 1).double().numpy())
    each = np.stack(said)
    mean = each.mean(0)
    assert each.std(0).max() > 0.001
    np.testing.assert_allclose(found.probabilities, mean, rtol=1e-4)
    np.testing.assert_allclose(found.entropy, -(mean * np.log(mean)).sum(1), rtol=1e-4)
    of_each = -(each * np.log(each)).sum(2).mean(0)
    np.testing.assert_allclose(found.mutual_information, found.entropy - of_each, atol=1e-5)
    assert (found.mutual_information > 0).all()


def test_it_depends_on_image_and_seed_alone(network: Classifier) -> None:
    given = list(images(3))
    together, again = (network.uncertainty(given, 20, seed=0) for _ in range(2))
    (alone,) = network.uncertainty(given[2:], 20, seed=0).probabilities
    assert together.probabilities.tobytes() == again.probabilities.tobytes()
    assert alone.tobytes() == together.probabilities[2].tobytes()
    assert network.uncertainty(given, 20, seed=1).probabilities.tobytes() != together.probabilities.tobytes()
    assert network.uncertainty([], 20, seed=0).entropy.shape == (0,)
