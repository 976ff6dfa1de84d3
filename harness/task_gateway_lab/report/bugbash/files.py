"""Writes the files of a bug bash. Only this module has their names."""

from pathlib import Path

from task_gateway_lab.model_bugbash import BugBash
from task_gateway_lab.report.bugbash.as_html import page
from task_gateway_lab.report.bugbash.as_json import result_json
from task_gateway_lab.report.bugbash.as_junit import junit
from task_gateway_lab.report.bugbash.as_markdown import markdown

RESULT = "result.json"


def write(result: BugBash, folder: Path) -> tuple[Path, ...]:
    """Write all four files to `folder`, created if necessary; return their paths. Each is replaced atomically."""
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
