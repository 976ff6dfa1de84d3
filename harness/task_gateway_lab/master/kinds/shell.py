"""Task kind `shell`: an OpenSSH server that runs as the pod's user and accepts the key of the task."""

from task_gateway.model import Manifest, Task
from task_gateway_lab.master.kinds.base import KINDS, TaskKind
from task_gateway_lab.master.manifests import TOKEN_KEY, program_pod

RESOURCES: Manifest = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}}
PROGRAM = """
set -eu
umask 077
mkdir -p "$HOME/ssh"
cd "$HOME/ssh"
ssh-keygen -q -t ed25519 -N '' -f host
printf '%s\\n' "$SSH_KEY" > keys
cat > config <<END
Port $PORTS
HostKey $HOME/ssh/host
AuthorizedKeysFile $HOME/ssh/keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile none
Subsystem sftp internal-sftp
END
exec "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f config
"""


def pod(task: Task, image: str) -> Manifest:
    """Return the pod of an SSH server; the Secret of the task has the public key that it accepts."""
    made = program_pod(task, image, ["sh", "-c", PROGRAM], RESOURCES)
    (container,) = made["spec"]["containers"]
    key = {"secretKeyRef": {"name": task.id, "key": TOKEN_KEY}}
    container["env"].append({"name": "SSH_KEY", "valueFrom": key})
    return made


KINDS.register("shell")(TaskKind("shell", (2222,), pod))
