"""Shared by the tests of `task-gateway check`: a gateway to check, reversible changes of it, and assertions."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

from task_gateway.cli.main import build
from task_gateway.errors import TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.model import InternalTaskGateway, Manifest

NAMESPACE = "gateways"
DEPLOYMENT, SERVICE = "apps/v1/Deployment", "v1/Service"


@dataclass
class Preflight:
    """An installed gateway, and the configuration for the check."""

    kube: Kube
    gateway: InternalTaskGateway
    folder: Path
    keys: dict[str, Any] = field(default_factory=dict)
    pools: int = 1
    text: str = ""
    kubeconfig: Path | None = None
    without_config: bool = False
    arguments: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.gateway.gateway_name

    @property
    def namespace(self) -> str:
        return self.gateway.gateway_namespace

    @property
    def start(self) -> int:
        return self.gateway.gateway_port_range_start

    @property
    def count(self) -> int:
        return self.gateway.gateway_port_range_end - self.start + 1

    def config(self) -> Path:
        keys = {key: value for key, value in (vars(self.gateway) | self.keys).items() if value is not None}
        manager = {"type": "kubernetes", "cluster_name": "east", "default_namespace": self.namespace}
        pools = [{"pool_name": "east", "max_aux_containers_per_agent": self.pools}]
        content = {"resource_manager": manager | {"internal_task_gateway": keys}, "resource_pools": pools}
        file = self.folder / "master.yaml"
        file.write_text(self.text or yaml.safe_dump(content))
        return file

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run the command as a user does; return its exit code and its output."""
        kubeconfig = self.kubeconfig or self.kube.cluster.kubeconfig
        config = [] if self.without_config else ["--config", str(self.config())]
        words = ["check", *config, "--kubeconfig", str(kubeconfig), *self.arguments, *arguments]
        result = CliRunner().invoke(build(), words)
        assert not isinstance(result.exception, TaskGatewayError), result.exception
        return result.exit_code, result.stdout

    def check(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        code, printed = self.run("-o", "json", *arguments)
        return code, json.loads(printed)

    def acting(self, user: Manifest, file: str) -> None:
        """Make the check log in as another user from now on."""
        content = yaml.safe_load(self.kube.cluster.kubeconfig.read_text())
        content["users"][0]["user"] = user
        self.kubeconfig = self.folder / file
        self.kubeconfig.write_text(yaml.safe_dump(content))

    @contextmanager
    def made(self, *objects: Manifest) -> Iterator[None]:
        for obj in objects:
            self.kube.create(obj)
        try:
            yield
        finally:
            for obj in objects:
                meta = obj["metadata"]
                self.kube.delete(f"{obj['apiVersion']}/{obj['kind']}", meta["name"], meta.get("namespace"))

    @contextmanager
    def patched(
        self, kind: str, name: str, body: Manifest, undo: Manifest, namespace: str | None = NAMESPACE
    ) -> Iterator[None]:
        self.kube.patch(kind, name, namespace, body)
        try:
            yield
        finally:
            self.kube.patch(kind, name, namespace, undo)


Break = Callable[[Preflight], AbstractContextManager[object]]


def configured(**keys: Any) -> Break:
    """Change the gateway in the configuration for the check."""

    def act(preflight: Preflight) -> AbstractContextManager[object]:
        preflight.keys = keys
        return nullcontext()

    return act


def checks_of(report: dict[str, Any]) -> list[dict[str, str]]:
    return [each for category in report["categories"] for each in category["checks"]]


def troubled(report: dict[str, Any]) -> dict[str, str]:
    """The codes of failed checks and warnings, with their messages."""
    return {each["code"]: each["message"] for each in checks_of(report) if each["result"] in ("warning", "error")}


def results(report: dict[str, Any], result: str) -> set[str]:
    return {each["code"] for each in checks_of(report) if each["result"] == result}


def assert_exactly(preflight: Preflight, code: str) -> dict[str, str]:
    """The check only finds this problem, has a message and a fix, and ends with the documented exit code."""
    exit_code, report = preflight.check()
    found = troubled(report)
    assert set(found) == {code}, found
    (check,) = [each for each in checks_of(report) if each["code"] == code]
    assert check["message"]
    assert check["fix"]
    special = {"ITG0101": 3} | {f"ITG060{number}": 2 for number in range(1, 10)}
    assert exit_code == special.get(code, {"warning": 0, "error": 1}[check["result"]])
    assert report["success"] is (check["result"] == "warning")
    return check
