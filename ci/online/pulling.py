"""Pulls images with the container engine, and reports why one cannot be pulled and how to fix it.

Engines only report the reason of a failure as text. Only this module reads it, to select a hint.
"""

import threading
from enum import StrEnum

import engine_images
from image_list import Image
from task_gateway.errors import DiskFull, ImageMissing
from task_gateway.kube.process import Completed, failure
from task_gateway_lab.clusters.engine import Engine


class PullRefusal(StrEnum):
    """Why a registry did not give an image."""

    unknown = "the registry has no such image or tag"
    limited = "the registry limits the rate of pulls"
    login = "the registry requires a login"
    network = "the registry cannot be reached"


# In this order: a rate limit may come with "denied", an unknown repository with "denied" and "not found".
_WORDS = {
    PullRefusal.limited: ("toomanyrequests", "too many requests", "rate limit"),
    PullRefusal.unknown: ("manifest unknown", "name unknown", "not found", "does not exist"),
    PullRefusal.login: ("unauthorized", "denied", "authentication required", "no basic auth"),
}
_HINTS = {
    PullRefusal.limited: "{engine} login {host}, or wait; a mirror works too, in the engine's configuration",
    PullRefusal.unknown: "{engine} pull {image}; ci/images.json names the tag, ci/versions.env the version",
    PullRefusal.login: "{engine} login {host}",
    PullRefusal.network: "check the network or the proxy: {engine} pull {image}; or TASK_GATEWAY_IMAGES=build make e2e",
}
_PULLS: dict[str, threading.Lock] = {}
"""A lock for each image that is pulled, by its pinned name."""


def pull(engine: Engine, image: Image) -> None:
    """Pull an image and give it the name that clusters use; ImageMissing with the reason and a fix, or DiskFull."""
    answer = engine.run("pull", "-q", image.pinned, check=False)
    if answer.code != 0:
        raise _missing(engine, image, answer)
    if image.pinned != image.tagged:
        engine.run("tag", image.pinned, image.tagged)


def ensure(engine: Engine, image: Image) -> None:
    """Pull an image unless the engine has it; a second thread that needs the same image waits for the first."""
    with _PULLS.setdefault(image.pinned, threading.Lock()):
        if not there(engine, image):
            pull(engine, image)


def there(engine: Engine, image: Image) -> bool:
    """Return whether the engine has the pulled image under both names; one that was built here does not count."""
    if image.digest is None:
        return engine_images.present(engine, image.tagged, None) and not engine_images.built(engine, image.tagged)
    ids = {_id(engine, name) for name in (image.pinned, image.tagged)}
    return len(ids) == 1 and None not in ids


def _id(engine: Engine, name: str) -> str | None:
    answer = engine.run("image", "inspect", "--format", "{{.Id}}", name, check=False)
    return answer.stdout.strip() if answer.code == 0 else None


def refusal(text: str) -> PullRefusal:
    """Return why a pull failed, by what the engine printed."""
    low = text.lower()
    return next((why for why, words in _WORDS.items() if any(word in low for word in words)), PullRefusal.network)


class PullFailed(ImageMissing):
    """An image of a run cannot be pulled; `why` is the reason, `last` is the engine's last line."""

    def __init__(self, message: str, *, why: PullRefusal, last: str, where: str, hint: str) -> None:
        super().__init__(message, where=where, hint=hint)
        self.why = why
        self.last = last


def _missing(engine: Engine, image: Image, answer: Completed) -> Exception:
    told = failure(f"{engine.name} pull {image.pinned}", answer)
    if isinstance(told, DiskFull):
        return DiskFull(told.message, code=told.code, tail=told.tail, hint=f"df -h; {engine.name} system df")
    why = refusal(answer.stderr + answer.stdout)
    lines = (answer.stderr.strip() or answer.stdout.strip() or "no answer").splitlines()
    hint = _HINTS[why].format(engine=engine.name, host=image.name.partition("/")[0], image=image.tagged)
    last = lines[-1].rsplit(": ", 1)[-1]
    message = f"cannot pull {image.tagged} ({image.used_for}): {why}: {last}"
    return PullFailed(message, why=why, last=last, where=image.pinned, hint=hint)
