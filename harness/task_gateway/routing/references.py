"""Parses the names of pods and Jobs in the form that kubectl accepts and prints."""

import re
from dataclasses import dataclass

from task_gateway.errors import UsageError
from task_gateway.kube.kinds import JOB, POD

_WORDS = {
    POD: re.compile(r"(po|pod|pods)(\.v1\.?)?", re.IGNORECASE),
    JOB: re.compile(r"(job|jobs)((\.v1)?\.batch)?", re.IGNORECASE),
}
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST = 253
FORMS = "pod/NAME, job/NAME or a pod's NAME"


@dataclass(frozen=True)
class Reference:
    """An object that a user named: `kind` is `v1/Pod` or `batch/v1/Job`, `text` what the user wrote."""

    kind: str
    name: str
    text: str

    @property
    def word(self) -> str:
        """The kind without its group, such as Pod."""
        return self.kind.rpartition("/")[2]


def parse(text: str) -> Reference:
    """Parse `pod/NAME`, `job.batch/NAME` or a pod's NAME; UsageError for anything else."""
    word, slash, name = text.partition("/")
    if not slash:
        word, name = "pod", text
    kind = next((kind for kind, words in _WORDS.items() if words.fullmatch(word)), None)
    if kind is None:
        raise UsageError(
            f"{text!r} names neither a pod nor a job",
            hint=f"{FORMS}; a Deployment or a StatefulSet is exposed by one of its pods: kubectl get pods -o name",
        )
    if not name:
        raise UsageError(f"{text!r} has no name", hint=FORMS)
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a {kind.rpartition('/')[2]}",
            hint=f"{FORMS}; a name has lower case letters, digits, '-' and '.', and a letter or a digit at both ends",
        )
    return Reference(kind, name, text)
