#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The client of bench/upload: rounds of work at each server by turns, CPU seconds of each, as a table."""
import os
import statistics
import sys
import time

import boto3
import botocore.handlers
from botocore.config import Config

ROUNDS, CA, WIDE = int(sys.argv[1]), sys.argv[2], sys.argv[3]
MIB = 1024 * 1024
OBJECTS, SIZE, KEYS = 4, 64 * MIB, 100_000
SMALL_OBJECTS, SMALL_SIZE = 200, 4096
SAID = {
    "full": "sluice",
    "relaxed": "sluice --durability=relaxed",
    "md5": "sluice --etag=md5",
    "versitygw": "versitygw",
}
TICK = os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, text):
        self.name, pid, endpoint = text.split("=")
        self.pid = int(pid)
        self.s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="dummy",
            aws_secret_access_key="dummy-secret",
            verify=f"{CA}/ca.crt",
            config=Config(client_cert=(f"{CA}/client.crt", f"{CA}/client.key"), s3={"addressing_style": "path"}),
        )
        self.seconds = {True: [], False: [], "small": []}  # of CPU: with Content-MD5, without, small objects
        self.elapsed = {True: [], False: [], "small": []}
        end = time.monotonic() + 20
        while True:
            try:
                self.s3.list_objects_v2(Bucket="bench")
                return
            except Exception:  # noqa: BLE001: it may not listen yet
                if time.monotonic() > end:
                    raise

    def cpu(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def upload(self, body, has_md5):
        events, handler = self.s3.meta.events, botocore.handlers.conditionally_calculate_md5
        events.unregister("before-call.s3.PutObject", handler)
        if has_md5:
            events.register("before-call.s3.PutObject", handler)
        self.put(body, OBJECTS, has_md5)

    def put(self, body, count, kind):
        cpu, clock = self.cpu(), time.monotonic()
        for number in range(count):
            self.s3.put_object(Bucket="bench", Key=f"object-{number}-{len(body)}", Body=body)
        self.elapsed[kind].append(time.monotonic() - clock)
        self.seconds[kind].append(self.cpu() - cpu)


def cells(server, name, kind, scale):
    """Median, least and most, and what the median is to those of the first server and of the peer."""
    values = getattr(server, name)[kind]
    median = statistics.median(values)
    numbers = [median / scale, min(values) / scale, max(values) / scale]
    numbers += [median / statistics.median(getattr(other, name)[kind]) for other in BESIDE]
    return [f"{number:.2f}" for number in numbers]


def row(server, text, kind, scale):
    both = cells(server, "seconds", kind, scale) + cells(server, "elapsed", kind, scale)
    print("| " + " | ".join([SAID[server.name], *text, *both]) + " |")


def head(first, unit):
    names = [name for what in ("CPU", "elapsed") for name in
             (f"{what}, {unit}, median", "least", "most", *(f"/ {SAID[other.name]}" for other in BESIDE))]
    print("| " + " | ".join([*first, *names]) + " |\n|" + "---|" * len(first) + "--:|" * len(names))


servers = [Server(text) for text in sys.argv[4:]]
BESIDE = [servers[0]] + [server for server in servers if server.name == "versitygw"]
content = os.urandom(SIZE)
for server in servers:
    server.upload(content, True)  # not counted: the first use of everything
    server.seconds[True].clear()
    server.elapsed[True].clear()
for _ in range(ROUNDS):
    for has_md5 in (True, False):
        for server in servers:
            server.upload(content, has_md5)
    for server in servers:
        server.put(content[:SMALL_SIZE], SMALL_OBJECTS, "small")

print(f"PUT of 64 MiB, {OBJECTS} a round, {ROUNDS} rounds by turns; sluice syncs each before it answers, unless relaxed.\n")
head(["server", "Content-MD5"], "seconds per GiB")
for has_md5 in (False, True):
    for server in servers:
        row(server, ["verified" if has_md5 else "not sent"], has_md5, OBJECTS * SIZE / 1024 / MIB)
print(f"\nPUT of {SMALL_SIZE} bytes over an old object, without Content-MD5, {SMALL_OBJECTS} a round, as many rounds.\n")
head(["server"], "milliseconds each")
for server in servers:
    row(server, [], "small", SMALL_OBJECTS / 1000)

for number in range(KEYS):
    with open(f"{WIDE}/{number:06}", "w", encoding="ascii"):
        pass


def page_cost(server, bucket, after):
    start = server.cpu()
    for _ in range(ROUNDS * 10):
        page = server.s3.list_objects_v2(Bucket=bucket, StartAfter=after)
        assert len(page["Contents"]) == 1000
    return (server.cpu() - start) * 1000 / (ROUNDS * 10)


server = servers[0]
print(f"\nA page of 1,000 of a folder of {KEYS:,} keys, CPU milliseconds, {ROUNDS * 10} pages each.\n")
print("| page | sluice |\n|---|--:|")
for name, after in (("first", ""), ("in the middle", "050000"), ("last", "098999")):
    print(f"| {name} | {page_cost(server, 'wide', after):.1f} |")

written = [server for server in servers if server.name in ("full", "md5")]
for server in written:
    server.s3.create_bucket(Bucket="written")
    for number in range(1000):
        server.s3.put_object(Bucket="written", Key=f"{number:04}", Body=b"x")
costs = [page_cost(server, "written", "") for server in written]
print("\nA page of 1,000 keys that were written by PUT, the same.\n")
print("| server | CPU, milliseconds | / sluice |\n|---|--:|--:|")
for server, cost in zip(written, costs):
    print(f"| {SAID[server.name]} | {cost:.1f} | {cost / costs[0]:.2f} |")
