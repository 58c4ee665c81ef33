# SPDX-License-Identifier: Apache-2.0
"""The rows of bench/fair: each a way in which one client may starve another."""
import fcntl
import http.client
import math
import os
import ssl
import time

import machine
from copies import Copies
from crowd import Crowd, hello_pieces
from lane import Request
from place import LARGE_BYTES, OBJECT_BYTES, Server
from remote import Remote
from scenario import Figure, Scenario, told

MIB = 1 << 20

GET = Request("GET", "GET", "/bucket/plain", 100, 16, answer_bytes=OBJECT_BYTES)
GET_META = Request("GET with metadata", "GET", "/bucket/meta", 100, 16, answer_bytes=OBJECT_BYTES)
HEAD = Request("HEAD", "HEAD", "/bucket/plain", 100, 16, answer_bytes=OBJECT_BYTES)
GET_NEW = Request("GET, new connections", "GET", "/bucket/plain", 25, 0, answer_bytes=OBJECT_BYTES, is_new=True)
PUT = Request("PUT of a byte", "PUT", "/bucket/put-{n}", 25, 32, body=b"x")

LISTING = "GET /keys?list-type=2&max-keys=1000&delimiter=- HTTP/1.1\r\nHost: localhost\r\n\r\n"
LISTINGS = 300
DRAIN_SECONDS = 2


def https(place, port, name):
    context = ssl.create_default_context(cafile=f"{place.ca}/ca.crt")
    context.load_cert_chain(f"{place.ca}/{name}.crt", f"{place.ca}/{name}.key")
    return http.client.HTTPSConnection("localhost", port, context=context, timeout=60)


def make_object_with_metadata(place):
    """As a client makes it: its metadata is an extended attribute, which only a thread reads."""
    server = Server(place).wait()
    try:
        connection = https(place, server.port, "healthy")
        connection.request("PUT", "/bucket/meta", body=os.urandom(OBJECT_BYTES), headers={"x-amz-meta-owner": "bench"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200 or "user.sluice.fields" not in os.listxattr(f"{place.root}/bucket/meta"):
            raise SystemExit(f"bench/fair: no object with metadata: status {answer.status}")
    finally:
        server.stop()


def calls(server, group):
    """What waits for threads, and what they do: "N queued, M running"."""
    metrics = server.metrics()
    queued = metrics.get(f'sluice_file_calls_queued{{group="{group}"}}')
    busy = metrics.get(f'sluice_file_threads_busy{{group="{group}"}}')
    return "no answer of the admin port" if queued is None else f"{queued:.0f} queued, {busy:.0f} running"


class Listings(Scenario):
    name = "listings"
    title = f"{LISTINGS} listings, whose client then hangs up"
    requests = (GET_META, GET, HEAD)
    does_hang_up = True

    def prepare(self):
        self.place.make_keys(self.bench.keys)
        server = Server(self.place).wait()
        try:
            connection = https(self.place, server.port, "crowd")
            start = time.monotonic()
            connection.request("GET", LISTING.split()[1])
            answer = connection.getresponse()
            prefixes = answer.read().count(b"<CommonPrefixes>")
            self.note(f"one listing with a delimiter (of {self.bench.keys:,} keys) takes {time.monotonic() - start:.2f} s by itself "
                      f"and gives {prefixes} common prefixes")
            self.expect(answer.status == 200 and prefixes == 1000, f"a listing is answered {answer.status} with {prefixes} prefixes")
            connection.close()
        finally:
            server.stop()

    def connect(self):
        self.connect_crowd("crowd", LISTINGS)

    def begin(self):
        self.send_crowd([LISTING])
        if self.does_hang_up:
            self.crowd.call(20, "hang_up")
        self.note(f"when the window began: {calls(self.server, 'read')}")

    def end(self):
        self.note(f"when it ended: {calls(self.server, 'read')}")
        if not self.does_hang_up:
            self.note(f"the listings: {told(self.crowd.call(20, 'answers', 0))}")


class ListingsKept(Listings):
    name = "listings-kept"
    title = f"{LISTINGS} listings, whose client waits"
    does_hang_up = False
    is_slow = True


class CopyObjects(Scenario):
    name = "copies"
    title = "48 copies of a large object, abandoned at once"
    requests = (PUT,)
    bound = 75
    copies, at_once = 48, 16  # as many threads as src/base/limits.h gives those who write
    size_max = 2 << 30

    def prepare(self):
        self.window = 2 * self.bench.window
        source = f"{self.place.root}/crowd/source"
        size = 256 * MIB
        with open(source, "wb") as file:
            for _ in range(size // MIB):
                file.write(os.urandom(MIB))
            os.fsync(file.fileno())
        folder = f"{self.place.root}/elsewhere"
        probe = Copies(folder, source)
        seconds = []
        for number in range(2):  # the first fills the page cache
            start = time.monotonic()
            probe.begin(1, 1)
            self.wait_for(lambda: probe.done() == 1, 60, "a copy of 256 MiB")
            seconds.append(time.monotonic() - start)
            os.unlink(f"{folder}/outside-0")
        rate = size / seconds[1]
        room = os.statvfs(source)
        wanted = min(rate * self.window / 4, self.size_max, room.f_bavail * room.f_frsize / self.copies / 3)
        self.size = max(int(wanted) // MIB, 64) * MIB
        with open(source, "r+b") as file:
            file.seek(size)
            while file.tell() < self.size:
                file.write(os.urandom(MIB))
            file.truncate(self.size)
            os.fsync(file.fileno())
        self.note(f"the object has {self.size // MIB:,} MiB, one copy of which takes {self.size / rate:.1f} s by itself")

    def yardstick(self):
        """The same copies outside sluice; before that a window without any load, which is told beside."""
        cells, _ = self.measure()
        self.note(f"without any load: p50 {cells[0].p50 * 1e3:.1f} ms, p99 {cells[0].p99 * 1e3:.1f} ms")
        self.open_lanes()
        self.helper = Remote(Copies, f"{self.place.root}/elsewhere", f"{self.place.root}/crowd/source")
        self.helper.call(10, "begin", self.copies, self.at_once)

        def stop():
            done = self.helper.call(20, "done")
            self.end_helper()
            self.note(f"outside: {done} of {self.copies} copies done when the window ended")
            self.expect(done < self.copies, "the copies outside were done before the window ended")
            self.settle()
        return stop

    def settle(self):
        for folder in ("elsewhere", "crowd"):
            for name in os.listdir(f"{self.place.root}/{folder}"):
                if name.startswith(("outside-", "copy-")):
                    os.unlink(f"{self.place.root}/{folder}/{name}")
        self.wait_for(lambda: machine.unwritten() < 256 * MIB, 60, "the disk is to have written what it has")

    def connect(self):
        self.connect_crowd("crowd", self.copies)

    def begin(self):
        self.send_crowd([f"PUT /crowd/copy-{number} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
                         "x-amz-copy-source: /crowd/source\r\n\r\n" for number in range(self.copies)])
        self.crowd.call(20, "hang_up")
        self.note(f"when the window began: {calls(self.server, 'write')}")

    def end(self):
        self.note(f"when it ended: {calls(self.server, 'write')}")

    def clean_up(self):
        super().clean_up()
        self.settle()


class Flock(Scenario):
    name = "flock"
    title = "64 PUTs to an object that another program has locked"
    requests = (PUT, GET, GET_META)
    puts = 64

    def prepare(self):
        self.window = 2 * self.bench.window

    def connect(self):
        self.lock_fd = os.open(f"{self.place.root}/crowd/locked", os.O_RDONLY)
        fcntl.flock(self.lock_fd, fcntl.LOCK_EX)
        self.connect_crowd("crowd", self.puts)

    def begin(self):
        self.send_crowd(["PUT /crowd/locked HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\ny"])
        time.sleep(0.2)  # until they are at the lock
        self.note(f"when the window began: {calls(self.server, 'write')}")

    def end(self):
        self.note(f"when it ended: {calls(self.server, 'write')}; the PUTs: {told(self.crowd.call(20, 'answers', 0))}")
        with open(f"{self.place.root}/crowd/locked", "rb") as file:
            self.expect(file.read() == b"x", "the object was replaced, though it was locked")

    def clean_up(self):
        super().clean_up()
        os.close(self.lock_fd)


class Exit(Scenario):
    """How long a server takes to end with --drain-timeout 2s."""
    server_options = ("--drain-timeout", f"{DRAIN_SECONDS}s")
    exit_max = 20

    def __init__(self, bench):
        super().__init__(bench)
        self.figures = [Figure(self.title, "s", DRAIN_SECONDS + 1)]

    def idle_exit(self):
        """Of a server whose client is connected and asks for nothing."""
        seconds, _ = self.server.term(self.exit_max)
        self.figures[0].undisturbed.append(self.exit_max if seconds is None else seconds)

    def busy_exit(self):
        seconds, code = self.server.term(self.exit_max)
        figure = self.figures[0]
        figure.values.append(self.exit_max if seconds is None else seconds)
        figure.is_bound_hit |= seconds is None
        self.note(f"exit code: {code}" if code is not None else f"exit code: none, killed after {self.exit_max} s")


class Drain(Exit):
    name = "drain"
    title = f"SIGTERM behind {LISTINGS} abandoned listings"

    def prepare(self):
        self.place.make_keys(self.bench.keys)

    def round(self):
        for disturb in (False, True):
            self.start_server()
            self.crowd = Remote(Crowd, self.place.ca)
            self.connect_crowd("crowd", LISTINGS)
            if disturb:
                self.send_crowd([LISTING])
            self.crowd.call(20, "hang_up")
            if disturb:
                self.note(f"before SIGTERM: {calls(self.server, 'read')}")
                self.busy_exit()
            else:
                self.idle_exit()
            self.clean_up()


class Sweep(Exit):
    name = "sweep"
    title = "SIGTERM behind a sweep of unfinished uploads"
    is_slow = True
    bound = 60
    sample, sweep_seconds = 500, 10

    def left(self):
        return len(os.listdir(self.place.uploads))

    def prepare(self):
        """As many uploads as take long enough to remove."""
        self.place.make_uploads(self.sample)
        start = time.monotonic()
        for name in os.listdir(self.place.uploads):
            os.unlink(f"{self.place.uploads}/{name}/info")
            os.rmdir(f"{self.place.uploads}/{name}")
        each = (time.monotonic() - start) / self.sample
        self.count = min(max(int(self.sweep_seconds / each), 5000), self.bench.uploads_max)
        self.note(f"{self.count:,} uploads, which take {self.count * each:.1f} s to remove outside sluice")

    def round(self):
        self.start_server()
        self.idle_exit()
        self.clean_up()
        self.place.make_uploads(self.count)
        self.start_server()
        self.wait_for(lambda: self.left() < self.count, 10, "the sweep is to begin")
        before = self.left()
        self.busy_exit()
        self.clean_up()
        self.note(f"left: {before:,} when SIGTERM came, {self.left():,} at the end")
        self.expect(before > self.count / 2, "the sweep had nearly ended before SIGTERM")
        self.place.forget_uploads()


class Bodies(Scenario):
    name = "bodies"
    client, wanted = "crowd", "deleted"
    title = "DeleteObjects with 4 MiB bodies but for a byte, by a client that may"
    requests = (GET,)
    size = 4 * MIB
    bound = 45

    def __init__(self, bench):
        super().__init__(bench)
        self.count = bench.bodies
        self.title = f"{self.count} {self.title}"
        self.seconds = []
        self.figures = [Figure(f"{self.title}: memory over idle", "MiB", 64, 0)]

    def prepare(self):
        """What a whole request of this client comes to."""
        text = "<Delete><Object><Key>none</Key></Object></Delete>"
        server = Server(self.place).wait()
        try:
            connection = https(self.place, server.port, self.client)
            connection.request("POST", "/crowd?delete", body=text)
            answer = connection.getresponse()
            body = answer.read()
            said = "AccessDenied" if b"AccessDenied" in body else "deleted" if b"<Deleted>" in body else "neither deleted nor denied"
            connection.close()
        finally:
            server.stop()
        self.note(f"a whole request: {answer.status}, {said}")
        self.expect(said == self.wanted, f"a whole request of the client is {said}, not {self.wanted}")

    def connect(self):
        self.idle = self.server.memory()
        self.connect_crowd(self.client, self.count)

    def begin(self):
        self.server.forget_peak()
        self.crowd.call(5, "gives_way")
        head = f"POST /crowd?delete HTTP/1.1\r\nHost: localhost\r\nContent-Length: {self.size}\r\n\r\n"
        self.crowd.start("send_bodies", head, self.size, 1)

    def end(self):
        sent, seconds = self.crowd.result(60)
        self.seconds.append(seconds)
        self.note(f"bodies: {told(sent)}")
        time.sleep(0.5)  # what was sent last may be in a socket still
        self.note(f"then: {told(self.crowd.call(30, 'answers', 0))}")
        self.figures[0].values.append((self.server.memory("VmHWM") - self.idle) / MIB)

    def run(self):
        super().run()
        self.note(f"to send the bodies took {min(self.seconds):.1f} to {max(self.seconds):.1f} s")


class BodiesDenied(Bodies):
    name = "bodies-denied"
    client, wanted = "stranger", "AccessDenied"
    title = "DeleteObjects with 4 MiB bodies but for a byte, by a client that may nothing there"


class SlowReaders(Scenario):
    name = "slow-readers"
    readers = 700
    does_wait, fill_max = True, 15  # less than --rate-window, after which a server closes them
    requests = (GET, GET_NEW)
    files_max = 20000

    def __init__(self, bench):
        self.title = f"{self.readers:,} clients that ask for {LARGE_BYTES // MIB} MiB and do not read" + ("" if self.does_wait else ", at first")
        super().__init__(bench)
        self.pressure = machine.tcp_limits()[1]
        self.figures = [Figure(f"{self.title}: TCP memory of the kernel", "% of tcp_mem's pressure", 100, 0)]

    def connect(self):
        self.connect_crowd("crowd", self.readers)

    def begin(self):
        self.most = 0
        self.send_crowd(["GET /crowd/large HTTP/1.1\r\nHost: localhost\r\n\r\n"])
        if self.does_wait:
            self.wait_until_full()

    def wait_until_full(self):
        """Until nothing more goes into the sockets."""
        start, before = time.monotonic(), -1
        while time.monotonic() < start + self.fill_max:
            self.watch()
            if abs(machine.tcp_pages() - before) <= before // 100:
                self.note(f"their sockets: full after {time.monotonic() - start:.0f} s")
                return
            before = machine.tcp_pages()
            time.sleep(1)
        self.note(f"their sockets: still filling after {self.fill_max} s")

    def watch(self):
        self.most = max(self.most, machine.tcp_pages())

    def end(self):
        self.watch()
        metrics = self.server.metrics()
        self.note("when the window ended: "
                  f"{metrics.get('sluice_connections', math.nan):.0f} connections, "
                  f"{metrics.get(buffers('used'), math.nan):.0f} of {metrics.get(buffers('limit'), math.nan):.0f} send buffers in use")
        self.note(f"the readers, who now read: {told(self.crowd.call(60, 'answers', 0))}")
        self.note(f"TCP memory: {self.most:,} pages at most, of {self.pressure:,} (pressure) and {machine.tcp_limits()[2]:,} (limit)")
        self.figures[0].values.append(self.most * 100 / self.pressure)


def buffers(what):
    return f'sluice_pool_{what}{{pool="send_buffers"}}'


class Burst(SlowReaders):
    name = "burst"
    does_wait = False  # measured while the server fills their sockets


class SlowReaders2000(SlowReaders):
    name = "slow-readers-2000"
    readers = 2000
    is_slow = True


class SlowReaders8000(SlowReaders):
    name = "slow-readers-8000"
    readers = 8000
    fill_max = 25
    is_slow = True
    bound = 90


class Descriptors(Scenario):
    name = "descriptors"
    sources = 1
    title = "400 handshakes that do not go on, from one address, of a server that may open 256 files"
    requests = (GET,)
    files_max = 256
    count = 400

    def connect(self):
        pass  # after the healthy

    def begin(self):
        came = self.crowd.call(60, "connect_plain", self.server.port, self.count, self.sources, [hello_pieces(512, 512)[0][:6]])
        self.note(f"{self.count} connections: {told(came)}")
        self.expect(came["connected"] == self.count, "not all connections reached the server")

    def end(self):
        metrics = self.server.metrics()
        taken = metrics.get("sluice_connections")
        self.note(f"of them open for the client when the window ended: {self.crowd.call(20, 'are_open')}; "
                  + (f"connections of the server, the healthy's too: {taken:.0f}" if metrics else "the admin port does not answer"))


class DescriptorsMany(Descriptors):
    name = "descriptors-many"
    sources = 100
    is_slow = True
    title = "400 handshakes that do not go on, from 100 addresses, of a server that may open 256 files"


class Hellos(Scenario):
    name = "hellos"
    title = "an unfinished handshake with a ClientHello of 16 KiB: memory"
    files_max = 20000

    def __init__(self, bench):
        super().__init__(bench)
        self.count = bench.hellos
        self.figures = [Figure(self.title, "KiB each", 32)]

    def round(self):
        self.start_server()
        self.crowd = Remote(Crowd, self.place.ca)
        idle = self.server.memory()
        came = self.crowd.call(30, "connect_plain", self.server.port, self.count, 1, hello_pieces(16384, 1024)[:-1])
        self.note(f"{self.count} connections: {told(came)}")
        last = 0
        while self.server.memory() != last:
            last = self.server.memory()
            time.sleep(0.3)
        still = self.crowd.call(20, "are_open")
        self.note(f"open when the memory was read: {still}")
        self.expect(still > 0, "the server has closed all of them")
        self.figures[0].values.append((last - idle) / 1024 / max(still, 1))


class Ports(Scenario):
    name = "ports"
    title = "two servers started at once on one port: how often do both run"
    bound = 3

    def __init__(self, bench):
        super().__init__(bench)
        self.rounds = bench.pairs
        self.figures = [Figure(self.title, f"of {bench.pairs}", 0, 0)]
        self.both = self.none = 0

    def run(self):
        for _ in range(self.rounds):
            self.pair()
        self.figures[0].values.append(self.both)
        self.note(f"of {self.rounds} pairs both ran {self.both} times, one {self.rounds - self.both - self.none} times, "
                  f"none {self.none} times")
        self.expect(self.none < self.rounds, "no server has started")

    def pair(self):
        gate_fd, open_fd = os.pipe()
        first = Server(self.place, gate=gate_fd)
        pair = [first, Server(self.place, port=first.port, gate=gate_fd)]
        os.close(gate_fd)
        try:
            # One byte at a time is what read of a shell takes: each has its line.
            os.write(open_fd, b"\n\n")
            self.wait_for(lambda: all(server.is_serving() or server.process.poll() is not None for server in pair), 10,
                          "two servers on one port")
            running = sum(server.process.poll() is None for server in pair)
            self.both += running == 2
            self.none += running == 0
        finally:
            os.close(open_fd)
            for server in pair:
                server.stop()


ROWS = (Listings, ListingsKept, CopyObjects, Flock, Drain, Sweep, BodiesDenied, Bodies, Burst, SlowReaders, SlowReaders2000,
        SlowReaders8000, Descriptors, DescriptorsMany, Hellos, Ports)
