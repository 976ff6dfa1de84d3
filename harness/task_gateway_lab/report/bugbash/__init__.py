"""A run of scenarios as a page to open, a text to paste into an issue, tables, JUnit, and JSON for programs."""

from task_gateway_lab.report.bugbash.as_html import page
from task_gateway_lab.report.bugbash.as_json import fields, read, result_json
from task_gateway_lab.report.bugbash.as_junit import junit
from task_gateway_lab.report.bugbash.as_markdown import markdown
from task_gateway_lab.report.bugbash.as_table import terminal
from task_gateway_lab.report.bugbash.files import RESULT, write

__all__ = ["RESULT", "fields", "junit", "markdown", "page", "read", "result_json", "terminal", "write"]
