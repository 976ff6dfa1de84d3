"""Kubeconfigs without a cluster: the selected proxy, error messages, and tokens of OpenID Connect."""

import base64
import json
import time
from pathlib import Path

import pytest
import yaml

from task_gateway.errors import LoginFailed, UsageError
from task_gateway.kube import in_cluster, proxies
from task_gateway.kube.kubeconfig import Access, access_of, choose
from task_gateway.kube.login import ApiLogin, header
from task_gateway.model import Cluster, Manifest


def access(user: Manifest | None = None, cluster: Manifest | None = None) -> Access:
    return Access("here", "east", "ada", cluster or {}, user or {}, "/kubeconfig")


@pytest.mark.parametrize(
    ("server", "exceptions", "used"),
    [
        ("https://east.example", "", True),
        ("https://localhost:6443", "", False),
        ("https://127.0.0.2", "", False),
        ("https://[::1]:6443", "", False),
        ("https://east.example", "*", False),
        ("https://east.example", "other, EXAMPLE", False),
        ("https://east.example", "east.example", False),
        ("https://east.example", ".east.example", True),
        ("https://a.east.example", "*.east.example", False),
        ("https://northeast.example", "east.example", True),
        ("https://east.example", "east.example:443", False),
        ("https://east.example:6443", "east.example:443", True),
        ("https://10.1.2.3", "10.0.0.0/8", False),
        ("https://10.1.2.3:6443", "10.1.2.3:6443", False),
        ("https://10.1.2.3", "10.1.2.3:6443", True),
        ("https://10.1.2.3", "2.3", True),
        ("https://[2001:db8::1]", "2001:db8::/32", False),
        ("https://[2001:db8::1]:6443", "[2001:db8::1]:6443", False),
        ("http://east.example", "", False),
    ],
)
def test_the_environments_proxy_is_used_as_by_kubectl(
    monkeypatch: pytest.MonkeyPatch, server: str, exceptions: str, used: bool
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert proxies.proxy_of(access(), server) == ("http://proxy.example:3128" if used else None)
    own: Manifest = {"proxy-url": "socks5://proxy.example"}
    assert proxies.proxy_of(access(cluster=own), server) == own["proxy-url"]


@pytest.mark.parametrize("url", ["ftp://x", "http://", "x", "http://x:port", "socks4://x"])
def test_a_proxy_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="proxy-url is not supported"):
        proxies.proxy_of(access(cluster={"proxy-url": url}), "https://east.example")


def test_a_proxy_is_shown_without_its_password() -> None:
    assert proxies.shown("http://ada:p%40ss@proxy.example:3128") == "http://proxy.example:3128"
    assert proxies.login_of("http://ada:p%40ss@proxy.example:3128") == "ada:p@ss"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("kind: Pod\napiVersion: v1", "v1 Pod, not a v1 Config"),
        ("clusters: {}\ncontexts: 3", "contexts is not a list"),
        ("contexts: [{name: 3}]", "a name of contexts is not a string"),
        ("contexts: [{name: a, context: x}]", "context 'a' is not a mapping"),
        ("current-context: a\ncontexts: [{name: a, context: {}}]", "names no cluster"),
        ("current-context: a\ncontexts: [{name: a, context: {cluster: b}}]", "clusters has no entry called 'b'"),
        ("contexts: [{name: a, context: {cluster: b}}]", "no current-context"),
        ("current-context: 7", "current-context is not a string"),
    ],
)
def test_a_refusal_says_what_is_wrong(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(content)
    with pytest.raises(UsageError, match=says) as refused:
        choose(file, None)
    assert (refused.value.where, refused.value.hint) == (
        str(file),
        f"kubectl --kubeconfig {file} config get-contexts",
    )


def test_paths_count_from_the_file(tmp_path: Path) -> None:
    user = {"exec": {"command": "bin/login"}, "tokenFile": "t", "client-key": "/k", "client-certificate": None}
    content = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": "https://a", "certificate-authority": "../ca"}}],
        "users": [{"name": "a", "user": user}],
    }
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(content))
    found = access_of(Cluster("a", "existing", file))
    assert found.cluster["certificate-authority"] == f"{tmp_path}/../ca"
    assert found.user == {
        "exec": {"command": f"{tmp_path}/bin/login"},
        "tokenFile": f"{tmp_path}/t",
        "client-key": "/k",
    }


def test_a_pod_with_an_address_of_ipv6(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_cluster, "DIRECTORY", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    assert not in_cluster.possible()
    (tmp_path / "token").write_text("t")
    assert in_cluster.possible()
    assert in_cluster.cluster() == {"server": "https://[fd00::1]:443"}


def token(**claims: object) -> str:
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts) + ".x"


def oidc(id_token: str, **config: str) -> Manifest:
    own = {"idp-issuer-url": "https://idp.example", "client-id": "kubectl", "id-token": id_token, **config}
    return {"auth-provider": {"name": "oidc", "config": own}}


def test_a_token_of_openid_connect_is_used_until_it_expires() -> None:
    valid = token(exp=time.time() + 60)
    assert ApiLogin(access(oidc(valid)), secure=True).headers() == [("Authorization", f"Bearer {valid}")]
    for expired in (token(exp=time.time() + 5), ""):
        login = ApiLogin(access(oidc(expired)), secure=True)
        with pytest.raises(LoginFailed, match="has expired, and only kubectl refreshes it"):
            login.headers()
    for bad in (oidc("a.b"), oidc(token()), oidc(valid, **{"client-id": ""})):
        with pytest.raises(UsageError):
            ApiLogin(access(bad), secure=True)


def test_no_credentials_are_sent_over_http() -> None:
    user = {"token": "t", "as": "ada"}
    assert ApiLogin(access(user), secure=False).headers() == [("Impersonate-User", "ada")]


def test_a_header_is_utf8_and_has_one_line() -> None:
    assert header("Zoë").encode("latin-1") == "Zoë".encode()
    with pytest.raises(ValueError, match="control characters"):
        header("a\nX-Other: b")
