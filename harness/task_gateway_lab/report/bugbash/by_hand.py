"""Simplifies the manual commands of a row: exports KUBECONFIG once per cluster instead of an option on each line."""

import re
from collections.abc import Iterator, Sequence

_OPTION = re.compile(r" --kubeconfig (\S+)")
CONFIG = "--config "
"""With a master configuration, only the option replaces the kubeconfig of a resource manager."""


def by_hand(lines: Sequence[str]) -> list[str]:
    """Return lines of a shell that have the same effect, with an export where the kubeconfig changes."""
    return list(_exported(lines))


def _exported(lines: Sequence[str]) -> Iterator[str]:
    current, continued = "", False
    for line in lines:
        files = set(_OPTION.findall(line))
        if len(files) == 1 and not continued and not line.startswith("#") and CONFIG not in line:
            (file,) = files
            if file != current:
                yield f"export KUBECONFIG={file}"
                current = file
            line = _OPTION.sub("", line)
        continued = line.endswith("\\")
        yield line
