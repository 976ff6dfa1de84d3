"""Kubeconfigs with one context: what each has in place of the administrator's fields, and what has to come of it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.apiserver.kubeconfigs import Stage, encoded

from task_gateway.errors import CertificateRefused, ClusterUnreachable, Forbidden, Invalid, LoginFailed, UsageError
from task_gateway.model import Manifest


@dataclass(frozen=True)
class Case:
    """What a kubeconfig has in place of the administrator's fields, and the error that we end with, None for none."""

    name: str
    cluster: Callable[[Stage], Manifest] = lambda stage: stage.cluster
    user: Callable[[Stage], Manifest] = lambda stage: stage.user
    error: type[Exception] | None = None
    says: str = ""


def cluster(**fields: object) -> Callable[[Stage], Manifest]:
    """Return what changes fields of the cluster; None takes one away."""
    return lambda stage: {**stage.cluster, **fields}


def acting(**fields: object) -> Callable[[Stage], Manifest]:
    return lambda stage: {**stage.user, **{key.replace("_", "-").rstrip("-"): each for key, each in fields.items()}}


def by(script: str | Callable[[Stage], str], **fields: object) -> Callable[[Stage], Manifest]:
    """Return the user of a login command, with fields of `exec` changed."""

    def made(stage: Stage) -> Manifest:
        user = stage.command("login", script if isinstance(script, str) else script(stage))
        return {"exec": {**user["exec"], **fields}}

    return made


def certified(stage: Stage) -> Manifest:
    certificate, key = stage.clients.issue_client("ada", "ml-platform")
    return {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}


def certified_by_file(stage: Stage) -> Manifest:
    certificate, key = stage.clients.issue_client("ada", "ml-platform")
    stage.file("ada.crt", certificate)
    return {"client-certificate": "ada.crt", "client-key": stage.file("ada.key", key)}


def authority_of(stage: Stage) -> bytes:
    return Path(stage.cluster["certificate-authority"]).read_bytes()


def relative_authority(stage: Stage) -> Manifest:
    stage.file("authority.crt", "# Zoë's authority\n".encode() + authority_of(stage))
    return {"server": stage.cluster["server"], "certificate-authority": "authority.crt"}


def token(stage: Stage) -> str:
    return stage.credential(token=stage.account("one"))


def certificate(stage: Stage) -> str:
    made, key = stage.clients.issue_client("ada", "ml-platform")
    return stage.credential(clientCertificateData=made.decode(), clientKeyData=key.decode()).replace("\\n", "\\\\n")


CASES = [
    Case("as it is"),
    Case("authority as data", lambda stage: {
        "server": stage.cluster["server"], "certificate-authority-data": encoded(authority_of(stage))}),
    Case("authority by a path relative to the file", relative_authority),
    Case("authority twice", cluster(**{"certificate-authority-data": "QQ=="}), error=UsageError, says="both set"),
    Case("authority that is not there", cluster(**{"certificate-authority": "/none.crt"}), error=UsageError),
    Case("authority that is no certificate", lambda stage: {
        "server": stage.cluster["server"], "certificate-authority-data": "QQ=="}, error=UsageError, says="no PEM"),
    Case("no authority", cluster(**{"certificate-authority": None}), error=CertificateRefused, says="is not trusted"),
    Case("another authority", lambda stage: {
        "server": stage.cluster["server"], "certificate-authority-data": encoded(stage.clients.pem)},
        error=CertificateRefused, says="is not trusted"),
    Case("server name that the certificate has", cluster(**{"tls-server-name": "kubernetes.default.svc"})),
    Case("server name that it does not have", cluster(**{"tls-server-name": "wrong.example"}),
        error=CertificateRefused, says="is not for the name wrong.example"),
    Case("insecure", lambda stage: {"server": stage.cluster["server"], "insecure-skip-tls-verify": True}),
    Case("insecure with an authority", cluster(**{"insecure-skip-tls-verify": True}), error=UsageError, says="both"),
    Case("insecure by a string", cluster(**{"insecure-skip-tls-verify": "true"}), error=UsageError, says="not a bool"),
    Case("server without a scheme", lambda stage: {
        **stage.cluster, "server": stage.cluster["server"].removeprefix("https://")},
        error=Invalid, says="HTTP request to an HTTPS"),
    Case("no server", cluster(server=None), error=UsageError, says="no server"),
    Case("server that is away", cluster(server="https://127.0.0.1:1"), error=ClusterUnreachable, says="refused"),
    Case("token that nobody knows", user=lambda _: {"token": "nobody"}, error=Forbidden),
    Case("token that is a number", user=lambda _: {"token": 12345}, error=UsageError, says="token of user"),
    Case("token that ends with a line", user=lambda stage: {"token": f"{stage.user['token']}\n"}, error=UsageError),
    Case("token file", user=lambda stage: {"tokenFile": stage.file("token", stage.account("one") + "\n")}),
    Case("token file by a relative path", user=lambda stage: {
        "tokenFile": os.path.relpath(stage.file("token", stage.account("one")), stage.folder)}),
    Case("token file before a token", user=lambda stage: {
        "token": "nobody", "tokenFile": stage.file("token", stage.account("one"))}),
    Case("token file that is not there", user=lambda _: {"tokenFile": "/none"}, error=UsageError, says="tokenFile"),
    Case("token file that is empty", user=lambda stage: {"tokenFile": stage.file("token", "")}, error=UsageError),
    Case("password", user=lambda _: {"username": "ada", "password": "secret"}, error=Forbidden),
    Case("password and token", user=acting(username="ada", password="secret"), error=UsageError, says="only one"),
    Case("no credentials", user=lambda _: {}, error=UsageError, says="has no credentials"),
    Case("client certificate as data", user=certified),
    Case("client certificate by files", user=certified_by_file),
    Case("client certificate without a key", user=lambda stage: {**certified(stage), "client-key-data": None},
        error=UsageError, says="no client-key"),
    Case("client certificate with the key of another", user=lambda stage: {
        **certified(stage), "client-key-data": certified(stage)["client-key-data"]}, error=UsageError, says="key"),
    Case("impersonation", user=acting(as_="ada")),
    Case("impersonation with all", user=acting(
        as_="Zoë", as_uid="u-1", as_groups=["ml-platform", "a, b", "system:authenticated"],
        as_user_extra={"reason": ["one", "two"], "example.com/Scope %": ["x"]})),
    Case("impersonated groups only", user=acting(as_groups=["ml-platform"]), error=UsageError, says="but not as"),
    Case("impersonation that is not allowed", user=lambda stage: {"token": stage.account("one"), "as": "ada"},
        error=Forbidden),
    Case("login command", user=by(token)),
    Case("login command that is found on PATH", user=lambda stage: by(
        "", command="sh", args=["-c", token(stage)])(stage)),
    Case("login command by a relative path", user=lambda stage: {
        "exec": {**by(token)(stage)["exec"], "command": "./login"}}),
    Case("login command of v1beta1", user=lambda stage: {"exec": {
        key: each for key, each in by(token(stage).replace("io/v1", "io/v1beta1"))(stage)["exec"].items()
        if key != "interactiveMode"} | {"apiVersion": "client.authentication.k8s.io/v1beta1"}}),
    Case("login command that gives a certificate", user=by(certificate)),
    Case("login command with arguments and an environment", user=by(
        lambda stage: f'[ "$1$MORE" = "a b c" ] || exit 3\n{token(stage)}',
        args=["a b"], env=[{"name": "MORE", "value": " c"}])),
    Case("login command that reads the cluster", user=by(
        lambda stage: f'echo "$KUBERNETES_EXEC_INFO" | grep -q certificate-authority-data || exit 3\n{token(stage)}',
        provideClusterInfo=True)),
    Case("login command that is told that nobody is there", user=by(
        lambda stage: f"echo \"$KUBERNETES_EXEC_INFO\" | grep -q '\"interactive\": *false' || exit 3\n{token(stage)}")),
    Case("login command that is not there", user=by("", command="aws-not-there"), error=UsageError,
        says="aws-not-there"),
    Case("login command that fails", user=by("echo first >&2; echo session expired >&2; exit 255"),
        error=LoginFailed, says="ended with exit code 255: session expired"),
    Case("login command that prints no JSON", user=by("echo hello"), error=LoginFailed, says="printed no JSON"),
    Case("login command that prints nothing", user=by("true"), error=LoginFailed, says="printed no JSON"),
    Case("login command that prints another kind", user=by("echo '{\"kind\": \"Pod\"}'"), error=LoginFailed),
    Case("login command that prints no token", user=by(lambda stage: stage.credential()), error=LoginFailed,
        says="neither a token nor"),
    Case("login command that prints a certificate only", user=by(
        lambda stage: stage.credential(clientCertificateData="x")), error=LoginFailed, says="only one of"),
    Case("login command that prints a bad certificate", user=by(
        lambda stage: stage.credential(clientCertificateData="x", clientKeyData="y")), error=LoginFailed),
    Case("login command that prints another version", user=by(
        lambda stage: token(stage).replace("io/v1", "io/v1beta1")), error=LoginFailed, says="apiVersion"),
    Case("login command that is no program", user=lambda stage: by("", command=stage.file("x", "x"))(stage),
        error=UsageError, says="not executable"),
    Case("login command of an unknown version", user=by(token, apiVersion="client.authentication.k8s.io/v1alpha1"),
        error=UsageError, says="supported"),
    Case("login command without interactiveMode", user=by(token, interactiveMode=None), error=UsageError,
        says="interactiveMode"),
    Case("login command that needs a terminal", user=by(token, interactiveMode="Always"), error=LoginFailed,
        says="terminal"),
    Case("token before a login command", user=lambda stage: {**by("exit 1")(stage), **stage.user}),
    Case("client certificate before a login command", user=lambda stage: {**by("exit 1")(stage), **certified(stage)}),
    Case("auth-provider gcp", user=lambda _: {"auth-provider": {"name": "gcp"}}, error=UsageError,
        says="'gcp' of user 'here' is not supported"),
    Case("proxy that is away", cluster(**{"proxy-url": "http://127.0.0.1:1"}), error=ClusterUnreachable,
        says="no answer from the proxy http://127.0.0.1:1"),
    Case("proxy of socks5 that is away", cluster(**{"proxy-url": "socks5://127.0.0.1:1"}), error=ClusterUnreachable,
        says="through the proxy socks5://127.0.0.1:1"),
    Case("proxy of another kind", cluster(**{"proxy-url": "ftp://127.0.0.1:1"}), error=UsageError, says="proxy-url"),
]  # fmt: skip
