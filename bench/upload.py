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
        self.seconds = {True: [], False: []}  # with Content-MD5, and without
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
        before = self.cpu()
        for number in range(OBJECTS):
            self.s3.put_object(Bucket="bench", Key=f"object-{number}", Body=body)
        self.seconds[has_md5].append(self.cpu() - before)


servers = [Server(text) for text in sys.argv[4:]]
content = os.urandom(SIZE)
for server in servers:
    server.upload(content, True)  # not counted: the first use of everything
    server.seconds[True].clear()
for _ in range(ROUNDS):
    for has_md5 in (True, False):
        for server in servers:
            server.upload(content, has_md5)

print(f"PUT of 64 MiB, {OBJECTS} a round, {ROUNDS} rounds by turns; sluice syncs each before it answers.\n")
print("| server | Content-MD5 | CPU seconds per GiB, median | least | most | / the peer |\n|---|---|--:|--:|--:|--:|")
gib = OBJECTS * SIZE / 1024 / MIB
for has_md5 in (False, True):
    peer = statistics.median(servers[-1].seconds[has_md5])
    for server in servers:
        of = [s / gib for s in server.seconds[has_md5]]
        ratio = f"{statistics.median(server.seconds[has_md5]) / peer:.2f}" if len(servers) > 1 else ""
        said = "verified" if has_md5 else "not sent"
        print(f"| {server.name} | {said} | {statistics.median(of):.2f} | {min(of):.2f} | {max(of):.2f} | {ratio} |")

for number in range(KEYS):
    with open(f"{WIDE}/{number:06}", "w", encoding="ascii"):
        pass
server = servers[0]
print(f"\nA page of 1,000 of a folder of {KEYS:,} keys, CPU milliseconds, {ROUNDS * 10} pages each.\n")
print("| page | sluice |\n|---|--:|")
for name, after in (("first", ""), ("in the middle", "050000"), ("last", "098999")):
    start = server.cpu()
    for _ in range(ROUNDS * 10):
        page = server.s3.list_objects_v2(Bucket="wide", StartAfter=after)
        assert len(page["Contents"]) == 1000
    print(f"| {name} | {(server.cpu() - start) * 1000 / (ROUNDS * 10):.1f} |")
