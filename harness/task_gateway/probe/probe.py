"""The probe: each requirement in its order on one stage, what was seen of it, and what it was seen with."""

from collections.abc import Sequence

from task_gateway.errors import ClusterUnreachable, TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.quantity import whole
from task_gateway.model import Say
from task_gateway.model_controllers import ControllerRecord, RequirementRecord
from task_gateway.probe.base import Lack, Requirement, Result, in_order
from task_gateway.probe.stage import Asked, Stage, stage
from task_gateway.probe.versions import crd_versions, image_versions


def measure(kube: Kube, asked: Asked, *, say: Say) -> ControllerRecord:
    """Probe a controller and return what it was seen to do; UsageError if there is nothing to probe."""
    with stage(kube, asked, say) as made:
        found = look(made, in_order(), say=say)
        versions = crd_versions(kube) | image_versions(kube.list(POD))
        nodes = kube.list("v1/Node")
    cores = sum(whole(each["status"]["capacity"]["cpu"]) or 0 for each in nodes)
    return ControllerRecord(
        gateway_class=made.gateway_class["metadata"]["name"],
        controller=made.gateway_class["spec"]["controllerName"],
        gateway=asked.gateway or "created by the probe",
        suitable=suits(found),
        versions=versions,
        cluster={"nodes": str(len(nodes)), "cores": str(cores)},
        requirements=tuple(found),
    )


def suits(found: Sequence[RequirementRecord]) -> bool:
    """Tell whether all that is required is met."""
    return all(each.result == Result.MET for each in found if each.required)


def look(made: Stage, requirements: Sequence[Requirement], *, say: Say) -> list[RequirementRecord]:
    """Look for each requirement whose predecessors are met; ClusterUnreachable ends it: nothing can be seen then."""
    found: dict[str, RequirementRecord] = {}
    for each in requirements:
        lacking = next((name for name in each.after if found[name].result != Result.MET), None)
        if lacking is not None:
            found[each.name] = _record(each, Result.SKIPPED, f"after {lacking}")
            continue
        say(f"{each.name}: {each.sentence}")
        try:
            seen = each.look(made)
        except ClusterUnreachable:
            raise
        except TaskGatewayError as problem:
            found[each.name] = _record(each, Result.FAILED, problem.message)
        else:
            result = Result.NOT_SUPPORTED if isinstance(seen, Lack) else Result.MET
            seconds = {} if isinstance(seen, Lack) else dict(seen.seconds)
            found[each.name] = _record(each, result, seen.detail, seconds)
    return list(found.values())


def _record(
    each: Requirement, result: Result, detail: str, seconds: dict[str, float] | None = None
) -> RequirementRecord:
    return RequirementRecord(each.name, each.sentence, each.required, result, " ".join(detail.split()), seconds or {})
