"""Values of earlier releases: Helm refuses each with the name of its replacement."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from task_gateway.kube.process import Completed

Helm = Callable[..., Completed]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"service": {"type": "ClusterIP"}}, "service was renamed to envoy.service"),
        ({"kubectl": {"image": "kubectl:own"}}, "kubectl was renamed to hooks"),
        ({"taskNamespaces": [{"namespace": "b", "start": 21000, "count": 2}]}, "add its items to the list slots"),
        ({"slots": {"count": 80}}, '--set-json \'slots=[{"namespace":"NAMESPACE","start":20000,"count":64}]\''),
        ({"slots": {"parent": "Gateway"}}, "slots.parent with slotListeners.kind"),
        ({"slots": {"admissionPolicy": False}}, "slots.admissionPolicy with slotsPolicy.enabled"),
    ],
    ids=json.dumps,
)
def test_the_new_name_is_given(helm: Helm, values: dict[str, Any], sentence: str) -> None:
    done = helm("template", "tg", values=values)
    assert done.code != 0
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("slots[0].count=256", "at '/slots/0': missing property 'start'"),
        ("slots[0].start=20000,slots[0].count=256", ""),
        ("slots[1].start=21000,slots[1].count=2", "at '/slots/0': got null, want object"),
    ],
)
def test_helm_replaces_the_list_as_a_whole(helm: Helm, words: str, problem: str) -> None:
    """An incomplete item is refused, so a forgotten first port does not move slots."""
    done = helm("template", "tg", options=("--set", words, "--show-only", "templates/services.yaml"))
    assert (done.code == 0) is (not problem)
    assert problem in done.stderr
    assert done.stdout.count("kind: Service\n") == (0 if problem else 256)
