"""The exposed task that a name refers to: an id, or the object that it was exposed with, existing or deleted."""

import pytest

from task_gateway.errors import NotExposed, UsageError
from task_gateway.model import Address, Exposure
from task_gateway.routing import exposed
from task_gateway.routing.references import Reference

SPACES = ("tasks", "aaa")


def port(task: str, kind: str = "", name: str = "", namespace: str = "tasks", number: int = 20000) -> Exposure:
    where = Address("192.0.2.7", number)
    return Exposure(task, namespace, "", kind, number, 8888, "slots", where, object_name=name)


def labels(**found: str) -> exposed.Labels:
    """The objects that are there now, by name, each with the task of its label in namespace `tasks`."""

    def read(reference: Reference, namespace: str) -> set[str]:
        return {found[reference.name]} if namespace == "tasks" and reference.name in found else set()

    return read


GONE, LABELLED, SWEEP = port("sts-0", "Pod", "sts-0"), port("taskabc", "Pod", "nb3"), port("sweep", "Job", "sweep")
BY_MASTER = port("by-master")


@pytest.mark.parametrize(
    ("name", "found", "there", "task"),
    [
        ("sts-0", [GONE], {}, "sts-0"),
        ("pod/sts-0", [GONE], {}, "sts-0"),
        ("nb3", [LABELLED], {}, "taskabc"),
        ("pods/nb3", [LABELLED], {}, "taskabc"),
        ("taskabc", [LABELLED], {}, "taskabc"),
        ("job.batch/sweep", [SWEEP], {}, "sweep"),
        ("pod/nb", [BY_MASTER], {"nb": "by-master"}, "by-master"),
        ("UPPER_1", [port("UPPER_1")], {}, "UPPER_1"),
        ("sts-0", [GONE, port("sts-0", "Pod", "sts-0", number=20001)], {"sts-0": "sts-0"}, "sts-0"),
    ],
)
def test_a_task_is_named_by_its_id_or_by_its_object(
    name: str, found: list[Exposure], there: dict[str, str], task: str
) -> None:
    assert exposed.meant(name, found, SPACES, labels(**there)) == ("tasks", task)


@pytest.mark.parametrize("name", ["nope", "pod/nope", "job/sts-0", "pod/unexposed"])
def test_what_holds_no_port_is_not_exposed(name: str) -> None:
    with pytest.raises(NotExposed, match=f"{name} is not exposed"):
        exposed.meant(name, [GONE], SPACES, labels(unexposed="other"))


@pytest.mark.parametrize("name", ["", "pod/", "a b", "deployment/x", "-x"])
def test_what_can_name_no_task_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        exposed.meant(name, [GONE], SPACES, labels())


def test_a_name_in_two_namespaces_needs_the_namespace() -> None:
    with pytest.raises(UsageError, match="several namespaces: aaa, tasks") as refused:
        exposed.meant("nb", [port("nb"), port("nb", namespace="aaa")], SPACES, labels())
    assert refused.value.hint == "--namespace aaa | tasks"


def test_a_name_that_is_one_tasks_id_and_anothers_pod_is_ambiguous() -> None:
    with pytest.raises(UsageError, match="means several tasks: nb3, taskabc") as refused:
        exposed.meant("nb3", [LABELLED, port("nb3", "Pod", "other")], SPACES, labels())
    assert refused.value.hint == "name one by its object: pod/nb3 | pod/other"
    assert exposed.meant("pod/other", [LABELLED, port("nb3", "Pod", "other")], SPACES, labels()) == ("tasks", "nb3")
