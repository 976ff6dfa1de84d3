"""Checks all rendered objects of the charts with kubeconform, with schemas of the oldest and the newest Kubernetes.

python ci/schema_check.py   exit 1 and print each object that such a cluster would refuse or change
"""

import json
import sys
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import yaml

import pins
import schemas
from charts import CRDS_CHART, DIST, GATEWAY_CHART
from progress import attended
from task_gateway.kube.process import Word, run, tool

SKIPPED = ("monitoring.coreos.com/v1/ServiceMonitor", "cert-manager.io/v1/Certificate")
"""Kinds of projects that are not pinned here; tests/chart checks their contents."""
EVERYTHING = ("--values", pins.ROOT / "tests" / "chart" / "everything.yaml")
PRODUCTION = ("--values", GATEWAY_CHART / "production.yaml")
CONTOUR = ("--values", GATEWAY_CHART / "contour.yaml")
LANE = ("--values", GATEWAY_CHART / "determined-lane.yaml")
NEWER = tuple(f"admissionregistration.k8s.io/v1/MutatingAdmissionPolicy{end}" for end in ("", "Binding"))
"""Kinds that the oldest Kubernetes does not serve. Only a value that needs a newer one renders them."""
UNRAISED = ("--set", "slots[0].start=20000,slots[0].count=50")
"""Of one Gateway, as Contour has them: as many as the pinned CRDs let it have."""
RENDERED: Mapping[str, tuple[Path, tuple[Word, ...]]] = {
    "defaults": (GATEWAY_CHART, ()),
    "production": (GATEWAY_CHART, PRODUCTION),
    "every option": (GATEWAY_CHART, EVERYTHING),
    "Contour": (GATEWAY_CHART, CONTOUR),
    "Contour in production": (GATEWAY_CHART, (*CONTOUR, *PRODUCTION)),
    "Contour with every option": (GATEWAY_CHART, (*EVERYTHING, *CONTOUR, *UNRAISED)),
    "Determined": (GATEWAY_CHART, ("--values", GATEWAY_CHART / "determined.yaml")),
    "Determined lane": (GATEWAY_CHART, (*LANE, "--set", "operator.image=operator:1")),
    "Determined lane that holds pods": (
        GATEWAY_CHART,
        (*LANE, "--set", "operator.image=operator:1,operator.determined.schedulingGate=true"),
    ),
    "CRDs": (CRDS_CHART, ()),
    "CRDs, raised": (CRDS_CHART, ("--set", "gateways.maxListeners=1024,gateways.dropQuadraticRules=true")),
    "CRDs of the experimental channel": (CRDS_CHART, ("--set", "channel=experimental")),
}
"""The checked renderings, by a name for people."""


def main() -> int:
    """Check all renderings with all releases; return the exit code."""
    custom, problems, valid = schemas.of_custom_kinds(), [], 0
    texts = {name: _render(chart, values) for name, (chart, values) in RENDERED.items()}
    wanted = {kind for text in texts.values() for kind in kinds(text)}
    for release in schemas.releases():
        known = {kind: each for kind, each in (schemas.of_kubernetes(release) | custom).items() if kind in wanted}
        with tempfile.TemporaryDirectory(prefix="task-gateway-schemas-") as folder:
            pattern = schemas.write(known, Path(folder))
            for name, text in texts.items():
                count, wrong = validate(text, pattern, skipped(known))
                valid += count
                problems += [f"Kubernetes {release}, {name}: {each}" for each in wrong]
    for line in problems:
        print(f"× {line}")
    if not problems:
        print(f"√ schemas: {valid} objects fit Kubernetes {' and '.join(schemas.releases())}")
    return 1 if problems else 0


def kinds(text: str) -> set[schemas.Kind]:
    """Return the kinds of all objects in a text of YAML."""
    return {(each["apiVersion"], each["kind"]) for each in yaml.load_all(text, yaml.CSafeLoader) if each}


def skipped(known: Collection[schemas.Kind]) -> tuple[str, ...]:
    """Return the kinds that are not checked with a release that has the `known` ones."""
    return SKIPPED + tuple(each for each in NEWER if tuple(each.rsplit("/", 1)) not in known)


def validate(text: str, pattern: str, skip: tuple[str, ...] = SKIPPED) -> tuple[int, list[str]]:
    """Return how many objects of a text are right, and a line for each that is not, by schemas found by a pattern."""
    words = ["-strict", "-summary", "-output", "json", "-schema-location", pattern, "-skip", ",".join(skip), "-"]
    report = json.loads(run([tool("kubeconform"), *words], input=text, check=False).stdout)
    wrong = [f"{each['kind']} {each['name']}: {each['msg']}" for each in report["resources"]]
    return report["summary"]["valid"], wrong


def _render(chart: Path, values: tuple[Word, ...]) -> str:
    (package,) = DIST.glob(f"{chart.name}-*.tgz")
    return run([tool("helm"), "template", "tg", package, "--namespace", "gateways", *values]).stdout


if __name__ == "__main__":
    sys.exit(attended(lambda _: main()))
