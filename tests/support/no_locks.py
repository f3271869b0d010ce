"""A machine whose file systems have no locks: from here on, the kernel itself refuses them to this process."""

import ctypes
import errno
import os
import struct

LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # of the kernel's filter language (classic BPF)
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
CALLS = {"x86_64": (72, 73), "aarch64": (25, 32)}
"""Numbers of the system calls fcntl and flock."""
F_SETLK, F_SETLKW = 6, 7
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def refuse_locks(code: int = errno.ENOLCK) -> bool:
    """Have every lock of a file fail with ``code``; False where this kernel has no filters to offer."""
    if os.uname().machine not in CALLS:
        return False
    fcntl, flock = CALLS[os.uname().machine]
    steps = [
        (LOAD, 0, 0, 0),  # the number of the call
        (EQUAL, 5, 0, flock),
        (EQUAL, 0, 3, fcntl),
        (LOAD, 0, 0, 24),  # its second argument
        (EQUAL, 2, 0, F_SETLK),
        (EQUAL, 1, 0, F_SETLKW),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE | code),
    ]
    code_bytes = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.addressof(code_bytes))
    kernel = ctypes.CDLL(None, use_errno=True)
    if kernel.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    refused: int = kernel.prctl(SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0)
    return refused == 0
