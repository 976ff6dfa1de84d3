"""The table of measurements: controller and strategy, number of slots, sizes and samples."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from task_gateway.controllers.base import Controller, Values, in_order
from task_gateway.errors import UsageError
from task_gateway_lab.bench import ways
from task_gateway_lab.bench.ways import Way

SMALL, MEDIUM, LARGE = 64, 200, 1024
"""Slots: with the unchanged CRD, with Gateway API's rules and 213 listeners, and without the quadratic rules."""
SIZES = (10, 100, 1000)
ALONE, CLOSE = 1.0, 0.25
"""Seconds between a release and the next claim, on average: after all effects of the release, or during them.

Contour rebuilds its whole model 0.1 s after a change, and the next claim may arrive meanwhile.
"""
FIRST_PORT = 20000
FIRST_TASK_PORT, TASK_PORTS = 22000, 1100
"""Ports of the strategies that create a listener for each task, separate from the slots."""


@dataclass(frozen=True)
class Combo:
    """One installation and its measurements; `strategy` is the way to expose tasks.

    `slots` is the number of slots; strategies that create the objects of each task need one.

    Each size is measured with each of the `pauses` between two samples, in seconds.
    """

    controller: str
    strategy: str
    slots: int
    sizes: tuple[int, ...]
    samples: int
    pauses: tuple[float, ...] = (ALONE,)

    @property
    def way(self) -> Way:
        """The way to expose tasks."""
        return ways.find_way(self.strategy)

    @property
    def claimed(self) -> int:
        """The number of slots that tasks can claim: 0 if the strategy creates the objects of each task."""
        return self.slots if self.way.claims else 0

    def same_installation(self, other: "Combo") -> bool:
        """Whether both use the same slots. Only the operator is added or removed between them."""
        return self.claimed > 0 and (self.controller, self.claimed) == (other.controller, other.claimed)


def table() -> list[Combo]:
    """Return the measurements with all controllers."""
    return [combo for each in in_order() for combo in combos(each)]


def combos(controller: Controller) -> Iterator[Combo]:
    """Yield the measurements with one controller: the ways that claim slots with few and with many, then the others."""
    name, plan = controller.name, controller.bench
    claiming = [each.name for each in ways.in_order() if each.claims]
    for each in claiming:
        yield Combo(name, each, SMALL, (SMALL - 1,), plan.samples_of_few)
    for each in claiming:
        yield Combo(name, each, LARGE, SIZES, plan.samples, (ALONE, CLOSE) if plan.rebuilds else (ALONE,))
    for way in (each for each in ways.in_order() if not each.claims):
        yield Combo(name, way.name, 1, plan.listeners if way.traits.on_gateway else SIZES, plan.samples_per_task)


def crds(controller: Controller) -> Values:
    """Return the values of the CRDs' chart with which the largest installation of a controller fits.

    Without ListenerSets, slots are listeners of the Gateway itself.
    """
    if controller.listener_sets:
        return {**controller.crds, "gateways": {"maxListeners": 213}}
    return {**controller.crds, "gateways": {"maxListeners": 1100, "dropQuadraticRules": True}}


def chosen(
    controllers: Collection[str], strategies: Collection[str], sizes: Sequence[int], samples: int | None
) -> list[Combo]:
    """Return the selected combinations, by default all; with `sizes`, one installation for each combination.

    UsageError for an unknown strategy, if none is left, or if a size does not fit.
    """
    for name in strategies:
        ways.find_way(name)
    found = [
        each
        for each in table()
        if (not controllers or each.controller in controllers) and (not strategies or each.strategy in strategies)
    ]
    if not found:
        raise UsageError(
            f"nothing is measured with {' and '.join((*controllers, *strategies))}",
            hint=f"use one of: {', '.join(names())}",
        )
    if sizes:
        found = _sized(found, tuple(sorted(set(sizes))))
    return [replace(each, samples=samples or each.samples) for each in found]


def installations(controllers: Collection[str], strategies: Collection[str], tasks: int) -> list[Combo]:
    """Return one installation for each selected controller and strategy, with room for that many concurrent tasks."""
    return chosen(controllers, strategies, (tasks,), None)


def bursts(controllers: Collection[str], strategies: Collection[str], tasks: int) -> list[Combo]:
    """Return the installations for a burst; for slots two, with few and with many slots, if the tasks fit in both.

    By default these are the ways that claim slots. Those with the same slots follow one another.
    """
    found = installations(controllers, strategies or [each.name for each in ways.in_order() if each.claims], tasks)
    large = (MEDIUM, LARGE) if tasks < MEDIUM else (LARGE,)
    every = [replace(each, slots=n) for each in found for n in (large if each.slots == LARGE else (each.slots,))]
    order = list(dict.fromkeys((each.controller, each.slots) for each in every))
    return sorted(every, key=lambda each: order.index((each.controller, each.slots)))


def releases(controllers: Collection[str], strategy: str, slots: int, tasks: int) -> list[Combo]:
    """Return one of several equal releases for each selected controller.

    UsageError if the strategy claims no slots, or if the tasks and one more do not fit in the slots.
    """
    found = installations(controllers, [strategy], 1)
    if any(not each.way.claims for each in found):
        raise UsageError(f"the strategy {strategy} uses no slots", hint="--strategy slots")
    if not tasks < slots <= LARGE:
        raise UsageError(f"{tasks:,} tasks and one more in {slots:,} slots of a release, at most {LARGE:,}")
    return [replace(each, slots=slots, sizes=(tasks,)) for each in found]


def names() -> list[str]:
    """Return the combinations as text for users."""
    return list(dict.fromkeys(f"{each.controller} with {each.strategy}" for each in table()))


def _sized(combos: Sequence[Combo], sizes: tuple[int, ...]) -> list[Combo]:
    if sizes[0] < 0 or sizes[-1] >= LARGE:
        raise UsageError(f"tasks in place: 0 to {LARGE - 1}, not {', '.join(map(str, sizes))}")
    slots = SMALL if sizes[-1] < SMALL else LARGE
    kept = {(each.controller, each.strategy): replace(each, sizes=sizes) for each in combos}
    return [replace(each, slots=slots) if each.claimed else each for each in kept.values()]
