"""The optimizer: PyTorch's own steps, without what PyTorch loads for a compiler that is not used."""

import subprocess
import sys

import pytest
import torch

from hpcvox.training.adam import Adam
from tests.support.paths import ROOT


def trained(kind: type[torch.optim.Adam]) -> tuple[list[torch.Tensor], torch.optim.Adam]:
    """Parameters and optimizer after some steps, the learning rate changing and one parameter left out at times."""
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.randn(shape)) for shape in ((3, 5), (7,), ())]
    optimizer = kind(parameters, lr=1e-2, betas=(0.9, 0.999))
    for step in range(12):
        optimizer.param_groups[0]["lr"] = 1e-2 / (1 + step)
        optimizer.zero_grad()
        for number, parameter in enumerate(parameters):
            if step % 3 or number:
                parameter.grad = torch.randn_like(parameter) * 10.0 ** (step - 6)
        optimizer.step()
        if step == 6:  # as a run goes on
            state = optimizer.state_dict()
            optimizer = kind(parameters, lr=1.0, betas=(0.9, 0.999))
            optimizer.load_state_dict(state)
    return [parameter.detach() for parameter in parameters], optimizer


def test_its_steps_are_those_of_pytorch_bit_for_bit() -> None:
    (ours, one), (theirs, other) = trained(Adam), trained(torch.optim.Adam)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    a, b = one.state_dict(), other.state_dict()
    assert a["param_groups"] == b["param_groups"]
    assert a["state"].keys() == b["state"].keys() == {0, 1, 2}
    for number, entry in a["state"].items():
        assert all(torch.equal(value, b["state"][number][name]) for name, value in entry.items())


@pytest.mark.slow
def test_it_loads_no_compiler() -> None:
    code = (
        "import sys; from tests.training import test_adam as t;"
        "t.trained(t.Adam); assert 'torch._dynamo' not in sys.modules;"
        "t.trained(t.torch.optim.Adam); assert 'torch._dynamo' in sys.modules, 'PyTorch has no need of this any more'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=240)
