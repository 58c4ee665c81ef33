# SPDX-License-Identifier: Apache-2.0
"""An object in a process of its own. Its methods are called from here, and every call has a bound."""
import ctypes
import multiprocessing
import signal

PR_SET_PDEATHSIG = 1


class Stuck(Exception):
    """A wait has reached its bound."""


class Failed(Exception):
    """The other process says why."""


def die_with_parent():
    """Whoever started this process may be killed; then it ends, too."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def serve(pipe, kind, args):
    die_with_parent()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    thing = kind(*args)
    while True:
        name, values = pipe.recv()
        try:
            answer = (True, getattr(thing, name)(*values))
        except Exception as why:  # noqa: BLE001: it is reported there, whatever it is
            answer = (False, f"{type(why).__name__}: {why}")
        pipe.send(answer)


class Remote:
    def __init__(self, kind, *args):
        fork = multiprocessing.get_context("fork")
        self.kind = kind.__name__
        self.pipe, theirs = fork.Pipe()
        self.process = fork.Process(target=serve, args=(theirs, kind, args), daemon=True)
        self.process.start()
        theirs.close()

    @property
    def pid(self):
        return self.process.pid

    def start(self, name, *values):
        """The call goes on there; its result is to be fetched before the next."""
        self.pipe.send((name, values))

    def result(self, seconds):
        if not self.pipe.poll(seconds):
            raise Stuck(f"{self.kind}: no result within {seconds:.0f} s")
        try:
            is_good, value = self.pipe.recv()
        except EOFError:
            raise Failed(f"{self.kind}: the process has died") from None
        if not is_good:
            raise Failed(f"{self.kind}: {value}")
        return value

    def call(self, seconds, name, *values):
        self.start(name, *values)
        return self.result(seconds)

    def end(self):
        """The kernel closes what it has open."""
        self.process.kill()
        self.process.join(5)
        self.pipe.close()
