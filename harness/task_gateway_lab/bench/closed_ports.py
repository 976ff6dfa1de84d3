"""Which ports were seen to reach nothing since their last task: a change that is late would look like a fast one."""

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
        """Look at each port until it reaches nothing; where slots are built, Envoy must listen on each first."""
        with ThreadPoolExecutor(THREADS) as pool:
            if built:
                say(f"waiting until Envoy listens on all {len(self._all)} ports")
                list(pool.map(port_probe.wait_listening, self._all))
            say(f"waiting until all {len(self._all)} ports reach nothing")
            list(pool.map(port_probe.wait_closed, self._all))
        self._closed.update(self._all)

    def take(self, address: Address) -> None:
        """Take note that a task has a port; ScenarioFailed unless it was seen to reach nothing before."""
        if address not in self._closed:
            raise ScenarioFailed(f"port {address.port} was not seen to reach nothing before", where=str(address))
        self._closed.remove(address)

    def free(self, address: Address) -> None:
        """Take note that a port was seen to reach nothing."""
        self._closed.add(address)
