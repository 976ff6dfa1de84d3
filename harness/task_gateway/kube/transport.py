"""Sends requests to one API server, with TLS, proxy and credentials of a kubeconfig, over persistent connections."""

import re
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from task_gateway.deferred import ssl, tempfile, urllib3
from task_gateway.errors import CertificateRefused, ClusterUnreachable, LoginFailed, UsageError
from task_gateway.kube import proxies
from task_gateway.kube.kubeconfig import Access, access_of
from task_gateway.kube.kubectl import command
from task_gateway.kube.login import ApiLogin, Pair
from task_gateway.model import Cluster
from task_gateway.version import __version__

CONNECT_SECONDS = 5.0
CONNECTIONS = 100  # kept open; if more threads send requests, each request opens a connection
UNAUTHORIZED = 401
CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
OUT_OF_DATE = (9, 10)  # verify codes of OpenSSL: not yet valid, expired
OTHER_NAME = (62, 63, 64)  # host name, email, IP address mismatch
USER_AGENT = f"task-gateway/{__version__}"


class Transport:
    """The connections to the API server of a cluster. UsageError if its kubeconfig cannot be used."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._access = access = access_of(cluster)
        self.server = _server(access)
        secure = self.server.startswith("https://")
        self._login = ApiLogin(access, secure=secure)
        self._proxy = proxies.proxy_of(access, self.server)
        groups = access.user.get("as-groups") or []
        if self._proxy and not secure and len(groups) > 1:
            raise access.refuse("several as-groups are not supported for an http:// server behind a proxy")
        self._tls = _tls(access) if secure else None
        self._lock = threading.Lock()
        self._pair: Pair | None = None
        self._pool: urllib3.PoolManager | None = None
        if not self._login.by_command:
            self._connected()  # a client certificate that cannot be used is refused here

    def send(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None, idle: float
    ) -> "urllib3.BaseHTTPResponse":
        """Send one request and return the response before its body is read; `idle` is in seconds between bytes.

        LoginFailed if there are no credentials, CertificateRefused or ClusterUnreachable if there is no response.
        """
        own = urllib3.HTTPHeaderDict({"User-Agent": USER_AGENT, **headers})
        try:
            for name, value in self._login.headers():
                own.add(name, value)
            connections = self._connected()
        except LoginFailed as problem:
            problem.hint = self._look
            raise
        try:
            response = connections.request(
                method,
                f"{self.server}{path}",
                body=body,
                headers=own,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=idle),
                preload_content=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as problem:
            raise self.unreachable(problem) from None
        if response.status == UNAUTHORIZED:
            self._login.rejected()
        return response

    def unreachable(self, problem: BaseException) -> ClusterUnreachable:
        """Return the error for a request without a response, or for an interrupted response."""
        cause = _cause(problem)
        way, end = "", "the API server"
        if self._proxy:
            proxy = f"the proxy {proxies.shown(self._proxy)}"
            way, end = ("", proxy) if isinstance(problem, urllib3.exceptions.ProxyError) else (f" through {proxy}", end)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return self._refused(cause, end)
        return ClusterUnreachable(f"no answer from {end}{way}: {_reason(cause)}", where=self.server, hint=self._look)

    @property
    def _look(self) -> str:
        return command(self._cluster, "get --raw /readyz")

    def _refused(self, problem: "ssl.SSLCertVerificationError", end: str) -> CertificateRefused:
        code, words = problem.verify_code, f"config set-cluster {self._access.cluster_name}"
        if code in OTHER_NAME:
            host = self._access.cluster.get("tls-server-name") or urlsplit(self.server).hostname
            message, words = f"is not for the name {host}", f"{words} --tls-server-name NAME_IN_THE_CERTIFICATE"
        elif code in OUT_OF_DATE:
            message, words = f"is out of date: {problem.verify_message}", ""
        else:
            message = f"is not trusted: {problem.verify_message}"
            words = f"{words} --certificate-authority CA.crt --embed-certs"
        hint = command(self._cluster, words) if words and self._access.context else self._look
        return CertificateRefused(f"the certificate of {end} {message}", where=self.server, hint=hint)

    def _connected(self) -> "urllib3.PoolManager":
        """Return the connections; new ones after the login command returned another client certificate."""
        pair = self._login.pair()
        with self._lock:
            if self._pool is None or pair != self._pair:
                try:
                    self._pool, self._pair = self._connections(pair), pair
                except UsageError as problem:
                    if self._login.by_command:
                        raise LoginFailed(problem.message, where=problem.where) from None
                    raise
            return self._pool

    def _connections(self, pair: Pair | None) -> "urllib3.PoolManager":
        options: dict[str, Any] = {"retries": False, "maxsize": CONNECTIONS}
        if self._tls is not None:
            context = _tls(self._access)
            if pair is not None:
                _load(self._access, context, pair)
            options["ssl_context"] = context
            if context.verify_mode == ssl.CERT_NONE:
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            if self._access.cluster.get("tls-server-name"):
                options["server_hostname"] = self._access.cluster["tls-server-name"]
        if self._proxy is None:
            return urllib3.PoolManager(**options)
        if self._proxy.startswith("socks5:"):
            from urllib3.contrib.socks import SOCKSProxyManager

            return SOCKSProxyManager(self._proxy.replace("socks5:", "socks5h:", 1), **options)
        login = proxies.login_of(self._proxy)
        headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
        return urllib3.ProxyManager(self._proxy, proxy_headers=headers, proxy_ssl_context=self._tls, **options)


def _server(access: Access) -> str:
    """Return the URL of the API server. As in kubectl, a URL without a scheme means http without credentials."""
    server = str(access.cluster.get("server") or "").rstrip("/")
    if not server:
        raise access.refuse(f"cluster {access.cluster_name!r} has no server")
    server = server if "://" in server else f"http://{server}"
    try:
        parts = urlsplit(server)
        _ = parts.port
    except ValueError as problem:
        raise access.refuse(f"server of cluster {access.cluster_name!r}: {problem}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise access.refuse(f"server of cluster {access.cluster_name!r} is not an http or https URL")
    return parts._replace(query="", fragment="").geturl()


def _tls(access: Access) -> "ssl.SSLContext":
    """Return the TLS context, which trusts the kubeconfig's certificate authority, or else the system's."""
    authority = access.content("certificate-authority")
    insecure = access.cluster.get("insecure-skip-tls-verify")
    if authority is not None and insecure:
        raise access.refuse("certificate-authority and insecure-skip-tls-verify are both set; only one of them may be")
    certificates = None if authority is None else b"\n".join(CERTIFICATE.findall(authority)).decode()
    if certificates == "":
        raise access.refuse("certificate-authority holds no PEM certificate")
    try:
        context = ssl.create_default_context(cadata=certificates)
    except (ssl.SSLError, ValueError) as problem:
        raise access.refuse(f"certificate-authority holds no valid certificate: {problem}") from None
    # As in kubectl: a listed certificate is trusted even if it is not a root, and old authorities are accepted.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _load(access: Access, context: "ssl.SSLContext", pair: Pair) -> None:
    """Use a client certificate; the library only reads it from files."""
    with tempfile.TemporaryDirectory(prefix="task-gateway-") as folder:
        certificate, key = Path(folder) / "certificate", Path(folder) / "key"
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        try:
            context.load_cert_chain(certificate, key, password="")  # an encrypted key must not prompt at the terminal
        except (ssl.SSLError, ValueError) as problem:
            who = f"the client certificate of user {access.user_name!r}"
            raise access.refuse(f"{who} and its key cannot be used: {problem}") from None


def _cause(problem: BaseException) -> BaseException:
    """Return the cause of an error of the HTTP library."""
    while True:
        inner = next((each for each in problem.args if isinstance(each, BaseException)), None)
        if inner is None:
            return problem
        problem = inner


def _reason(problem: BaseException) -> str:
    cause = getattr(problem, "reason", None) or problem
    return str(cause).rsplit(": ", 1)[-1] or type(problem).__name__
