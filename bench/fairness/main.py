# SPDX-License-Identifier: Apache-2.0
"""bench/fair, once everything is built: runs the rows, each within its bound, and writes the table."""
import argparse
import os
import signal
import sys
import time

import machine
import rows
from place import Place
from remote import Failed, Stuck
from scenario import WAIT_MAX, verdict

CONDITIONS = """Server and clients share the processors. The healthy client has a process for each kind of request and a real-time
priority where this machine allows it, so that it is not kept waiting for a processor by what the server does; its requests are due
at a fixed rate, and each counts from when it was due. Undisturbed and disturbed windows of {window:g} s (rows that write to the disk: {twice:g} s)
take turns, with a fresh server for each round. Stated are medians of the rounds, in milliseconds, and of the disturbed p99 the
least and the most; "> " is before what had no answer when its window ended. The goal of each row: p99 at most twice that of the
undisturbed, or 10 ms more where that is more, and no error. Idle is the share of the machine that was, waiting for the disk
included. Others is the share that processes beside the server and its clients used; threads of the kernel, which write to the
disk, are in it. A row is void if the server waited for a CPU, which others had, for more than {wait:.0f} ms a second while undisturbed, or if
the disturbing client did not do what the row claims."""


class TooLong(Exception):
    pass


class Bench:
    def __init__(self, options):
        self.options = options
        self.is_quick = options.quick
        self.rounds = options.rounds or (3 if options.quick else 5)
        self.window = 2.0 if options.quick else 5.0
        self.keys = 50_000 if options.quick else 300_000
        self.bodies = 200 if options.quick else 700
        self.hellos = 500 if options.quick else 1000
        self.pairs = 20 if options.quick else 40
        self.uploads_max = 20_000 if options.quick else 100_000
        self.pid = os.getpid()
        self.place = Place(options.sluice, options.tmp)

    @staticmethod
    def say(text):
        print(f"bench/fair: {text}", file=sys.stderr, flush=True)


def options_read():
    parser = argparse.ArgumentParser(prog="bench/fair", usage="bench/fair [--quick] [--row NAME]... [--rounds N]")
    for name in ("sluice", "tmp", "results", "commit"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--row", action="append", default=[])
    parser.add_argument("--rounds", type=int)
    options = parser.parse_args()
    names = [row.name for row in rows.ROWS]
    unknown = [name for name in options.row if name not in names]
    if unknown:
        parser.error(f"no row {unknown[0]}; there are: {' '.join(names)}")
    if options.rounds is not None and not 1 <= options.rounds <= 100:
        parser.error("--rounds is 1 to 100")
    return options


def run_row(kind, bench):
    """The row, and why it has no result: "" if it has one."""
    row = kind(bench)
    bound = row.bound * (row.rounds + 1) * (1 if bench.is_quick else 2)

    def too_long(*_):
        raise TooLong()
    signal.signal(signal.SIGALRM, too_long)
    start = time.monotonic()
    signal.alarm(bound)
    try:
        row.run()
        why = ""
    except TooLong:
        why = f"> {bound} s"
    except (Stuck, Failed) as error:
        why = str(error)
    finally:
        signal.alarm(0)
    bench.say(f"{row.name}: {why or 'done'} after {time.monotonic() - start:.0f} s")
    return row, why


def share(values):
    return f"{sorted(values)[len(values) // 2]:.0%}" if values else ""


def line(cells):
    return "| " + " | ".join(cells) + " |"


def tables(done):
    out = ["| row | healthy request | alone p50 | p99 | disturbed p50 | p99 (least–most) | ratio | goal | errors | |"
           " idle alone | disturbed |", "|---|---|--:|--:|--:|--:|--:|--:|--:|---|--:|--:|"]
    for row, why in done:
        for result in row.results:
            if result.beside:
                title, *cells = result.cells()
                cells[-1] = "void" if row.flaws else cells[-1]
                idle = [share(row.idle_alone), share(row.idle_beside)]
                out.append(line([row.name, title, *cells, *idle]))
            if why:
                out.append(line([row.name, result.title, *[""] * 3, why, *[""] * 3, verdict(False), "", ""]))
    out += ["", "| row | figure | unit | alone | disturbed (least–most) | goal | |", "|---|---|---|--:|--:|--:|---|"]
    for row, why in done:
        for figure in row.figures:
            if figure.values:
                out.append(line([row.name, *figure.cells()]))
            if why:
                out.append(line([row.name, figure.title, figure.unit, "", why, "", verdict(False)]))
    out += ["", "What happened in each row; where rounds differ, in its last:", ""]
    for row, why in done:
        said = list(row.notes.values()) + [f"**void: {flaw}**" for flaw in row.flaws] + ([f"**stopped: {why}**"] if why else [])
        out.append(f"- **{row.name}**, {row.title}. " + "; ".join(said) + ".")
    return "\n".join(out)


def head_of(bench, started, load_average, done):
    others = sorted(value for row, _ in done for value in row.others) or [0]
    waits = sorted(value for row, _ in done for value in row.waits) or [0]
    late = max((row.late for row, _ in done), default=0)
    options = bench.options
    command = "bench/fair" + (" --quick" if bench.is_quick else "") + (f" --rounds {options.rounds}" if options.rounds else "")
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    command += "".join(f" --row {name}" for name in options.row)
    return f"""# What one client does to another

{time.strftime("%Y-%m-%d", time.gmtime(started))}, `{command}`: sluice {machine.version_of([options.sluice, "--version"])} at {options.commit}, \
Linux {machine.kernel()}, OpenSSL {machine.version_of(["openssl", "version"])}, Python {sys.version.split()[0]}, {machine.cpus()} CPUs \
({machine.processor()}), file system {machine.file_system(options.tmp)}; {(time.time() - started) / 60:.1f} minutes.

Load average before: {load_average[0]:.2f}{f", niceness of the bench: {niceness}" if niceness else ""}. Others used {others[len(others) // 2]:.0%} of the machine (median of all windows; at most \
{others[-1]:.0%}). Undisturbed, the server waited for a CPU {waits[len(waits) // 2] * 1e3:.1f} ms a second (median; at most \
{waits[-1] * 1e3:.1f} ms). The healthy client sent its requests at most {late * 1e3:.1f} ms late (p99 of its worst window).

{CONDITIONS.format(window=bench.window, twice=2 * bench.window, wait=WAIT_MAX * 1e3)}
"""


def is_reached(row, why):
    return not why and not row.flaws and all(result.is_reached() for result in row.results) and all(figure.is_reached() for figure in row.figures)


def main():
    options = options_read()
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))
    started, load_average = time.time(), os.getloadavg()
    bench = Bench(options)
    rows.make_object_with_metadata(bench.place)
    done = [run_row(kind, bench) for kind in rows.ROWS if not options.row or kind.name in options.row]
    text = head_of(bench, started, load_average, done) + "\n" + tables(done) + "\n"
    print(text)
    if not options.row:
        name = f"{time.strftime('%Y-%m-%d', time.gmtime(started))}-fair{'-quick' if bench.is_quick else ''}.md"
        with open(f"{options.results}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        bench.say(f"written to bench/results/{name}")
    return 0 if all(is_reached(row, why) for row, why in done) else 1


sys.exit(main())
