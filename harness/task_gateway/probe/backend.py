"""Runs in a pod: sends its name to each connection, then echoes, which shows whether a connection stays open."""

import selectors
import socket
import sys


def serve(listener: socket.socket, name: str) -> None:
    """Answer every connection with the name and a newline at once, echo, and close when its client does."""
    chosen = selectors.DefaultSelector()
    listener.setblocking(False)
    chosen.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in chosen.select():
            if key.fileobj is listener:
                _accept(chosen, listener, name)
            else:
                _echo(chosen, key)


def _accept(chosen: selectors.BaseSelector, listener: socket.socket, name: str) -> None:
    try:
        connection, _peer = listener.accept()
    except OSError:
        return
    connection.setblocking(False)
    try:
        connection.sendall(f"{name}\n".encode())
    except OSError:
        connection.close()
        return
    chosen.register(connection, selectors.EVENT_READ)


def _echo(chosen: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    connection = key.fileobj
    assert isinstance(connection, socket.socket)
    try:
        said = connection.recv(4096)
        connection.sendall(said)
    except BlockingIOError:
        return
    except OSError:
        said = b""
    if not said:
        chosen.unregister(connection)
        connection.close()


if __name__ == "__main__":
    called, port = sys.argv[1:]
    with socket.create_server(("", int(port)), backlog=1024) as server:
        serve(server, called)
