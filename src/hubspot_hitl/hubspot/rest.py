"""What all parts of the client share: reading answers, reading pages, app-level authentication."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from pydantic import SecretStr

from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.hubspot.answers import Answer, json_of, unexpected
from hubspot_hitl.hubspot.fields import Fields, ShapeError
from hubspot_hitl.hubspot.transport import Call, Query, Transport

MAX_PAGES: Final = 1_000

Record = TypeVar("Record")


class AppAuth(Protocol):
    """How a call that acts for the app, not for a portal, shows who it is.

    HubSpot takes the developer key out of its published contract without having named what comes
    instead, so this is a part that can be changed. `bearer` tells whether the portal's token goes
    along.
    """

    @property
    def bearer(self) -> bool:
        """Whether the portal's token is sent too."""
        ...

    def query(self) -> Query:
        """Query parameters to add. Raises BadConfiguration when something is missing."""
        ...


@dataclass(frozen=True, slots=True)
class DeveloperKey:
    """`hapikey` and `appId` in the query; without a key, `appId` alone beside the token."""

    app_id: str
    key: SecretStr | None = None
    bearer: bool = True

    def query(self) -> Query:
        """Query parameters to add."""
        if not self.app_id:
            raise BadConfiguration(
                "the configuration has no 'appId'; copy it from the app's Auth tab"
            )
        secret = self.key.get_secret_value().strip() if self.key is not None else ""
        key = (("hapikey", secret),) if secret else ()
        return (*key, ("appId", self.app_id))


class Rest:
    """One portal's API, read as records. The parts of the client build on it."""

    def __init__(self, transport: Transport, app_auth: AppAuth) -> None:
        self._transport = transport
        self._app_auth = app_auth

    async def send(self, call: Call) -> Answer:
        """Send a call; raises any VendorError."""
        return await self._transport.send(call)

    async def read(self, call: Call, of: Callable[[Fields], Record]) -> Record:
        """Send a call and read the object it answers. Raises UnexpectedAnswer besides."""
        return record_of(await self.send(call), call.operation, of)

    async def pages(
        self,
        call: Call,
        of: Callable[[Fields], Record],
        *,
        limit: int | None = None,
        next_page: Callable[[Call, str], Call] | None = None,
    ) -> Sequence[Record]:
        """Every record of every page, up to `limit`. `next_page` says where `after` goes."""
        found: list[Record] = []
        page, seen = call, set[str]()
        for _ in range(MAX_PAGES):
            answer = await self.send(page)
            items, after = record_of(answer, call.operation, lambda raw: _page(raw, of))
            found.extend(items)
            if limit is not None and len(found) >= limit:
                return found[:limit]
            if after is None:
                return found
            if after in seen:
                raise unexpected(answer, call.operation, "its pages go in a circle")
            seen.add(after)
            page = (next_page or _after_in_query)(call, after)
        return found

    def for_app(self, call: Call) -> Call:
        """The call with app-level authentication."""
        return replace(
            call, query=(*call.query, *self._app_auth.query()), bearer=self._app_auth.bearer
        )


def record_of(answer: Answer, operation: str, of: Callable[[Fields], Record]) -> Record:
    """The record in an answer. Raises UnexpectedAnswer when it is not one."""
    try:
        return of(Fields.of(json_of(answer, operation)))
    except ShapeError as error:
        problem = str(error)
    raise unexpected(answer, operation, problem)


def _after_in_query(call: Call, after: str) -> Call:
    return replace(call, query=(*call.query, ("after", after)))


def _page(raw: Fields, of: Callable[[Fields], Record]) -> tuple[list[Record], str | None]:
    """The records of a page and the mark of the next one."""
    if not isinstance(raw.raw("results"), list):
        raise ShapeError("the field 'results' is missing")
    after = raw.child("paging").child("next").id("after")
    return [of(item) for item in raw.children("results")], after
