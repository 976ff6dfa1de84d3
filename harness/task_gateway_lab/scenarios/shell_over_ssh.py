"""Scenario: a shell task is used over SSH at the gateway's address, with the only key that it accepts."""

import io
from contextlib import closing

from task_gateway.deferred import paramiko
from task_gateway.errors import ScenarioFailed
from task_gateway_lab.scenarios import runtime
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import end, launch

ID, USER, SECONDS = "shell-1", "jovyan", 20.0


def start_shell(case: ScenarioCase) -> str:
    """Start the shell with a new key."""
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(_new_key()))
    case.state["key"] = key
    public = f"{key.get_name()} {key.get_base64()}"
    running = launch(case, runtime.TaskRequest("shell", "east", ID, secret=public))
    return f"{ID} on east at {running.address}"


def run_over_ssh(case: ScenarioCase) -> str:
    """Log in, and run a command."""
    running: runtime.RunningTask = case.state[ID]
    with closing(paramiko.SSHClient()) as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # the host key is as new as the task
        try:
            client.connect(running.address.host, running.address.port, USER, pkey=case.state["key"], timeout=SECONDS)
            _, out, _ = client.exec_command("hostname; id -un", timeout=SECONDS)
            said = out.read().decode().split()
        except (paramiko.SSHException, OSError) as problem:
            raise ScenarioFailed(f"SSH failed: {problem}", where=str(running.address)) from problem
    if said != [ID, USER]:
        raise ScenarioFailed(f"the shell printed {said}, not {[ID, USER]}", where=str(running.address))
    return f"the shell of {USER} is on {ID}"


def try_other_key(case: ScenarioCase) -> str:
    """Try another key, which must be refused."""
    running: runtime.RunningTask = case.state[ID]
    other = paramiko.Ed25519Key.from_private_key(io.StringIO(_new_key()))
    with closing(paramiko.SSHClient()) as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        try:
            client.connect(
                running.address.host, running.address.port, USER, pkey=other, timeout=SECONDS,
                allow_agent=False, look_for_keys=False,
            )  # fmt: skip
        except paramiko.AuthenticationException as refused:
            return str(refused)
    raise ScenarioFailed("another key was accepted", where=str(running.address))


def _new_key() -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


declare(
    Scenario(
        name="shell_over_ssh",
        group="Commands and shells",
        sentence="A shell in another cluster works over SSH through the gateway, and only accepts its own key.",
        tags=("shell", "security"),
        steps=(
            Step("east: shell shell-1 started", start_shell, "ssh-keygen -t ed25519 -f key"),
            Step("command run over SSH", run_over_ssh, f"ssh -i key {USER}@… hostname  # host and port: $shell_1"),
            Step("another key refused", try_other_key),
            end(ID),
        ),
    )
)
