"""The states that the definition declares. Few: what must be safe lives in our own store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from hubspot_hitl.integration.wire import WireModel


class UserInfo(WireModel):
    """What `createUser` learned of the end user, where a flow can read it."""

    name: str | None = Field(default=None, title="Name", description="The display name.")
    email: str | None = Field(default=None, title="Email", description="The email address.")
    phone: str | None = Field(
        default=None, title="Phone", description="The phone number, with country code."
    )


@dataclass(frozen=True, slots=True)
class StateSpec:
    """One state as the definition declares it; `kind` is what it belongs to."""

    kind: Literal["user", "conversation", "integration"]
    payload: type[WireModel]


USER_INFO = "userInfo"

STATES: Mapping[str, StateSpec] = {USER_INFO: StateSpec("user", UserInfo)}
