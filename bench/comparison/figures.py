# SPDX-License-Identifier: Apache-2.0
"""What the rows of a run say: medians with their least and most, and ratios by pairs within a round."""
import statistics
from dataclasses import dataclass

import loads


@dataclass(frozen=True)
class Spread:
    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values):
        return cls(statistics.median(values), min(values), max(values))

    def text(self, scale=1.0, digits=2):
        return f"{self.median * scale:,.{digits}f} ({self.least * scale:,.{digits}f}–{self.most * scale:,.{digits}f})"


class Rows:
    """All measurements: a row for each round, server and load."""

    def __init__(self):
        self.all = []

    def add(self, round_number, row):
        self.all.append({"round": round_number, **row})

    def of(self, load, peer):
        return [row for row in self.all if row["load"] == load.name and row["peer"] == peer]

    def spread(self, load, peer, field):
        """None where nothing was measured."""
        values = [row[field] for row in self.of(load, peer)]
        return Spread.of(values) if values and None not in values else None

    def ratio(self, load, peer, other, field):
        """peer / other, of each round in which both were measured. None if there is none."""
        below = {row["round"]: row[field] for row in self.of(load, other)}
        values = [row[field] / below[row["round"]] for row in self.of(load, peer) if row["round"] in below]
        return Spread.of(values) if values else None


@dataclass(frozen=True)
class Goal:
    text: str
    load: loads.Load
    field: str
    other: str
    limit: float
    is_least: bool = False  # the ratio is to be at least that, not at most

    def is_reached(self, ratio):
        return ratio.median >= self.limit if self.is_least else ratio.median <= self.limit

    @property
    def said(self):
        return f"{'≥' if self.is_least else '≤'} {self.limit}"


GOALS = [
    Goal("objects of 64 MiB, userspace TLS, server CPU a byte", loads.BYTES, "cpu_per_byte", "nginx", 0.75),
    Goal("ranges of 16 KiB, userspace TLS, requests a second of one worker", loads.RANGES, "requests_per_second", "nginx", 1.4,
         is_least=True),
    Goal("the same, requests a second of the worker's CPU, which other work on the machine does not take away", loads.RANGES,
         "requests_per_cpu_second", "nginx", 1.4, is_least=True),
    Goal("uploads of 64 MiB, durable, server CPU a byte", loads.UPLOADS, "cpu_per_byte", "versitygw", 0.4),
    Goal("uploads of 64 MiB, durable, server CPU a byte", loads.UPLOADS, "cpu_per_byte", "minio", 0.4),
    Goal("full mutual handshake, server CPU", loads.HANDSHAKES, "cpu_per_request", "nginx", 0.6),
]
