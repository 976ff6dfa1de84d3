"""Writes records as JSON and reads them again. Only this module defines the format of a field."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from task_gateway.deferred import Deferred
from task_gateway.model import Address

if TYPE_CHECKING:
    import cattrs
    import cattrs.gen
else:
    cattrs = Deferred("cattrs")

T = TypeVar("T")


def read(kind: type[T], entry: object) -> T:
    """Return the record in `entry`, JSON or its parsed value; `kind` may be `list[Record]`.

    ValueError names each field that is missing, unknown or of another type.
    """
    loaded = json.loads(entry) if isinstance(entry, str) else entry
    try:
        return _converter().structure(loaded, kind)
    except (cattrs.BaseValidationError, AttributeError, TypeError) as error:
        raise ValueError("; ".join(cattrs.transform_error(error))) from None


def load(kind: type[T], file: Path) -> T:
    """Return the record in a file; OSError if it cannot be read, ValueError if it is not such a record."""
    return read(kind, file.read_text("utf-8"))


def text(record: object) -> str:
    """Return indented JSON; TypeError for a value that is neither a record nor has a type of JSON."""
    return json.dumps(record, indent=2, default=_plain)


def save(record: object, file: Path) -> Path:
    """Write a record to a file, whose folder is created if necessary; return the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text(record) + "\n", "utf-8", errors="replace")
    return file


def _plain(value: object) -> object:
    """Convert a value that JSON does not support."""
    if isinstance(value, Mapping):
        return dict(value)
    plain: object = _converter().unstructure(value)
    if plain is value:
        raise TypeError(f"{type(value).__name__} has no JSON form")
    return plain


@cache
def _converter() -> "cattrs.Converter":
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook(Path, lambda value, _: Path(value))
    converter.register_unstructure_hook_factory(dataclasses.is_dataclass, _write_fields)
    converter.register_structure_hook_factory(dataclasses.is_dataclass, _read_fields)
    converter.register_unstructure_hook(Address, lambda each: {"host": each.host or None, "port": each.port})
    return converter


def _write_fields(kind: Any, converter: "cattrs.Converter") -> Any:
    return cattrs.gen.make_dict_unstructure_fn(kind, converter, **_names(kind))


def _read_fields(kind: Any, converter: "cattrs.Converter") -> Any:
    return cattrs.gen.make_dict_structure_fn(kind, converter, **_names(kind), _cattrs_forbid_extra_keys=True)


def _names(kind: Any) -> Any:
    """Return the names of fields in JSON: without the underscore after a Python keyword; some are omitted."""
    return {
        field.name: cattrs.override(rename=field.name.rstrip("_"), omit=not field.metadata.get("json", True))
        for field in dataclasses.fields(kind)
    }
