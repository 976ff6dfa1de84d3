"""Authenticates requests: the headers and the client certificate of a kubeconfig's user.

It has the same rules as kubectl. Unsupported credentials are refused, and without credentials no request is sent.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from task_gateway.kube import auth_provider
from task_gateway.kube.exec_login import ExecLogin, exec_login
from task_gateway.kube.kubeconfig import Access

HEADER_CHARACTERS = "!#$&'*+-.^_`|~"  # in addition to letters and digits, what the name of a header may contain
Authorization = Callable[[], str | None]


@dataclass(frozen=True)
class Pair:
    """A client certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


class ApiLogin:
    """The user of one context. UsageError if its credentials are missing, contradictory or not supported."""

    def __init__(self, access: Access, *, secure: bool) -> None:
        self._access = access
        self._impersonation = _impersonation(access)
        self._pair = _client_pair(access)
        self._command: ExecLogin | None = None
        # As with kubectl, no credentials are sent over a connection that is not encrypted.
        self._authorization: Authorization = self._source() if secure else _none

    @property
    def by_command(self) -> bool:
        """Whether a login command returns the credentials on first use."""
        return self._command is not None

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers of the next request; LoginFailed if its credentials cannot be obtained."""
        value = self._authorization()
        own = [("Authorization", value)] if value else []
        return [*own, *self._impersonation]

    def pair(self) -> Pair | None:
        """Return the client certificate of the next connection; LoginFailed if it cannot be obtained."""
        if self._command is None:
            return self._pair
        found = self._command.credential()
        return Pair(found.certificate.encode(), found.key.encode()) if found.certificate else None

    def rejected(self) -> None:
        """Discard credentials that the API server rejected (401); the login command runs for the next request."""
        if self._command is not None:
            self._command.forget()

    def _source(self) -> Authorization:
        access, user = self._access, self._access.user
        methods = [each for each in (_token(access), _basic(access)) if each is not None]
        command = exec_login(access) if user.get("exec") else None
        provider = auth_provider.authorization(access) if user.get("auth-provider") else None
        if len(methods) > 1:
            raise access.refuse(f"user {access.user_name!r} has a token and a username; only one of them may be set")
        if command is not None and provider is not None:
            raise access.refuse(f"user {access.user_name!r} has exec and auth-provider; only one of them may be set")
        if methods:
            return methods[0]
        if self._pair is not None:
            return provider or _none
        if command is not None:
            self._command = command
            return lambda: _bearer(command.credential().token)
        if provider is not None:
            return provider
        named = f"user {access.user_name!r} has no credentials" if access.user_name else "the context names no user"
        raise access.refuse(f"{named}, and anonymous requests are not supported")


def header(value: str) -> str:
    """Return a text as the value of a header, in UTF-8; ValueError if it has control characters."""
    if any(ord(each) < ord(" ") or each == "\x7f" for each in value):
        raise ValueError("it contains control characters")
    return value.encode().decode("latin-1")  # the HTTP library writes Latin-1


def _none() -> None:
    return None


def _bearer(token: str) -> str | None:
    return f"Bearer {token}" if token else None


def _token(access: Access) -> Authorization | None:
    """Return a function that reads the token. Like kubectl, it prefers the file, which is read for each request."""
    static = _header(access, "token", access.user.get("token", ""))
    if not access.user.get("tokenFile"):
        return (lambda: _bearer(static)) if static else None
    file = Path(access.user["tokenFile"])
    last = static

    def read() -> str | None:
        nonlocal last
        try:
            last = header(file.read_text().strip()) or last
        except (OSError, ValueError):  # while the file is replaced, the previous token is still valid
            if not last:
                raise
        return _bearer(last)

    try:
        found = read()
    except (OSError, ValueError) as problem:
        raise access.refuse(f"tokenFile of user {access.user_name!r}: {problem}") from None
    if found is None:
        raise access.refuse(f"tokenFile of user {access.user_name!r} is empty")
    return read


def _basic(access: Access) -> Authorization | None:
    name, password = access.user.get("username", ""), access.user.get("password", "")
    if not name and not password:
        return None
    value = f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"
    return lambda: value


def _impersonation(access: Access) -> list[tuple[str, str]]:
    """Return the headers for impersonation, if the kubeconfig's user has any."""
    user = access.user
    groups, extra = user.get("as-groups") or [], user.get("as-user-extra") or {}
    if not user.get("as"):
        if user.get("as-uid") or groups or extra:
            raise access.refuse(f"user {access.user_name!r} has as-uid, as-groups or as-user-extra, but not as")
        return []
    if not all(isinstance(values, list) for values in extra.values()):
        raise access.refuse(f"as-user-extra of user {access.user_name!r} is not a mapping of lists")
    found = [("Impersonate-User", _header(access, "as", user["as"]))]
    if user.get("as-uid"):
        found.append(("Impersonate-Uid", _header(access, "as-uid", user["as-uid"])))
    found += [("Impersonate-Group", _header(access, "as-groups", each)) for each in groups]
    for key, values in extra.items():
        name = f"Impersonate-Extra-{quote(str(key), safe=HEADER_CHARACTERS)}"
        found += [(name, _header(access, "as-user-extra", each)) for each in values]
    return found


def _header(access: Access, field: str, value: object) -> str:
    if not isinstance(value, str):
        raise access.refuse(f"{field} of user {access.user_name!r} is not a string")
    try:
        return header(value)
    except ValueError as problem:
        raise access.refuse(f"{field} of user {access.user_name!r}: {problem}") from None


def _client_pair(access: Access) -> Pair | None:
    certificate = access.content("client-certificate")
    if certificate is None:
        return None
    key = access.content("client-key")
    if key is None:
        raise access.refuse(f"user {access.user_name!r} has a client certificate, but no client-key")
    return Pair(certificate, key)
