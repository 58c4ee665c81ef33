#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server under load whose trust is replaced again and again.

Eight threads read ranges on kept connections, and two open a connection for each request; all with a
certificate that is good throughout. Whatever the rotations do, each of their requests must be answered
with the right bytes, and no connection end that they did not end themselves. Beside them victims and
guests hold a connection until they are revoked, or until their CA is taken out: then it must end, at
most a second later (on a machine that is slow just then, see ASKS_OUT_IN).
"""
import argparse
import collections
import http.client
import os
import random
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

RANGE = 65536
KEPT, FRESH = 8, 2
REQUESTS_PER_CONNECTION = 100
OUT_IN_SECONDS = 1.0
PATIENCE = 60  # for what must come
# On a machine where connecting and asking takes longer than a thirtieth of that, thirty times that.
ASKS_OUT_IN = 30
ASKS = 5

arguments = argparse.ArgumentParser()
arguments.add_argument("--rotations", type=int, required=True)
arguments.add_argument("--victims", type=int, required=True)
arguments.add_argument("--servers", type=int, required=True)
arguments.add_argument("--port", type=int, required=True)
arguments.add_argument("--admin", type=int, required=True)
arguments.add_argument("--dir", required=True)
arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
arguments.add_argument("server", nargs="+")
options = arguments.parse_args()
chance = random.Random(options.seed)

OBJECT = open(f"{options.dir}/root/bucket/object", "rb").read()
counts = collections.Counter()
failures = []
stopping = threading.Event()


def context_of(name, ca="ours"):
    """A client's context: it trusts both CAs of servers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for trusted in ("ours", "theirs"):
        context.load_verify_locations(f"{options.dir}/{trusted}/ca.crt")
    context.load_cert_chain(f"{options.dir}/{ca}/{name}.crt", f"{options.dir}/{ca}/{name}.key")
    return context


class Client:
    """One connection; raises OSError or HTTPException when the server ends it."""

    def __init__(self, context):
        self.http = http.client.HTTPSConnection("localhost", options.port, context=context, timeout=PATIENCE)

    def ask(self, at):
        self.http.request("GET", "/bucket/object", headers={"Range": f"bytes={at}-{at + RANGE - 1}"})
        response = self.http.getresponse()
        body = response.read()
        if response.status != 206 or body != OBJECT[at : at + RANGE]:
            raise ValueError(f"status {response.status}, {len(body)} bytes")
        if self.http.sock is None:
            raise ValueError("the response said that the connection is closed")

    def close(self):
        self.http.close()


def load(number, requests_per_connection):
    """Reads until it is over."""
    context, rng = context_of("client"), random.Random(number)
    client, asked = None, 0
    while not stopping.is_set():
        try:
            if client is None:
                client, asked = Client(context), 0
                counts["connections"] += 1
            client.ask(rng.randrange(len(OBJECT) - RANGE))
            counts["requests"] += 1
            asked += 1
            if asked == requests_per_connection:
                client.close()
                client = None
        except (OSError, http.client.HTTPException, ValueError) as error:
            failures.append(f"client {number}, request {asked} of its connection: {error!r}")
            return


def metrics():
    text = urllib.request.urlopen(f"http://127.0.0.1:{options.admin}/metrics", timeout=PATIENCE).read().decode()
    return {n: float(v) for n, v in (l.rsplit(" ", 1) for l in text.splitlines() if not l.startswith("#"))}


def attempts():
    return metrics()["sluice_config_reload_attempts_total"]


def reloads(result):
    return metrics()[f'sluice_config_reloads_total{{result="{result}"}}']


def wait_until(what, condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s until {what}")
        time.sleep(0.005)


def live(name):
    return f"{options.dir}/live/{name}"


def put(name, *parts):
    """The parts, one behind the other, in one piece in the place of the file."""
    with open(live(".new"), "wb") as out:
        for part in parts:
            out.write(open(f"{options.dir}/{part}", "rb").read() if isinstance(part, str) else part)
    os.rename(live(".new"), live(name))


def and_taken_up(change):
    before = reloads("ok")
    change()
    wait_until("the change is taken up", lambda: reloads("ok") > before)


def shown():
    """The serial number of the certificate that the server shows."""
    found = [n for n in metrics() if n.startswith('sluice_certificate_not_after_timestamp_seconds{usage="server"')]
    return found[0].split('serial="')[1].split('"')[0]


def and_tried(change):
    """For a pair that must not be taken up: it is read at least once in this state, and nothing comes of it."""
    serial = shown()
    change()
    seen = attempts()  # one that had begun before may have read the files as they were
    wait_until("the change is looked at", lambda: attempts() > seen)
    if shown() != serial:
        failures.append("what does not hold together was taken up")


def and_partly(change):
    """For what is taken up but for what would be worse than what is in force."""
    before = reloads("partial")
    change()
    wait_until("the change is taken up in part", lambda: reloads("partial") > before)


class Rotations:
    """Each method is one; before and after it the files hold together."""

    def __init__(self):
        self.current = 1
        self.revoked = 0
        self.longest = 0.0

    def pair(self, name):
        put("server.crt", f"{name}.crt")
        put("server.key", f"{name}.key")

    def restore(self):
        and_taken_up(lambda: self.pair(f"server{self.current}"))

    def another(self):
        self.current = self.current % options.servers + 1
        return f"server{self.current}"

    def valid(self):
        name = self.another()
        and_taken_up(lambda: self.pair(name))

    def mismatched(self):
        other = self.current % options.servers + 1
        and_tried(lambda: put("server.crt", f"server{other}.crt"))
        self.restore()

    def half_written(self):
        name = self.another()
        text = open(f"{options.dir}/{name}.crt", "rb").read()
        put("server.key", f"{name}.key")
        with open(live("server.crt"), "wb") as out:
            and_tried(lambda: (out.write(text[: len(text) // 2]), out.flush()))
            before = reloads("ok")
            out.write(text[len(text) // 2 :])
        wait_until("the whole file is taken up", lambda: reloads("ok") > before)

    def expired(self):
        and_tried(lambda: self.pair("expired"))
        self.restore()

    def lists(self, *theirs):
        put("clients.crl", f"crl.{self.revoked}", *theirs)

    def with_guest(self):
        """Another CA beside ours; its client, connected."""

        def let_in():
            self.lists("theirs/current.crl")
            put("clients.crt", "ours/ca.crt", "theirs/ca.crt")

        and_taken_up(let_in)
        guest = Client(context_of("client", "theirs"))
        wait_until("the guest is let in", lambda: self.can_ask(guest))
        return guest

    def new_ca(self):
        """The guest's CA goes, and its list with it."""

        def take_out():
            put("clients.crt", "ours/ca.crt")
            self.lists()

        self.is_turned_out(self.with_guest(), lambda: and_taken_up(take_out), "distrusted")

    def removed_ca(self):
        """The guest's CA goes, and its list is still there."""
        guest = self.with_guest()
        self.is_turned_out(guest, lambda: and_taken_up(lambda: put("clients.crt", "ours/ca.crt")), "distrusted")
        and_taken_up(self.lists)

    def stale_list(self):
        """A list of ours that revokes, and beside it one of theirs that has ended."""
        self.victim_is_there()
        guest = self.with_guest()
        self.revoke_one(lambda: and_partly(lambda: self.lists("theirs/ended.crl")))
        wait_until("the guest stays", lambda: self.can_ask(guest))

        def take_out():
            put("clients.crt", "ours/ca.crt")
            self.lists()

        self.is_turned_out(guest, lambda: and_taken_up(take_out), "distrusted")

    def stale_in_force(self):
        """The list of theirs has ended, and is in force; one of ours revokes."""
        self.victim_is_there()

        def let_in():
            put("clients.crt", "ours/ca.crt", "theirs/ca.crt")
            self.lists("theirs/ended.crl")

        and_taken_up(let_in)
        self.refuses_guest()
        self.revoke_one(lambda: and_taken_up(lambda: self.lists("theirs/ended.crl")))
        self.refuses_guest()

        def take_out():
            put("clients.crt", "ours/ca.crt")
            self.lists()

        and_taken_up(take_out)

    def ended_server(self):
        """A pair that has ended comes with a list that revokes."""
        self.victim_is_there()
        serial = shown()

        def change():
            self.pair("expired")
            self.lists()

        self.revoke_one(lambda: and_partly(change))
        if shown() != serial:
            failures.append("a certificate that has ended was taken up")
        self.restore()

    def refuses_guest(self):
        if self.can_ask(Client(context_of("client", "theirs"))):
            failures.append("a client was served whose CA has no list in force")

    def victim_is_there(self):
        """Where the lists are ours alone: the first list again, when all are revoked."""
        if self.revoked == options.victims:
            self.revoked = 0
            and_taken_up(self.lists)

    def revoke_one(self, change):
        """The next victim, by a list that change puts there."""
        victim = Client(context_of(f"victim{self.revoked + 1}"))
        victim.ask(0)
        self.revoked += 1
        self.is_turned_out(victim, change, "revoked")

    def crl_update(self):
        self.victim_is_there()
        self.revoke_one(lambda: and_taken_up(self.lists))

    def rules(self):
        and_taken_up(lambda: put("sluice.yml", rules_of(chance.randrange(1000))))

    def can_ask(self, client):
        try:
            client.ask(0)
            return True
        except (OSError, http.client.HTTPException):
            client.close()
            return False

    def is_turned_out(self, client, change, what):
        counts["turned out"] += 1
        end = []

        def wait_for_end():
            try:
                end.append(client.http.sock.recv(1))
            except OSError:
                end.append(b"")
            end.append(time.monotonic())

        ask = seconds_of_an_ask()
        waiting = threading.Thread(target=wait_for_end)
        waiting.start()
        start = time.monotonic()
        change()
        waiting.join()
        took = end[1] - start
        limit = max(OUT_IN_SECONDS, ASKS_OUT_IN * max(ask, seconds_of_an_ask()))
        self.longest = max(self.longest, took)
        if end[0] != b"" or took > limit:
            failures.append(f"a client that was {what} was connected {took:.3f} s later, not {limit:.3f} s")
        client.close()


def seconds_of_an_ask():
    """What this machine needs now, for a connection and a request on it: the longest of some."""
    longest = 0
    for _ in range(ASKS):
        start = time.monotonic()
        client = Client(context_of("client"))
        client.ask(0)
        client.close()
        longest = max(longest, time.monotonic() - start)
    return longest


def rules_of(number):
    return (
        f'access:\n  - {{identity: "dns:nobody-{number}.test", allow: [write], on: ["**"]}}\n'
        '  - {identity: "dns:*.test", allow: [read, list], on: ["bucket/**"]}\n'
    ).encode()


def main():
    rotations = Rotations()
    kinds = [rotations.valid, rotations.mismatched, rotations.half_written, rotations.expired,
             rotations.new_ca, rotations.removed_ca, rotations.crl_update, rotations.stale_list,
             rotations.stale_in_force, rotations.ended_server, rotations.rules]
    done = collections.Counter()
    rotations.pair("server1")
    put("clients.crt", "ours/ca.crt")
    put("clients.crl", "crl.0")
    put("sluice.yml", rules_of(0))
    log = open(f"{options.dir}/server.log", "wb")
    server = subprocess.Popen(options.server, stderr=log)
    threads = [threading.Thread(target=load, args=(i, REQUESTS_PER_CONNECTION)) for i in range(KEPT)]
    threads += [threading.Thread(target=load, args=(KEPT + i, 1)) for i in range(FRESH)]
    start = time.monotonic()
    try:
        wait_until("the server is ready", lambda: server.poll() is not None or is_ready())
        for thread in threads:
            thread.start()
        for i in range(options.rotations):
            kind = kinds[i % len(kinds)] if i < len(kinds) else chance.choice(kinds)
            kind()
            done[kind.__name__] += 1
            if failures:
                break
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        failures.append(f"after {sum(done.values())} rotations: {error!r}")
    stopping.set()
    for thread in threads:
        if thread.ident is not None:
            thread.join()
    closed = {n: v for n, v in metrics().items() if n.startswith("sluice_connections_closed_total") and v > 0}
    turned_out = sum(v for n, v in closed.items() if "certificate_revoked" in n or "certificate_distrusted" in n)
    if turned_out != counts["turned out"]:
        failures.append(f"{counts['turned out']} clients were to be turned out, {turned_out:.0f} were")
    server.terminate()
    if server.wait(PATIENCE) != 0:
        failures.append(f"the server left with {server.returncode}")

    what = ", ".join(f"{n} {c}" for n, c in sorted(done.items()))
    print(f"# {sum(done.values())} rotations ({what}) in {time.monotonic() - start:.0f} s, seed {options.seed}")
    print(f"# {counts['requests']} requests on {counts['connections']} connections of {KEPT + FRESH} clients: "
          f"{len(failures)} failures; {counts['turned out']} clients turned out, the slowest in {rotations.longest:.3f} s")
    enough = sum(done.values()) == options.rotations and counts["requests"] > options.rotations
    for failure in failures[:10]:
        print(f"# {failure}")
    if failures or not enough:
        sys.stdout.flush()
        subprocess.run(["sed", "-n", "s/^/# /; /level=\\(error\\|warn\\)/p", log.name], check=False)
    print(f"{'ok' if not failures and enough else 'not ok'} - {options.rotations} rotations under load")
    print("1..1")
    return 1 if failures or not enough else 0


def is_ready():
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{options.admin}/-/ready", timeout=PATIENCE).status == 200
    except OSError:
        return False


sys.exit(main())
