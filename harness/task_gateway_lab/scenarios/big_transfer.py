"""Scenario: a large file is uploaded to a notebook and downloaded unchanged."""

import random

from task_gateway.deferred import hashlib
from task_gateway.errors import ScenarioFailed
from task_gateway_lab.scenarios.base import Scenario, ScenarioCase, Step, declare
from task_gateway_lab.scenarios.tasks import end, opened, start

ID, FILE, MIB = "notebook-transfer", "big.bin", 256
SEED = 5


def upload_file(case: ScenarioCase) -> str:
    """Upload the file in the same chunks as JupyterLab."""
    source = random.Random(SEED)
    content = b"".join(source.randbytes(1 << 20) for _ in range(MIB))
    case.state["digest"] = hashlib.sha256(content).hexdigest()
    opened(case, ID).upload(FILE, content)
    return f"{MIB} MiB, sha256 {case.state['digest'][:16]}"


def download_file(case: ScenarioCase) -> str:
    """Download the file, and compare it."""
    found = hashlib.sha256()
    size = 0
    for piece in opened(case, ID).download(FILE):
        found.update(piece)
        size += len(piece)
    if found.hexdigest() != case.state["digest"]:
        raise ScenarioFailed(f"{size} bytes came back with sha256 {found.hexdigest()}, not {case.state['digest']}")
    return f"{size >> 20} MiB came back with the same checksum"


declare(
    Scenario(
        name="big_transfer",
        group="Notebooks",
        sentence=f"{MIB} MiB are uploaded to a notebook in another cluster and downloaded with the same checksum.",
        tags=("notebook", "long", "any-master"),
        steps=(
            start("notebook", "west", ID),
            Step(
                "file uploaded",
                upload_file,
                "head -c 268435456 /dev/urandom > big.bin; sha256sum big.bin  # then upload it",
            ),
            Step("file downloaded, checksums equal", download_file, "# download it, then: sha256sum big.bin"),
            end(ID),
        ),
    )
)
