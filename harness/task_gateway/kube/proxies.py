"""Selects the proxy for an API server like kubectl: `proxy-url` of the kubeconfig, else that of the environment."""

import ipaddress
import os
from urllib.parse import SplitResult, unquote, urlsplit

from task_gateway.kube.kubeconfig import Access

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SCHEMES = ("http", "https", "socks5")


def proxy_of(access: Access, server: str) -> str | None:
    """Return the URL of the proxy for `server`, None for a direct connection; UsageError if it is not supported.

    NO_PROXY does not apply to a `proxy-url`.
    """
    own = access.cluster.get("proxy-url")
    url, name = (own, "proxy-url") if own else _environment(urlsplit(server))
    if not url:
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or not parts.hostname:
            raise ValueError(f"not a URL of {', '.join(SCHEMES)}")
        _ = parts.port
    except ValueError as problem:
        raise access.refuse(f"{name} is not supported: {problem}") from None
    return url


def shown(proxy: str) -> str:
    """Return a proxy's URL without its password."""
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def login_of(proxy: str) -> str | None:
    """Return `user:password` of a proxy's URL, None if it has none."""
    parts = urlsplit(proxy)
    return None if parts.username is None else f"{unquote(parts.username)}:{unquote(parts.password or '')}"


def _environment(server: SplitResult) -> tuple[str, str]:
    name = f"{server.scheme.upper()}_PROXY"
    url = _variable(name)
    if not url or _bypassed(server, _variable("NO_PROXY")):
        return "", name
    return (url if "://" in url else f"http://{url}"), name


def _variable(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.lower()) or ""


def _bypassed(server: SplitResult, exceptions: str) -> bool:
    """Return whether no proxy is used for a server: it is on this machine, or an entry of NO_PROXY matches it."""
    host, address = server.hostname or "", _address(server.hostname or "")
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    port = server.port or (443 if server.scheme == "https" else 80)
    entries = [each.strip().lower() for each in exceptions.split(",")]
    return any(_matches(each, host, address, port) for each in entries if each)


def _matches(entry: str, host: str, address: Address | None, port: int) -> bool:
    """Return whether an entry matches: `*`, a host and its subdomains, .DOMAIN, an address or a network, with :PORT."""
    if entry == "*":
        return True
    name, _, wanted = entry.rpartition(":")
    if wanted.isdigit() and (name.endswith("]") or ":" not in name):
        if int(wanted) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    domain = entry.removeprefix("*")
    return bool(domain) and (host == domain or host.endswith(f".{domain.removeprefix('.')}"))


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
