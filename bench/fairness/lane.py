# SPDX-License-Identifier: Apache-2.0
"""
The healthy client: one kind of request at a fixed rate, on a pool of connections.

A request counts from the moment when it is due, whether or not a connection is free, so a server that stalls for a
second is charged for every request of that second. What is not answered when the window ends counts with the time
that it has waited, and is marked: its latency is at least that.
"""
import asyncio
import collections
import dataclasses
import gc
import os
import ssl
import time

GRACE = 0.25  # seconds after the window, for what was sent just before its end
OPEN_TIMEOUT = 10


@dataclasses.dataclass(frozen=True)
class Request:
    title: str
    method: str
    target: str  # {n}: a number that grows
    rate: int  # a second
    connections: int
    status: int = 200
    body: bytes = b""
    answer_bytes: int = 0
    is_new: bool = False  # a connection of its own for each


class Wrong(Exception):
    """An answer that is not the one that was expected."""


class Lane:
    def __init__(self, ca, request):
        self.request = request
        self.context = ssl.create_default_context(cafile=f"{ca}/ca.crt")
        self.context.load_cert_chain(f"{ca}/healthy.crt", f"{ca}/healthy.key")
        self.loop = asyncio.new_event_loop()
        self.port = 0
        self.count = 0
        self.free = asyncio.Queue()
        self.reopening = []
        try:  # a client of another machine is not kept from running by what the server does on this one
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except OSError:
            pass

    def open(self, port):
        """Connects to a new server, and asks once on each connection."""
        self.port = port
        while not self.free.empty():
            self.free.get_nowait()[1].transport.abort()
        self.loop.run_until_complete(asyncio.wait_for(self.open_all(), OPEN_TIMEOUT))
        gc.collect()
        gc.freeze()

    async def open_all(self):
        for _ in range(self.request.connections):
            connection = await self.connect()
            await self.ask(connection)
            self.free.put_nowait(connection)

    def connect(self):
        return asyncio.open_connection("localhost", self.port, ssl=self.context, family=2)

    async def ask(self, connection):
        reader, writer = connection
        request = self.request
        self.count += 1
        head = f"{request.method} {request.target.format(n=f'{os.getpid()}-{self.count}')} HTTP/1.1\r\nHost: localhost\r\n"
        if request.method == "PUT":
            head += f"Content-Length: {len(request.body)}\r\n"
        writer.write(head.encode() + b"\r\n" + request.body)
        lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        status = int(lines[0].split()[1])
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        if request.method != "HEAD":
            await reader.readexactly(length)
        if status != request.status:
            raise Wrong(str(status))
        if length != request.answer_bytes:
            raise Wrong(f"{length} bytes")

    async def ask_anew(self):
        connection = await self.connect()
        try:
            await self.ask(connection)
        finally:
            connection[1].transport.abort()

    async def ask_kept(self):
        connection = await self.free.get()
        try:
            await self.ask(connection)
        except Wrong:
            self.free.put_nowait(connection)  # it has answered, so it is good
            raise
        except asyncio.CancelledError:
            connection[1].transport.abort()
            raise
        except Exception:
            connection[1].transport.abort()
            self.reopening.append(asyncio.ensure_future(self.reopen()))
            raise
        self.free.put_nowait(connection)

    async def reopen(self):
        self.free.put_nowait(await self.connect())

    async def timed(self, due, found):
        try:
            await (self.ask_anew() if self.request.is_new else self.ask_kept())
        except asyncio.CancelledError:
            found["unanswered"].append(time.perf_counter() - due)
        except Wrong as why:
            found["errors"][str(why)] += 1
        except asyncio.IncompleteReadError:
            found["errors"]["closed without an answer"] += 1
        except (OSError, ssl.SSLError) as why:
            found["errors"][type(why).__name__] += 1
        else:
            found["times"].append(time.perf_counter() - due)

    async def run_window(self, seconds):
        found = {"times": [], "unanswered": [], "errors": collections.Counter(), "late": []}
        self.reopening = []
        clock = time.perf_counter
        start, tasks = clock(), []
        for number in range(int(seconds * self.request.rate)):
            due = start + number / self.request.rate
            if due > clock():
                await asyncio.sleep(due - clock())
            now = clock()
            found["late"].append(now - due)  # of this program, not of the server
            tasks.append(asyncio.ensure_future(self.timed(now, found)))
        left = start + seconds - clock()
        _, pending = await asyncio.wait(tasks, timeout=max(left, 0) + GRACE)
        rest = [*pending, *self.reopening]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        return found

    def run(self, seconds):
        return self.loop.run_until_complete(self.run_window(seconds))
