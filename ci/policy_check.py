"""Checks the rendered chart with kube-score: every finding must be fixed, or have a reason in policy_exceptions.yaml.

python ci/policy_check.py   exit 1 and name each finding without a reason, and each reason without a finding
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

import pins
from charts import DIST
from progress import attended
from task_gateway.kube.process import run, tool

EXCEPTIONS = pins.CI / "policy_exceptions.yaml"
CHART = pins.ROOT / "charts" / "internal-task-gateway"
PRODUCTION = ("--values", CHART / "production.yaml")
OPERATOR = ("--set", "operator.enabled=true,operator.image=localhost/task-gateway/operator:1")
RENDERED = {
    "envoy-gateway": (*PRODUCTION, *OPERATOR),
    "contour": ("--values", CHART / "contour.yaml", *PRODUCTION, *OPERATOR),
}
"""The checked renderings: each controller with the values for production, and the operator."""
FINE = 10  # kube-score's grade of what it finds nothing at


@dataclass(frozen=True)
class ScoreFinding:
    """A finding of kube-score about an object, written as Kind/namespace/name."""

    check: str
    object: str
    says: str


@dataclass(frozen=True)
class ScoreException:
    """Accepted findings: of a check, for objects that match, with this text; `reason` is for people."""

    check: str
    object: str
    says: str
    reason: str

    def explains(self, finding: ScoreFinding) -> bool:
        """Return whether it matches a finding."""
        alike = self.check == finding.check and fnmatchcase(finding.object, self.object)
        return alike and self.says in finding.says


def main() -> int:
    """Check all renderings; return the exit code."""
    found = [finding for values in RENDERED.values() for finding in findings(_score(values))]
    known = exceptions()
    wrong = unexplained(found, known) + outdated(found, known)
    for line in wrong:
        print(f"× {line}")
    if not wrong:
        print(f"√ policies: {len(set(found))} findings of kube-score, each explained by one of {len(known)} reasons")
    return 1 if wrong else 0


def exceptions(file: Path = EXCEPTIONS) -> list[ScoreException]:
    """Return the reasons that are written down."""
    return [ScoreException(**each) for each in yaml.safe_load(file.read_text("utf-8"))]


def findings(report: list[dict[str, Any]]) -> Iterator[ScoreFinding]:
    """Yield what a report of kube-score finds fault with."""
    for scored in report:
        kind, meta = scored["type_meta"]["kind"], scored["object_meta"]
        name = "/".join([kind, meta.get("namespace", ""), meta["name"]])
        for check in scored["checks"]:
            if check["skipped"] or check["grade"] >= FINE:
                continue
            for comment in check["comments"] or [{"summary": check["check"]["name"], "path": ""}]:
                yield ScoreFinding(check["check"]["id"], name, f"{comment['path']} {comment['summary']}".strip())


def unexplained(found: list[ScoreFinding], known: list[ScoreException]) -> list[str]:
    """Return a line for each finding that has no reason to stay."""
    left = {each for each in found if not any(reason.explains(each) for reason in known)}
    return [f"{each.object}: {each.says} ({each.check})" for each in sorted(left, key=lambda each: each.object)]


def outdated(found: list[ScoreFinding], known: list[ScoreException]) -> list[str]:
    """Return a line for each reason that explains nothing any more."""
    old = [reason for reason in known if not any(reason.explains(each) for each in found)]
    return [f"{EXCEPTIONS.name}: {each.check} at {each.object} ({each.says}) is found no more" for each in old]


def _score(values: tuple[str | Path, ...]) -> list[dict[str, Any]]:
    (chart,) = DIST.glob("internal-task-gateway-*.tgz")
    rendered = run([tool("helm"), "template", "tg", chart, "--namespace", "gateways", *values]).stdout
    release = "v" + ".".join(pins.read()["KUBERNETES_VERSION"].split(".")[:2])
    words = ["score", "--output-format", "json", "--kubernetes-version", release, "-"]
    report: list[dict[str, Any]] = json.loads(run([tool("kube-score"), *words], input=rendered, check=False).stdout)
    return report


if __name__ == "__main__":
    sys.exit(attended(lambda _: main()))
