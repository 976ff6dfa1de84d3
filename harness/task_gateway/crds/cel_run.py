"""Probes one CRD after the other and, on a temporary control plane, also measures the cost of its rules at run time."""

import dataclasses
from collections.abc import Sequence

from task_gateway.crds import probe, runtime, schema
from task_gateway.kube.client import Kube
from task_gateway.model import CelReport, Manifest, Say, WriteTime

Measured = tuple[int | None, tuple[WriteTime, ...]]


def run(
    kube: Kube, crds: Sequence[Manifest], path: str, *, own: bool = False, curves: bool = False, say: Say
) -> list[CelReport]:
    """Return a report for each version of each CRD.

    With `own` the server is a temporary control plane, where CRDs are installed to find the run-time limit. Lists with
    the same rules share one measurement. With `curves` the reports have more points, and with `own` write times.
    """
    reports: list[CelReport] = []
    known: dict[object, Measured] = {}
    for number, crd in enumerate(crds, 1):
        say(f"[{number}/{len(crds)}] {title(crd)}")
        for report in probe.probe(kube, crd, path, curve=curves):
            if own:
                key = (report.crd, report.accepted_max_items, tuple(schema.rules_within(crd, report.version, path)))
                if key not in known and runtime.sampler(crd, report.version, path) is not None:
                    say("  its rules at run time")
                if key not in known:
                    known[key] = runtime.measure(
                        kube, crd, report.version, path, report.accepted_max_items, writes=curves
                    )
                limit, writes = known[key]
                report = dataclasses.replace(report, runtime_max_items=limit, writes=writes)
            reports.append(report)
    return reports


def title(crd: Manifest) -> str:
    """Return the title of a CRD for progress: bundle, channel and name."""
    return " ".join(part for part in (*schema.bundle(crd), crd["metadata"]["name"]) if part)
