"""Contour: applies a claim in milliseconds with any number of slots, and serves one Gateway."""

from task_gateway.controllers.base import BenchPlan, Controller, declare

SHIFT, LARGEST, PRIVILEGED = 8000, 65535, 1023
"""Contour adds 8000 to a listener's port, wraps around at 65535, and skips the ports up to 1023."""


def proxy_port(port: int) -> int:
    """Return the port in Envoy's pod for a listener's port. From 57536 to 59581, p and p + 1023 share a port."""
    inside = port + SHIFT
    if inside > LARGEST:
        inside -= LARGEST
    return inside + PRIVILEGED if inside <= PRIVILEGED else inside


CONTOUR = declare(
    Controller(
        name="contour",
        title="Contour",
        class_prefix="projectcontour.io/",
        listener_sets=False,
        listens_without_routes=False,
        one_gateway=True,
        watch_option="--watch-namespaces=",
        proxy_port=proxy_port,
        # The chart creates Envoy's Service with the ports in its values.
        adds_ports=False,
        # observedGeneration only changes when the conditions change.
        reports_generation=False,
        reports_classes=False,
        labels="app=contour",
        process="contour serve",
        image="projectcontour/contour",
        tested=(1, 33),
        channel="experimental",
        values_file="contour.yaml",
        ports_value="contour.ports",
        one_pod={"contour": {"replicas": 1}},
        unlimited={"contour": {"clientQPS": 500}},
        pod_annotations="contour.podAnnotations",
        bench=BenchPlan(
            samples=50,
            samples_per_task=5,
            listeners=(10, 100, 200),
            rebuilds=True,
            operator_goals={1000: 0.04},
        ),
    )
)
