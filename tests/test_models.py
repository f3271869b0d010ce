"""The networks: published sizes, shapes, and that they can learn."""

import numpy as np
import pytest
import torch

from hpcvox.models import unet, vae
from hpcvox.models.layers import DepthToSpace, SpaceToDepth


def weights(model):
    return sum(p.numel() for p in model.parameters())


def test_the_papers_unet_has_its_31_million_weights():
    assert weights(unet.UNet(unet.PAPER)) == pytest.approx(31.2e6, rel=0.003)


def test_the_papers_vae_is_of_its_size():
    # the paper's 839,800 counts layers of unknown detail: within 2 %
    assert weights(vae.VAE(vae.PAPER, 10, 32)) == pytest.approx(839_800, rel=0.02)


@pytest.mark.parametrize("p", [1, 2, 4])
def test_folding_voxels_into_channels_loses_nothing(p):
    x = torch.randn(2, 3, 8, 8, 8)
    folded = SpaceToDepth(p)(x)
    assert folded.shape == (2, 3 * p**3, 8 // p, 8 // p, 8 // p)
    torch.testing.assert_close(DepthToSpace(p)(folded), x, rtol=0, atol=0)


@pytest.mark.parametrize(
    "settings", [unet.UNetSettings(), unet.UNetSettings(patch=1), unet.UNetSettings(patch=4)]
)
def test_unet_shapes(settings):
    model = unet.UNet(settings).eval()
    features, mask = model(torch.randn(2, 4, 16, 16, 16))
    assert mask.shape == (2, 16, 16, 16)
    assert features.shape[0] == 2
    assert features.shape[2:] == (16, 16, 16)
    assert model.species_logits(features[0, :, :2, 0, 0].T).shape == (2, 95)
    resolutions = [f.shape[2] for f in model.perceptual(torch.randn(1, 4, 16, 16, 16))]
    assert resolutions == [16 // settings.patch // 2**level for level in range(len(resolutions))]


def test_the_papers_perceptual_features_are_at_four_resolutions():
    model = unet.UNet(unet.PAPER).eval()
    with torch.no_grad():
        shapes = [tuple(f.shape[1:3]) for f in model.perceptual(torch.randn(1, 4, 16, 16, 16))]
    assert shapes == [(64, 16), (128, 8), (256, 4), (512, 2)]


@pytest.mark.parametrize("settings", [vae.VAESettings(), vae.PAPER])
def test_vae_shapes(settings):
    model = vae.VAE(settings, 10, 32).eval()
    condition = torch.eye(10)[[3]]
    mean, log_variance = model.encode(torch.randn(1, 4, 32, 32, 32), condition)
    assert mean.shape == log_variance.shape == (1, 256)
    assert model.decode(mean, condition).shape == (1, 4, 32, 32, 32)


def test_the_condition_reaches_both_halves():
    torch.manual_seed(0)
    model = vae.VAE(vae.VAESettings(), 10, 32).eval()
    x, z, one, two = (
        torch.randn(1, 4, 32, 32, 32),
        torch.randn(1, 256),
        torch.eye(10)[[1]],
        torch.eye(10)[[2]],
    )
    with torch.no_grad():
        assert not torch.equal(model.encode(x, one)[0], model.encode(x, two)[0])
        assert not torch.equal(model.decode(z, one), model.decode(z, two))


def test_a_decoder_that_does_not_fit_the_grid_is_refused():
    with pytest.raises(ValueError, match="levels"):
        vae.VAE(vae.VAESettings(patch=1), 10, 32)


def test_unet_overfits_one_crystal():
    from hpcvox.descriptors.density import voxelize
    from hpcvox.descriptors.grids import coordinates

    torch.manual_seed(0)
    lengths = np.full(3, 4.2)
    frac = np.array([[0.25, 0.25, 0.25], [0.75, 0.75, 0.75]])
    density, species = voxelize(lengths, frac, np.array([11, 17], np.uint8), n=16)
    x = torch.from_numpy(np.concatenate([density[None], coordinates(lengths, "periodic", 16)]))[None]
    labels = torch.from_numpy(species).long()
    model = unet.UNet(unet.UNetSettings())
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(100):
        features, mask = model(x)
        logits = model.species_logits(features[0].flatten(1).T[labels.flatten() > 0])
        loss = torch.nn.functional.cross_entropy(logits, labels[labels > 0])
        loss = loss + torch.nn.functional.binary_cross_entropy_with_logits(mask[0], (labels > 0).float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss) < 0.2
