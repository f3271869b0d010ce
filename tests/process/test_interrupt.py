"""A request to stop is noted while there is work that can answer it."""

import os
import signal
from collections.abc import Iterator

import pytest

from hpcvox.process.interrupt import SIGNALS, StopRequest


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Those of the process that runs the tests, put back whatever a test does."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def asked(monkeypatch: pytest.MonkeyPatch, ranks: str) -> bool:
    """Whether a process of so many ranks, once it was asked to stop, is as it was before."""
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", ranks)
    before = signal.getsignal(signal.SIGUSR1)
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.received == signal.SIGTERM
    return signal.getsignal(signal.SIGUSR1) == before


def test_afterwards_a_signal_ends_the_process_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, "1")


def test_a_rank_that_leaves_is_not_ended_by_the_second_word_of_its_launcher(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not asked(monkeypatch, "2")
    os.kill(os.getpid(), signal.SIGUSR1)  # which would end it
