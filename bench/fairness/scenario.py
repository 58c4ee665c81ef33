# SPDX-License-Identifier: Apache-2.0
"""What a row of the table is: rounds without and with a disturbance, and what is said of them."""
import math
import statistics
import time

import machine
from crowd import Crowd
from lane import GRACE, Lane
from place import Server
from remote import Remote, Stuck

RATIO_MAX, MORE_MAX = 2, 0.010  # the goal: p99 at most so many times that of the undisturbed, or so many seconds more
QUANTILE = 0.99
# Seconds a second that the server waits for a CPU while the healthy client is undisturbed: with more nothing can be said.
WAIT_MAX = 0.1


class Cell:
    """Latencies of one kind of request in one window."""

    def __init__(self, found):
        samples = sorted([(seconds, True) for seconds in found["times"]] + [(seconds, False) for seconds in found["unanswered"]])
        self.count = len(samples) + sum(found["errors"].values())
        self.unanswered = len(found["unanswered"])
        self.errors = found["errors"]
        self.late = sorted(found["late"])[int(len(found["late"]) * QUANTILE)]
        self.p50, _ = self.at(samples, 0.5)
        self.p99, self.is_answered = self.at(samples, QUANTILE)

    @staticmethod
    def at(samples, share):
        """(seconds, was it answered?) of a quantile; all failed: infinite."""
        return samples[max(math.ceil(len(samples) * share) - 1, 0)] if samples else (math.inf, True)


def ms(seconds):
    return "–" if math.isinf(seconds) else f"{seconds * 1e3:,.2f}" if seconds < 0.01 else f"{seconds * 1e3:,.0f}"


class Result:
    """One line of the table of latencies."""

    def __init__(self, title):
        self.title = title
        self.alone, self.beside = [], []  # cells, one a round

    def p99_of(self, cells):
        return statistics.median(cell.p99 for cell in cells)

    def errors(self):
        """Of both halves: neither is to have any."""
        return sum(sum(cell.errors.values()) for cell in self.alone + self.beside)

    def limit(self):
        alone = self.p99_of(self.alone)
        return max(alone * RATIO_MAX, alone + MORE_MAX)

    def is_reached(self):
        return self.errors() == 0 and self.p99_of(self.beside) <= self.limit()

    def cells(self):
        p99, least, most = (f(cell.p99 for cell in self.beside) for f in (statistics.median, min, max))
        bound = "" if all(cell.is_answered for cell in self.beside) else "> "
        alone = self.p99_of(self.alone)
        ratio = p99 / alone
        return [
            self.title,
            ms(statistics.median(cell.p50 for cell in self.alone)),
            ms(alone),
            ms(statistics.median(cell.p50 for cell in self.beside)),
            f"{bound}{ms(p99)} ({ms(least)}–{ms(most)})" if math.isfinite(p99) else "none",
            "" if math.isinf(ratio) else f"{bound}{ratio:,.1f}" if ratio < 10 else f"{bound}{ratio:,.0f}",
            f"≤ {ms(self.limit())}",
            str(self.errors()),
            verdict(self.is_reached()),
        ]

    def told(self):
        """What the table has no room for."""
        said = []
        unanswered, count = sum(cell.unanswered for cell in self.beside), sum(cell.count for cell in self.beside)
        if unanswered:
            said.append(f"{unanswered} of {count} had no answer when their window ended")
        errors = sum((cell.errors for cell in self.alone + self.beside), start=type(self.beside[0].errors)())
        said += [f"{number} failed: {what}" for what, number in errors.most_common()]
        return f"{self.title}: {'; '.join(said)}" if said else None


def verdict(is_reached):
    return "reached" if is_reached else "**missed**"


class Figure:
    """One line of the table of other figures: a value a round, a goal, and the same without the disturbance."""

    def __init__(self, title, unit, goal, digits=1):
        self.title, self.unit, self.goal, self.digits = title, unit, goal, digits
        self.values, self.undisturbed = [], []
        self.is_bound_hit = False  # a value is at least what it says

    def is_reached(self):
        return not self.is_bound_hit and statistics.median(self.values) <= self.goal

    def cells(self):
        def text(value):
            return f"{value:,.{self.digits}f}"
        alone = text(statistics.median(self.undisturbed)) if self.undisturbed else ""
        bound = "> " if self.is_bound_hit else ""
        return [self.title, self.unit, alone,
                f"{bound}{text(statistics.median(self.values))} ({text(min(self.values))}–{text(max(self.values))})",
                f"≤ {text(self.goal)}", verdict(self.is_reached())]


class Scenario:
    """A row. What it does to the server is in connect, begin and end; each is called once a round."""
    name = title = ""
    requests = ()  # of the healthy client
    bound = 30  # seconds for each round, and for what is made before the first; without --quick twice as many
    server_options = ()
    files_max = None
    is_slow = False  # with --quick half the rounds

    def __init__(self, bench):
        self.bench = bench
        self.place = bench.place
        self.rounds = max(1, bench.rounds // 2) if self.is_slow and bench.is_quick else bench.rounds
        self.window = bench.window
        self.results = [Result(request.title) for request in self.requests]
        self.figures = []
        self.notes = {}  # what happened: what is told, to the words; of the last round, where rounds differ
        self.flaws = []  # why the row says nothing
        self.idle_alone, self.idle_beside, self.others, self.waits = [], [], [], []
        self.late = 0.0
        self.server = self.crowd = self.helper = None
        self.lanes = []

    # ---- What rows do ----

    def prepare(self):
        """Once, before the first round."""

    def connect(self):
        """The disturbing client connects, and asks for nothing."""

    def begin(self):
        """The disturbance begins; it is in force on return."""

    def yardstick(self):
        """Something to measure the disturbance against, in place of no load. Returns its end, to be called."""

    def watch(self):
        """Called ten times a second while the disturbed are measured."""

    def end(self):
        """The disturbance ends; what has become of it is noted."""

    # ---- Rounds ----

    def note(self, text):
        """What comes before a colon is what is told."""
        if text:
            self.notes[text.split(":")[0]] = text

    def expect(self, is_so, text):
        if not is_so and text not in self.flaws:
            self.flaws.append(text)

    def start_server(self):
        self.server = Server(self.place, self.server_options, self.files_max).wait()

    def open_lanes(self):
        for lane in self.lanes:
            lane.start("open", self.server.port)
        for lane in self.lanes:
            lane.result(20)

    def measure(self, watch=None):
        """A window of all kinds of requests at once: their cells."""
        pids = [self.server.pid, self.bench.pid, *(remote.pid for remote in [*self.lanes, self.crowd, self.helper] if remote)]
        busy, waited = machine.Busy(pids), machine.waited_for_cpu(self.server.pid)
        for lane in self.lanes:
            lane.start("run", self.window)
        end = time.monotonic() + self.window
        while watch and time.monotonic() < end:
            watch()
            time.sleep(0.1)
        cells = [Cell(lane.result(self.window + GRACE + 20)) for lane in self.lanes]
        idle, others = busy.read()
        if watch is None and self.helper is None:
            self.waits.append((machine.waited_for_cpu(self.server.pid) - waited) / self.window)
        self.others.append(others)
        self.late = max(self.late, *(cell.late for cell in cells))
        return cells, idle

    def round(self):
        self.start_server()
        self.open_lanes()
        stop = self.yardstick()
        cells, idle = self.measure()
        if stop:
            stop()
        self.idle_alone.append(idle)
        for result, cell in zip(self.results, cells):
            result.alone.append(cell)
        self.crowd = Remote(Crowd, self.place.ca)
        self.connect()
        self.open_lanes()
        self.begin()
        cells, idle = self.measure(self.watch)
        self.idle_beside.append(idle)
        for result, cell in zip(self.results, cells):
            result.beside.append(cell)
        self.end()

    def clean_up(self):
        """After each round, also one that failed."""
        if self.crowd:
            self.crowd.end()
            self.crowd = None
        self.end_helper()
        if self.server:
            server, self.server = self.server, None
            server.stop()

    def run(self):
        self.prepare()
        self.lanes = [Remote(Lane, self.place.ca, request) for request in self.requests]
        try:
            for number in range(1, self.rounds + 1):
                self.bench.say(f"{self.name}: round {number} of {self.rounds}")
                try:
                    self.round()
                finally:
                    self.clean_up()
        finally:
            for lane in self.lanes:
                lane.end()
        for result in self.results:
            self.note(result.told())
        if self.waits and statistics.median(self.waits) > WAIT_MAX:
            self.flaws.append(f"the server waited {statistics.median(self.waits) * 1e3:.0f} ms a second for a CPU while the healthy "
                              "client was undisturbed; run it again when the machine is quiet")

    # ---- For rows ----

    def end_helper(self):
        if self.helper:
            self.helper.end()
            self.helper = None

    def connect_crowd(self, name, count):
        """Some may be refused: that is what a server may do, but then the row must say so."""
        came = self.crowd.call(120, "connect", self.server.port, name, count)
        self.note(f"{count} connections: {told(came)}")
        self.expect(came["connected"] > 0, "no connection of the disturbing client was accepted")

    def send_crowd(self, texts):
        sent = self.crowd.call(60, "send", texts)
        self.note(f"requests: {told(sent)}")
        self.expect(sent["sent"] > 0, "no request of the disturbing client was sent")

    def wait_for(self, is_so, seconds, what):
        end = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > end:
                raise Stuck(f"{what}: not within {seconds} s")
            time.sleep(0.05)


def told(counter):
    return ", ".join(f"{count} {what}" for what, count in counter.most_common()) or "none"
