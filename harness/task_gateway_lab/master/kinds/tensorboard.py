"""Task kind `tensorboard`: writes event files of a short training, then serves them below /proxy/<task>/."""

from task_gateway.model import Manifest, Task
from task_gateway_lab.master.kinds.base import KINDS, TaskKind
from task_gateway_lab.master.manifests import program_pod

RESOURCES: Manifest = {"requests": {"cpu": "100m", "memory": "192Mi"}, "limits": {"memory": "1Gi"}}
STEPS = 200
PROGRAM = f"""
import math, os, time
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
logs = os.path.join(os.environ["HOME"], "logs", "run-1")
writer = EventFileWriter(logs)
began = time.time() - {STEPS}
for step in range({STEPS}):
    value = Summary.Value(tag="loss", simple_value=math.exp(-step / 50) + 0.02 * math.sin(step))
    writer.add_event(Event(wall_time=began + step, step=step, summary=Summary(value=[value])))
writer.close()
prefix, port = "/proxy/" + os.environ["TASK"], os.environ["PORTS"]
words = ["--logdir", os.path.dirname(logs), "--host", "0.0.0.0", "--port", port, "--path_prefix", prefix]
os.execvp("tensorboard", ["tensorboard", *words])
"""


def pod(task: Task, image: str) -> Manifest:
    """Return the pod of a TensorBoard."""
    made = program_pod(task, image, ["python3", "-c", PROGRAM], RESOURCES)
    (container,) = made["spec"]["containers"]
    container["readinessProbe"] = {
        "httpGet": {"path": f"/proxy/{task.id}/data/environment", "port": task.port},
        "periodSeconds": 1,
    }
    return made


KINDS.register("tensorboard")(TaskKind("tensorboard", (6006,), pod))
