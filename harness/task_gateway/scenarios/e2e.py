"""The main job, as `make e2e` plays it: a notebook of another cluster through its gateway, and one at home."""

import shutil
import time
from pathlib import Path

from task_gateway.master import browser
from task_gateway.model import NotebookRun, RunResult
from task_gateway.scenarios.declared import Move, Scene
from task_gateway.scenarios.runner import perform
from task_gateway.scenarios.steps import Steps, Watcher
from task_gateway.scenarios.tasks import cell, end, out_of_reach, page, start
from task_gateway.scenarios.world import DEFAULT, World, data

ADDITIONAL = "additional"
EVIDENCE, PICTURES = "evidence", "notebooks"
SLOTS, DIRECT = "slots", "direct"


def moves(manager: str) -> tuple[Move, ...]:
    """Return what is done with the notebook of one resource manager, from its start to its end."""
    id = _id(manager)
    apart = () if manager == DEFAULT else (out_of_reach(id),)
    return (start("notebook", manager, id), *apart, cell(id), page(id), end(id))


def play(world: World, folder: Path, watcher: Watcher) -> tuple[RunResult, Exception | None]:
    """Play it to its end; return what it gave, and the error that ended it. Ctrl-C cleans up, then goes on."""
    browser.find()  # better missed now than when the clusters are up
    started, steps = time.monotonic(), Steps(watcher)
    shutil.rmtree(folder / EVIDENCE, ignore_errors=True)
    scene = Scene(world, folder / PICTURES)
    failed: Exception | None = None
    files: list[Path] = []
    try:
        with world.standing(steps, folder / EVIDENCE):
            failed, files = perform((*moves(ADDITIONAL), *moves(DEFAULT)), scene, steps, folder / EVIDENCE)
    except Exception as error:
        failed = failed or error
    result = RunResult(
        name=world.given.name,
        passed=failed is None,
        seconds=time.monotonic() - started,
        versions=world.versions,
        steps=tuple(steps.done),
        notebooks=tuple(_notebook(scene, manager) for manager in (ADDITIONAL, DEFAULT) if _id(manager) in scene.said),
        evidence=tuple(str(path.relative_to(folder)) for path in (*files, *world.evidence)),
    )
    return result, failed


def _id(manager: str) -> str:
    return f"notebook-{manager}"


def _notebook(scene: Scene, manager: str) -> NotebookRun:
    """Return one notebook as it was reached and left."""
    id, side = _id(manager), scene.world.sides[manager]
    address = scene.kept[id].address
    return NotebookRun(
        resource_manager=manager,
        cluster=side.kube.cluster.name,
        address=address.host,
        port=address.port,
        strategy=DIRECT if side.gateway is None else SLOTS,
        cell=data()["cell"],
        output=scene.said[id],
        screenshot=f"{PICTURES}/{id}.png",
        refused_after_release=id in scene.ended,
    )
