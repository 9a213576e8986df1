"""The OAuth `state` and links for people: signed, short-lived, for one purpose. No I/O.

Both are JSON Web Tokens (HS256) under keys derived from the key ring; `kid` names the ring's key,
so that a rotation breaks nothing. Time comes from the caller, not from PyJWT.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from hubspot_hitl.errors import BadSignature, CallerError
from hubspot_hitl.integration.connection import AuthMethod

STATE_LIFE_S: Final = 15 * 60
PURPOSE: Final = "hubspot-oauth"
_ALGORITHM: Final = "HS256"


class StateExpired(CallerError):
    """The state or link was ours, and is too old."""

    code = "session_expired"

    def __init__(self, message: str, state: OAuthState | None = None) -> None:
        super().__init__(message)
        self.state = state


@dataclass(frozen=True, slots=True)
class OAuthState:
    """What comes back from HubSpot's consent page, as we sent it.

    A `bound` one counts only in the browser that began it, which shows `StateSigner.browser_mark`
    in the cookie `cookie`.
    """

    installation_id: str
    return_url: str
    redirect_uri: str
    auth_method: AuthMethod
    id: str
    expires_ms: int
    bound: bool = False

    @property
    def cookie(self) -> str:
        """The cookie's name: each attempt has its own, so that two tabs do not meet."""
        return f"hitl_connect_{self.id}"


class StateSigner:
    """Signs and reads states and links. `keys` come from the ring, the first one signs."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)
        self._first = next(iter(self._keys))

    def sign(
        self,
        installation_id: str,
        return_url: str,
        redirect_uri: str,
        auth_method: AuthMethod,
        now_ms: int,
        *,
        bound: bool = False,
    ) -> tuple[str, OAuthState]:
        """A fresh state, as text and as a record."""
        state = OAuthState(
            installation_id,
            return_url,
            redirect_uri,
            auth_method,
            secrets.token_urlsafe(16),
            now_ms + STATE_LIFE_S * 1000,
            bound,
        )
        claims = {
            "sub": state.installation_id,
            "ret": state.return_url,
            "uri": state.redirect_uri,
            "app": state.auth_method,
            "bound": state.bound,
            "jti": state.id,
            "exp": state.expires_ms // 1000,
        }
        return self._encode("state", claims), state

    def read(self, text: str, now_ms: int) -> OAuthState:
        """The state in a text. Raises BadSignature for a forged one, StateExpired for an old one.

        An expired state tells where the person came from; only its signature was checked.
        """
        claims = self._decode("state", text)
        method = claims.get("app")
        if method not in ("own", "shared"):
            raise BadSignature("the state names no app")
        state = OAuthState(
            installation_id=_text(claims, "sub"),
            return_url=_text(claims, "ret"),
            redirect_uri=_text(claims, "uri"),
            auth_method="shared" if method == "shared" else "own",
            id=_text(claims, "jti"),
            expires_ms=_number(claims, "exp") * 1000,
            bound=claims.get("bound") is True,
        )
        if state.expires_ms <= now_ms:
            raise StateExpired("The connection was begun more than 15 minutes ago.", state)
        return state

    def link(self, installation_id: str, now_ms: int, life_s: int) -> str:
        """A token that lets whoever holds it connect one installation, for a while."""
        return self._encode("link", {"sub": installation_id, "exp": now_ms // 1000 + life_s})

    def read_link(self, text: str, now_ms: int) -> str:
        """The installation of a link. Raises BadSignature or StateExpired."""
        claims = self._decode("link", text)
        if _number(claims, "exp") * 1000 <= now_ms:
            raise StateExpired("The link is too old: make one with `hubspot-hitl connect --link`.")
        return _text(claims, "sub")

    def verifier(self, state: OAuthState) -> str:
        """The PKCE verifier of a state: derived, so that it is stored nowhere and never travels.

        When the ring gets a new first key within the 15 minutes, the exchange fails and the person
        begins again.
        """
        return self._derived(f"pkce:{state.id}")

    def browser_mark(self, state: OAuthState) -> str:
        """What the browser that began a bound state shows again at the end, in a cookie."""
        return self._derived(f"browser:{state.id}")

    def _derived(self, text: str) -> str:
        digest = hmac.new(self._keys[self._first], text.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode("ascii")

    def _encode(self, kind: Literal["state", "link"], claims: Mapping[str, object]) -> str:
        import jwt  # only people who connect need it

        payload = {**claims, "aud": f"{PURPOSE}-{kind}"}
        key = self._keys[self._first]
        return jwt.encode(payload, key, algorithm=_ALGORITHM, headers={"kid": self._first})

    def _decode(self, kind: Literal["state", "link"], text: str) -> Mapping[str, object]:
        import jwt

        try:
            key = self._keys[str(jwt.get_unverified_header(text).get("kid"))]
            claims: Mapping[str, object] = jwt.decode(
                text,
                key,
                algorithms=[_ALGORITHM],
                audience=f"{PURPOSE}-{kind}",
                options={"verify_exp": False, "require": ["exp", "sub", "aud"]},
            )
        except (jwt.PyJWTError, KeyError, ValueError):
            raise BadSignature(f"the {kind} was not signed by this server") from None
        return claims


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise BadSignature("the token was signed here, but for something else")
    return value


def _number(claims: Mapping[str, object], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int):
        raise BadSignature("the token was signed here, but for something else")
    return value
