# SPDX-License-Identifier: Apache-2.0
"""Does sluice bench find what curl finds? Objects of 64 MiB on one connection, by turns, of each server.

Where server and client share a processor, what the client itself costs is in the throughput; so that stands beside it.
"""
import os
import resource
import subprocess

import loads
import runs
from figures import Spread

OBJECTS = 16
LIMIT = 0.10


def ask_curl(place, peer, load):
    """Bytes a second, of all transfers but the first, which has the handshake in it: curl's own figures. Its CPU a byte."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    urls = [word for _ in range(OBJECTS) for word in ("--output", os.devnull, peer.url(load.object))]
    run = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--cacert", f"{place.ca}/ca.crt", "--cert", f"{place.ca}/client.crt",
         "--key", f"{place.ca}/client.key", "--tls13-ciphers", "TLS_AES_128_GCM_SHA256",
         "--write-out", "%{size_download} %{time_total} %{num_connects}\n", *urls],
        stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True
    )
    if run.returncode != 0:
        raise runs.Failed(f"curl: {run.stderr.strip()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    transfers = [[float(word) for word in line.split()] for line in run.stdout.splitlines()][1:]
    if any(connects for _, _, connects in transfers):
        raise runs.Failed("curl did not keep its connection")
    moved = sum(size for size, _, _ in transfers)
    return moved / sum(seconds for _, seconds, _ in transfers), cpu / (moved * OBJECTS / (OBJECTS - 1))


def run(place, there, options):
    load = loads.Load("whole", "64MiB", 1)
    agree = True
    if options.wire:
        print(f"\nOver a link of {options.wire}, which is the limit: whoever measures must find the same.\n")
    else:
        print("As this machine is: where a server can give more than a client takes, the leaner client finds more.\n")
    print("| server | curl, MiB/s | sluice bench, MiB/s | sluice bench / curl: median (least–most) | | curl's CPU, s a GiB | "
          "sluice bench's |")
    print("|---|--:|--:|--:|---|--:|--:|")
    for peer in there:
        curl, bench, curl_cpu, bench_cpu = [], [], [], []
        for _ in range(options.rounds):
            row = runs.measure(place, peer, load, options.seconds)
            bench.append(row["bytes_per_second"])
            bench_cpu.append(row["client_cpu_seconds"] / row["report"]["received_bytes"])
            peer.processes.let_go()
            bytes_per_second, cpu = ask_curl(place, peer, load)
            peer.processes.hold()
            curl.append(bytes_per_second)
            curl_cpu.append(cpu)
        ratio = Spread.of([ours / theirs for ours, theirs in zip(bench, curl)])
        within = abs(ratio.median - 1) <= LIMIT
        agree = agree and within
        word = "agree within 10 %" if within else "differ"
        figures = [Spread.of(values).text(1 / loads.MIB, 0) for values in (curl, bench)]
        costs = [Spread.of(values).text(1024 * loads.MIB) for values in (curl_cpu, bench_cpu)]
        print(f"| {peer.name} | {' | '.join(figures)} | {ratio.text()} | {word} | {' | '.join(costs)} |")
    return 1 if options.wire and not agree else 0
