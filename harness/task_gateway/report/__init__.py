"""What a run looks like to a program (JSON, JUnit), a reader (Markdown) and on a terminal; pure functions."""

from task_gateway.report.as_json import result_json
from task_gateway.report.as_junit import junit
from task_gateway.report.as_markdown import markdown
from task_gateway.report.as_table import terminal
from task_gateway.report.files import write

__all__ = ["junit", "markdown", "result_json", "terminal", "write"]
