"""What a process does that :class:`hpcvox.calculators.process.Process` asks: answers, line by line, until it is left.

Each line of standard input is a request in JSON, each line of standard output its answer; what libraries print goes to
standard error.  The process ends when its standard input does, in the midst of a calculation, too, so that it never
outlives whoever wants its answers.
"""

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn


def answer(answered: Callable[[dict[str, Any]], dict[str, Any]]) -> NoReturn:
    """Answer request after request by ``answered``, which may raise nothing."""
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
