"""Runs in two pods and measures the paths between them: `serve PORT`, and `measure` with NAME=HOST:PORT for each path.

A new connection receives one byte at once. Then each byte is echoed, except `S`, which starts a stream until the client
disconnects. It only requires Python, because the pods run it from its text.
"""

import json
import socket
import sys
import threading
import time

PIECE, STREAM = bytes(1 << 18), b"S"
TIMEOUT = 30.0
Found = dict[str, list[float]]


def serve(listener: socket.socket) -> None:
    """Serve each connection in its own thread."""
    while True:
        connection, _peer = listener.accept()
        threading.Thread(target=_talk, args=(connection,), daemon=True).start()


def measure(host: str, port: int, samples: int, seconds: float) -> Found:
    """Return seconds of new connections and of round trips, and the MiB per second of one stream."""
    found: Found = {"connect": [], "round_trip": [], "mib_per_second": []}
    for _ in range(samples):
        started = time.perf_counter()
        _connect(host, port).close()
        found["connect"].append(time.perf_counter() - started)
    with _connect(host, port) as connection:
        for _ in range(samples):
            started = time.perf_counter()
            connection.sendall(b"r")
            connection.recv(1)
            found["round_trip"].append(time.perf_counter() - started)
        connection.sendall(STREAM)
        found["mib_per_second"].append(_stream(connection, seconds))
    return found


def _connect(host: str, port: int) -> socket.socket:
    connection = socket.create_connection((host, port), timeout=TIMEOUT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not connection.recv(1):
        raise ConnectionError(f"{host}:{port} closed without a byte")
    return connection


def _stream(connection: socket.socket, seconds: float) -> float:
    room, read, started = bytearray(len(PIECE)), 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        read += connection.recv_into(room)
    return read / (1 << 20) / (time.perf_counter() - started)


def _talk(connection: socket.socket) -> None:
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection.sendall(b".")
            while said := connection.recv(1):
                while said == STREAM:
                    connection.sendall(PIECE)
                connection.sendall(said)
        except OSError:
            return


def _paths(rounds: int, samples: int, seconds: float, paths: list[str]) -> dict[str, Found]:
    """Measure the paths in turns, so load on the machine affects all of them."""
    found: dict[str, Found] = {}
    for _ in range(rounds):
        for path in paths:
            name, _, target = path.partition("=")
            host, _, port = target.rpartition(":")
            for key, values in measure(host, int(port), samples, seconds).items():
                found.setdefault(name, {}).setdefault(key, []).extend(values)
    return found


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        with socket.create_server(("", int(sys.argv[2])), backlog=1024) as server:
            serve(server)
    of_each, at_a_time, long = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    print(json.dumps(_paths(of_each, at_a_time, long, sys.argv[5:])))
