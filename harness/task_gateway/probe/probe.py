"""Tests each requirement in order, on the same objects in a cluster, and records the results and versions."""

from collections.abc import Sequence

from task_gateway.errors import ClusterUnreachable, TaskGatewayError
from task_gateway.kube.client import Kube
from task_gateway.kube.kinds import POD
from task_gateway.kube.quantity import whole
from task_gateway.model import Say
from task_gateway.model_controllers import ControllerRecord, RequirementRecord
from task_gateway.probe.base import NotSupported, Requirement, RequirementResult, in_order
from task_gateway.probe.fixture import ProbeFixture, ProbeOptions, probe_fixture
from task_gateway.probe.versions import crd_versions, image_versions


def measure(kube: Kube, options: ProbeOptions, *, say: Say) -> ControllerRecord:
    """Probe a controller and return the results; UsageError if there is nothing to probe."""
    with probe_fixture(kube, options, say) as made:
        found = check_requirements(made, in_order(), say=say)
        versions = crd_versions(kube) | image_versions(kube.list(POD))
        nodes = kube.list("v1/Node")
    cores = sum(whole(each["status"]["capacity"]["cpu"]) or 0 for each in nodes)
    return ControllerRecord(
        gateway_class=made.gateway_class["metadata"]["name"],
        controller=made.gateway_class["spec"]["controllerName"],
        gateway=options.gateway or "created by the probe",
        suitable=suits(found),
        versions=versions,
        cluster={"nodes": str(len(nodes)), "cores": str(cores)},
        requirements=tuple(found),
    )


def suits(found: Sequence[RequirementRecord]) -> bool:
    """Return whether all mandatory requirements are met."""
    return all(each.result == RequirementResult.MET for each in found if each.required)


def check_requirements(made: ProbeFixture, requirements: Sequence[Requirement], *, say: Say) -> list[RequirementRecord]:
    """Test each requirement whose predecessors are met. ClusterUnreachable is raised, as no result is possible then."""
    found: dict[str, RequirementRecord] = {}
    for each in requirements:
        lacking = next((name for name in each.depends_on if found[name].result != RequirementResult.MET), None)
        if lacking is not None:
            found[each.name] = _record(each, RequirementResult.SKIPPED, f"after {lacking}")
            continue
        say(f"{each.name}: {each.sentence}")
        try:
            seen = each.check(made)
        except ClusterUnreachable:
            raise
        except TaskGatewayError as problem:
            found[each.name] = _record(each, RequirementResult.FAILED, problem.message)
        else:
            result = RequirementResult.NOT_SUPPORTED if isinstance(seen, NotSupported) else RequirementResult.MET
            seconds = {} if isinstance(seen, NotSupported) else dict(seen.seconds)
            found[each.name] = _record(each, result, seen.detail, seconds)
    return list(found.values())


def _record(
    each: Requirement, result: RequirementResult, detail: str, seconds: dict[str, float] | None = None
) -> RequirementRecord:
    return RequirementRecord(each.name, each.sentence, each.required, result, " ".join(detail.split()), seconds or {})
