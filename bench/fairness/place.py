# SPDX-License-Identifier: Apache-2.0
"""Where the servers run: one root, two identities, a fresh server for each round."""
import os
import re
import resource
import signal
import subprocess
import time
import urllib.request

import processes
from remote import Failed, Stuck, die_with_parent

START_TIMEOUT = 20
STOP_TIMEOUT = 60  # of SIGKILL: an fsync of much data cannot be cut short
RULES = """access:
  - {identity: "dns:healthy.test", allow: [read, list, write, delete], on: ["**"]}
  - {identity: "dns:crowd.test", allow: [read, list, write, delete], on: ["crowd/**", "keys/**"]}
  - {identity: "dns:stranger.test", allow: [read, list, write, delete], on: ["elsewhere/**"]}
"""
KEYS_PER_PREFIX = 50
OBJECT_BYTES = 16384
LARGE_BYTES = 64 << 20


class Place:
    def __init__(self, sluice, tmp):
        self.sluice = sluice
        self.tmp = tmp
        self.ca = f"{tmp}/ca"
        self.root = f"{tmp}/root"
        self.config = f"{tmp}/sluice.yml"
        self.uploads = f"{self.root}/unfinished/.sluice"
        self.forgotten = 0
        with open(self.config, "w", encoding="ascii") as file:
            file.write(RULES)
        for bucket in ("bucket", "crowd", "keys", "elsewhere", "unfinished"):
            os.makedirs(f"{self.root}/{bucket}")
        self.write("bucket/plain", os.urandom(OBJECT_BYTES))
        self.write("crowd/locked", b"x")
        with open(f"{self.root}/crowd/large", "wb") as file:
            file.truncate(LARGE_BYTES)

    def write(self, name, content):
        with open(f"{self.root}/{name}", "wb") as file:
            file.write(content)

    def make_keys(self, count):
        """Empty objects: 00000-00, 00000-01, ... so that delimiter=- gives a common prefix for each 50."""
        folder_fd = os.open(f"{self.root}/keys", os.O_RDONLY | os.O_DIRECTORY)
        there = len(os.listdir(folder_fd))
        for number in range(there, count):
            name = f"{number // KEYS_PER_PREFIX:05}-{number % KEYS_PER_PREFIX:02}"
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=folder_fd))
        os.close(folder_fd)

    def make_uploads(self, count):
        """Multipart uploads that nobody has touched for a year: as many are there afterwards."""
        os.makedirs(self.uploads, exist_ok=True)
        long_ago = time.time() - 365 * 86400
        for _ in range(len(os.listdir(self.uploads)), count):
            name = f"{self.uploads}/up-{os.urandom(16).hex()}"
            os.mkdir(name)
            with open(f"{name}/info", "wb") as file:
                file.write(b"key\0")
            os.utime(name, (long_ago, long_ago))

    def forget_uploads(self):
        """Out of sight of the next server; to remove them takes long."""
        self.forgotten += 1
        os.rename(self.uploads, f"{self.tmp}/forgotten-{self.forgotten}")


class Server:
    def __init__(self, place, options=(), files_max=None, port=None, gate=None):
        """gate: a descriptor; the server starts when a line can be read from it."""
        self.port = port or processes.free_port()
        self.admin = processes.free_port()
        self.log = f"{place.tmp}/server-{self.port}-{self.admin}.log"
        argv = [place.sluice, "serve", "--config", place.config, "--root", place.root, "--writable", "--tls-path", "user",
                "--access-log=false", "--listen", f"127.0.0.1:{self.port}", "--admin-listen", f"127.0.0.1:{self.admin}",
                "--cert", f"{place.ca}/server.crt", "--key", f"{place.ca}/server.key", "--client-ca", f"{place.ca}/ca.crt", *options]
        if gate is not None:
            argv = ["sh", "-c", 'read -r _ && exec "$@"', "sh", *argv]

        def prepare():
            die_with_parent()
            if files_max:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))

        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL if gate is None else gate, stdout=log, stderr=log,
                                            preexec_fn=prepare)

    @property
    def pid(self):
        return self.process.pid

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def is_serving(self):
        return "serving" in self.log_text()

    def wait(self):
        end = time.monotonic() + START_TIMEOUT
        while not self.is_serving():
            if self.process.poll() is not None:
                raise Failed(f"the server does not start: {self.log_text()[-300:]}")
            if time.monotonic() > end:
                raise Stuck("the server does not start")
            time.sleep(0.02)
        return self

    def metrics(self):
        """Name, with its labels, to value; empty where the admin port does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=2) as answer:
                text = answer.read().decode()
        except OSError:
            return {}
        return {name: float(value) for name, value in re.findall(r"^(sluice_\S+) (\S+)$", text, re.M)}

    def memory(self, which="VmRSS"):
        """Bytes. VmHWM: the most since forget_peak."""
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
            return int(re.search(rf"^{which}:\s*(\d+)", file.read(), re.M).group(1)) * 1024

    def forget_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def term(self, bound):
        """Seconds from SIGTERM to its end, and its exit code. None: it did not end within the bound."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(bound)
        except subprocess.TimeoutExpired:
            return None, None
        return time.monotonic() - start, code

    def stop(self):
        self.process.kill()
        try:
            self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Stuck(f"the server is not gone {STOP_TIMEOUT} s after SIGKILL") from None
