"""What fits into Botpress's fields, counted as it counts: in UTF-16 units. Pure.

Source: https://botpress.com/docs/learn/reference/limits-and-quotas and the API's schemas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hubspot_hitl.errors import InvalidPayload

NAME_LIMIT: Final = 200
PICTURE_LIMIT: Final = 40_000
TAG_LIMIT: Final = 500


def units(text: str) -> int:
    """UTF-16 units in `text`.

    >>> units("a😀")
    3
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fitting_name(name: str | None) -> str | None:
    """`name` cut to what Botpress keeps, never through a character; None for an empty one.

    >>> units(fitting_name("😀" * 150))
    200
    """
    if not name or units(name) <= NAME_LIMIT:
        return name or None
    return name.encode("utf-16-le", "replace")[: NAME_LIMIT * 2].decode("utf-16-le", "ignore")


def fitting_picture(url: str | None) -> str | None:
    """`url` when it is short enough to be kept, else None."""
    return url if url and units(url) <= PICTURE_LIMIT else None


def checked_tags(tags: Mapping[str, str], discriminate_by: Sequence[str] = ()) -> dict[str, str]:
    """`tags` when Botpress can keep them and find by them.

    Raises InvalidPayload for a value that is too long, and for a discriminating tag without value:
    such a lookup would match objects of others.
    """
    for name, value in tags.items():
        if units(value) > TAG_LIMIT:
            raise InvalidPayload(
                f"Tag {name!r} has {units(value)} characters; Botpress keeps {TAG_LIMIT}."
            )
    for name in discriminate_by:
        if not tags.get(name):
            raise InvalidPayload(f"Tag {name!r} is to be searched by and has no value.")
    return dict(tags)
