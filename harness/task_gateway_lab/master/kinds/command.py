"""Task kind `command`: a server on any ports that sends its name, echoes lines, and exits on the line `crash`."""

from task_gateway.model import Manifest, Task
from task_gateway_lab.master.kinds.base import KINDS, TaskKind
from task_gateway_lab.master.manifests import program_pod

RESOURCES: Manifest = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}
PROGRAM = """
import asyncio, os
async def serve(reader, writer):
    port = writer.get_extra_info("sockname")[1]
    try:
        writer.write(f"{os.environ['TASK']}:{port}\\n".encode())
        while line := await reader.readline():
            if line == b"crash\\n":
                os._exit(1)
            writer.write(line)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
async def main():
    for port in os.environ["PORTS"].split(","):
        await asyncio.start_server(serve, "", int(port))
    await asyncio.Event().wait()
asyncio.run(main())
"""


def pod(task: Task, image: str) -> Manifest:
    """Return the pod of a server on all ports of a task."""
    return program_pod(task, image, ["python3", "-c", PROGRAM], RESOURCES)


KINDS.register("command")(TaskKind("command", (9000,), pod))
