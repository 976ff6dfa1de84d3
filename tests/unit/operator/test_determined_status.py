"""The statuses of the lane: only written if they change, and never because of a change of a listener."""

from datetime import UTC, datetime

import pytest

from task_gateway.model import Manifest
from task_gateway.operator.determined import status

NOW, LATER = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
UNKNOWN: Manifest = {"type": "Accepted", "status": "Unknown", "reason": "Pending"}


@pytest.mark.parametrize(
    ("host", "addresses", "programmed"),
    [
        ("192.0.2.7", [{"type": "IPAddress", "value": "192.0.2.7"}], ("True", "Programmed")),
        ("2001:db8::7", [{"type": "IPAddress", "value": "2001:db8::7"}], ("True", "Programmed")),
        ("lb.example", [{"type": "Hostname", "value": "lb.example"}], ("True", "Programmed")),
        ("", [], ("False", "AddressNotAssigned")),
    ],
)
def test_a_gateway_has_the_address_of_the_one_with_the_slots(
    host: str, addresses: list[Manifest], programmed: tuple[str, str]
) -> None:
    found = status.of_gateway(host, NOW)
    assert found["addresses"] == addresses
    (condition,) = [each for each in found["conditions"] if each["type"] == "Programmed"]
    assert (condition["status"], condition["reason"]) == programmed


def test_it_is_written_if_it_differs_and_not_for_its_time() -> None:
    written = status.content_of({"status": status.of_gateway("192.0.2.7", NOW)})
    assert not status.differs(written, status.of_gateway("192.0.2.7", LATER))
    assert status.differs(written, status.of_gateway("192.0.2.8", NOW))
    assert status.differs(written, status.of_gateway("", NOW))
    assert status.differs(status.content_of({"status": {"conditions": [UNKNOWN]}}), status.of_gateway("", NOW))
    assert status.differs(status.content_of({}), status.of_class(NOW))
    accepted = status.of_class(NOW)
    more = {"conditions": [*accepted["conditions"], {"type": "SupportedVersion", "status": "True", "reason": "x"}]}
    assert not status.differs(status.content_of({"status": more}), accepted)
