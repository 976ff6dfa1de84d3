"""Renders a run of scenarios as a page, as Markdown for an issue, as tables, as JUnit, and as JSON."""

from task_gateway_lab.report.bugbash.as_html import page
from task_gateway_lab.report.bugbash.as_json import fields, read, result_json
from task_gateway_lab.report.bugbash.as_junit import junit
from task_gateway_lab.report.bugbash.as_markdown import markdown
from task_gateway_lab.report.bugbash.as_table import terminal
from task_gateway_lab.report.bugbash.files import RESULT, write

__all__ = ["RESULT", "fields", "junit", "markdown", "page", "read", "result_json", "terminal", "write"]
