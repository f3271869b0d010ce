"""Runs in a process of :class:`hpcvox.calculators.process.Process`, and answers its requests line by line.

Each line of standard input is a request in JSON, and each line of standard output is its answer; output of libraries
goes to standard error.  The process ends when its standard input ends, even during a calculation, so that it never
outlives the process that has started it.
"""

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn


def answer(answered: Callable[[dict[str, Any]], dict[str, Any]]) -> NoReturn:
    """Answer each request by ``answered``, which must not raise."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(requests,), daemon=True).start()
        while True:
            answers.write(json.dumps(answered(json.loads(requests.get()))) + "\n")
            answers.flush()


def _read(requests: "queue.SimpleQueue[bytes]") -> None:
    while line := sys.stdin.buffer.readline():
        requests.put(line)
    os._exit(1)
