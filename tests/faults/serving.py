"""Tasks that identify themselves: a pod that sends its name on every connection, then echoes data."""

import socket
from dataclasses import dataclass, field

from tests.task_pod import task_pod

from task_gateway.model import Address, Manifest

CONNECT_SECONDS = 10.0
# Sends "task:port" on each of its ports, so a client can identify the task before it sends data.
# On the line "end" it exits with code 0.
SERVER = """
import asyncio, os
async def serve(reader, writer):
    port = writer.get_extra_info("sockname")[1]
    try:
        writer.write(f"{os.environ['TASK']}:{port}\\n".encode())
        while (line := await reader.readline()):
            if line == b"end\\n":
                os._exit(0)
            writer.write(line)
            await writer.drain()
        writer.close()
    except ConnectionError:
        pass
async def main():
    for port in os.environ["PORTS"].split(","):
        await asyncio.start_server(serve, "", int(port))
    await asyncio.Event().wait()
asyncio.run(main())
"""


def pod(task: str, namespace: str, ports: tuple[int, ...]) -> Manifest:
    """Return the pod of a task that sends its greeting on all of these ports."""
    return task_pod(task, namespace, SERVER, *ports)


def greeting(task: str, port: int) -> str:
    """Return the greeting of a task on one of its ports."""
    return f"{task}:{port}"


def greeting_of(address: Address) -> str:
    """Return the greeting on a new connection, empty if it is closed without one; OSError without a connection."""
    with socket.create_connection((address.host, address.port), CONNECT_SECONDS) as connection:
        return connection.makefile().readline().strip()


@dataclass
class Stream:
    """A connection that stays open, like a notebook's WebSocket."""

    address: Address
    greeting: str = ""
    _socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._socket = socket.create_connection((self.address.host, self.address.port), CONNECT_SECONDS)
        self._lines = self._socket.makefile()
        self.greeting = self._lines.readline().strip()

    def echoes(self, word: str) -> bool:
        """Return whether the task still answers on this connection."""
        try:
            self._socket.sendall(f"{word}\n".encode())
            return self._lines.readline().strip() == word
        except OSError:
            return False

    def close(self) -> None:
        self._lines.close()
        self._socket.close()
