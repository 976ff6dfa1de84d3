"""Expose pods that carry a label."""

import gc
import signal
import threading
from typing import Annotated

import typer

from task_gateway.cli import _target
from task_gateway.errors import TaskGatewayError, UsageError
from task_gateway.inventory.target import connect
from task_gateway.operator.request import allowed
from task_gateway.operator.run import Operator, Options

COLLECT = (100_000, 20, 100)
"""Thresholds of the garbage collector: about the number of objects in one page of pods. Python's default of 700 scanned
all pods repeatedly while they were read: 4 s of CPU for 4,000 pods instead of 2 to 3 s."""


def register(root: typer.Typer) -> None:
    """Add the command to the program."""
    root.command(epilog="Example: task-gateway operator --gateway task-gateway/task-gateway")(operator)


def operator(
    gateway: Annotated[str, typer.Option(help="Gateway whose slots the operator assigns (NAMESPACE/NAME).")],
    namespace: Annotated[
        list[str] | None,
        typer.Option(
            "--namespace", "-n", help="Task namespace to watch. Repeatable. Default: all that the chart lists."
        ),
    ] = None,
    allowed_ports: Annotated[
        str, typer.Option(help="Pod ports that may be exposed, e.g. 8888,6006,8000-9000. Default: all.")
    ] = "",
    port: Annotated[
        int, typer.Option(help="Port of /healthz, /readyz and /metrics. 0 selects a free port.", min=0, max=65535)
    ] = 8080,
    measure_reached: Annotated[
        bool, typer.Option(help="Connect to new addresses through the gateway, to measure when they become reachable.")
    ] = True,
    kubeconfig: _target.ClusterOption = None,
    context: _target.ContextOption = None,
) -> None:
    """Expose pods that carry a label.

    Runs the operator: it assigns a port to each pod with the label task-gateway.dev/expose, and frees the port when the
    pod ends. Log lines are JSON objects on stdout. SIGTERM and Ctrl-C stop it with exit code 0.
    """
    home, _, name = gateway.partition("/")
    if not home or not name:
        raise UsageError(f"{gateway!r} is not NAMESPACE/NAME", where="--gateway", hint="kubectl get gateways -A")
    options = Options(name, home, tuple(namespace or ()), allowed(allowed_ports), port, measure_reached)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    gc.set_threshold(*COLLECT)
    try:
        replica = Operator(connect(kubeconfig, context), options)
    except OSError as problem:
        raise TaskGatewayError(f"cannot listen on port {port}: {problem.strerror}", where="--port") from None
    try:
        replica.start()
        stopped.wait()
    finally:
        replica.stop()
