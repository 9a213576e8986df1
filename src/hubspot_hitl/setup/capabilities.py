"""What our custom channel can carry: the capabilities HubSpot's composer is built from. Pure.

Keys and values: HubSpot's custom channels guide, "Create a custom channel". The identifier types
must be plain strings; objects are refused with INVALID_CHANNEL_CAPABILITY_VALUES.
"""

from __future__ import annotations

from collections.abc import Mapping

from hubspot_hitl.ports.hubspot_records import IdentifierType

MAX_FILE_BYTES = 10_000_000
MAX_FILES = 10

CAPABILITIES: Mapping[str, object] = {
    "deliveryIdentifierTypes": [
        IdentifierType.OPAQUE.value,
        IdentifierType.EMAIL.value,
        IdentifierType.PHONE.value,
    ],
    "richText": ["BOLD", "ITALIC", "HYPERLINK", "LISTS", "BLOCKQUOTE", "UNDERLINE"],
    "threadingModel": "INTEGRATION_THREAD_ID",
    "allowInlineImages": True,
    "allowOutgoingMessages": True,
    # A thread that an agent opens has no bot conversation behind it: nobody would read it.
    "allowConversationStart": False,
    "allowMultipleRecipients": False,
    "outgoingAttachmentTypes": ["FILE", "QUICK_REPLIES"],
    "allowedFileAttachmentMimeTypes": [
        "image/*",
        "audio/*",
        "video/*",
        "text/*",
        "application/*",
    ],
    "maxFileAttachmentCount": MAX_FILES,
    "maxFileAttachmentSizeBytes": MAX_FILE_BYTES,
    "maxTotalFileAttachmentSizeBytes": MAX_FILE_BYTES * 2,
}
