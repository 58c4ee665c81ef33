# SPDX-License-Identifier: Apache-2.0
"""bench/compare, once everything is built: starts the servers, lets them take turns, writes the results."""
import argparse
import os
import platform
import re
import signal
import subprocess
import sys
import time

import curl_check
import loads
import peers
import report
import runs
from figures import Rows


GO_PEERS = ("versitygw", "rclone", "minio")


CONDITIONS = """Server and client share the processors, so throughput and latency are those of the pair; CPU is the server's
alone, all its processes and threads, its connections' handshakes included. Everyone has the same files (in the page cache),
certificates and TLS_AES_128_GCM_SHA256, a client certificate where it can ask for one, and no access log; sluice, nginx,
HAProxy and hitch have one worker, Go programs as many threads as they start by default. Nobody is pinned. A server is stopped
(SIGSTOP) while it is not its turn. Ratios are those of pairs within a round: median (least–most). Memory is RssAnon and
RssShmem of all its processes after the load.
"""


def options_read():
    parser = argparse.ArgumentParser(prog="bench/compare")
    for name in ("sluice", "load", "tmp", "peers", "results", "commit", *GO_PEERS):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check-curl", action="store_true")
    parser.add_argument("--wire", default="")  # the rate of the link that --check-curl is over
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 5 if options.quick else 3  # the median of three wanders across a goal
    if options.rounds < 1 or not 0.1 <= options.seconds <= 600:
        parser.error("--rounds is 1 or more, --seconds is 0.1 to 600")
    return options


def say(text):
    print(f"bench/compare: {text}", file=sys.stderr, flush=True)


def version_of(argv, stream="stdout"):
    """The first version-like word of what a program says of itself; "" if it is not there."""
    try:
        run = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True)
    except OSError:
        return ""
    found = re.search(r"\d+\.\d+[\w.+~-]*", run.stderr if stream == "stderr" else run.stdout)
    return found.group(0) if found else ""


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"model name\s*: (.*)", file.read())
    return found.group(1) if found else platform.machine()


def day(seconds):
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def kernel():
    return platform.release().split("-")[0]


def start_all(known):
    """Those that serve, held, and why the others do not."""
    there, missing = [], {}
    for peer in known:
        peer.start()
        if peer.missing:
            say(f"{peer.name} is missing: {peer.missing}")
            missing[peer.name] = " ".join(peer.missing.split()).replace("|", "/")
        else:
            peer.processes.hold()
            there.append(peer)
    return there, missing


def take_turns(place, there, chosen, options):
    """Each round, each load, each server."""
    rows, failures = Rows(), []
    for number in range(1, options.rounds + 1):
        for load in chosen:
            say(f"round {number} of {options.rounds}: {load.title}")
            turn = [peer for peer in there if peer.can(load)]
            for peer in turn[number % len(turn):] + turn[: number % len(turn)]:  # another begins in each round
                try:
                    rows.add(number, runs.measure(place, peer, load, options.seconds))
                except runs.Failed as why:
                    failures.append(f"{peer.name}, {load.title}, round {number}: {why}")
                    say(failures[-1])
    return rows, failures


def head_of(options, rows, there, load_average, started):
    others = sorted(row["others_share"] for row in rows.all) or [0]
    versions = {
        "nginx": version_of(["nginx", "-v"], "stderr"),
        "haproxy": version_of(["haproxy", "-v"]),
        "hitch": version_of(["hitch", "--version"]),
        **{name: os.path.basename(os.path.dirname(getattr(options, name))).removeprefix(name + "-") for name in GO_PEERS},
    }
    versions = {name: version for name, version in versions.items() if name in {peer.name for peer in there}}
    versions |= {"OpenSSL": version_of(["openssl", "version"]), "Linux": kernel()}
    command = "bench/compare" + "".join(f" {word}" for word in sys.argv[1:] if word in ("--quick",))
    command += f" --rounds {options.rounds} --seconds {options.seconds:g}" + (f" --only {options.only}" if options.only else "")
    return f"""# sluice beside others, native

{day(started)}, `{command}`: sluice {version_of([options.sluice, "--version"])} at {options.commit},
{", ".join(f"{name} {version}" for name, version in versions.items())};
{os.cpu_count()} CPUs ({processor()}); {(time.time() - started) / 60:.0f} minutes.

Load average before: {load_average[0]:.2f}. While it was measured, others than the server and its client took
{others[len(others) // 2]:.0%} of the machine (median; at most {others[-1]:.0%}); what the kernel did for no process is in it.

{CONDITIONS}"""


def compare(place, known, options):
    started, load_average = time.time(), os.getloadavg()
    chosen = loads.QUICK if options.quick else loads.FULL
    runs.make_objects(place, chosen)
    there = []
    try:
        there, missing = start_all(known)
        if report.OURS in missing:
            return 1
        rows, failures = take_turns(place, there, chosen, options)
    finally:
        for peer in known:
            peer.processes.stop()
    folder = f"{day(started)}-{os.cpu_count()}cpu-linux-{kernel()}{'-quick' if options.quick else ''}"
    head = head_of(options, rows, there, load_average, started)
    print(report.write(os.path.join(options.results, folder), head, rows, known, missing, failures, chosen))
    say(f"written to bench/results/{folder}")
    return 1 if failures else 0


def check_curl(place, known, options):
    runs.make_objects(place, [loads.BYTES])
    try:
        there, _ = start_all([peer for peer in known if peer.name in ("sluice", "nginx")])
        return curl_check.run(place, there, options)
    finally:
        for peer in known:
            peer.processes.stop()


def main():
    options = options_read()
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))
    place = peers.Place(options)
    known = peers.all_peers(place, options)
    names = {peer.name for peer in known}
    only = set(options.only.split(",")) if options.only else names
    if only - names:
        say(f"no such peer: {', '.join(sorted(only - names))}; there are {', '.join(peer.name for peer in known)}")
        return 2
    known = [peer for peer in known if peer.name in only or peer.name.startswith("sluice")]
    return check_curl(place, known, options) if options.check_curl else compare(place, known, options)


sys.exit(main())
