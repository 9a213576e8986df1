"""Action `createUser`: makes, or finds, the Botpress user that stands for the end user.

Botpress's HITL plugin calls it once per user and then never again, so what it says is kept for
good. Source: botpress/botpress, plugins/hitl/src/actions/start-hitl.ts.
"""

from __future__ import annotations

import structlog

from hubspot_hitl.errors import VendorError
from hubspot_hitl.handoff.identity import email_of, phone_of
from hubspot_hitl.handoff.plain_text import one_line
from hubspot_hitl.handoff.records import Person
from hubspot_hitl.integration.actions import CreateUserInput, CreateUserOutput
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.states import USER_INFO, UserInfo
from hubspot_hitl.integration.tags import UserTag
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

NAMELESS = "Unknown User"
MAX_NAME = 200


async def create_user(
    services: Services, installation: Installation, input_: CreateUserInput
) -> CreateUserOutput:
    """Return the Botpress user with this email or phone, made when there is none.

    The plugin's made-up address (one per user) identifies the user too, but is never taken for an
    email. Users without any address are told apart by nothing, so each call makes one.
    """
    name = _name(input_.name)
    email = email_of(input_.email)
    phone = phone_of(input_.email)
    tags: dict[str, str] = {UserTag.NAME.value: name}
    if email:
        tags[UserTag.EMAIL.value] = email
    if phone:
        tags[UserTag.PHONE.value] = phone
    key = email or phone or one_line(input_.email or "", 500)
    if key:
        tags[UserTag.ID.value] = key
    else:
        tags[UserTag.ID.value] = f"anonymous-{services.new_id()}"
    bot = services.bots.of(installation)
    user, created = await bot.get_or_create_user(
        tags,
        discriminate_by=[UserTag.ID.value],
        name=name,
        picture_url=input_.picture_url,
    )
    if not created and (user.name, user.picture_url) != (name, input_.picture_url):
        await bot.update_user(user.id, name=name, picture_url=input_.picture_url, tags=tags)
    await services.people.remember(
        Person(
            installation_id=installation.id,
            user_id=user.id,
            name=name,
            email=email,
            phone=phone,
            picture_url=input_.picture_url,
            seen_ms=services.clock.now_ms(),
        )
    )
    await _keep_state(
        services, installation, user.id, UserInfo(name=name, email=email, phone=phone)
    )
    return CreateUserOutput(user_id=user.id)


async def _keep_state(
    services: Services, installation: Installation, user_id: str, info: UserInfo
) -> None:
    """Leave name and identifier at the bot too, for flows to read; our own memory is enough."""
    payload = info.model_dump(by_alias=True, exclude_none=True)
    try:
        await services.bots.of(installation).set_state("user", user_id, USER_INFO, payload)
    except VendorError as error:
        log.warning("user_state_not_kept", user=user_id, error=error.code)


def _name(value: str) -> str:
    return one_line(value, MAX_NAME) or NAMELESS
