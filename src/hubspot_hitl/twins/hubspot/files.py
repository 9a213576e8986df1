"""The file manager of the twin: upload, signed URLs, download."""

from __future__ import annotations

import hashlib
import hmac
import os

import orjson
from aiohttp import web
from aiohttp.web_request import FileField

from hubspot_hitl.twins.hubspot import checks
from hubspot_hitl.twins.hubspot.endpoint import Call, Route
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.records import Portal, StoredFile
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json, answer, iso, no_content, object_of

ACCESS = (
    "PUBLIC_INDEXABLE",
    "PUBLIC_NOT_INDEXABLE",
    "PRIVATE",
    "HIDDEN_INDEXABLE",
    "HIDDEN_NOT_INDEXABLE",
    "HIDDEN_PRIVATE",
    "SENSITIVE",
)


def store(
    world: World, portal: Portal, name: str, content: bytes, content_type: str, access: str
) -> StoredFile:
    """Keep a file."""
    made = StoredFile(world.new_id("file"), name, content, content_type, access, world.clock())
    portal.files[made.id] = made
    return made


def plain_url(world: World, portal: Portal, file: StoredFile) -> str:
    """The file's address; of a private file it answers 404."""
    return f"{world.url}/_files/{portal.id}/{file.id}"


def signed_url(world: World, portal: Portal, file: StoredFile, seconds: int) -> str:
    """An address that works for `seconds`."""
    until = int(world.clock()) + seconds
    return f"{plain_url(world, portal, file)}?until={until}&key={_key(world, file.id, until)}"


def _key(world: World, file_id: str, until: int) -> str:
    source = f"{file_id}:{until}".encode()
    return hmac.new(world.options.client_secret.encode(), source, hashlib.sha256).hexdigest()


def _wire(world: World, portal: Portal, file: StoredFile) -> Json:
    stem, extension = os.path.splitext(file.name)
    return {
        "id": file.id,
        "name": stem,
        "extension": extension.removeprefix("."),
        "path": f"{file.path}{file.name}",
        "size": len(file.content),
        "type": _kind(file.content_type),
        "access": file.access,
        "url": plain_url(world, portal, file),
        "archived": file.archived,
        "createdAt": iso(file.created_at),
        "updatedAt": iso(file.created_at),
    }


def _kind(content_type: str) -> str:
    kinds = {"image": "IMG", "audio": "AUDIO", "video": "MOVIE", "text": "DOCUMENT"}
    return kinds.get(content_type.partition("/")[0], "OTHER")


def _upload(world: World, call: Call) -> web.Response:
    upload = call.form.get("file")
    if not isinstance(upload, FileField):
        raise ApiError.invalid("Part 'file' is missing", field="file")
    options = _options(call)
    checks.require(options, "access")
    access = checks.one_of(options, "access", ACCESS)
    folders = [name for name in ("folderPath", "folderId") if call.form.get(name)]
    if len(folders) != 1:
        raise ApiError.invalid(
            "Exactly one of folderPath and folderId is required", field="folderPath"
        )
    given = call.form.get("fileName")
    name = given if isinstance(given, str) and given else upload.filename
    made = store(world, call.portal, name, upload.file.read(), upload.content_type, access)
    made.path = f"/{str(call.form[folders[0]]).strip('/')}/"
    return answer(_wire(world, call.portal, made), 201)


def _options(call: Call) -> Json:
    given = call.form.get("options")
    raw = given.file.read() if isinstance(given, FileField) else given
    try:
        found = object_of(orjson.loads(raw or b""))
    except orjson.JSONDecodeError as error:
        raise ApiError.invalid("Part 'options' must be JSON", field="options") from error
    if found is None:
        raise ApiError.invalid("Part 'options' must be a JSON object", field="options")
    return found


def _file_of(call: Call) -> StoredFile:
    found = call.portal.files.get(call.path["file"])
    if found is None or found.archived:
        raise ApiError.not_found("file", call.path["file"])
    return found


def _get(world: World, call: Call) -> web.Response:
    return answer(_wire(world, call.portal, _file_of(call)))


def _sign(world: World, call: Call) -> web.Response:
    file = _file_of(call)
    text = call.query.get("expirationSeconds", "3600")
    if not text.isdecimal():
        raise ApiError.invalid("expirationSeconds must be a number", field="expirationSeconds")
    stem, extension = os.path.splitext(file.name)
    return answer(
        {
            "url": signed_url(world, call.portal, file, int(text)),
            "expiresAt": iso(world.clock() + int(text)),
            "name": stem,
            "extension": extension.removeprefix("."),
            "size": len(file.content),
            "type": _kind(file.content_type),
        }
    )


def _delete(world: World, call: Call) -> web.Response:
    _file_of(call).archived = True
    return no_content()


def _erase(world: World, call: Call) -> web.Response:
    """The GDPR deletion: nothing of the file stays."""
    found = call.portal.files.pop(call.path["file"], None)
    if found is None:
        raise ApiError.not_found("file", call.path["file"])
    return no_content()


def _download(world: World, call: Call) -> web.Response:
    portal = world.portals.get(call.path["portal"])
    file = portal.files.get(call.path["file"]) if portal else None
    if file is None or file.archived:
        raise ApiError.not_found("file", call.path["file"])
    if not file.access.startswith("PUBLIC"):
        until = call.query.get("until", "")
        key = call.query.get("key", "").encode()
        lives = until.isdecimal() and int(until) > world.clock()
        if not lives or not hmac.compare_digest(_key(world, file.id, int(until)).encode(), key):
            raise ApiError.not_found("file", file.id)
    return web.Response(
        body=file.content,
        headers={
            "Content-Type": file.content_type,
            "Content-Disposition": f'attachment; filename="{file.id}"',
        },
    )


def _spelled(tail: str) -> tuple[str, str]:
    return (f"/files/2026-03/files{tail}", f"/files/v3/files{tail}")


_WRITE = ("files", "files.write", "files.ui_hidden.write")
_READ = (*_WRITE, "files.read", "files.ui_hidden.read")
ROUTES = (
    Route("POST", _spelled(""), "files.upload", _upload, scopes=_WRITE),
    Route("GET", _spelled("/{file}/signed-url"), "files.sign", _sign, scopes=_READ),
    Route("GET", _spelled("/{file}"), "files.get", _get, scopes=_READ),
    Route("DELETE", _spelled("/{file}"), "files.delete", _delete, scopes=_WRITE),
    Route("DELETE", _spelled("/{file}/gdpr-delete"), "files.erase", _erase, scopes=_WRITE),
    Route("GET", ("/_files/{portal}/{file}",), "files.download", _download, "none"),
)
