"""Attentive response maps: what of an image a filter's strongest response comes from."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from hpcvox.networks.fingerprint.model import ConvNet
from hpcvox.networks.fingerprint.responses import convolutions, responses, usual_layers
from tests.support.fingerprint_network import small_network


def an_image(pixels: int = 16) -> NDArray[np.float32]:
    return np.random.default_rng(1).random((pixels, pixels, 3), dtype=np.float32)


class Guided(torch.autograd.Function):
    """A ReLU whose gradient passes where it is positive and the ReLU let something through."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        passed: torch.Tensor = gradients[0].clamp(min=0) * (x > 0)
        return passed


def by_gradients(model: ConvNet, image: NDArray[np.float32], layer: int, number: int) -> NDArray[np.float64]:
    """The same map by automatic differentiation, in float64: the strongest response times its guided gradient."""
    x = torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float64)).requires_grad_()
    signal, passed = x, 0
    for module in model.double().body:
        signal = Guided.apply(signal) if isinstance(module, nn.ReLU) else module(signal)  # type: ignore[no-untyped-call]
        passed += isinstance(module, nn.ReLU)
        if passed == layer:
            break
    strongest = signal[0, number].max()
    (gradient,) = torch.autograd.grad(strongest, x)
    model.float()
    found: NDArray[np.float64] = (strongest.detach() * gradient)[0].permute(1, 2, 0).numpy()
    return found


# of an odd number of pixels, pooling leaves a row out
@pytest.mark.parametrize("pixels", [16, 17])
@pytest.mark.parametrize("layer", [1, 2, 3, 4])
def test_a_map_is_the_guided_gradient_times_the_strongest_response(layer: int, pixels: int) -> None:
    model, image = small_network(pixels), an_image(pixels)
    ((number, filters, activations, maps),) = responses(model, image, [layer], 3).layers
    assert (number, len(filters), maps.shape) == (layer, 3, (3, pixels, pixels, 3))
    assert maps.dtype == activations.dtype == np.float32
    for filter, found in zip(filters.tolist(), maps, strict=True):
        expected = by_gradients(model, image, layer, filter)
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_a_map_of_the_first_layer_is_the_kernel_at_the_strongest_response() -> None:
    model, image = small_network(), an_image()
    (layer,) = responses(model, image, [1], 1).layers
    kernel, bias = (one.detach().numpy()[layer.filters[0]] for one in model.body[0].parameters())
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))
    response = np.einsum("yxcij,cij->yx", windows, kernel) + bias
    row, column = np.unravel_index(response.argmax(), response.shape)
    expected = np.zeros_like(padded)
    expected[row : row + 3, column : column + 3] = response.max() * kernel.transpose(1, 2, 0)
    np.testing.assert_allclose(layer.maps[0], expected[1:-1, 1:-1], atol=1e-6)


def test_filters_are_ranked_by_their_summed_activation_and_the_silent_left_out() -> None:
    model, image = small_network(), an_image()
    below = list(model.body)[:4]
    second = below[2]
    assert isinstance(second, nn.Conv2d)
    assert second.bias is not None
    with torch.no_grad():
        second.bias[1] = -100.0
        x = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
        sums = nn.Sequential(*below)(x)[0].sum((1, 2))
    (layer,) = responses(model, image, [2], 64).layers
    assert sums[1] == 0
    assert layer.filters.tolist() == sorted({0, 2, 3, 4}, key=lambda number: -float(sums[number]))
    np.testing.assert_allclose(layer.activations, sums[layer.filters], rtol=1e-5)


def test_the_template_is_the_sum_over_all_filters_of_the_last_layer_however_few_are_drawn() -> None:
    model, image = small_network(), an_image()
    seen = responses(model, image, [1, 4], 64)
    np.testing.assert_allclose(seen.template, seen.layers[1].maps.sum(0), atol=1e-6)
    few = responses(model, image, [4], 1)
    assert few.template.tobytes() == seen.template.tobytes()
    assert few.layers[0].maps[0].tobytes() == seen.layers[1].maps[0].tobytes()


def test_what_is_dark_lights_nothing_up_where_biases_are_zero() -> None:
    model = small_network()
    for module in model.body:
        if isinstance(module, nn.Conv2d):
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    seen = responses(model, np.zeros((16, 16, 3), np.float32), [1, 4], 4)
    assert [len(layer.filters) for layer in seen.layers] == [0, 0]
    assert not seen.template.any()
    bright = responses(model, 2 * an_image(), [4], 4)
    once = responses(model, an_image(), [4], 4)
    np.testing.assert_allclose(bright.template, 2 * once.template, rtol=1e-4, atol=1e-5)


def test_the_layers_of_the_paper() -> None:
    assert [usual_layers(count) for count in (1, 2, 4, 6)] == [(1,), (1, 2), (1, 3, 4), (1, 3, 6)]
    assert convolutions(small_network()) == 4
