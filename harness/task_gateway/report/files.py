"""The files of a report; the only place that names them."""

from pathlib import Path

from task_gateway.model import RunResult
from task_gateway.report.as_json import result_json
from task_gateway.report.as_junit import junit
from task_gateway.report.as_markdown import markdown


def write(result: RunResult, folder: Path) -> tuple[Path, ...]:
    """Write `result.json`, `junit.xml` and `report.md` into `folder`, made if need be; return their paths."""
    texts = {"result.json": result_json(result), "junit.xml": junit(result), "report.md": markdown(result)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", errors="replace")
    return tuple(folder / name for name in texts)
