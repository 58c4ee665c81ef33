# SPDX-License-Identifier: Apache-2.0
"""What is asked of a server: a mix of sluice bench, an object, a number of connections."""
from dataclasses import dataclass

KIB, MIB = 1024, 1024 * 1024
SIZES = {"1KiB": KIB, "16KiB": 16 * KIB, "256KiB": 256 * KIB, "4MiB": 4 * MIB, "64MiB": 64 * MIB}


@dataclass(frozen=True)
class Load:
    mix: str  # of sluice bench
    size: str  # of the object, of the range, of the upload
    connections: int

    @property
    def name(self):
        return f"{self.mix}{'' if ':' in self.mix or self.mix == 'handshake' else ' ' + self.size}, {self.connections}"

    @property
    def title(self):
        what = {
            "whole": f"objects of {self.size}",
            "range": f"ranges of {self.size} of an object of 64MiB",
            "put": f"uploads of {self.size}",
            "thanos": "the mix of a Thanos store gateway on an object of 64MiB",
            "handshake": "full mutual handshake, one byte, close",
        }[self.kind]
        return f"{what}; connections: {self.connections}"

    @property
    def heading(self):
        return self.title[0].upper() + self.title[1:]

    @property
    def kind(self):
        return self.mix.split(":")[0]

    @property
    def is_upload(self):
        return self.kind == "put"

    @property
    def counts_requests(self):
        """Whether requests matter, not bytes."""
        return self.kind == "handshake" or SIZES[self.size] < 256 * KIB

    @property
    def object(self):
        """Its name in the folder of objects."""
        return f"size-{self.size if self.kind == 'whole' else '64MiB'}"


BYTES = Load("whole", "64MiB", 8)
RANGES = Load("range:16KiB", "16KiB", 8)
UPLOADS = Load("put:64MiB", "64MiB", 2)
HANDSHAKES = Load("handshake", "1KiB", 8)
QUICK = [BYTES, RANGES, UPLOADS, HANDSHAKES]
FULL = (
    [Load("whole", size, 8) for size in SIZES]
    + [Load("whole", "4MiB", connections) for connections in (1, 64)]
    + [Load("range:16KiB", "16KiB", connections) for connections in (1, 8, 64)]
    + [Load("thanos", "16KiB", 8), HANDSHAKES, Load("put:16KiB", "16KiB", 8), UPLOADS]
)
