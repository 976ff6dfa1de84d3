"""Records which ports were seen closed since their last task. Otherwise a late change could look like a fast one."""

from concurrent.futures import ThreadPoolExecutor

from task_gateway.errors import ScenarioFailed
from task_gateway.model import Address, InternalTaskGateway, Say
from task_gateway.probe import port_probe
from task_gateway.routing.ports import in_range

THREADS = 8


class PortPool:
    """The ports of one gateway."""

    def __init__(self, gateway: InternalTaskGateway) -> None:
        self._all = [Address(gateway.gateway_ip, port) for port in in_range(gateway)]
        self._closed: set[Address] = set()

    def see_all_closed(self, *, built: bool, say: Say) -> None:
        """Wait until each port is closed and, if there are slots (`built`), until Envoy listens on it first."""
        with ThreadPoolExecutor(THREADS) as pool:
            if built:
                say(f"waiting until Envoy listens on all {len(self._all)} ports")
                list(pool.map(port_probe.wait_listening, self._all))
            say(f"waiting until all {len(self._all)} ports are closed")
            list(pool.map(port_probe.wait_closed, self._all))
        self._closed.update(self._all)

    def take(self, address: Address) -> None:
        """Note that a task has a port; ScenarioFailed unless the port was seen closed before."""
        if address not in self._closed:
            raise ScenarioFailed(f"port {address.port} was not seen closed before", where=str(address))
        self._closed.remove(address)

    def free(self, address: Address) -> None:
        """Note that a port was seen closed."""
        self._closed.add(address)
