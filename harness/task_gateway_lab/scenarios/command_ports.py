"""Scenarios: a command that serves its own protocol on a TCP port, and a task with several ports."""

from task_gateway.deferred import socket
from task_gateway.errors import ScenarioFailed
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import end, start

SECONDS = 10.0
ONE, SEVERAL, PORTS = "command-custom", "command-several", (9000, 9001, 9002)


def dial_ports(id: str, ports: tuple[int, ...]) -> Step:
    """Connect to each port of a task at the gateway's address; it has to send its name and echo a line."""

    def do(case: ScenarioCase) -> str:
        running: runtime.RunningTask = case.state[id]
        for address, port in zip(running.addresses, ports, strict=True):
            with socket.create_connection((address.host, address.port), SECONDS) as connection:
                lines = connection.makefile("rw")
                greeting = lines.readline().strip()
                lines.write("hello\n")
                lines.flush()
                echo = lines.readline().strip()
            if (greeting, echo) != (f"{id}:{port}", "hello"):
                raise ScenarioFailed(f"{greeting!r} and {echo!r} came", where=str(address))
        return f"{len(ports)} ports answer with their own names"

    return Step(f"connected to each port of {id}", do, f"nc ${id.replace('-', '_').split(':')[0]}")


declare(
    Scenario(
        name="command_port",
        group="Commands and shells",
        sentence="A command serves its own protocol on a TCP port; a client reaches it through the gateway.",
        tags=("command",),
        steps=(start("command", "east", ONE), dial_ports(ONE, (9000,)), end(ONE)),
    )
)
declare(
    Scenario(
        name="several_ports",
        group="Commands and shells",
        sentence="A task with three ports gets three ports of the gateway, and each one reaches the right port.",
        tags=("command",),
        steps=(start("command", "west", SEVERAL, ports=PORTS), dial_ports(SEVERAL, PORTS), end(SEVERAL)),
    )
)
