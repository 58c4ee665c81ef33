# SPDX-License-Identifier: Apache-2.0
"""One measurement: sluice bench (or, without TLS, load of bench/) at one server, with that server's CPU time."""
import json
import os
import subprocess
import time
from dataclasses import replace

from loads import MIB, SIZES
from processes import kernel_sealed, machine_busy

WARM_SECONDS = 0.3
SETTLE_SECONDS = 0.1  # for the server to do what it does behind the last response
CIPHER = "AES-128-GCM"
DOWNLOAD_BYTES, UPLOAD_BYTES = 768 * MIB, 256 * MIB  # a second, about: for how many to ask to take as long as is wanted
PLAIN_REQUESTS, PLAIN_BYTES = 20000, 2048 * MIB  # the same, of load


class Failed(Exception):
    """A measurement that could not be made."""


def ask_bench(place, peer, load, amount):
    """The report of sluice bench, without a warm-up of its own, so that it is of all it did. amount: its options for that."""
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
    report.pop("target")  # a port of this run
    if run.returncode != 0 or report["requests"]["failed"]:
        raise Failed(f"sluice bench: {report['requests']['failed']} requests failed: {report['first_error'] or said}")
    if CIPHER not in report["tls"]["cipher"].upper().replace("_", "-"):
        raise Failed(f"the cipher is {report['tls']['cipher']}, not {CIPHER}")
    return report


def amount_of(load, seconds):
    """How long; what is large by its number, for nothing to be half done at the end: half an upload is not synced."""
    if not load.counts_requests:
        bytes_a_second = UPLOAD_BYTES if load.is_upload else DOWNLOAD_BYTES
        return ["--requests", str(max(load.connections, round(seconds * bytes_a_second / SIZES[load.size])))]
    return ["--duration", f"{int(seconds * 1000)}ms"]


def ask_plain(place, peer, load, seconds):
    """What load says, in those words of a report of sluice bench that it has an answer for. It knows no latency."""
    size = SIZES[load.size]
    count = max(load.connections, int(seconds * min(PLAIN_REQUESTS, PLAIN_BYTES / size)))
    what = ["--ranges", str(count), "--range-bytes", str(size)] if load.kind == "range" else ["--whole", str(count)]
    run = subprocess.run(
        [place.load, "--target", f"127.0.0.1:{peer.port}", "--path", f"/bench/{load.object}", "--connections",
         str(load.connections), *what],
        stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if run.returncode != 0:
        raise Failed(run.stderr.decode("utf-8", "replace").strip()[-300:])
    words = run.stdout.decode("ascii").split()
    said = {name: float(value) for name, value in zip(words[::2], words[1::2])}
    return {
        "requests": {"measured": int(said["requests"]), "per_second": said["requests"] / said["seconds"]},
        "received_bytes": said["bytes"],
        "sent_bytes": 0,
        "bytes_per_second": said["bytes"] / said["seconds"],
        "latency_seconds": {"p50": None, "p99": None},
        "client_cpu_seconds": said["own_ns"] / 1e9,
    }


def ask(place, peer, load, seconds):
    if peer.is_plain:
        return ask_plain(place, peer, load, seconds)
    return ask_bench(place, peer, load, amount_of(load, seconds))


def measure(place, peer, load, seconds):
    """One turn of one server at one load: a flat row of figures, with the whole report in it."""
    peer.processes.let_go()
    try:
        ask(place, peer, replace(load, connections=1), WARM_SECONDS)  # the first use of everything
        time.sleep(SETTLE_SECONDS)
        sealed, cpu, busy, start = kernel_sealed(), peer.processes.cpu(), machine_busy(), time.monotonic()
        report = ask(place, peer, load, seconds)
        time.sleep(SETTLE_SECONDS)
        elapsed = time.monotonic() - start
        cpu, busy = peer.processes.cpu() - cpu, machine_busy() - busy
        memory = peer.processes.memory()
    finally:
        peer.processes.hold()
        if load.is_upload:
            os.sync()  # what this server has left unsynced is not the next one's to wait for
    if (kernel_sealed() > sealed) != peer.is_kernel:  # the client does without
        raise Failed(f"its records were {'not ' if peer.is_kernel else ''}sealed by the kernel")
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
        "requests_per_cpu_second": report["requests"]["measured"] / cpu,
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
