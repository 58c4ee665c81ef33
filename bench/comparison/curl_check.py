# SPDX-License-Identifier: Apache-2.0
"""Does sluice bench find what curl finds? Objects of 64 MiB on one connection, by turns, of each server."""
import os
import subprocess

import loads
import runs
from figures import Spread

OBJECTS = 16
LIMIT = 0.10


def curl_bytes_per_second(place, peer, load):
    """Of all transfers but the first, which has the handshake in it; curl's own figures."""
    urls = [word for _ in range(OBJECTS) for word in ("--output", os.devnull, peer.url(load.object))]
    run = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--cacert", f"{place.ca}/ca.crt", "--cert", f"{place.ca}/client.crt",
         "--key", f"{place.ca}/client.key", "--tls13-ciphers", "TLS_AES_128_GCM_SHA256",
         "--write-out", "%{size_download} %{time_total} %{num_connects}\n", *urls],
        stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True
    )
    if run.returncode != 0:
        raise runs.Failed(f"curl: {run.stderr.strip()}")
    transfers = [[float(word) for word in line.split()] for line in run.stdout.splitlines()][1:]
    if any(connects for _, _, connects in transfers):
        raise runs.Failed("curl did not keep its connection")
    return sum(size for size, _, _ in transfers) / sum(seconds for _, seconds, _ in transfers)


def run(place, there, options):
    load = loads.Load("whole", "64MiB", 1)
    print("| server | curl, MiB/s | sluice bench, MiB/s | sluice bench / curl: median (least–most) | |")
    print("|---|--:|--:|--:|---|")
    for peer in there:
        curl, bench = [], []
        for _ in range(options.rounds):
            bench.append(runs.measure(place, peer, load, options.seconds)["bytes_per_second"])
            peer.processes.let_go()
            curl.append(curl_bytes_per_second(place, peer, load))
            peer.processes.hold()
        ratio = Spread.of([ours / theirs for ours, theirs in zip(bench, curl)])
        word = "agree within 10 %" if abs(ratio.median - 1) <= LIMIT else "differ"
        figures = [Spread.of(values).text(1 / loads.MIB, 0) for values in (curl, bench)]
        print(f"| {peer.name} | {' | '.join(figures)} | {ratio.text()} | {word} |")
    return 0
