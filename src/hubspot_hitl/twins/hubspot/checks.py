"""What HubSpot refuses in a body, as small checks. Each raises a 400."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

import orjson
import phonenumbers

from hubspot_hitl.json_values import is_list
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.wire import Json, list_of, object_of

IDENTIFIER_TYPES = (
    "HS_EMAIL_ADDRESS",
    "HS_PHONE_NUMBER",
    "CHANNEL_SPECIFIC_OPAQUE_ID",
    "HS_SHORT_CODE",
)
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\".]+(\.[^@\s,;<>\".]+)+")
RICH_TEXT = frozenset(
    {
        "BLOCKQUOTE",
        "BOLD",
        "FONT_SIZE",
        "FONT_STYLE",
        "HYPERLINK",
        "ITALIC",
        "LISTS",
        "TEXT_ALIGNMENT",
        "TEXT_COLOR",
        "TEXT_HIGHLIGHT_COLOR",
        "UNDERLINE",
    }
)
_LISTS = {
    "deliveryIdentifierTypes": frozenset(IDENTIFIER_TYPES),
    "richText": RICH_TEXT,
    "outgoingAttachmentTypes": frozenset({"FILE", "QUICK_REPLIES"}),
    "allowedFileAttachmentMimeTypes": None,
}
_SWITCHES = (
    "allowConversationStart",
    "allowMultipleRecipients",
    "allowInlineImages",
    "allowOutgoingMessages",
)
_NUMBERS = (
    "maxFileAttachmentCount",
    "maxFileAttachmentSizeBytes",
    "maxTotalFileAttachmentSizeBytes",
)
THREADING = ("INTEGRATION_THREAD_ID", "DELIVERY_IDENTIFIER")
_REQUIRED_OF = {
    "FILE": ("fileId",),
    "LOCATION": ("latitude", "longitude"),
    "CONTACT": ("contactProfile",),
    "QUICK_REPLIES": ("quickReplies",),
    "UNSUPPORTED_CONTENT": (),
    "MESSAGE_HEADER": (),
    "SOCIAL_MEDIA_METADATA": ("socialMetadata",),
}
FILE_USAGES = ("AUDIO", "IMAGE", "OTHER", "STICKER", "VOICE_RECORDING")


def require(body: Json, *names: str) -> None:
    """All of `names` are present and not null."""
    missing = [name for name in names if body.get(name) is None]
    if missing:
        text = f"Some required fields were not set: {missing}"
        raise ApiError(
            400,
            f"Invalid input JSON: {text}",
            "VALIDATION_ERROR",
            errors=[
                {"message": f"{name} is required", "in": name, "code": "REQUIRED_FIELD"}
                for name in missing
            ],
        )


def text(body: Json, name: str, *, blank: bool = False) -> str:
    """A string, not blank unless allowed."""
    value = body.get(name)
    if not isinstance(value, str) or (not blank and not value.strip()):
        raise ApiError.invalid(f"{name} must be a string that is not blank", field=name)
    return value


def truth(body: Json, name: str) -> bool:
    """A boolean."""
    value = body.get(name)
    if not isinstance(value, bool):
        raise ApiError.invalid(f"{name} must be a boolean", field=name)
    return value


def one_of(body: Json, name: str, allowed: tuple[str, ...]) -> str:
    """One of a closed set of strings."""
    value = body.get(name)
    if value not in allowed:
        raise ApiError.invalid(f"{name} must be one of {list(allowed)}", field=name)
    return str(value)


def objects(body: Json, name: str, *, least: int = 0) -> list[Json]:
    """A list of at least `least` objects."""
    given = list_of(body.get(name))
    if given is None or len(given) < least:
        raise ApiError.invalid(f"{name} must be a list of at least {least}", field=name)
    found = [item for item in map(object_of, given) if item is not None]
    if len(found) < len(given):
        raise ApiError.invalid(f"{name} must hold objects", field=name)
    return found


def url(body: Json, name: str) -> None:
    """An absolute http or https URL, when present."""
    value = body.get(name)
    if value is None:
        return
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ApiError.invalid(f"{name} must be a URL", field=name)


@lru_cache(maxsize=4096)
def valid_phone(value: str) -> bool:
    """Whether libphonenumber takes it for a valid international number."""
    if not value.startswith("+"):
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(value, None))
    except phonenumbers.NumberParseException:
        return False


def identifier(value: object) -> Json:
    """A delivery identifier `{type, value}` whose value fits its type."""
    found = object_of(value)
    if found is None:
        raise ApiError.invalid("deliveryIdentifier must be an object", field="deliveryIdentifier")
    require(found, "type", "value")
    kind = one_of(found, "type", IDENTIFIER_TYPES)
    address = text(found, "value")
    if kind == "HS_EMAIL_ADDRESS" and not _EMAIL.fullmatch(address):
        raise ApiError.invalid(f"{kind} must be a valid email address", field="value")
    if kind == "HS_PHONE_NUMBER" and not valid_phone(address):
        raise ApiError.invalid(f"{kind} must be a valid E.164 phone number", field="value")
    return {"type": kind, "value": address}


def email(value: str) -> bool:
    """Whether a text is an email address."""
    return _EMAIL.fullmatch(value) is not None


def capabilities(value: object) -> Json:
    """A channel's capabilities, each of its right kind (strings in lists, never objects)."""
    found = object_of(value)
    if found is None:
        raise ApiError.invalid("capabilities must be an object", field="capabilities")
    bad: list[str] = []
    for name, setting in found.items():
        if name in _LISTS:
            allowed = _LISTS[name]
            items = list_of(setting)
            fits = items is not None and all(
                isinstance(item, str) and (allowed is None or item in allowed) for item in items
            )
        elif name in _SWITCHES:
            fits = isinstance(setting, bool)
        elif name in _NUMBERS:
            fits = isinstance(setting, int) and not isinstance(setting, bool) and setting >= 0
        else:
            fits = name != "threadingModel" or setting in THREADING
        if not fits:
            bad.append(f"{name}={setting}")
    if bad:
        raise ApiError(
            400,
            "Some of the channel's capabilities have invalid values",
            "VALIDATION_ERROR",
            sub_category="CustomChannelsError.INVALID_CHANNEL_CAPABILITY_VALUES",
            context={"capabilityKeysAndValues": bad},
        )
    return found


def attachment(item: Json) -> Json:
    """An attachment of a known type with what that type requires."""
    kind = one_of(item, "type", tuple(_REQUIRED_OF))
    require(item, *_REQUIRED_OF[kind])
    if kind == "FILE":
        text(item, "fileId")
        if item.get("fileUsageType") is not None:
            one_of(item, "fileUsageType", FILE_USAGES)
    if kind == "LOCATION" and not all(
        isinstance(item[name], int | float) for name in ("latitude", "longitude")
    ):
        raise ApiError.invalid("latitude and longitude must be numbers", field="attachments")
    if kind == "QUICK_REPLIES":
        for reply in objects(item, "quickReplies", least=1):
            require(reply, "value", "valueType")
            one_of(reply, "valueType", ("TEXT", "URL"))
    return item


def array(raw: bytes) -> list[str]:
    """A bare JSON array of ids."""
    try:
        found: object = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = None
    if not is_list(found):
        raise ApiError.invalid("a JSON array of ids is expected")
    return [str(item) for item in found]
