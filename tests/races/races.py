#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Conditional writes through two servers on one root; see tests/races/run."""
import argparse
import http.client
import ssl
import subprocess
import sys
import threading
import time

CLIENTS = 4
WRITES = 100  # of each client, at once

arguments = argparse.ArgumentParser()
arguments.add_argument("--kind", required=True, help="of the file system, for the lines")
arguments.add_argument("--increments", type=int, required=True)
arguments.add_argument("--ca", required=True)
arguments.add_argument("--dir", required=True)
arguments.add_argument("--ports", required=True, help="four that are free")
arguments.add_argument("--patience", type=float, default=120, help="seconds to wait for a start or an answer")
arguments.add_argument("server", nargs="+")
options = arguments.parse_args()
ports = [int(port) for port in options.ports.split()]

context = ssl.create_default_context(cafile=f"{options.ca}/ca.crt")
context.load_cert_chain(f"{options.ca}/client.crt", f"{options.ca}/client.key")


def server_start(number):
    port, admin = ports[2 * number], ports[2 * number + 1]
    log = open(f"{options.dir}/{options.kind}-{number}.log", "w")
    server = subprocess.Popen(
        options.server + ["--listen", f"127.0.0.1:{port}", "--admin-listen", f"127.0.0.1:{admin}"], stderr=log
    )
    end = time.monotonic() + options.patience
    while server.poll() is None and time.monotonic() < end:
        try:
            http_admin = http.client.HTTPConnection("127.0.0.1", admin, timeout=options.patience)
            http_admin.request("GET", "/-/ready")
            if http_admin.getresponse().status == 200:
                return server
        except OSError:
            time.sleep(0.01)  # nobody listens yet
    sys.exit(f"{options.kind}: the server does not start; see {log.name}: {open(log.name).read()}")


class Client(threading.Thread):
    """Goes by one of the servers."""

    def __init__(self, number, work):
        super().__init__()
        self.http = http.client.HTTPSConnection("localhost", ports[2 * (number % 2)], context=context, timeout=options.patience)
        self.number = number
        self.work = work
        self.acknowledged = self.refused = 0
        self.etags = []
        self.failure = None

    def ask(self, method, body=b"", key="number", **fields):
        self.http.request(method, f"/races/{key}", body, {n.replace("_", "-"): v for n, v in fields.items()})
        response = self.http.getresponse()
        return response.status, response.headers["ETag"], response.read()

    def increment(self):
        while self.acknowledged < options.increments:
            status, etag, body = self.ask("GET")
            if status != 200:
                raise RuntimeError(f"GET: {status} {body}")
            status, _, answer = self.ask("PUT", str(int(body) + 1).encode(), If_Match=etag)
            if status not in (200, 412):
                raise RuntimeError(f"PUT: {status} {answer}")
            self.acknowledged += status == 200
            self.refused += status == 412

    def write(self):
        for _ in range(WRITES):
            status, etag, answer = self.ask("PUT", b"same", key="written")
            if status != 200:
                raise RuntimeError(f"PUT: {status} {answer}")
            self.etags.append(etag)

    def run(self):
        try:
            self.work(self)
        except Exception as failure:  # told by the main thread
            self.failure = failure


def all_run(work):
    clients = [Client(number, work) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    for client in clients:
        if client.failure is not None:
            sys.exit(f"{options.kind}: client {client.number}: {client.failure}")
    return clients


def tell(is_good, text):
    print(f"{'ok' if is_good else 'not ok'} - {options.kind}: {text}")
    return is_good


servers = [server_start(number) for number in range(2)]
try:
    clients = all_run(Client.write)
    etags = [etag for client in clients for etag in client.etags]
    good = tell(len(set(etags)) == len(etags), f"{len(etags)} writes have {len(set(etags))} ETags")
    first = Client(0, None)
    if first.ask("PUT", b"0")[0] != 200:
        sys.exit(f"{options.kind}: the number cannot be written")
    clients = all_run(Client.increment)
    acknowledged = sum(client.acknowledged for client in clients)
    refused = sum(client.refused for client in clients)
    number = int(first.ask("GET")[2])
    good &= tell(
        number == acknowledged and refused > 0,
        f"{acknowledged} increments acknowledged, {acknowledged - number} lost ({refused} came too late)",
    )
finally:
    for server in servers:
        server.terminate()
    codes = [server.wait(options.patience) for server in servers]
sys.exit(0 if tell(codes == [0, 0], f"both servers end well ({codes})") and good else 1)
