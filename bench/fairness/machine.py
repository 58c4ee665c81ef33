# SPDX-License-Identifier: Apache-2.0
"""What this machine is, and how busy."""
import os
import platform
import re
import subprocess

import processes


def words_of(path):
    with open(path, encoding="ascii") as file:
        return file.read().split()


def ticks():
    """(idle, all) of all CPUs since the start of the machine; waiting for a disk is idle."""
    fields = [int(word) for word in words_of("/proc/stat")[1:9]]
    return fields[3] + fields[4], sum(fields)


class Busy:
    """Shares of the machine from here on: idle, and used by others than these processes."""

    def __init__(self, pids):
        self.pids = pids
        self.ticks = ticks()
        self.cpu = self.cpu_of_all()

    def cpu_of_all(self):
        return sum(processes.cpu_of(pid) for pid in self.pids)

    def read(self):
        idle, total = (now - then for now, then in zip(ticks(), self.ticks))
        ours = (self.cpu_of_all() - self.cpu) * processes.TICKS
        return (idle / total, max(0.0, (total - idle - ours) / total)) if total else (0.0, 0.0)


def waited_for_cpu(pid):
    """Seconds that the threads of a process were ready to run and did not (schedstat, the second field)."""
    waited = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            waited += int(words_of(f"/proc/{pid}/task/{thread}/schedstat")[1])
        except OSError:
            pass  # it has ended
    return waited / 1e9


def tcp_pages():
    """Pages in the queues of all TCP sockets."""
    with open("/proc/net/sockstat", encoding="ascii") as file:
        return int(re.search(r"^TCP:.* mem (\d+)", file.read(), re.M).group(1))


def tcp_limits():
    """Pages: below the first nobody is asked to save, above the second all are, the third is the most."""
    return [int(word) for word in words_of("/proc/sys/net/ipv4/tcp_mem")]


def unwritten():
    """Bytes that wait for the disk."""
    with open("/proc/meminfo", encoding="ascii") as file:
        found = dict(re.findall(r"^(Dirty|Writeback):\s*(\d+)", file.read(), re.M))
    return sum(int(kib) for kib in found.values()) * 1024


def version_of(argv):
    run = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True)
    found = re.search(r"\d+\.\d+[\w.+~-]*", run.stdout)
    return found.group(0) if found else "?"


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"model name\s*: (.*)", file.read())
    return found.group(1) if found else platform.machine()


def file_system(path):
    return subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, check=True, text=True).stdout.strip()


def kernel():
    return platform.release().split("-")[0]


def cpus():
    return os.cpu_count()
