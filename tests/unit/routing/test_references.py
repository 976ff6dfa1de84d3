"""Names of pods and Jobs in the form that users write and kubectl prints."""

import pytest

from task_gateway.errors import UsageError
from task_gateway.kube.kinds import JOB, POD
from task_gateway.routing import references


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("nb", POD, "nb"),
        ("nb.one", POD, "nb.one"),
        ("9", POD, "9"),
        ("pod/nb", POD, "nb"),
        ("pods/nb", POD, "nb"),
        ("po/nb", POD, "nb"),
        ("Pod/nb", POD, "nb"),
        ("pods.v1./nb", POD, "nb"),
        ("job/sweep", JOB, "sweep"),
        ("jobs/sweep", JOB, "sweep"),
        ("job.batch/sweep", JOB, "sweep"),
        ("jobs.batch/sweep", JOB, "sweep"),
        ("jobs.v1.batch/sweep", JOB, "sweep"),
    ],
)
def test_an_object_is_named_as_kubectl_prints_it(text: str, kind: str, name: str) -> None:
    found = references.parse(text)
    assert (found.kind, found.name) == (kind, name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no name"),
        ("pod/", "'pod/' has no name"),
        ("job.batch/", "has no name"),
        ("/nb", "neither a pod nor a job"),
        ("statefulset.apps/sts", "neither a pod nor a job"),
        ("job.apps/sweep", "neither a pod nor a job"),
        ("pod/a/b", "cannot be the name of a Pod"),
        ("pod/NB", "cannot be the name of a Pod"),
        ("pod/-nb", "cannot be the name of a Pod"),
        ("job/a..b", "cannot be the name of a Job"),
        ("nb 1", "cannot be the name of a Pod"),
        ("pod/" + "x" * 254, "cannot be the name of a Pod"),
    ],
)
def test_what_names_no_object_is_refused_with_the_forms_that_do(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        references.parse(text)
    assert words in refused.value.message
    assert references.FORMS in (refused.value.hint or "")
