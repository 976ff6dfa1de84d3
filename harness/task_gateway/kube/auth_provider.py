"""The legacy `auth-provider` of a kubeconfig: kubectl only supports `oidc`, whose token is used while it is valid."""

import base64
import json
import time
from collections.abc import Callable

from task_gateway.errors import LoginFailed
from task_gateway.kube.kubeconfig import Access

SUPPORTED = "oidc"
EARLY_SECONDS = 10  # kubectl treats a token as expired this long before its end


def authorization(access: Access) -> Callable[[], str]:
    """Return a function that returns the value of the header Authorization; UsageError for any provider except oidc.

    LoginFailed after the token has expired. Only kubectl refreshes it, because the refresh token is often only valid
    once, and the new one has to be written to the kubeconfig.
    """
    provider = access.user["auth-provider"]
    name, config = provider.get("name"), provider.get("config") or {}
    if name != SUPPORTED:
        reason = f"auth-provider {name!r} of user {access.user_name!r} is not supported; use exec instead"
        raise access.refuse(reason, "https://kubernetes.io/docs/reference/access-authn-authz/authentication/")
    token = config.get("id-token") or ""
    missing = [each for each in ("idp-issuer-url", "client-id") if not config.get(each)]
    if missing:
        raise access.refuse(f"auth-provider oidc of user {access.user_name!r} has no {missing[0]}")
    try:
        until = _expiry(token) if token else 0.0
    except ValueError:
        raise access.refuse(f"id-token of user {access.user_name!r} is not a JSON Web Token") from None

    def value() -> str:
        if until - EARLY_SECONDS <= time.time():
            message = f"the id-token of user {access.user_name!r} has expired, and only kubectl refreshes it"
            raise LoginFailed(message, where=access.source)
        return f"Bearer {token}"

    return value


def _expiry(token: str) -> float:
    """Return when a JSON Web Token expires, in seconds since 1970; ValueError if it is not valid."""
    _, payload, _ = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    until = claims.get("exp") if isinstance(claims, dict) else None
    return float(until if isinstance(until, int | float) else "no exp")
