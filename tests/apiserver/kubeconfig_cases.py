"""Kubeconfigs with one context: the fields of each that differ from the administrator's, and the expected result."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.apiserver.kubeconfigs import KubeconfigFolder, encoded

from task_gateway.errors import CertificateRefused, ClusterUnreachable, Forbidden, Invalid, LoginFailed, UsageError
from task_gateway.model import Manifest


@dataclass(frozen=True)
class Entry:
    """The fields of a kubeconfig that differ from the administrator's, and the expected error, None for none."""

    name: str
    cluster: Callable[[KubeconfigFolder], Manifest] = lambda files: files.cluster
    user: Callable[[KubeconfigFolder], Manifest] = lambda files: files.user
    error: type[Exception] | None = None
    says: str = ""


def cluster(**fields: object) -> Callable[[KubeconfigFolder], Manifest]:
    """Return a function that changes fields of the cluster; None removes a field."""
    return lambda files: {**files.cluster, **fields}


def acting(**fields: object) -> Callable[[KubeconfigFolder], Manifest]:
    return lambda files: {**files.user, **{key.replace("_", "-").rstrip("-"): each for key, each in fields.items()}}


def by(script: str | Callable[[KubeconfigFolder], str], **fields: object) -> Callable[[KubeconfigFolder], Manifest]:
    """Return the user of a login command, with fields of `exec` changed."""

    def made(files: KubeconfigFolder) -> Manifest:
        user = files.command("login", script if isinstance(script, str) else script(files))
        return {"exec": {**user["exec"], **fields}}

    return made


def certified(files: KubeconfigFolder) -> Manifest:
    certificate, key = files.clients.issue_client("ada", "ml-platform")
    return {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}


def certified_by_file(files: KubeconfigFolder) -> Manifest:
    certificate, key = files.clients.issue_client("ada", "ml-platform")
    files.file("ada.crt", certificate)
    return {"client-certificate": "ada.crt", "client-key": files.file("ada.key", key)}


def authority_of(files: KubeconfigFolder) -> bytes:
    return Path(files.cluster["certificate-authority"]).read_bytes()


def relative_authority(files: KubeconfigFolder) -> Manifest:
    files.file("authority.crt", "# Zoë's authority\n".encode() + authority_of(files))
    return {"server": files.cluster["server"], "certificate-authority": "authority.crt"}


def token(files: KubeconfigFolder) -> str:
    return files.credential(token=files.account("one"))


def certificate(files: KubeconfigFolder) -> str:
    made, key = files.clients.issue_client("ada", "ml-platform")
    return files.credential(clientCertificateData=made.decode(), clientKeyData=key.decode()).replace("\\n", "\\\\n")


CASES = [
    Entry("as it is"),
    Entry("authority as data", lambda files: {
        "server": files.cluster["server"], "certificate-authority-data": encoded(authority_of(files))}),
    Entry("authority by a path relative to the file", relative_authority),
    Entry("authority twice", cluster(**{"certificate-authority-data": "QQ=="}), error=UsageError, says="both set"),
    Entry("authority that is not there", cluster(**{"certificate-authority": "/none.crt"}), error=UsageError),
    Entry("authority that is no certificate", lambda files: {
        "server": files.cluster["server"], "certificate-authority-data": "QQ=="}, error=UsageError, says="no PEM"),
    Entry("no authority", cluster(**{"certificate-authority": None}), error=CertificateRefused, says="is not trusted"),
    Entry("another authority", lambda files: {
        "server": files.cluster["server"], "certificate-authority-data": encoded(files.clients.pem)},
        error=CertificateRefused, says="is not trusted"),
    Entry("server name that the certificate has", cluster(**{"tls-server-name": "kubernetes.default.svc"})),
    Entry("server name that it does not have", cluster(**{"tls-server-name": "wrong.example"}),
        error=CertificateRefused, says="is not for the name wrong.example"),
    Entry("insecure", lambda files: {"server": files.cluster["server"], "insecure-skip-tls-verify": True}),
    Entry("insecure with an authority", cluster(**{"insecure-skip-tls-verify": True}), error=UsageError, says="both"),
    Entry("insecure by a string", cluster(**{"insecure-skip-tls-verify": "true"}), error=UsageError, says="not a bool"),
    Entry("server without a scheme", lambda files: {
        **files.cluster, "server": files.cluster["server"].removeprefix("https://")},
        error=Invalid, says="HTTP request to an HTTPS"),
    Entry("no server", cluster(server=None), error=UsageError, says="no server"),
    Entry("server that is away", cluster(server="https://127.0.0.1:1"), error=ClusterUnreachable, says="refused"),
    Entry("token that nobody knows", user=lambda _: {"token": "nobody"}, error=Forbidden),
    Entry("token that is a number", user=lambda _: {"token": 12345}, error=UsageError, says="token of user"),
    Entry("token that ends with a line", user=lambda files: {"token": f"{files.user['token']}\n"}, error=UsageError),
    Entry("token file", user=lambda files: {"tokenFile": files.file("token", files.account("one") + "\n")}),
    Entry("token file by a relative path", user=lambda files: {
        "tokenFile": os.path.relpath(files.file("token", files.account("one")), files.folder)}),
    Entry("token file before a token", user=lambda files: {
        "token": "nobody", "tokenFile": files.file("token", files.account("one"))}),
    Entry("token file that is not there", user=lambda _: {"tokenFile": "/none"}, error=UsageError, says="tokenFile"),
    Entry("token file that is empty", user=lambda files: {"tokenFile": files.file("token", "")}, error=UsageError),
    Entry("password", user=lambda _: {"username": "ada", "password": "secret"}, error=Forbidden),
    Entry("password and token", user=acting(username="ada", password="secret"), error=UsageError, says="only one"),
    Entry("no credentials", user=lambda _: {}, error=UsageError, says="has no credentials"),
    Entry("client certificate as data", user=certified),
    Entry("client certificate by files", user=certified_by_file),
    Entry("client certificate without a key", user=lambda files: {**certified(files), "client-key-data": None},
        error=UsageError, says="no client-key"),
    Entry("client certificate with the key of another", user=lambda files: {
        **certified(files), "client-key-data": certified(files)["client-key-data"]}, error=UsageError, says="key"),
    Entry("impersonation", user=acting(as_="ada")),
    Entry("impersonation with all", user=acting(
        as_="Zoë", as_uid="u-1", as_groups=["ml-platform", "a, b", "system:authenticated"],
        as_user_extra={"reason": ["one", "two"], "example.com/Scope %": ["x"]})),
    Entry("impersonated groups only", user=acting(as_groups=["ml-platform"]), error=UsageError, says="but not as"),
    Entry("impersonation that is not allowed", user=lambda files: {"token": files.account("one"), "as": "ada"},
        error=Forbidden),
    Entry("login command", user=by(token)),
    Entry("login command that is found on PATH", user=lambda files: by(
        "", command="sh", args=["-c", token(files)])(files)),
    Entry("login command by a relative path", user=lambda files: {
        "exec": {**by(token)(files)["exec"], "command": "./login"}}),
    Entry("login command of v1beta1", user=lambda files: {"exec": {
        key: each for key, each in by(token(files).replace("io/v1", "io/v1beta1"))(files)["exec"].items()
        if key != "interactiveMode"} | {"apiVersion": "client.authentication.k8s.io/v1beta1"}}),
    Entry("login command that gives a certificate", user=by(certificate)),
    Entry("login command with arguments and an environment", user=by(
        lambda files: f'[ "$1$MORE" = "a b c" ] || exit 3\n{token(files)}',
        args=["a b"], env=[{"name": "MORE", "value": " c"}])),
    Entry("login command that reads the cluster", user=by(
        lambda files: f'echo "$KUBERNETES_EXEC_INFO" | grep -q certificate-authority-data || exit 3\n{token(files)}',
        provideClusterInfo=True)),
    Entry("login command that is told that nobody is there", user=by(
        lambda files: f"echo \"$KUBERNETES_EXEC_INFO\" | grep -q '\"interactive\": *false' || exit 3\n{token(files)}")),
    Entry("login command that is not there", user=by("", command="aws-not-there"), error=UsageError,
        says="aws-not-there"),
    Entry("login command that fails", user=by("echo first >&2; echo session expired >&2; exit 255"),
        error=LoginFailed, says="ended with exit code 255: session expired"),
    Entry("login command that prints no JSON", user=by("echo hello"), error=LoginFailed, says="printed no JSON"),
    Entry("login command that prints nothing", user=by("true"), error=LoginFailed, says="printed no JSON"),
    Entry("login command that prints another kind", user=by("echo '{\"kind\": \"Pod\"}'"), error=LoginFailed),
    Entry("login command that prints no token", user=by(lambda files: files.credential()), error=LoginFailed,
        says="neither a token nor"),
    Entry("login command that prints a certificate only", user=by(
        lambda files: files.credential(clientCertificateData="x")), error=LoginFailed, says="only one of"),
    Entry("login command that prints a bad certificate", user=by(
        lambda files: files.credential(clientCertificateData="x", clientKeyData="y")), error=LoginFailed),
    Entry("login command that prints another version", user=by(
        lambda files: token(files).replace("io/v1", "io/v1beta1")), error=LoginFailed, says="apiVersion"),
    Entry("login command that is no program", user=lambda files: by("", command=files.file("x", "x"))(files),
        error=UsageError, says="not executable"),
    Entry("login command of an unknown version", user=by(token, apiVersion="client.authentication.k8s.io/v1alpha1"),
        error=UsageError, says="supported"),
    Entry("login command without interactiveMode", user=by(token, interactiveMode=None), error=UsageError,
        says="interactiveMode"),
    Entry("login command that needs a terminal", user=by(token, interactiveMode="Always"), error=LoginFailed,
        says="terminal"),
    Entry("token before a login command", user=lambda files: {**by("exit 1")(files), **files.user}),
    Entry("client certificate before a login command", user=lambda files: {**by("exit 1")(files), **certified(files)}),
    Entry("auth-provider gcp", user=lambda _: {"auth-provider": {"name": "gcp"}}, error=UsageError,
        says="'gcp' of user 'here' is not supported"),
    Entry("proxy that is away", cluster(**{"proxy-url": "http://127.0.0.1:1"}), error=ClusterUnreachable,
        says="no answer from the proxy http://127.0.0.1:1"),
    Entry("proxy of socks5 that is away", cluster(**{"proxy-url": "socks5://127.0.0.1:1"}), error=ClusterUnreachable,
        says="through the proxy socks5://127.0.0.1:1"),
    Entry("proxy of another kind", cluster(**{"proxy-url": "ftp://127.0.0.1:1"}), error=UsageError, says="proxy-url"),
]  # fmt: skip
