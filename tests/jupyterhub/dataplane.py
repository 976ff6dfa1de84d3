"""A proxy that serves slots like a gateway: each connection goes to the pod that the slot's Service selects."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager, suppress
from functools import partial

from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD, SERVICE

BLOCK = 1 << 16


class DataPlane:
    """Listens on the ports of slots; a port without a pod accepts a connection and closes it."""

    def __init__(self, kube: Kube, namespace: str, gateway: str, address: str, ports: range) -> None:
        self._kube, self._namespace, self._gateway = kube, namespace, gateway
        self._address, self._ports = address, ports

    @contextmanager
    def served(self) -> Iterator[None]:
        """Serve in a thread."""
        with asyncio.Runner() as runner, ThreadPoolExecutor(1) as pool:
            loop, over, listens = runner.get_loop(), asyncio.Event(), threading.Event()
            work = pool.submit(runner.run, self._serve(over, listens.set))
            listens.wait()
            try:
                yield
            finally:
                loop.call_soon_threadsafe(over.set)
                work.result()

    async def _serve(self, over: asyncio.Event, listens: Callable[[], None]) -> None:
        async with AsyncExitStack() as stack:
            for port in self._ports:
                server = await asyncio.start_server(partial(self._connected, port), self._address, port)
                stack.callback(server.close)
            listens()
            await over.wait()

    async def _connected(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = await asyncio.to_thread(self._target, port)
        with suppress(OSError):
            if target is not None:
                there, back = await asyncio.open_connection(*target)
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
        writer.close()

    def _target(self, port: int) -> tuple[str, int] | None:
        spec = self._kube.get(SERVICE, f"{self._gateway}-slot-{port}", self._namespace)["spec"]
        labels = ",".join(f"{key}={value}" for key, value in (spec.get("selector") or {}).items())
        pods = self._kube.list(POD, self._namespace, labels) if labels else []
        addresses = [pod["status"]["podIP"] for pod in pods if "podIP" in pod["status"]]
        return (addresses[0], int(spec["ports"][0]["targetPort"])) if addresses else None


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(BLOCK):
            writer.write(piece)
            await writer.drain()
    writer.close()
