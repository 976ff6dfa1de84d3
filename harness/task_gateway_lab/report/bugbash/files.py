"""The files of a bug bash; the only place that names them."""

from pathlib import Path

from task_gateway_lab.model_bugbash import BugBash
from task_gateway_lab.report.bugbash.as_html import page
from task_gateway_lab.report.bugbash.as_json import result_json
from task_gateway_lab.report.bugbash.as_junit import junit
from task_gateway_lab.report.bugbash.as_markdown import markdown

RESULT = "result.json"


def write(result: BugBash, folder: Path) -> tuple[Path, ...]:
    """Write all four into `folder`, made if need be; return their paths. Each is replaced at once or not at all."""
    texts = {
        RESULT: result_json(result),
        "junit.xml": junit(result),
        "report.md": markdown(result),
        "report.html": page(result, folder),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        new = folder / f".{name}.new"
        new.write_text(text, encoding="utf-8", errors="replace")
        new.replace(folder / name)
    return tuple(folder / name for name in texts)
