"""Notes: the block for the master configuration, and the source of its address."""

from collections.abc import Callable

import yaml

from task_gateway.model import Manifest

Release = Callable[..., Manifest]


def block(notes: str) -> Manifest:
    lines = notes.splitlines()
    start = lines.index("internal_task_gateway:")
    taken = [line for line in lines[start + 1 : lines.index("", start)] if line.startswith("  ")]
    found: Manifest = yaml.safe_load("\n".join(["internal_task_gateway:", *taken]))["internal_task_gateway"]
    return found


def test_block_has_the_five_keys(release: Release) -> None:
    values = {"gateway": {"addresses": ["fd00::1"]}, "slots": [{"start": 30000, "count": 10}]}
    assert block(release(values)["info"]["notes"]) == {
        "gateway_name": "tg",
        "gateway_namespace": "gateways",
        "gateway_ip": "fd00::1",
        "gateway_port_range_start": 30000,
        "gateway_port_range_end": 30009,
    }


def test_an_address_that_is_not_known_yet_is_left_out_and_explained(release: Release) -> None:
    notes = release()["info"]["notes"]
    assert block(notes)["gateway_ip"] == ""
    assert "kubectl get gateway tg --namespace gateways" in notes
    assert "helm test tg --namespace gateways" in notes
