"""Files of the portal's file manager: attachments on their way to an agent, and back.

Source: https://developers.hubspot.com/docs/api-reference/latest/files/guide
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import aiohttp

from hubspot_hitl.errors import VendorNotFound
from hubspot_hitl.hubspot import paths
from hubspot_hitl.hubspot.fields import Fields, ShapeError
from hubspot_hitl.hubspot.rest import Rest
from hubspot_hitl.hubspot.transport import Call
from hubspot_hitl.ports.hubspot import Priority

_MEDIA_TYPE: Final = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)
_UPLOAD_TIMEOUT_S: Final = 60.0


class Files(Rest):
    """The files part of the client."""

    async def upload_file(
        self, content: bytes | Path, *, name: str, content_type: str, folder: str
    ) -> str:
        """Store a private file; returns its id. Not idempotent: twice makes two files.

        A file of ours is read while it is sent, so that its size costs no memory.
        """
        media_type = content_type.partition(";")[0].strip()
        if not _MEDIA_TYPE.fullmatch(media_type):
            media_type = "application/octet-stream"
        file_name = "".join(char for char in name if char.isprintable()).strip() or "file"

        def form() -> aiohttp.FormData:
            data = aiohttp.FormData()
            source = content.open("rb") if isinstance(content, Path) else content
            data.add_field("file", source, filename=file_name, content_type=media_type)
            data.add_field("fileName", file_name)
            data.add_field("folderPath", folder)
            data.add_field("options", json.dumps({"access": "PRIVATE"}))
            return data

        call = Call("files.upload", "POST", paths.FILES, form=form, timeout_s=_UPLOAD_TIMEOUT_S)
        return await self.read(call, lambda raw: raw.require_id("id"))

    async def file_url(self, file_id: str, *, expires_s: int = 3600) -> str:
        """A signed URL of a private file."""
        call = Call(
            "files.signed_url",
            "GET",
            paths.signed_url(file_id),
            query=(("expirationSeconds", str(expires_s)),),
        )
        return await self.read(call, _url)

    async def erase_file(self, file_id: str) -> None:
        """Delete a file for good. Raises VendorNotFound when it is gone already.

        The GDPR deletion is published for v3; where a version does not have it, the ordinary
        deletion, after which the file can be opened no more, is what there is.
        https://developers.hubspot.com/docs/api-reference/files-files-v3/files/delete-files-v3-files-fileId-gdpr-delete
        """
        path = paths.file(file_id)
        call = Call("files.erase", "DELETE", f"{path}/gdpr-delete", priority=Priority.BACKGROUND)
        try:
            await self.send(call)
        except VendorNotFound:
            await self.send(Call("files.delete", "DELETE", path, priority=Priority.BACKGROUND))


def _url(raw: Fields) -> str:
    url = raw.text("url")
    if not url:
        raise ShapeError("the field 'url' is missing")
    return url
