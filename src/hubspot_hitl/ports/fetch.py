"""What the rest of the house needs to get a file from an address that somebody else chose."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A file on our disk, for as long as the context that gave it is open.

    `content_type` is what its content shows, whatever the host said. `name` is safe as a file name
    and ends as its type does. `size` is in bytes and never 0.
    """

    path: Path
    size: int
    name: str
    content_type: str


class Fetch(Protocol):
    """Fetches files, within limits of size, time and type, from public addresses only."""

    def file(
        self, url: str, *, title: str | None = None
    ) -> AbstractAsyncContextManager[FetchedFile]:
        """The file at `url`; `title` names it when its host does not.

        Raises FileUnavailable when it cannot be had, FileUnreachable when a later try may help.
        """
        ...
