"""The objects of the hub's cluster, on a real API server: its pods meet the Pod Security Standard "restricted"."""

from tests.apiserver.operators import HOME
from tests.jupyterhub.conftest import Lab

from task_gateway_lab.master.jupyterhub.files import objects

WORDS = {"HUB_NAMESPACE": HOME, "HUB_IMAGE": "none"}


def test_a_restricted_namespace_takes_the_hub_and_its_proxy(lab: Lab) -> None:
    namespace, *workload = objects("hub", WORDS)
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    made = [lab.site.kube.create(each, dry_run=True) for each in workload]
    templates = [each["spec"]["template"] for each in made if each["kind"] == "Deployment"]
    for number, template in enumerate(templates):
        metadata = template["metadata"] | {"name": f"pod-{number}", "namespace": HOME}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        assert lab.site.kube.create(pod, dry_run=True)["spec"]["containers"]
    assert len(templates) == len(("hub", "proxy"))
