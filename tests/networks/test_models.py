"""The networks: published sizes, shapes, and that they can learn."""

import re
from typing import Any

import numpy as np
import pytest
import torch

from hpcvox.descriptors.density import voxelize
from hpcvox.descriptors.grids import BOXES, Grid, cell_coordinates, coordinates
from hpcvox.descriptors.radii import MAX_Z, RADII
from hpcvox.generation.placement.cell import fit_cell
from hpcvox.networks.layers import DepthToSpace, SpaceToDepth, Surroundings, convolution
from hpcvox.networks.unet import model as unet
from hpcvox.networks.unet.settings import UNetSettings
from hpcvox.networks.vae import model as vae
from hpcvox.networks.vae.settings import VAESettings

NO_ION = torch.zeros(1, 32, 32, 32, dtype=torch.uint8)


def weights(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_the_papers_unet_has_its_31_million_weights() -> None:
    assert weights(unet.UNet(unet.PAPER)) == pytest.approx(31.2e6, rel=0.003)


def test_the_papers_vae_is_of_its_size() -> None:
    # the paper's 839,800 counts layers of unknown detail: within 2 %
    assert weights(vae.VAE(vae.PAPER, 10, 32)) == pytest.approx(839_800, rel=0.02)


@pytest.mark.parametrize("p", [1, 2, 4])
def test_folding_voxels_into_channels_loses_nothing(p: int) -> None:
    x = torch.randn(2, 3, 8, 8, 8)
    folded = SpaceToDepth(p)(x)
    assert folded.shape == (2, 3 * p**3, 8 // p, 8 // p, 8 // p)
    torch.testing.assert_close(DepthToSpace(p)(folded), x, rtol=0, atol=0)


@pytest.mark.parametrize("settings", [UNetSettings(), UNetSettings(patch=1), UNetSettings(patch=4)])
def test_unet_shapes(settings: UNetSettings) -> None:
    model = unet.UNet(settings).eval()
    x = torch.randn(2, 4, 16, 16, 16)
    features, mask = model(x)
    assert mask.shape == (2, 16, 16, 16)
    assert features.shape[0] == 2
    assert features.shape[2:] == (16, 16, 16)
    some = torch.tensor([0, 1, 1]), torch.tensor([0, 5, 4095])
    assert model.species_logits(x, features, *some).shape == (3, 95)
    resolutions = [f.shape[2] for f in model.perceptual(torch.randn(1, 4, 16, 16, 16))]
    assert resolutions == [16 // settings.patch // 2**level for level in range(len(resolutions))]


def test_the_papers_perceptual_features_are_at_four_resolutions() -> None:
    model = unet.UNet(unet.PAPER).eval()
    with torch.no_grad():
        shapes = [tuple(f.shape[1:3]) for f in model.perceptual(torch.randn(1, 4, 16, 16, 16))]
    assert shapes == [(64, 16), (128, 8), (256, 4), (512, 2)]


@pytest.mark.parametrize("settings", [VAESettings(), vae.PAPER])
def test_vae_shapes(settings: VAESettings) -> None:
    model = vae.VAE(settings, 10, 32).eval()
    condition = torch.eye(10)[[3]]
    mean, log_variance = model.encode(torch.randn(1, 4, 32, 32, 32), NO_ION, condition)
    assert mean.shape == log_variance.shape == (1, 256)
    maps, names = model.decode(mean, condition)
    assert maps.shape == (1, 4, 32, 32, 32)
    assert (names is None) == (settings.naming == 0)
    if names is not None:
        assert names.mask_logits.shape == (1, 32, 32, 32)
        assert model.element_logits(names).shape == (1, 16**3, 99)


def test_every_ion_that_can_be_drawn_can_be_named() -> None:
    assert VAESettings().classes == MAX_Z + 1


def test_a_patch_is_of_the_heaviest_ion_in_it() -> None:
    species = torch.zeros(1, 16, 16, 16, dtype=torch.uint8)
    species[0, 2, 3, 4], species[0, 3, 3, 5] = 8, 56
    patches = vae.VAE(VAESettings(encoder=(8, 8), decoder=(8, 8)), 2, 16).patches(species)
    assert patches.shape == (1, 8, 8, 8)
    assert patches.sum() == patches[0, 1, 1, 2] == 56


def test_the_encoder_sees_which_element_an_ion_is_of() -> None:
    torch.manual_seed(0)
    x, one = torch.randn(1, 4, 32, 32, 32), torch.eye(10)[[1]]
    titanium = torch.zeros(1, 32, 32, 32, dtype=torch.uint8)
    titanium[:, :4, :4, :4] = 22
    zirconium = torch.where(titanium > 0, 40, 0)
    for settings, differ in ((VAESettings(), True), (VAESettings(elements=0), False)):
        model = vae.VAE(settings, 10, 32).eval()
        with torch.no_grad():
            a, b = (model.encode(x, species, one)[0] for species in (titanium, zirconium))
        assert torch.equal(a, b) != differ


@pytest.mark.parametrize(("grid", "oblique"), [("periodic", False), ("periodic", True), ("padded", False)])
def test_a_decoded_lattice_is_a_cell_and_the_coordinates_are_its_own(grid: Grid, oblique: bool) -> None:
    torch.manual_seed(0)
    settings = VAESettings(encoder=(8, 8), decoder=(8, 8), latent=8)
    origin, extent, _ = BOXES[grid]
    model = vae.VAE(settings, 2, 16, (origin, extent), oblique).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
        maps, _ = model.decode(3 * torch.randn(32, 8), torch.eye(2)[[1] * 32])
    cells = [fit_cell(each.numpy(), grid, oblique) for each in maps[:, 1:]]
    assert len({cell.tobytes() for cell in cells}) == 32
    assert np.abs(np.tril(cells, -1)).max() > 0.1 or not oblique
    for cell, found in zip(cells, maps[:, 1:].numpy(), strict=True):
        np.testing.assert_allclose(found, cell_coordinates(cell, grid, 16), atol=1e-4)


def test_the_condition_reaches_both_halves() -> None:
    torch.manual_seed(0)
    model = vae.VAE(VAESettings(), 10, 32).eval()
    x, z, one, two = (
        torch.randn(1, 4, 32, 32, 32),
        torch.randn(1, 256),
        torch.eye(10)[[1]],
        torch.eye(10)[[2]],
    )
    with torch.no_grad():
        assert not torch.equal(model.encode(x, NO_ION, one)[0], model.encode(x, NO_ION, two)[0])
        assert not torch.equal(model.decode(z, one).maps, model.decode(z, two).maps)


def test_a_decoder_that_does_not_fit_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="levels"):
        vae.VAE(VAESettings(patch=1), 10, 32)
    vae.VAE(VAESettings(decoder=(128, 64)), 10, 16)


@pytest.mark.parametrize(
    ("shape", "voxels", "said"),
    [
        ({}, 32, "^$"),
        ({}, 16, r"^decoder: 3 levels make 32³ .* have 16³: set decoder=\[128,64\], or .* voxels=32$"),
        ({"decoder": (9, 8)}, 64, r"set decoder=\[9,8,8,8\], or featurize with voxels=16$"),
        ({}, 33, "have 33³: featurize with voxels=32$"),
        ({}, 4, "have 4³: featurize with voxels=32$"),
        ({"decoder": ()}, 32, r"0 levels make 4³ .*: give it levels$"),
        ({"encoder": (8,) * 5}, 32, "^encoder: each of 5 levels halves 16³ .*: give 4 levels at most$"),
    ],
)
def test_what_does_not_fit_the_grid_is_told_with_what_does(
    shape: dict[str, Any], voxels: int, said: str
) -> None:
    assert re.search(said, VAESettings(**shape).misfit(voxels))


@pytest.mark.parametrize(
    ("shape", "voxels", "said"),
    [
        ({}, 32, "^$"),
        ({}, 8, "^$"),
        ({}, 10, "^down: 2 levels .* multiple of 8 .* have 10³: featurize with voxels=8 or voxels=16$"),
        ({}, 12, "voxels=8 or voxels=16, or give down and up 1 level at most$"),
        ({"patch": 4}, 10, "multiple of 16 .* have 10³: featurize with voxels=16$"),
        ({"up": ((8, 8),)}, 32, "^up: it has 1 level, and down 2: give as many$"),
    ],
)
def test_what_does_not_fit_a_unet_is_told_with_what_does(
    shape: dict[str, Any], voxels: int, said: str
) -> None:
    settings = UNetSettings(**shape)
    assert re.search(said, settings.misfit(voxels))
    if said == "^$":
        _, mask_logits = unet.UNet(settings)(torch.zeros(2, 4, voxels, voxels, voxels))
        assert mask_logits.shape == (2, voxels, voxels, voxels)


@pytest.mark.slow
def test_unet_overfits_one_crystal() -> None:
    torch.manual_seed(0)
    x, labels = crystal([4.2, 4.2, 4.2], [[0.25, 0.25, 0.25], [0.75, 0.75, 0.75]], [11, 17])
    model = unet.UNet(UNetSettings())
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(100):
        features, mask = model(x)
        (voxel,) = (labels.flatten() > 0).nonzero(as_tuple=True)
        logits = model.species_logits(x, features, torch.zeros_like(voxel), voxel)
        loss = torch.nn.functional.cross_entropy(logits, labels[labels > 0])
        loss = loss + torch.nn.functional.binary_cross_entropy_with_logits(mask, (labels > 0).float())
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    assert float(loss) < 0.2


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last_3d])
def test_the_periodic_convolution_is_torchs_circular_one(memory_format: torch.memory_format) -> None:
    torch.manual_seed(0)
    mine = convolution(3, 5, "periodic")
    torchs = torch.nn.Conv3d(3, 5, 3, padding=1, padding_mode="circular")
    torchs.load_state_dict(mine.state_dict())
    x = torch.randn(2, 3, 4, 6, 8).contiguous(memory_format=memory_format)
    torch.testing.assert_close(mine(x), torchs(x))
    assert mine(x).is_contiguous(memory_format=memory_format)


def crystal(
    lengths: list[float], frac: list[list[float]], numbers: list[int], n: int = 16
) -> tuple[torch.Tensor, torch.Tensor]:
    edges = np.asarray(lengths, float)
    density, species = voxelize(edges, np.asarray(frac, float), np.array(numbers, np.uint8), n=n)
    x = np.concatenate([density[None], coordinates(edges, "periodic", n)])
    return torch.from_numpy(x)[None], torch.from_numpy(species)[None].long()


def test_surroundings_follow_a_shifted_crystal() -> None:
    x, _ = crystal([4.0, 4.5, 5.0], [[0.2, 0.3, 0.4], [0.7, 0.6, 0.9]], [26, 8])
    seen = Surroundings((1, 3))
    voxels = torch.arange(16**3)
    one = torch.zeros_like(voxels)
    moved = x.clone()
    moved[:, 0] = x[:, 0].roll((3, -5, 2), (1, 2, 3))
    where = torch.arange(16**3).view(16, 16, 16).roll((-3, 5, -2), (0, 1, 2)).flatten()
    torch.testing.assert_close(seen(x, one, voxels), seen(moved, one, voxels)[where])


def test_surroundings_hold_the_radius_and_the_charge_of_a_lone_ion() -> None:
    length, number, n = 12.0, 26, 32
    x, species = crystal([length] * 3, [[0.5, 0.5, 0.5]], [number], n)
    (voxel,) = (species.flatten() > 0).nonzero(as_tuple=True)
    values = Surroundings((1,))(x, torch.zeros_like(voxel), voxel).double()
    offsets = Surroundings((1,)).offsets.tolist()
    step = length / n
    left, right = offsets.index([-1, 0, 0]), offsets.index([1, 0, 0])
    torch.testing.assert_close(torch.exp(values[:, -1] - 2.0), torch.full((len(voxel),), step).double())
    # where the density is well above the level at which its logarithm is cut off
    dense = x[0, 0].flatten()[voxel] > 50 * 0.1
    second = (values[:, left] + values[:, right])[dense] * 0.3 / step**2
    torch.testing.assert_close(second, torch.full_like(second, -1 / RADII[number] ** 2), rtol=0.05, atol=0)


def test_elements_of_a_sample_do_not_depend_on_its_batch() -> None:
    torch.manual_seed(0)
    model = unet.UNet(UNetSettings()).eval()
    x = torch.rand(3, 4, 16, 16, 16)
    with torch.no_grad():
        features, _ = model(x)
        voxel = torch.tensor([7, 4000])
        together = model.species_logits(x, features, torch.tensor([2, 2]), voxel)
        alone = model.species_logits(x[2:], features[2:], torch.tensor([0, 0]), voxel)
    torch.testing.assert_close(together, alone)


def test_perceptual_features_are_of_unit_size_whatever_the_networks_weights() -> None:
    torch.manual_seed(0)
    model = unet.UNet(UNetSettings())
    x = torch.rand(4, 4, 16, 16, 16)
    with torch.no_grad():
        for block in (model.down[0].convolution, model.down[1].convolution):
            assert isinstance(block, torch.nn.Conv3d)
            assert block.bias is not None
            block.weight.mul_(30)
            block.bias.mul_(30)
        for _ in range(100):  # running statistics settle
            model(x)
        model.eval()
        spread = [float(f.var((0, 2, 3, 4)).mean()) for f in model.perceptual(x)]
    assert all(0.3 < value < 3 for value in spread)
