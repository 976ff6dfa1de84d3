"""NOTICE lists the components of other projects in the release, with the license of each."""

import re
import tarfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

import charts
import pins
from sources import REPOSITORIES, module_dir

NOTICE = (pins.ROOT / "NOTICE").read_text("utf-8")
SECTIONS = dict(re.findall(r"(?m)^(\S+) \((?:Helm chart|container image)\)\n\n((?:  .*\n|\n)+)", NOTICE))
MODULES = {
    "github.com/envoyproxy/gateway": ("ENVOY_GATEWAY_VERSION", "tools"),
    "github.com/projectcontour/contour": ("CONTOUR_VERSION", "contour"),
    "sigs.k8s.io/gateway-api": ("GATEWAY_API_VERSION", "tools"),
}
TELLING = {
    "PSF-2.0": "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2",
    "Apache-2.0": "Apache License\nVersion 2.0, January 2004",
    "MIT": "Permission is hereby granted, free of charge, to any person obtaining a copy",
    "BSD-2-Clause": "Redistribution and use in source and binary forms",
    "ISC": "this software for any purpose with or without fee is hereby granted",
}
"""A sentence of each license, in the order to try: the text of PSF-2.0 includes others. A BSD license with three
clauses also has the words below."""
THIRD_CLAUSE = "Neither the name"


def license_of(text: str) -> str:
    words = " ".join(text.split())
    found = next(name for name, sentence in TELLING.items() if " ".join(sentence.split()) in words)
    assert found != "BSD-2-Clause" or THIRD_CLAUSE not in words
    return found


def parts(chart: str) -> list[tuple[list[str], str, str]]:
    """Return the paths of each part of a package, the address of its project, and its license."""
    texts = [" ".join(each.split()) for each in re.split(r"\n\n+", SECTIONS[chart].strip())]
    found = [re.match(r"(.*?): .*? https://(\S+) License: (\S+)", each) for each in texts]
    return [(each[1].split(", "), each[2], each[3]) for each in found if each]


@pytest.mark.parametrize("chart", [each.name for each in charts.OURS])
def test_each_path_is_in_the_package(chart: str) -> None:
    (package,) = charts.DIST.glob(f"{chart}-[0-9]*.tgz")
    with tarfile.open(package) as archive:
        names = archive.getnames()
    found = [path for paths, _, _ in parts(chart) for path in paths]
    assert found
    assert [path for path in found if not any(name.startswith(f"{chart}/{path}") for name in names)] == []


@pytest.mark.parametrize("copy", charts.COPIES, ids=lambda path: path.name)
def test_each_copy_of_another_project_is_named(copy: Path) -> None:
    if copy == charts.CONTOUR:
        return  # belongs to this project, except for the chart inside it, which is another copy
    assert any(copy.name in path for chart in charts.OURS for paths, _, _ in parts(chart.name) for path in paths)


@pytest.mark.parametrize("module", MODULES)
def test_the_license_of_a_project_is_that_of_its_module(module: str) -> None:
    pin, tools = MODULES[module]
    folder = module_dir(module, f"v{pins.read()[pin]}", tools)
    here = [
        license
        for chart in charts.OURS
        for _, address, license in parts(chart.name)
        if address == f"github.com/{REPOSITORIES[module]}"
    ]
    assert set(here) == {license_of((folder / "LICENSE").read_text())}
    assert [file.name for file in folder.glob("NOTICE*")] == [], "its NOTICE has to be repeated in this one"


def test_each_package_of_the_operators_image_has_its_license() -> None:
    locked = re.findall(r"(?m)^([a-z0-9-]+)==", pins.OPERATOR_LOCK.read_text())
    named = re.findall(r"License: (\S+): (.*)", SECTIONS["task-gateway-operator"])
    assert {name: license for license, names in named for name in names.split(", ")} == {
        name: license_of(_license_text(name)) for name in locked
    }


def _license_text(name: str) -> str:
    found = [each for each in distribution(name).files or () if ".dist-info/" in str(each) and "LICENSE" in each.name]
    return str(found[0].read_text())
