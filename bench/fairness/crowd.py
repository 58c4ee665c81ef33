# SPDX-License-Identifier: Apache-2.0
"""The disturbing client: many connections of one identity, in a process of its own."""
import collections
import concurrent.futures
import os
import socket
import ssl
import struct
import time

THREADS = 32
TIMEOUT = 20
RECORD_HANDSHAKE, CLIENT_HELLO = 22, 1


def hello_pieces(total, piece):
    """A ClientHello of so many bytes, in records of piece bytes: the server must keep all to read any."""
    text = bytes([CLIENT_HELLO]) + (total - 4).to_bytes(3, "big") + b"\x03\x03" + bytes(total - 6)
    return [struct.pack("!BHH", RECORD_HANDSHAKE, 0x0301, len(part)) + part
            for part in (text[at : at + piece] for at in range(0, total, piece))]


class Crowd:
    def __init__(self, ca):
        self.ca = ca
        self.connections = []
        self.pool = concurrent.futures.ThreadPoolExecutor(THREADS)

    def gives_way(self):
        """From here on it runs when a CPU is idle, so that what it costs itself is not counted."""
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        for thread in os.listdir("/proc/self/task"):
            os.sched_setscheduler(int(thread), os.SCHED_IDLE, os.sched_param(0))

    def each(self, do, items):
        """How often it came to what: do says, or the exception's name."""
        def guarded(item):
            try:
                return do(item)
            except TimeoutError:
                return "timeout"
            except (OSError, ssl.SSLError) as why:
                return type(why).__name__
        return collections.Counter(self.pool.map(guarded, items))

    def connect(self, port, name, count):
        context = ssl.create_default_context(cafile=f"{self.ca}/ca.crt")
        context.load_cert_chain(f"{self.ca}/{name}.crt", f"{self.ca}/{name}.key")

        def one(_):
            sock = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(context.wrap_socket(sock, server_hostname="localhost"))
            return "connected"
        return self.each(one, range(count))

    def connect_plain(self, port, count, sources, pieces):
        """TCP and these bytes, each piece in a segment of its own; from as many addresses as sources."""
        def one(number):
            sock = socket.socket()
            sock.settimeout(TIMEOUT)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.bind((f"127.0.1.{1 + number % sources}", 0))
            sock.connect(("127.0.0.1", port))
            self.connections.append(sock)
            for piece in pieces:
                sock.sendall(piece)
            return "connected"
        return self.each(one, range(count))

    def send(self, texts):
        """The i-th connection sends the i-th text, or the first one's if there is one only."""
        def one(number):
            self.connections[number].sendall(texts[number % len(texts)].encode())
            return "sent"
        return self.each(one, range(len(self.connections)))

    def send_bodies(self, head, size, left_out):
        """On each connection this head, and a body of so many bytes but for the last few."""
        body, start = bytes(65536), time.monotonic()

        def one(number):
            connection = self.connections[number]
            connection.sendall(head.encode())
            left = size - left_out
            while left > 0:
                connection.sendall(body[: min(left, len(body))])
                left -= min(left, len(body))
            return "sent but for the end"
        return self.each(one, range(len(self.connections))), time.monotonic() - start

    def hang_up(self):
        """As a client does whose user has lost patience: close_notify, FIN."""
        for connection in self.connections:
            connection.setblocking(False)
            try:
                connection.unwrap()
            except (OSError, ssl.SSLError):
                pass  # it does not wait for the server's
            connection.close()
        count = len(self.connections)
        self.connections = []
        return count

    def answers(self, seconds):
        """What has come on each connection, by status."""
        until = time.monotonic() + seconds

        def one(connection):
            connection.settimeout(max(until - time.monotonic(), 0.001))
            try:
                text = connection.recv(64)
            except TimeoutError:
                return "no answer yet"
            return text[9:12].decode() if text.startswith(b"HTTP/1.1 ") else "closed" if not text else "?"
        return self.each(one, self.connections)

    def are_open(self):
        """How many the server has neither closed nor reset."""
        count = 0
        for connection in self.connections:
            connection.setblocking(False)
            try:
                count += connection.recv(1) != b""
            except BlockingIOError:
                count += 1
            except OSError:
                pass
        return count
