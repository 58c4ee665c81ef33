#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/breakdown.py FOLDER TOP [DEBUG_FOLDER]: samples of bench/breakdown-guest -> where instructions are spent.

In:   FOLDER: `lines` (results that were counted without sampling), kallsyms, and of each server and
      test SERVER-TEST.samples and .maps. The servers' programs and libraries lie where they lay in
      the guest. DEBUG_FOLDER: files with symbols of stripped libraries, by build id as in /usr/lib/debug.
Out:  a table of classes for each test, and the TOP functions of each server.
A function that has no name of its own is shown as [after NAME], the exported one in front of it.
"""
import bisect
import collections
import functools
import os
import re
import statistics
import subprocess
import sys

CLASSES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "breakdown.classes")
UNITS = {"whole": "byte", "ranges": "request", "handshakes": "handshake", "uploads": "byte"}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


class Symbols:
    """Addresses in order; an end of None means up to the next one."""

    def __init__(self, rows):
        self.rows = sorted(rows, key=lambda row: row[0])
        self.starts = [row[0] for row in self.rows]

    def name(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        if i < 0:
            return "[start]"
        _, end, name = self.rows[i]
        return name if end is None or address < end else f"[after {name}]"


def debug_file(path, debug_folder):
    found = re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-n", path))
    build_id = found.group(1) if found else "none"
    for folder in (debug_folder, "/usr/lib/debug"):
        file = f"{folder}/.build-id/{build_id[:2]}/{build_id[2:]}.debug"
        if os.path.exists(file):
            return file
    return None


def file_symbols(path, debug_folder):
    for command in (["nm", "-S", debug_file(path, debug_folder) or path], ["nm", "-S", "-D", path]):
        rows = {}
        for line in run(*command, "--defined-only").splitlines():
            word = line.split()
            if len(word) in (3, 4) and word[-2] in "tTwWiu":
                start = int(word[0], 16)
                size = int(word[1], 16) if len(word) == 4 else 0
                # Of several names for one place the shortest without underscores in front.
                name = word[-1].split("@")[0]
                key = (name.startswith("_"), len(name))
                if start not in rows or key < rows[start][0]:
                    rows[start] = (key, start, start + size if size else None, name)
        if rows:
            return Symbols([row[1:] for row in rows.values()])
    return Symbols([])


class Binary:
    """Names of a file's addresses; samples know the offset in the file."""

    def __init__(self, path, debug_folder):
        if not os.path.exists(path):  # the guest has one folder of programs
            path = path.replace("/usr/bin/", "/usr/sbin/")
        self.object = os.path.basename(os.path.realpath(path)) if os.path.exists(path) else path
        self.symbols = file_symbols(path, debug_folder)
        self.segments = []
        for line in run("readelf", "-lW", path).splitlines():
            word = line.split()
            if word and word[0] == "LOAD":
                self.segments.append(tuple(int(w, 16) for w in (word[1], word[2], word[4])))

    def name(self, offset):
        for start, address, size in self.segments:
            if start <= offset < start + size:
                return self.symbols.name(offset - start + address)
        return self.symbols.name(offset)


def kernel_read(folder):
    rows, objects = [], {}
    with open(f"{folder}/kallsyms", encoding="ascii", errors="replace") as file:
        for line in file:
            word = line.split()
            if word[1] in "tTwW":
                rows.append((int(word[0], 16), None, word[2]))
                objects[word[2]] = word[3] if len(word) > 3 else "kernel"
    return Symbols(rows), objects


class Resolver:
    def __init__(self, folder, debug_folder):
        self.kernel, self.kernel_object = kernel_read(folder)
        self.binary = functools.lru_cache(None)(lambda path: Binary(path, debug_folder))
        self.maps = []

    def maps_read(self, file):
        self.maps = []
        with open(file, encoding="ascii", errors="replace") as lines:
            for line in lines:
                word = line.split()
                if "x" in word[1]:
                    start, end = (int(w, 16) for w in word[0].split("-"))
                    path = word[5] if len(word) > 5 else "[anonymous]"
                    self.maps.append((start, end, int(word[2], 16), path))

    def resolve(self, address):
        """(object, symbol)"""
        if address >> 63:
            symbol = self.kernel.name(address)
            found = self.kernel_object.get(symbol, "kernel")
            return ("bpf", symbol) if found == "[bpf]" else (found, symbol)
        for start, end, offset, path in self.maps:
            if start <= address < end:
                binary = self.binary(path)
                return binary.object, binary.name(address - start + offset)
        return "[unknown]", "[unknown]"


def classes_read():
    rows = []
    with open(CLASSES, encoding="ascii") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, objects, symbols = (part.strip() for part in line.split(" | "))
                rows.append((name, re.compile(objects), re.compile(symbols)))
    return rows


@functools.lru_cache(None)
def classify(found):
    name = re.sub(r"^\[after (.*)\]$", r"\1", found[1])
    for row, objects, symbols in classes_read_once():
        if objects.fullmatch(found[0]) and (symbols.match(found[1]) or symbols.match(name)):
            return row
    return "other"


classes_read_once = functools.lru_cache(None)(classes_read)


def samples_read(file, resolver):
    """Counters of classes and of (symbol, object), and how many samples there are."""
    classes, symbols, total = collections.Counter(), collections.Counter(), 0
    with open(file, encoding="ascii") as lines:
        for line in lines:
            chain = [resolver.resolve(int(word, 16)) for word in line.split()]
            for found in chain:
                row = classify(found)
                if row != "caller":
                    break
            else:
                row = "kernel, other"
            classes[row] += 1
            symbols[chain[0]] += 1
            total += 1
    return classes, symbols, total


def results_read(folder):
    """Instructions a unit, counted without sampling: {(server, test): median}"""
    values = collections.defaultdict(list)
    with open(f"{folder}/lines", encoding="ascii", errors="replace") as file:
        for line in file:
            word = line.split()
            if word[:1] == ["result"]:
                units = int(word[8] if UNITS[word[2]] == "byte" else word[6])
                values[word[1], word[2]].append(int(word[12]) / units)
    return {key: statistics.median(value) for key, value in values.items()}


def figure(value, test):
    return f"{value:.3f}" if UNITS[test] == "byte" else f"{value:,.0f}"


def class_table(test, servers, parts, results):
    print(f"\n## {test.capitalize()}: instructions a {UNITS[test]}, and percent\n")
    print("| where |" + "".join(f" {server} | % |" for server in servers))
    print("|---|" + "--:|--:|" * len(servers))
    order = list(dict.fromkeys([row[0] for row in classes_read_once()] + ["other"]))
    for row in order:
        if not any(parts[server][0][row] for server in servers):
            continue
        cells = ""
        for server in servers:
            classes, _, total = parts[server]
            share = classes[row] / total
            cells += f" {figure(share * results[server, test], test)} | {100 * share:.1f} |"
        print(f"| {row} |{cells}")
    print("| **all, counted without sampling** |" +
          "".join(f" {figure(results[server, test], test)} | |" for server in servers))
    print("| samples |" + "".join(f" {parts[server][2]:,} | |" for server in servers))


def top_tables(test, servers, parts, results, top):
    for server in servers:
        _, symbols, total = parts[server]
        print(f"\n### {test.capitalize()}, {server}: functions\n")
        print(f"| % | instructions a {UNITS[test]} | function | of | class |")
        print("|--:|--:|---|---|---|")
        for found, count in symbols.most_common(top):
            value = figure(count / total * results[server, test], test)
            print(f"| {100 * count / total:.1f} | {value} | `{found[1]}` | {found[0]} | {classify(found)} |")


def main():
    folder, top = sys.argv[1], int(sys.argv[2])
    resolver = Resolver(folder, sys.argv[3] if len(sys.argv) > 3 else "/usr/lib/debug")
    results = results_read(folder)
    for test in UNITS:
        servers = [server for server, name in results
                   if name == test and os.path.exists(f"{folder}/{server}-{test}.samples")]
        parts = {}
        for server in servers:
            resolver.maps_read(f"{folder}/{server}-{test}.maps")
            parts[server] = samples_read(f"{folder}/{server}-{test}.samples", resolver)
        if servers:
            class_table(test, servers, parts, results)
            top_tables(test, servers, parts, results, top)


if __name__ == "__main__":
    main()
