"""The versions of a run: if a component has several versions, all are listed."""

from task_gateway_lab.bench import machine


def test_versions_of_several_clusters_are_all_named() -> None:
    versions: dict[str, str] = {}
    for channel in ("standard", "experimental", "standard"):
        machine.note(versions, {"kubernetes": "v1", "gateway-api": f"v2 {channel}"})
    assert versions == {"kubernetes": "v1", "gateway-api": "v2 standard and v2 experimental"}
