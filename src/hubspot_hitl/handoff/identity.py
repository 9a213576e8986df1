"""By what HubSpot shall know an end user: email, phone or an opaque id. Pure.

HubSpot resolves an email or phone number to a CRM contact and wants phone numbers that
libphonenumber accepts; an opaque id only has to be non-blank (custom channels guide, delivery
identifiers: https://developers.hubspot.com/docs/api-reference/2026-03/conversations/custom-channels/guide).
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.handoff.plain_text import one_line

IdentifierKind = Literal["email", "phone", "opaque"]

_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?",
)
_FAKE_EMAIL = re.compile(r"[^@\s]*@no-reply\.[^@\s]+\.botpress\.com", re.IGNORECASE)
_PHONE = re.compile(r"(?:\+|00)?[0-9(][0-9 ().\-/\u00a0]{4,38}")
_OPAQUE_LIMIT = 200


class Identifier(NamedTuple):
    """A kind of address and the address, in the one spelling that is always used for it."""

    kind: IdentifierKind
    value: str


def email_of(value: object) -> str | None:
    """The email address in lower case, or None when it is none, or Botpress's stand-in.

    The HITL plugin invents `<user>@no-reply.<bot>.botpress.com` for users without an email (source:
    botpress/botpress, plugins/hitl/src/actions/start-hitl.ts); such an address must never become a
    contact.

    >>> email_of(" Ada@Example.COM ")
    'ada@example.com'
    >>> email_of("user_01@no-reply.bot-7.botpress.com") is None
    True
    """
    if not isinstance(value, str) or len(value) > 300:
        return None
    email = value.strip().removeprefix("mailto:").lower()
    local, _, _ = email.partition("@")
    if len(email) > 254 or len(local) > 64 or not _EMAIL.fullmatch(email) or is_fake_email(email):
        return None
    return email


def is_fake_email(value: object) -> bool:
    """Whether this is the address that Botpress makes up for a user who gave none."""
    return isinstance(value, str) and _FAKE_EMAIL.fullmatch(value.strip()) is not None


def phone_of(value: object, *, region: str | None = None) -> str | None:
    """The phone number in E.164 form, or None when it is none.

    `region` (`"DE"`) reads national numbers; without it only numbers with a country code count.

    >>> phone_of("+49 (30) 901820")
    '+4930901820'
    >>> phone_of("030 901820") is None
    True
    """
    if not isinstance(value, str) or len(value) > 60:
        return None
    text = value.strip().removeprefix("tel:")
    if not _PHONE.fullmatch(text):
        return None
    if text.startswith("00"):
        text = "+" + text[2:]
    import phonenumbers  # slow to import; most identifiers are no numbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def identifier_for(
    *, user_id: object, email: object = None, phone: object = None, region: str | None = None
) -> Identifier:
    """The best address of an end user: email, else phone, else the opaque `user_id`.

    Either field may hold either kind: some bots put the phone number into the email field.
    Raises :class:`~hubspot_hitl.errors.InvalidPayload` when nothing at all names the user.

    >>> identifier_for(user_id="u1", email="+1 415 555 2671")
    Identifier(kind='phone', value='+14155552671')
    >>> identifier_for(user_id="u1", email="None")
    Identifier(kind='opaque', value='u1')
    """
    for field in (email, phone):
        if found := email_of(field):
            return Identifier("email", found)
    for field in (phone, email):
        if found := phone_of(field, region=region):
            return Identifier("phone", found)
    opaque = one_line(user_id, _OPAQUE_LIMIT)
    if not opaque:
        raise InvalidPayload("The user has neither an email, a phone number nor an id.")
    return Identifier("opaque", opaque)
