"""Kubeconfig files: the one that is named is used, and one that cannot be is an error of the user's."""

from pathlib import Path

import pytest
import yaml

from task_gateway.errors import UsageError
from task_gateway.kube.client import Kube, current_context
from task_gateway.model import Cluster


def kubeconfig(file: Path, current: str = "a") -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": [{"name": each, "cluster": {"server": f"https://{each}.example"}} for each in "ab"],
        "users": [{"name": "me", "user": {"token": "t"}}],
        "contexts": [{"name": each, "context": {"cluster": each, "user": "me"}} for each in "ab"],
    }
    file.write_text(yaml.safe_dump(content))
    return file


def test_the_named_context_is_used_and_never_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "users", "b")))
    file = kubeconfig(tmp_path / "ours")
    assert current_context(file) == "a"
    assert Kube(Cluster("x", "existing", file)).server == "https://a.example"
    assert Kube(Cluster("x", "existing", file, "b")).server == "https://b.example"


@pytest.mark.parametrize("text", ["", "{", "- 1", "just text", "kind: Config\ncurrent-context: gone\ncontexts: []\n"])
def test_a_kubeconfig_that_cannot_be_used(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    with pytest.raises(UsageError, match="cannot use the kubeconfig") as refused:
        current_context(file)
    assert refused.value.where == str(file)
    with pytest.raises(UsageError, match="cannot use the kubeconfig"):
        Kube(Cluster("x", "existing", file))


def test_a_kubeconfig_that_is_not_there_or_lacks_the_context(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot use the kubeconfig"):
        current_context(tmp_path / "none")
    with pytest.raises(UsageError, match="nowhere"):
        Kube(Cluster("x", "existing", kubeconfig(tmp_path / "ours"), "nowhere"))
