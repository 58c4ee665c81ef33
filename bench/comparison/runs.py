# SPDX-License-Identifier: Apache-2.0
"""One measurement: sluice bench (or, without TLS, load of bench/) against one server, with the server's CPU time beside it."""
import json
import os
import subprocess
import time

from loads import SIZES
from processes import machine_busy

WARM_SECONDS = 0.3
SETTLE_SECONDS = 0.1  # for the server to do what it does behind the last response
CIPHER = "AES-128-GCM"


class Failed(Exception):
    """A measurement that could not be made."""


def ask_bench(place, peer, load, amount):
    """The report of sluice bench, without a warm-up of its own: its window is then the whole of what it did. amount: options."""
    target = f"127.0.0.1:{peer.port}/bench/" + ("uploads" if load.is_upload else load.object)
    run = subprocess.run(
        [place.sluice, "bench", "--target", target, "--cert", f"{place.ca}/client.crt", "--key", f"{place.ca}/client.key",
         "--ca", f"{place.ca}/ca.crt", "--mix", load.mix, "--connections", str(load.connections), "--warmup", "0s",
         *amount, "--timeout", "60s", "--tls-path", "user", "--json"],
        stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    said = run.stderr.decode("utf-8", "replace").strip()[-300:]
    if not run.stdout:
        raise Failed(f"sluice bench: {said}")
    report = json.loads(run.stdout)
    if run.returncode != 0 or report["requests"]["failed"]:
        raise Failed(f"sluice bench: {report['requests']['failed']} requests failed: {report['first_error'] or said}")
    if CIPHER not in report["tls"]["cipher"].upper().replace("_", "-"):
        raise Failed(f"the cipher is {report['tls']['cipher']}, not {CIPHER}")
    return report


def amount_of(load, seconds):
    """How long; large uploads by their number, as one that is not ended is not synced either."""
    if load.is_upload and not load.counts_requests:
        return ["--requests", str(max(1, round(seconds * 4)))]
    return ["--duration", f"{int(seconds * 1000)}ms"]


def measure(place, peer, load, seconds):
    """One turn of one server at one load: a flat row of figures, with the whole report in it."""
    peer.processes.let_go()
    try:
        ask_bench(place, peer, load, amount_of(load, WARM_SECONDS))
        time.sleep(SETTLE_SECONDS)
        cpu, busy, start = peer.processes.cpu(), machine_busy(), time.monotonic()
        report = ask_bench(place, peer, load, amount_of(load, seconds))
        time.sleep(SETTLE_SECONDS)
        elapsed = time.monotonic() - start
        cpu, busy = peer.processes.cpu() - cpu, machine_busy() - busy
        memory = peer.processes.memory()
    finally:
        peer.processes.hold()
        if load.is_upload:
            os.sync()  # what this server has left unsynced is not the next one's to wait for
    if not report["requests"]["measured"]:
        raise Failed("no request was answered in time")
    bytes_moved = report["received_bytes"] + report["sent_bytes"]
    others = busy - cpu - report["client_cpu_seconds"]
    return {
        "peer": peer.name,
        "load": load.name,
        "requests": report["requests"]["measured"],
        "requests_per_second": report["requests"]["per_second"],
        "bytes_per_second": report["bytes_per_second"],
        "cpu_seconds": cpu,
        "cpu_per_byte": cpu / bytes_moved,
        "cpu_per_request": cpu / report["requests"]["measured"],
        "p50": report["latency_seconds"]["p50"],
        "p99": report["latency_seconds"]["p99"],
        "memory_bytes": memory,
        "client_cpu_seconds": report["client_cpu_seconds"],
        "others_share": max(0.0, others) / elapsed / os.cpu_count(),
        "report": report,
    }


def make_objects(place, loads):
    """Random bytes, for nobody to compress; read once, so they are in the page cache."""
    os.makedirs(place.objects)
    os.chmod(place.objects, 0o755)
    for name in {load.object for load in loads if not load.is_upload}:
        path = os.path.join(place.objects, name)
        with open(path, "wb") as file:
            file.write(os.urandom(SIZES[name.removeprefix("size-")]))
            os.fsync(file.fileno())
        place.check_object = name
