"""The operator's log: one JSON object per line, for each action and each error."""

import json
import sys
import threading
from datetime import UTC, datetime

_lock = threading.Lock()


def say(event: str, level: str = "info", /, **fields: object) -> None:
    """Print one event with its fields. Text from users is escaped as JSON, and no line contains a secret."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = json.dumps({"time": now, "level": level, "event": event, **fields}, default=str)
    with _lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
