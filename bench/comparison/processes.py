# SPDX-License-Identifier: Apache-2.0
"""The processes of a server: started, held still while it is another's turn, counted, ended."""
import os
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def parents():
    """The parent of each process of this machine."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    found[int(name)] = int(file.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass  # it has ended
    return found


def cpu_of(pid):
    """CPU seconds of a process, of all its threads, also of those that have ended, to the nanosecond."""
    return time.clock_gettime(~pid << 3 | 2)  # clock_getcpuclockid(3)


def memory_of(pid):
    """Bytes of a process that are its own: not those of files, which are the page cache's."""
    kib = 0
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith(("RssAnon:", "RssShmem:")):
                kib += int(line.split()[1])
    return kib * 1024


def machine_busy():
    """CPU seconds that this machine has spent on anything."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _iowait, irq, softirq = (int(word) for word in file.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / TICKS


def kernel_sealed():
    """How many connections the kernel has sealed for so far."""
    try:
        with open("/proc/net/tls_stat", encoding="ascii") as file:
            counters = dict(line.split() for line in file)
    except FileNotFoundError:
        return 0
    return int(counters["TlsTxSw"]) + int(counters["TlsTxDevice"])


class Processes:
    """Programs that together are one server, with their children. Ends what it started, by its id."""

    def __init__(self, log):
        self.log = log
        self.children = []
        self.is_held = False

    def start(self, argv, environment=None):
        with open(self.log, "ab") as log:
            self.children.append(
                subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(environment or {})})
            )

    def pids(self):
        """Of the programs and all that come from them."""
        above = parents()
        found = {child.pid for child in self.children if child.poll() is None}
        size = 0
        while size < len(found):
            size = len(found)
            found |= {pid for pid, parent in above.items() if parent in found}
        return found

    def wait_for(self, port, seconds=20):
        """Until it listens. None, or why not."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if any(child.poll() is not None for child in self.children):
                return "does not start: " + self.last_line()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return None
            except OSError:
                time.sleep(0.05)
        return "does not listen: " + self.last_line()

    def last_line(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            lines = file.read().strip().splitlines()
        return lines[-1][-200:] if lines else "and says nothing"

    def cpu(self):
        return sum(cpu_of(pid) for pid in self.pids())

    def memory(self):
        return sum(memory_of(pid) for pid in self.pids())

    def hold(self):
        """Spends nothing until it is let go."""
        for pid in self.pids():
            os.kill(pid, signal.SIGSTOP)
        self.is_held = True

    def let_go(self):
        for pid in self.pids():
            os.kill(pid, signal.SIGCONT)
        self.is_held = False

    def stop(self):
        if self.is_held:
            self.let_go()
        for child in self.children:
            child.terminate()
        for child in self.children:
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
