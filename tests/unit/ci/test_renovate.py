"""Renovate finds the pins: each has a source of newer versions, follows another pin, or is changed manually."""

import json
import re

import pins

CONFIGURATION = json.loads((pins.ROOT / "renovate.json").read_text())
FOLLOW = ("ETCD_", "COREDNS_", "PAUSE_")  # kubeadm of the pinned Kubernetes names their versions
MANUAL = ("CALICO_", "CONFIGURABLE_HTTP_PROXY_", "DEBIAN_RELEASE", "PREVIOUS_RELEASE", "PYTHON_IMAGE_TAG")


def found() -> dict[str, dict[str, str]]:
    """What the regular expression of the configuration finds in ci/versions.env, by pin."""
    (manager,) = CONFIGURATION["customManagers"]
    (pattern,) = manager["matchStrings"]
    (file,) = manager["managerFilePatterns"]
    text = (pins.ROOT / file).read_text()
    matches = re.finditer(pattern.replace("(?<", "(?P<").replace("(?P<=", "(?<="), text)
    return {match[0].rpartition("\n")[2].partition("=")[0]: match.groupdict() for match in matches}


def test_each_pin_has_a_source_or_is_changed_manually() -> None:
    without = set(pins.read().keys() - found().keys())
    assert {pin for pin in without if not pin.removeprefix(pins.OLDEST).startswith((*FOLLOW, *MANUAL))} == set()
    assert {pin: each["currentValue"] for pin, each in found().items()}.items() <= pins.read().items()


def test_the_source_of_a_go_pin_is_its_module() -> None:
    modules = {pin: module for module, _, pin in pins.GO_PINS}
    go = {pin: each["packageName"] or each["depName"] for pin, each in found().items() if each["datasource"] == "go"}
    assert {pin: module for pin, module in go.items() if pin in modules} == {
        pin: module for pin, module in modules.items() if pin in found()
    }
    assert len(go) > 10


def test_the_oldest_kubernetes_keeps_its_minor_version() -> None:
    oldest = {each["depName"] for pin, each in found().items() if pin.startswith(pins.OLDEST)}
    (rule,) = [each for each in CONFIGURATION["packageRules"] if each.get("matchUpdateTypes")]
    (prefix,) = [name.removesuffix("**") for name in rule["matchDepNames"]]
    assert oldest
    assert all(name.startswith(prefix) for name in oldest)
    assert not rule["enabled"]
