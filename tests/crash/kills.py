#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writers and deleters against a server that is killed again and again.

Each key belongs to one thread, which knows what it was told: the last state that was acknowledged, and
what it asked for since without hearing the end. After a kill the key must be in one of these, whole.

With --relaxed-cuts the same goes on with --durability=relaxed until something is lost: else nothing that
is checked here could be seen to fail.
"""
import argparse
import hashlib
import http.client
import os
import random
import re
import ssl
import subprocess
import sys
import threading
import time

MIB = 1024 * 1024
ABSENT = None

arguments = argparse.ArgumentParser()
arguments.add_argument("--kills", type=int, required=True)
arguments.add_argument("--port", type=int, required=True)
arguments.add_argument("--admin", type=int, required=True)
arguments.add_argument("--dir", required=True)
arguments.add_argument("--ca", required=True)
arguments.add_argument("--least", type=float, default=0.005, help="seconds from ready to the kill, at least")
arguments.add_argument("--most", type=float, default=0.25, help="and at most")
arguments.add_argument("--patience", type=float, default=60, help="seconds to wait for a start or an answer")
arguments.add_argument("--root", default="", help="where the server's root is seen; empty: nowhere")
arguments.add_argument("--relaxed-cuts", type=int, default=0, help="kills without syncs, at most, until a loss is seen")
arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
arguments.add_argument("server", nargs="+")
options = arguments.parse_args()
random.seed(options.seed)

context = ssl.create_default_context(cafile=f"{options.ca}/ca.crt")
context.load_cert_chain(f"{options.ca}/client.crt", f"{options.ca}/client.key")
PART = random.randbytes(5 * MIB)
counts = {name: 0 for name in ("put", "multipart", "copy", "delete", "unacknowledged", "checked")}
losses = []  # of what was acknowledged, and of being whole
failures = []


class Connection:
    """One kept connection; raises OSError or HTTPException when the server is killed."""

    def __init__(self):
        self.http = http.client.HTTPSConnection("localhost", options.port, context=context, timeout=options.patience)

    def ask(self, method, target, body=b"", **fields):
        self.http.request(method, target, body, {n.replace("_", "-"): v for n, v in fields.items()})
        response = self.http.getresponse()
        return response.status, response.headers, response.read()


class Writer(threading.Thread):
    """Writes, copies, deletes its own few keys until the server is gone."""

    def __init__(self, number):
        super().__init__()
        self.number = number
        self.random = random.Random(random.random())
        self.keys = [f"w{number}/a", f"w{number}/deep/er/b", f"w{number}/c"]
        self.known = {key: ABSENT for key in self.keys}  # acknowledged: (SHA-256, mark) or ABSENT
        self.asked = {}  # key -> state that may be there instead
        self.stop = False

    def content(self):
        size = self.random.choice((0, 1, 100, 5000, 70000, 300000))
        return self.random.randbytes(size)

    def put(self, connection, key):
        body, mark = self.content(), str(self.random.random())
        self.asked[key] = (hashlib.sha256(body).hexdigest(), mark)
        status, _, text = connection.ask("PUT", f"/crash/{key}", body, x_amz_meta_mark=mark)
        return status == 200, text

    def multipart(self, connection, key):
        mark, tail = str(self.random.random()), self.content()
        target = f"/crash/{key}"
        status, _, text = connection.ask("POST", target + "?uploads", x_amz_meta_mark=mark)
        if status != 200:
            return False, text
        upload = re.search(rb"<UploadId>(\w+)</UploadId>", text).group(1).decode()
        etags = []
        for number, part in ((1, PART), (2, tail)):
            status, head, text = connection.ask("PUT", f"{target}?partNumber={number}&uploadId={upload}", part)
            if status != 200:
                return False, text
            etags.append(head["ETag"])
        xml = "".join(f"<Part><PartNumber>{i + 1}</PartNumber><ETag>{e}</ETag></Part>" for i, e in enumerate(etags))
        self.asked[key] = (hashlib.sha256(PART + tail).hexdigest(), mark)
        status, _, text = connection.ask(
            "POST", f"{target}?uploadId={upload}", f"<CompleteMultipartUpload>{xml}</CompleteMultipartUpload>"
        )
        return status == 200 and b"<ETag>" in text, text

    def copy(self, connection, key):
        source = self.random.choice([k for k in self.keys if k != key])
        if self.known[source] is ABSENT:
            return self.put(connection, key)
        self.asked[key] = self.known[source]
        status, _, text = connection.ask("PUT", f"/crash/{key}", x_amz_copy_source=f"/crash/{source}")
        return status == 200, text

    def delete(self, connection, key):
        self.asked[key] = ABSENT
        status, _, text = connection.ask("DELETE", f"/crash/{key}")
        return status == 204, text

    def run(self):
        try:
            connection = Connection()
            while not self.stop:
                key = self.random.choice(self.keys)
                kind = self.random.choices(("put", "multipart", "copy", "delete"), (6, 1, 2, 2))[0]
                is_done, text = getattr(self, kind)(connection, key)
                if not is_done:
                    failures.append(f"{kind} of {key}: {text[:300]}")
                    return
                self.known[key] = self.asked.pop(key)
                counts[kind] += 1
        except (OSError, http.client.HTTPException):
            counts["unacknowledged"] += len(self.asked)

    def check(self, connection):
        """Every key is as it was acknowledged, or as it was asked for at the end."""
        for key in self.keys:
            status, head, body = connection.ask("GET", f"/crash/{key}")
            state = ABSENT
            if status == 200:
                state = (hashlib.sha256(body).hexdigest(), head["x-amz-meta-mark"])
            elif status != 404:
                failures.append(f"GET {key}: {status} {body[:200]}")
            allowed = [self.known[key]] + ([self.asked[key]] if key in self.asked else [])
            if state not in allowed:
                losses.append(f"{key}: is {state}, {len(body)} bytes; may be {allowed}")
            self.known[key] = state
            counts["checked"] += 1
        self.asked.clear()


def start(*more):
    log = open(f"{options.dir}/server.log", "a", encoding="utf-8")
    process = subprocess.Popen([*options.server, *more], stdout=subprocess.DEVNULL, stderr=log)
    end = time.monotonic() + options.patience
    while time.monotonic() < end:
        try:
            admin = http.client.HTTPConnection("127.0.0.1", options.admin, timeout=options.patience)
            admin.request("GET", "/-/ready")
            if admin.getresponse().status == 200:
                return process
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)
            if process.poll() is not None:
                sys.exit(f"Bail out! the server has ended with {process.returncode}")
    sys.exit("Bail out! the server does not start")


def check_listing(connection, writers):
    """Exactly the objects that are there, no other name."""
    _, _, text = connection.ask("GET", "/crash?list-type=2")
    listed = set(re.findall(r"<Key>(.*?)</Key>", text.decode()))
    there = {key for writer in writers for key in writer.keys if writer.known[key] is not ABSENT}
    if listed != there:
        failures.append(f"the listing: {sorted(listed ^ there)}")


def leftovers():
    private = os.path.join(options.root, "crash/.sluice")
    names = os.listdir(private) if os.path.isdir(private) else []
    return [name for name in names if not name.startswith("up-")]  # uploads may be gone on with


def wait_for_an_answer(before):
    """Until something was acknowledged since: what is lost must have been, however slow the machine."""
    end = time.monotonic() + options.patience
    while acknowledged() == before and not failures and time.monotonic() < end:
        time.sleep(0.001)


def acknowledged():
    return sum(counts[kind] for kind in ("put", "multipart", "copy", "delete"))


def kill_often(writers, most, *more):
    """Kills a server that is written to, at most so often, until something is wrong. Returns the writers as they
    are then, and how many kills it were."""
    process, kills = start(*more), 0
    # A kill before the first answer is as good as another, but where a loss has to be seen.
    chance_of_answer = 1 if more else 0.5
    while kills < most and not losses and not failures:
        fresh, before = [Writer(w.number) for w in writers], acknowledged()
        for old, new in zip(writers, fresh):
            new.known = old.known
            new.start()
        if random.random() < chance_of_answer:
            wait_for_an_answer(before)
        time.sleep(random.uniform(options.least, options.most))  # the moment of the kill, which is what is random here
        process.kill()
        process.wait()
        for writer in fresh:
            writer.stop = True
            writer.join()
        writers = fresh
        kills += 1
        process = start(*more)
        connection = Connection()
        for writer in writers:
            writer.check(connection)
        check_listing(connection, writers)
    process.terminate()
    process.wait()
    return writers, kills


writers, kills = kill_often([Writer(number) for number in range(4)], options.kills)
left = []
if options.root:
    for _ in range(2):  # what the last kill has left goes at the next start; with its end the sweep has ended
        process = start()
        process.terminate()
        if process.wait() != 0:
            failures.append(f"the server has left with {process.returncode}")
    left = leftovers()
name = f"{kills} kills: every acknowledged write is there, whole, with its metadata; nothing is half there"
tests = [(name, losses + failures)]
if options.root:
    tests.append(("nothing of a writer is left after the next start", left))
if options.relaxed_cuts and not losses and not failures:
    _, kills = kill_often(writers, options.relaxed_cuts, "--durability=relaxed")
    print(f"# without syncs, after {kills} kills: {len(losses)} of {sum(len(w.keys) for w in writers)} keys lost")
    for loss in losses[:3]:
        print(f"# {loss}")
    unseen = [] if losses else [f"no acknowledged write was lost in {kills} kills"]
    tests.append(("the same with --durability=relaxed loses what was acknowledged: a loss is seen", unseen + failures))

for number, (name, wrong) in enumerate(tests, 1):
    print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
    for what in wrong[:10]:
        print(f"# {what}")
print(f"1..{len(tests)}")
print(f"# seed {options.seed}; " + ", ".join(f"{name} {n}" for name, n in counts.items()))
sys.exit(1 if any(wrong for _, wrong in tests) else 0)
