"""Runs in a pod and answers for all tasks: each connection receives the name of the task with its local address.

One program answers for a thousand pods. The name only depends on the local address of the connection, so a
connection to the wrong task is detected. It only requires Python, because the pod runs it from its text.
"""

import ipaddress
import selectors
import socket
import struct
import sys

BACKLOG, ACCEPTED_AT_ONCE = 4096, 256
RTM_NEWROUTE, RTN_LOCAL, RTPROT_BOOT, RT_SCOPE_HOST, RT_TABLE_LOCAL = 24, 2, 3, 254, 255
NLM_F_REQUEST, NLM_F_ACK, NLM_F_REPLACE, NLM_F_CREATE = 1, 4, 0x100, 0x400
RTA_DST, RTA_OIF, NLMSG_ERROR = 1, 4, 2


def name_of(address: str, network: str, prefix: str) -> str:
    """Return the name of the task with this address: the prefix, and the position of the address in the network."""
    return f"{prefix}{int(ipaddress.ip_address(address)) - int(ipaddress.ip_network(network).network_address)}"


def serve(listener: socket.socket, network: str, prefix: str) -> None:
    """Answer every connection at once with the name of the task and a newline, and close when its client does."""
    chosen = selectors.DefaultSelector()
    listener.setblocking(False)
    chosen.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in chosen.select():
            if key.fileobj is listener:
                _accept(chosen, listener, network, prefix)
            else:
                _read(chosen, key)


def _accept(chosen: selectors.BaseSelector, listener: socket.socket, network: str, prefix: str) -> None:
    for _ in range(ACCEPTED_AT_ONCE):
        try:
            connection, _peer = listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        try:
            connection.sendall(f"{name_of(connection.getsockname()[0], network, prefix)}\n".encode())
        except OSError:
            connection.close()
            continue
        chosen.register(connection, selectors.EVENT_READ)


def _read(chosen: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    connection = key.fileobj
    assert isinstance(connection, socket.socket)
    try:
        said = connection.recv(4096)
    except BlockingIOError:
        return
    except OSError:
        said = b""
    if not said:
        chosen.unregister(connection)
        connection.close()


def route(network: str) -> None:
    """Make all addresses of the network local to this host, like `ip route add local NETWORK dev lo`."""
    whole = ipaddress.ip_network(network)
    message = struct.pack(
        "=BBBBBBBBI", socket.AF_INET, whole.prefixlen, 0, 0, RT_TABLE_LOCAL, RTPROT_BOOT, RT_SCOPE_HOST, RTN_LOCAL, 0
    )
    message += struct.pack("=HH4s", 8, RTA_DST, whole.network_address.packed)
    message += struct.pack("=HHI", 8, RTA_OIF, socket.if_nametoindex("lo"))
    flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.bind((0, 0))
        kernel.send(struct.pack("=IHHII", 16 + len(message), RTM_NEWROUTE, flags, 1, 0) + message)
        answer = kernel.recv(4096)
    _, kind, _, _, _, error = struct.unpack_from("=IHHIIi", answer)
    if kind != NLMSG_ERROR or error:
        raise OSError(-error, f"the kernel refused a local route to {network}")


if __name__ == "__main__":
    of, called, port = sys.argv[1:]
    route(of)
    with socket.create_server(("", int(port)), backlog=BACKLOG) as server:
        print("ready", flush=True)
        serve(server, of, called)
