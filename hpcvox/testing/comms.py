"""Checks of communicators."""

import torch

from hpcvox.training.ranks.comm import Comm


def check_comm(comm: Comm) -> None:
    """Check everything of a communicator that trainings rely on.  All its ranks must call this at the same time.

    Raises:
        AssertionError: a check fails on this rank.
    """
    rank, size = comm.rank, comm.size
    assert 0 <= rank < size, f"rank {rank} of {size}"
    assert 0 <= comm.local_rank < comm.local_size <= size, (
        f"rank {comm.local_rank} of {comm.local_size} on the node"
    )
    comm.at("the beginning of the contract")
    _check_broadcast(comm)
    _check_sum(comm)
    _check_average(comm)


def _check_broadcast(comm: Comm) -> None:
    one, other = torch.full((3,), float(comm.rank + 1)), torch.full((2, 2), float(comm.rank))
    comm.broadcast([("contract.one", one), ("contract.other", other)])
    assert torch.equal(one, torch.ones(3)), "not all tensors are those of rank 0"
    assert torch.equal(other, torch.zeros(2, 2)), "not all tensors are those of rank 0"


def _check_sum(comm: Comm) -> None:
    mine = torch.tensor([1.0, 0.1]) * (comm.rank + 1)
    mine.requires_grad_()
    total = comm.sum(mine, "contract.sum")
    ranks = comm.size * (comm.size + 1) / 2
    torch.testing.assert_close(total.detach(), torch.tensor([1.0, 0.1]) * ranks)
    first = total.detach().clone()
    comm.broadcast([("contract.total", first)])
    assert torch.equal(first, total.detach()), "the sum has other bits than on rank 0"
    torch.autograd.backward((total * torch.tensor([2.0, 3.0])).sum())
    assert mine.grad is not None
    gradient = torch.tensor([2.0, 3.0]) * comm.size
    torch.testing.assert_close(mine.grad, gradient, msg="the gradient of a sum is the sum of the gradients")


def _check_average(comm: Comm) -> None:
    """Check that a step follows the mean of the ranks' gradients, and that their messages are added up."""
    model = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.constant_(model.weight, 1.0)
    optimizer = comm.wrap(torch.optim.SGD(model.parameters(), lr=1.0), model)
    torch.autograd.backward(model(torch.tensor([[1.0, -1.0]]) * (comm.rank + 1)).sum())
    said = comm.average(optimizer, list(model.parameters()), torch.tensor([1.0, float(comm.rank)]))
    expected = torch.tensor([float(comm.size), comm.size * (comm.size - 1) / 2])
    torch.testing.assert_close(said, expected, msg="what the ranks have said is not summed")
    comm.step(optimizer)
    mean = (comm.size + 1) / 2
    torch.testing.assert_close(
        model.weight.detach(),
        torch.tensor([[1.0 - mean, 1.0 + mean]]),
        msg="the step is not by the mean gradient",
    )
