"""A gateway without a cluster: the objects for checks and limits are in memory."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.memory import GATEWAY_OF_TESTS, Memory, furnish

from task_gateway.inventory.snapshot import GatewaySnapshot
from task_gateway.inventory.target import GatewayTarget
from task_gateway.model import InternalTaskGateway, ResourceManager

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: me, user: {token: t}}]
"""


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def target(memory: Memory) -> GatewayTarget:
    return GatewayTarget(ResourceManager("east", "east", internal_task_gateway=GATEWAY_OF_TESTS), memory)


@pytest.fixture
def snapshot() -> Callable[..., GatewaySnapshot]:
    """Make the snapshot of a gateway of which the memory has these parts, see `furnish`; each has its own memory."""

    def make(
        strategy: str | None = None,
        *,
        gateway: InternalTaskGateway = GATEWAY_OF_TESTS,
        kube: Memory | None = None,
        namespaces: tuple[str, ...] = ("ns",),
        options: dict[str, Any] | None = None,
        **parts: Any,
    ) -> GatewaySnapshot:
        memory = kube or Memory()
        furnish(memory, gateway, namespaces=namespaces, **parts)
        manager = ResourceManager("east", "east", default_namespace=namespaces[0], internal_task_gateway=gateway)
        return GatewaySnapshot(GatewayTarget(manager, memory), strategy, **(options or {}))

    return make
