#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The clients of bench/slow-clients: the slow ones in a process of their own, which gives way to others."""
import asyncio
import collections
import http.client
import multiprocessing
import os
import socket
import ssl
import sys
import time

ROUNDS, SLOW, PORT, CA = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
REQUESTS, RANGE = 20000, 16384
KINDS = ("handshake", "head", "body", "reader")
AT_ONCE = 50  # handshakes of the slow


def context_of(name):
    context = ssl.create_default_context(cafile=f"{CA}/ca.crt")
    context.load_cert_chain(f"{CA}/{name}.crt", f"{CA}/{name}.key")
    return context


# ---- The slow ----


async def slow_one(kind, number, context, gate, up, moved):
    """Comes again when the server has sent it away, until the process ends."""
    hello = bytes.fromhex("1603010200010001fc0303") + bytes(500)
    head = b"GET /bucket/object HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 4000 + b"\r\n\r\n"
    put = f"PUT /bucket/slow-{number} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n".encode()
    get = b"GET /bucket/object HTTP/1.1\r\nHost: localhost\r\n\r\n"
    while True:
        writer = None
        is_up = False
        try:
            if kind == "handshake":
                reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            else:
                async with gate:
                    reader, writer = await asyncio.open_connection("localhost", PORT, ssl=context, limit=1)
            up[kind] += 1
            is_up = True
            text = {"handshake": hello, "head": head, "body": put + bytes(100000), "reader": get}[kind]
            if kind == "reader":
                writer.write(text)
                while await reader.read(1):
                    moved[kind] += 1
                    await asyncio.sleep(1)
            else:
                first = len(put) if kind == "body" else 0
                writer.write(text[:first])
                for at in range(first, len(text)):
                    writer.write(text[at : at + 1])
                    await writer.drain()
                    moved[kind] += 1
                    await asyncio.sleep(1)
                    if reader.at_eof():
                        break
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        if is_up:
            up[kind] -= 1
        if writer is not None:
            writer.transport.abort()
        await asyncio.sleep(1)


async def be_slow(pipe):
    context, gate = context_of("slow"), asyncio.Semaphore(AT_ONCE)
    up, moved = collections.Counter(), collections.Counter()
    tasks = [asyncio.create_task(slow_one(KINDS[i % len(KINDS)], i, context, gate, up, moved)) for i in range(SLOW)]
    while sum(up.values()) < SLOW * 99 // 100:
        await asyncio.sleep(0.1)
    moved.clear()
    start = time.monotonic()
    pipe.send("all are there")
    while not pipe.poll():
        await asyncio.sleep(0.1)
    pipe.send((dict(up), sum(moved.values()) / (time.monotonic() - start)))
    del tasks


def slow_process(pipe):
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # what it costs is not the server's
    asyncio.run(be_slow(pipe))
    os._exit(0)  # 2,000 connections are closed by the kernel, not one by one


# ---- The healthy ----


def measure(connection):
    """Seconds of each of REQUESTS requests."""
    times = []
    for i in range(REQUESTS):
        at = i * RANGE % (64 << 20)
        start = time.perf_counter()
        connection.request("GET", "/bucket/object", headers={"Range": f"bytes={at}-{at + RANGE - 1}"})
        response = connection.getresponse()
        body = response.read()
        times.append(time.perf_counter() - start)
        if len(body) != RANGE:
            sys.exit(f"slow-clients: the healthy client got {response.status} and {len(body)} bytes")
    return times


def quantile(times, q):
    return sorted(times)[int(len(times) * q)]


def wait_for_server():
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", PORT)).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("the server does not start")


def main():
    wait_for_server()
    rows, ends, rates = [], [], []
    for _ in range(ROUNDS):
        connection = http.client.HTTPSConnection("localhost", PORT, context=context_of("healthy"))
        measure(connection)  # warm
        alone = measure(connection)
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=slow_process, args=(theirs,), daemon=True)
        process.start()
        ours.recv()
        beside = measure(connection)
        ours.send("end")
        end, rate = ours.recv()
        ends.append(end)
        rates.append(rate)
        process.join()
        connection.close()
        rows.append([quantile(t, q) for q in (0.5, 0.99) for t in (alone, beside)])
    print("| round | p50 alone, ms | beside | ratio | p99 alone, ms | beside | ratio |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for number, (p50, p50_beside, p99, p99_beside) in enumerate(rows, 1):
        print(f"| {number} | {p50 * 1e3:.2f} | {p50_beside * 1e3:.2f} | {p50_beside / p50:.2f} "
              f"| {p99 * 1e3:.2f} | {p99_beside * 1e3:.2f} | {p99_beside / p99:.2f} |")
    ratio = sorted(row[3] / row[2] for row in rows)[len(rows) // 2]
    kept = " ".join(f"{kind} {min(end.get(kind, 0) for end in ends)}" for kind in KINDS)
    print(f"\nMedian of the p99 ratios: **{ratio:.2f}** (goal: at most 2). Slow clients connected at the end of a round, at least: "
          f"{kept}; bytes that they moved in a second, all together, at least: {min(rates):.0f}.")
    sys.exit(0 if ratio <= 2 else 1)


main()
