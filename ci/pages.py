"""Renders parts of the pages in docs/ from records and code: `python ci/pages.py`; `verify` prints the differences.

A rendered part of a page is between <!-- NAME: begin (…) --> and <!-- NAME: end -->.
"""

import json
import posixpath
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import image_list
import pins
from docs import (
    bench,
    cel,
    checks,
    controllers,
    determined,
    first_start,
    jupyterhub,
    limits,
    peers,
    pictures,
    release,
    reliability,
    schema,
)
from docs import values as chart_values
from task_gateway import records
from task_gateway.controllers.base import in_order as known
from task_gateway.limits.base import LIMITS
from task_gateway.model import CelReport, ManagerLimits
from task_gateway.model_controllers import ControllerRecord
from task_gateway.probe.base import in_order
from task_gateway_lab.bench import ways
from task_gateway_lab.model_bench import (
    BurstReport,
    CrdWriteReport,
    DataplaneReport,
    ExposeReport,
    OperatorReport,
    PeerReport,
)

DOCS, RECORDED = pins.ROOT / "docs", pins.ROOT / "reports" / "recorded"
BENCH = pins.ROOT / "reports" / "bench"
Report = TypeVar("Report")


@dataclass(frozen=True)
class PagePart:
    """A page, the name of the part of it that is rendered (empty: all of it), and what renders it."""

    page: str
    name: str
    render: Callable[[], str]


def main() -> None:
    """Write every page whose rendered part is not up to date, or with `verify` fail naming them."""
    old = [posixpath.normpath(f"docs/{part.page}") for part in PARTS if wanted(part) != path(part).read_text("utf-8")]
    if sys.argv[1:] == ["verify"]:
        for page in old:
            print(f"× {page} differs from its sources")
        if old:
            sys.exit("  run: make pages")
        print("√ pages agree with the records and the code")
        return
    for part in PARTS:
        path(part).write_text(wanted(part), "utf-8")
    print(f"√ pages: {', '.join(old) or 'nothing has changed'}")


def path(part: PagePart) -> Path:
    """Return the file of a part's page."""
    return (DOCS / part.page).resolve()


def wanted(part: PagePart) -> str:
    """Return the page as it should be."""
    if not part.name:
        return part.render()
    text = path(part).read_text("utf-8")
    marked = re.compile(rf"(<!-- {part.name}: begin[^>]*-->\n).*?(<!-- {part.name}: end -->)", re.DOTALL)
    if not marked.search(text):
        raise ValueError(f"docs/{part.page} has no part {part.name}")
    return marked.sub(lambda found: f"{found[1]}{part.render().strip()}\n{found[2]}", text)


def ladder() -> str:
    """Return the recorded limits, with a column for each strategy."""
    record = _record("limits")
    return limits.page(records.read(list[ManagerLimits], record["resource_managers"]), record["versions"])


def cost() -> str:
    """Return what the rules of every release cost."""
    record = _record("cel")
    return cel.markdown(records.read(list[CelReport], record["crds"]), record["server"])


def faults() -> str:
    """Return the injected faults and their results."""
    record = _record("faults")
    return reliability.page(reliability.read(record["cases"]), record["versions"], record["again"])


def replay() -> str:
    """Return the replayed tasks of a Determined master, on the profile and on the lane."""
    record = _record("determined")
    return determined.page(
        records.read(list[determined.ReplayRecord], record["plays"]), record["versions"], record["machine"]
    )


def release_figures() -> str:
    """Return the figures of the release notes."""
    return release.figures(
        _expose(),
        _burst(),
        _dataplane(),
        records.read(list[ManagerLimits], _record("limits")["resource_managers"]),
        reliability.read(_record("faults")["cases"]),
    )


def release_shortfalls() -> str:
    """Return the targets that the release notes list as not reached."""
    return release.shortfalls(
        _expose(),
        _burst(),
        reliability.read(_record("faults")["cases"]),
    )


def notebook() -> str:
    """Return the commands that start a notebook of the pinned version, for the quick start."""
    image = image_list.names()["notebook"]
    return f"""
<!-- run by tests/guides/test_quick_start.py -->

```console
kubectl --namespace tasks run notebook --image {image} --image-pull-policy IfNotPresent \\
    --env JUPYTER_TOKEN=quick-start
kubectl --namespace tasks wait pod/notebook --for condition=Ready --timeout 3m
```
"""


def labelled() -> str:
    """Return the commands that start a notebook which a label exposes, for the quick start."""
    image = image_list.names()["notebook"]
    return f"""
<!-- run by tests/guides/test_quick_start.py -->

```console
kubectl --namespace tasks run labelled --image {image} --image-pull-policy IfNotPresent \\
    --env JUPYTER_TOKEN=quick-start --labels task-gateway.dev/expose=8888
kubectl --namespace tasks wait pod/labelled --for condition=task-gateway.dev/Exposed --timeout 3m
export TASK=$(kubectl --namespace tasks get pod labelled \\
    --output 'jsonpath={{.metadata.annotations.task-gateway\\.dev/address}}')
curl --fail --silent --show-error --retry 60 --retry-delay 1 --retry-all-errors "http://$TASK/api/status?token=quick-start"
kubectl --namespace tasks delete pod labelled
```
"""


def required() -> str:
    """Return what a controller has to do."""
    return controllers.requirements([(each.name, each.required, each.sentence) for each in in_order()])


def probed() -> str:
    """Return what the controllers that are tested were seen to do."""
    tested = [each.name for each in known() if each.tested]
    return controllers.measured([records.read(ControllerRecord, _record("controllers", name)) for name in tested])


def values(chart: str) -> str:
    """Return the values of a chart."""
    return chart_values.table(pins.ROOT / "charts" / chart)


def described(chart: str) -> str:
    """Return the schema of a chart with the comments of its values."""
    return schema.described(pins.ROOT / "charts" / chart, foreign="envoy-gateway")


def current(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without what was recorded of strategies and limits that no longer exist."""
    found, known = dict(record), (None, *(each.name for each in ways.in_order()))
    for key in {"records", "resource_managers"} & found.keys():
        found[key] = [each for each in found[key] if each.get("strategy") in known]
    for each in found.get("resource_managers", ()):
        each["limits"] = [limit for limit in each["limits"] if limit["id"] in LIMITS.names()]
    return found


def _record(folder: str, name: str = "") -> dict[str, Any]:
    return current(json.loads((RECORDED / folder / f"{name or folder}.json").read_text("utf-8")))


def _bench(kind: type[Report], name: str) -> Report:
    return records.read(kind, current(json.loads((BENCH / f"{name}.json").read_text("utf-8"))))


def _expose() -> ExposeReport:
    return _bench(ExposeReport, "expose")


def _burst() -> BurstReport:
    return _bench(BurstReport, "burst")


def _dataplane() -> DataplaneReport:
    return _bench(DataplaneReport, "dataplane")


def _crd_writes() -> CrdWriteReport:
    return _bench(CrdWriteReport, "crd-write")


def _operator() -> OperatorReport:
    return _bench(OperatorReport, "operator")


def _peers() -> PeerReport:
    """Return the comparison with other ways; an empty one if it is not recorded yet."""
    return _bench(PeerReport, "peers") if (BENCH / "peers.json").exists() else PeerReport()


PICTURES = DOCS / "pictures"
PARTS = (
    PagePart("index.md", "pictures", lambda: pictures.page(PICTURES, "pictures")),
    PagePart("../README.md", "pictures", lambda: pictures.page(PICTURES, "docs/pictures")),
    PagePart("limits.md", "limits", ladder),
    PagePart("raising.md", "cel", cost),
    PagePart("raising.md", "columns", cel.columns),
    PagePart("raising.md", "raising", lambda: bench.crd_writes(_crd_writes())),
    PagePart("reliability.md", "faults", faults),
    PagePart("performance.md", "targets", lambda: bench.targets(_expose(), _burst(), _operator())),
    PagePart("performance.md", "expose", lambda: bench.exposed(_expose())),
    PagePart("performance.md", "burst", lambda: bench.bursts(_burst())),
    PagePart("performance.md", "dataplane", lambda: bench.paths(_dataplane())),
    PagePart("performance.md", "operator", lambda: bench.operators(_operator())),
    PagePart("alternatives.md", "figures", lambda: peers.figures(_peers())),
    PagePart("alternatives.md", "better", lambda: peers.better(_peers())),
    PagePart("alternatives.md", "restarts", lambda: peers.restarts(_peers())),
    PagePart("checks.md", "", checks.page),
    PagePart("quick-start.md", "first start", lambda: first_start.page(_record("first-start"))),
    PagePart("quick-start.md", "notebook", notebook),
    PagePart("quick-start.md", "labelled", labelled),
    PagePart("../charts/internal-task-gateway/values.schema.json", "", partial(described, "internal-task-gateway")),
    PagePart("../charts/contour/values.schema.json", "", partial(described, "contour")),
    PagePart("../charts/gateway-api-crds/values.schema.json", "", partial(described, "gateway-api-crds")),
    PagePart("values.md", "gateway", partial(values, "internal-task-gateway")),
    PagePart("values.md", "contour", partial(values, "contour")),
    PagePart("values.md", "crds", partial(values, "gateway-api-crds")),
    PagePart("../charts/internal-task-gateway/README.md", "values", partial(values, "internal-task-gateway")),
    PagePart("../charts/contour/README.md", "values", partial(values, "contour")),
    PagePart("../charts/gateway-api-crds/README.md", "values", partial(values, "gateway-api-crds")),
    PagePart("release-notes.md", "figures", release_figures),
    PagePart("release-notes.md", "shortfalls", release_shortfalls),
    PagePart("jupyterhub.md", "configuration", partial(jupyterhub.configuration, "task_gateway.py")),
    PagePart("jupyterhub.md", "hub configuration", partial(jupyterhub.configuration, "jupyterhub_config.py")),
    PagePart("jupyterhub.md", "rights", partial(jupyterhub.objects, "rights")),
    PagePart("jupyterhub.md", "hub", partial(jupyterhub.objects, "hub")),
    PagePart("determined-lane.md", "replay", replay),
    PagePart("controllers.md", "requirements", required),
    PagePart("controllers.md", "measured", probed),
)

if __name__ == "__main__":
    main()
