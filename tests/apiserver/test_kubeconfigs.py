"""Each kind of kubeconfig, compared with the real kubectl: both are the same user, or the error has the reason."""

import json
import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from tests.apiserver import kubeconfigs
from tests.apiserver.kubeconfig_cases import CASES, Entry, authority_of, by, cluster
from tests.apiserver.kubeconfigs import NAME, KubeconfigFolder, by_kubectl, by_us, config, environment
from tests.apiserver.tunnels import proxy
from tests.certificates import Authority

from task_gateway.cli.main import main
from task_gateway.errors import CertificateRefused, ClusterUnreachable, Forbidden, UsageError
from task_gateway.kube import in_cluster, kubectl
from task_gateway.kube.client import Kube
from task_gateway.kube.kubeconfig import choose
from task_gateway_lab.clusters import base
from task_gateway_lab.clusters.control_plane import ControlPlane


@pytest.fixture(scope="module")
def clients() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def plane(clients: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kube]:
    """A control plane that also accepts client certificates."""
    authority = tmp_path_factory.mktemp("clients") / "ca.crt"
    authority.write_bytes(clients.pem)
    name = f"test-kubeconfigs-{os.getpid()}"

    class WithClients(ControlPlane):
        arguments = (f"--client-ca-file={authority}",)

    base.claim(name)
    try:
        yield Kube(base.record(WithClients().up(base.ClusterRequest(name), say=print)))
    finally:
        base.down(name)


@pytest.fixture
def files(plane: Kube, clients: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KubeconfigFolder:
    for name, value in environment(HOME=str(tmp_path)).items():
        monkeypatch.setenv(name, value)
    return KubeconfigFolder(plane, clients, tmp_path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_kubeconfig_is_the_same_user_as_with_kubectl(
    files: KubeconfigFolder, case: Entry, capfd: pytest.CaptureFixture[str]
) -> None:
    written = files.write("kubeconfig", config(case.cluster(files), case.user(files)))
    theirs = by_kubectl({}, "--kubeconfig", str(written))
    capfd.readouterr()
    ours = by_us(written)
    assert capfd.readouterr() == ("", "")
    if case.error is None:
        assert theirs is not None
        assert ours == theirs
    else:
        assert theirs is None
        assert type(ours) is case.error, ours
        assert case.says in str(ours)


ENTRIES = ("contexts", "clusters", "users")
MERGES: list[tuple[str, str, str | None]] = [
    # files, --context, who that is, None where kubectl refuses
    ("none:REAL", "", "admin"),
    ("REAL:none", "", "admin"),
    ("none", "", None),
    ("none", NAME, None),
    (":REAL:", "", "admin"),
    ("REAL:REAL", "", "admin"),
    ("empty:REAL", "", "admin"),
    ("hollow:REAL", "", "admin"),
    ("current:REAL", "", "admin"),
    ("contexts:clusters:users:current", "", "admin"),
    ("contexts:clusters:users", "", None),
    ("contexts:clusters:users", NAME, "admin"),
    ("REAL:other", "", "admin"),
    ("REAL:other", "other", "other"),
    ("current:other:REAL", "", "admin"),
    ("stranger:REAL", "", "system:serviceaccount:default:stranger"),
    ("REAL", "other", None),
    ("nowhere:REAL", "", None),
    ("nowhere:REAL", NAME, "admin"),
    ("broken:REAL", "", None),
    ("pod:REAL", "", None),
    ("twice", "", None),
    ("folder:REAL", "", None),
    ("documents", "", "admin"),
    ("tabs", "", "admin"),
]


def merged_files(files: KubeconfigFolder) -> None:
    """Write the files to merge, with the names in MERGES."""
    real = config(files.cluster, files.user)
    files.write("REAL", real)
    for section in ENTRIES:
        files.write(section, {section: real[section]})
    other = yaml.safe_load(yaml.safe_dump(real).replace(NAME, "other"))
    other["users"][0]["user"]["as"] = "other"
    files.write("other", other)
    files.write("stranger", {"users": [{"name": NAME, "user": {"token": files.account("stranger")}}]})
    files.write("empty", "")
    files.write("hollow", {"apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": None, "users": []})
    files.write("current", {"apiVersion": "v1", "kind": "Config", "current-context": NAME})
    files.write("nowhere", {"current-context": "nowhere"})
    files.write("broken", "clusters: [")
    files.write("documents", f"{yaml.safe_dump(real)}---\nkind: Pod\n")
    files.write("tabs", json.dumps(real, indent="\t"))
    files.write("pod", {"apiVersion": "v1", "kind": "Pod"})
    files.write("twice", {**real, "users": real["users"] * 2})
    (files.folder / "folder").mkdir()


@pytest.mark.parametrize(("names", "context", "who"), MERGES)
def test_several_files_are_merged_as_kubectl_does(
    files: KubeconfigFolder, monkeypatch: pytest.MonkeyPatch, names: str, context: str, who: str | None
) -> None:
    merged_files(files)
    named = ":".join(str(files.folder / each) if each else "" for each in names.split(":"))
    monkeypatch.setenv("KUBECONFIG", named)
    theirs = by_kubectl({"KUBECONFIG": named}, *(["--context", context] if context else []))
    ours = by_us(None, context or None)
    assert (theirs and theirs["username"]) == who
    assert (ours if theirs else type(ours)) == (theirs or UsageError)


def test_without_kubeconfig_the_one_in_the_home_directory_is_read(files: KubeconfigFolder) -> None:
    (files.folder / ".kube").mkdir()
    files.write(".kube/config", config(files.cluster, files.user))
    theirs = by_kubectl({"HOME": str(files.folder)})
    assert theirs is not None
    assert by_us() == theirs


def test_kubectl_is_run_with_the_file_that_has_the_context_or_with_the_merged_ones(
    files: KubeconfigFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged_files(files)
    one, several = (":".join(str(files.folder / each) for each in names) for names in (["none", "REAL"], ENTRIES))
    monkeypatch.setenv("KUBECONFIG", one)
    found = choose(None, None)
    assert kubectl.options(found) == ["--kubeconfig", str(files.folder / "REAL"), "--context", NAME]
    monkeypatch.setenv("KUBECONFIG", several)
    found = choose(None, NAME)
    assert kubectl.options(found) == ["--context", NAME]
    assert kubectl.kubectl(found, "get", "--raw", "/readyz") == "ok"


TROUBLES = {
    "login": (cluster(), by("echo session expired >&2; exit 255"), "exit code 255: session expired"),
    "certificate": (cluster(**{"certificate-authority": None}), lambda files: files.user, "is not trusted"),
    "name": (cluster(**{"tls-server-name": "wrong.example"}), lambda files: files.user, "not for the name wrong"),
    "proxy": (cluster(**{"proxy-url": "http://127.0.0.1:1"}), lambda files: files.user, "no answer from the proxy"),
}
MASTER = """
resource_manager:
  type: kubernetes
  name: here
  kubeconfig_path: {}
  internal_task_gateway: {{gateway_name: gw, gateway_namespace: ns, gateway_ip: 192.0.2.7}}
"""


@pytest.mark.parametrize("name", TROUBLES)
def test_the_check_says_why_the_api_server_gives_no_answer(
    files: KubeconfigFolder, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    of_cluster, of_user, says = TROUBLES[name]
    written = files.write("kubeconfig", config(of_cluster(files), of_user(files)))
    master = files.write("master.yaml", MASTER.format(written))
    assert main(["check", "--config", str(master), "-o", "json"]) == ClusterUnreachable.exit_code
    out, err = capfd.readouterr()
    (found,) = (each for part in json.loads(out)["categories"] for each in part["checks"] if each["result"] == "error")
    assert (found["code"], err) == ("ITG0101", "")
    assert says in found["message"]
    assert found["fix"].startswith(f"kubectl --kubeconfig {written} --context {NAME} ")


@pytest.mark.parametrize(
    ("scheme", "login", "named"),
    [("http", "", True), ("http", "ada:p%40ss", True), ("https", "", True), ("socks5", "", True), ("http", "", False)],
)
def test_a_proxy_is_used(
    files: KubeconfigFolder, monkeypatch: pytest.MonkeyPatch, scheme: str, login: str, *, named: bool
) -> None:
    authority = Authority()
    made = [files.file(name, text) for name, text in zip(("crt", "key"), authority.issue("127.0.0.1"), strict=True)]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if scheme == "https" else None
    if tls:
        tls.load_cert_chain(*made)
    trusted = files.file("trusted.crt", authority_of(files) + authority.pem)
    with proxy(scheme, login=login.replace("%40", "@"), tls=tls) as server:
        url = server.url.replace("p@ss", "p%40ss")
        monkeypatch.setenv("NO_PROXY", "*" if named else "10.0.0.0/8,.example")
        fields = {"certificate-authority": trusted} | ({"proxy-url": url} if named else {})
        if not named:  # no proxy of the environment is used for a loopback address, but for a name it is
            monkeypatch.setenv("HTTPS_PROXY", url.removeprefix("http://"))
            fields |= {"server": files.cluster["server"].replace("127.0.0.1", "127.0.0.1.nip.invalid")}
        written = files.write("kubeconfig", config({**files.cluster, **fields}, files.user))
        theirs = by_kubectl({}, "--kubeconfig", str(written))
        asked = list(server.asked)
        server.asked.clear()
        ours = by_us(written)
        assert set(server.asked) == set(asked)
        assert asked
    assert (ours if theirs else type(ours)) == (theirs or ClusterUnreachable)
    assert (theirs is not None) == named
    if login:
        assert "p%40ss" not in str(by_us(written))


def test_a_proxy_that_is_not_trusted_is_named(files: KubeconfigFolder) -> None:
    authority = Authority()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*[files.file(*each) for each in zip(("c", "k"), authority.issue("127.0.0.1"), strict=True)])
    with proxy("https", tls=tls) as server:
        written = files.write("kubeconfig", config({**files.cluster, "proxy-url": server.url}, files.user))
        assert by_kubectl({}, "--kubeconfig", str(written)) is None
        ours = by_us(written)
    assert isinstance(ours, CertificateRefused)
    assert f"certificate of the proxy {server.url} is not trusted" in str(ours)


def test_a_token_file_is_read_again_when_it_rotates(files: KubeconfigFolder) -> None:
    file = Path(files.file("token", files.account("one")))
    kube = Kube(choose(files.write("kubeconfig", config(files.cluster, {"tokenFile": str(file)})), None))
    seen = []
    for name in ("one", "two"):
        file.write_text(files.account(name))
        seen.append(kube.create(kubeconfigs.REVIEW)["status"]["userInfo"]["username"])
    file.unlink()  # as while it is replaced
    seen.append(kube.create(kubeconfigs.REVIEW)["status"]["userInfo"]["username"])
    assert [each.rpartition(":")[2] for each in seen] == ["one", "two", "two"]


@pytest.mark.parametrize("seconds", [-1, 3600])
def test_a_login_command_runs_again_once_its_credential_expired(files: KubeconfigFolder, seconds: int) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    script = (
        f"echo run >> {files.folder}/runs\n{files.credential(token=files.account('one'), expirationTimestamp=until)}"
    )
    written = files.write("kubeconfig", config(files.cluster, files.command("login", script)))
    for _ in range(2):  # a second program object shares the credential
        Kube(choose(written, None)).create(kubeconfigs.REVIEW)
    runs = (files.folder / "runs").read_text().count("run")
    assert runs == 1 if seconds > 0 else runs > 2


def test_a_login_command_runs_again_when_its_token_is_rejected(files: KubeconfigFolder) -> None:
    good = files.credential(token=files.account("one"))
    script = (
        f"if [ -e {files.folder}/once ]; then {good}; else touch {files.folder}/once; {files.credential(token='x')}; fi"
    )
    kube = Kube(choose(files.write("kubeconfig", config(files.cluster, files.command("login", script))), None))
    with pytest.raises(Forbidden):
        kube.create(kubeconfigs.REVIEW)
    assert kube.create(kubeconfigs.REVIEW)["status"]["userInfo"]["username"].endswith(":one")


def test_in_a_pod_the_service_account_is_used(files: KubeconfigFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    account = files.folder / "serviceaccount"
    account.mkdir()
    (account / "token").write_text(files.account("pod"))
    (account / "ca.crt").write_bytes(authority_of(files))
    host, port = files.cluster["server"].removeprefix("https://").split(":")
    monkeypatch.setattr(in_cluster, "DIRECTORY", account)
    assert isinstance(by_us(), UsageError)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    kube = Kube(choose(None, None))
    assert kube.server == files.cluster["server"]
    for name in ("pod", "pod2"):
        (account / "token").write_text(files.account(name))
        assert kube.create(kubeconfigs.REVIEW)["status"]["userInfo"]["username"].endswith(f":{name}")
    # a kubeconfig goes first, and one that is named is never replaced by the pod's account
    monkeypatch.setenv("KUBECONFIG", str(files.write("real", config(files.cluster, files.user))))
    named = by_us()
    assert isinstance(named, dict)
    assert named["username"] == "admin"
    assert isinstance(by_us(files.write("empty", "")), UsageError)
    assert isinstance(by_us(None, "nowhere"), UsageError)
    monkeypatch.setenv("KUBECONFIG", str(files.folder / "empty"))
    assert choose(None, None).name == in_cluster.NAME
