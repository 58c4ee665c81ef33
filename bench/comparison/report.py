# SPDX-License-Identifier: Apache-2.0
"""The tables in Markdown, the plots, the raw rows: what a folder of results holds."""
import json
import os

import loads
import svg
from figures import GOALS

MIB, GIB = 1024 ** 2, 1024 ** 3
OURS = "sluice"  # what ratios are to


def table(head, rows, right):
    """Markdown; columns from number right on are numbers."""
    lines = ["| " + " | ".join(head) + " |", "|" + "".join("---|" if i < right else "--:|" for i in range(len(head)))]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def goals(rows, missing):
    out = []
    for goal in GOALS:
        ratio = rows.ratio(goal.load, OURS, goal.other, goal.field)
        if ratio is None:
            said = ["-", f"not measured: {missing.get(goal.other, 'not among --only, or failed')}"]
        else:
            said = [ratio.text(digits=3), "reached" if goal.is_reached(ratio) else "**MISSED**"]
        out.append([goal.text, f"{OURS} / {goal.other}", goal.said, *said])
    return table(["work", "ratio", "goal", "measured: median (least–most)", ""], out, 2)


def measures(load):
    """Of speed and of cost: field, factor, unit."""
    if load.counts_requests:
        return ("requests_per_second", 1, "requests/s"), ("cpu_per_request", 1e6, "µs a request")
    return ("bytes_per_second", 1 / MIB, "MiB/s"), ("cpu_per_byte", GIB, "s a GiB")


def load_table(rows, load, peers, missing):
    """One load: every server, or why it is not there."""
    (field, scale, unit), (cost, cost_scale, cost_unit) = measures(load)
    head = ["server", unit, f"CPU, {cost_unit}", f"{OURS} / it: CPU", f"{OURS} / it: {unit}", "p50, ms", "p99, ms", "memory, MiB"]
    out = []
    for peer in peers:
        if peer.name in missing:
            continue
        if rows.of(load, peer.name):
            spread = {name: rows.spread(load, peer.name, name) for name in (field, cost, "p50", "p99", "memory_bytes")}
            ratios = [rows.ratio(load, OURS, peer.name, name) for name in (cost, field)]
            latency = [spread[name].text(1e3) if spread[name] else "-" for name in ("p50", "p99")]
            out.append([peer.name, spread[field].text(scale, 0), spread[cost].text(cost_scale),
                        *(ratio.text() if ratio else "-" for ratio in ratios), *latency,
                        f"{spread['memory_bytes'].median / MIB:.1f}"])
        else:
            out.append([peer.name, "not of this load" if not peer.can(load) else "FAILED", *[""] * (len(head) - 2)])
    absent = f"\nMissing, for the reasons above: {', '.join(missing)}.\n" if missing else ""
    return f"### {load.heading}\n\n" + table(head, out, 1) + absent


def svg_write(folder, name, content):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(content)
    return name


def bars(rows, peers, folder):
    """Every server at the loads of the goals. Names of the files."""
    made = []
    for load in loads.QUICK:
        speed, cost = measures(load)
        for name, what, (field, scale, unit) in (("cpu", "server CPU", cost), ("throughput", "throughput", speed)):
            spreads = {peer.name: rows.spread(load, peer.name, field) for peer in peers if rows.of(load, peer.name)}
            values = {server: (s.median * scale, s.least * scale, s.most * scale) for server, s in spreads.items() if s}
            if values:
                title = f"{load.heading}: {what}"
                made.append(svg_write(folder, f"{name}-{load.kind}.svg", svg.bars(title, unit, values)))
    return made


def plots(rows, peers, folder):
    """Against object size, and against connections; where there is more than one of them. Names of the files."""
    made = []
    kinds = {
        "size": ([load for load in loads.FULL if load.kind == "whole" and load.connections == 8], "object", "8 connections"),
        "connections-4MiB": ([load for load in loads.FULL if load.kind == "whole" and load.size == "4MiB"], "connections",
                             "objects of 4 MiB"),
        "connections-16KiB": ([load for load in loads.FULL if load.kind == "range"], "connections", "ranges of 16 KiB"),
    }
    units = {
        "throughput": ("bytes_per_second", 1 / MIB, "Throughput", "MiB/s"),
        "cpu": ("cpu_per_byte", GIB, "Server CPU", "seconds a GiB"),
        "latency": ("p50", 1e3, "Latency, p50", "ms"),
    }
    for kind, (chosen, x_title, what) in kinds.items():
        chosen = [load for load in chosen if rows.of(load, OURS)]
        chosen.sort(key=lambda load: (loads.SIZES[load.size], load.connections))
        if len(chosen) < 2:
            continue
        places = [load.size if kind == "size" else load.connections for load in chosen]
        for unit, (field, scale, title, y_title) in units.items():
            lines = {}
            for peer in peers:
                spreads = {place: rows.spread(load, peer.name, field) for place, load in zip(places, chosen)}
                points = {place: (s.median * scale, s.least * scale, s.most * scale) for place, s in spreads.items() if s}
                if points:
                    lines[peer.name] = points
            plot = svg.plot(f"{title}, {what}", x_title, y_title, places, lines)
            made.append(svg_write(folder, f"{unit}-{kind}.svg", plot))
    return made


def write(folder, head, rows, peers, missing, failures, chosen):
    """The whole folder. The text of the table."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "rows.json"), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(row) for row in rows.all) + "\n]\n")
    parts = [head, "## Goals\n", goals(rows, missing)]
    parts += ["## Servers\n", table(["name", "what it is"], [[p.name, missing_or_about(p, missing)] for p in peers], 2)]
    if failures:
        parts += ["## Could not be measured\n", "\n".join(f"- {text}" for text in failures) + "\n"]
    parts.append("## Loads\n")
    parts += [load_table(rows, load, peers, missing) for load in chosen]
    made = bars(rows, peers, folder) + plots(rows, peers, folder)
    if made:
        parts += ["## Plots\n", "\n".join(f"![{name.removesuffix('.svg')}]({name})" for name in made) + "\n"]
    text = "\n".join(parts)
    with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as file:
        file.write(text)
    return text


def missing_or_about(peer, missing):
    return f"{peer.about}. **Missing**: {missing[peer.name]}" if peer.name in missing else peer.about
