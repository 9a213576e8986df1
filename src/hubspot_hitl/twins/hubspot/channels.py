"""Custom channels and channel accounts of the twin."""

from __future__ import annotations

import secrets

from aiohttp import web

from hubspot_hitl.twins.hubspot import checks
from hubspot_hitl.twins.hubspot.endpoint import Call, Route
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.records import Account, Channel
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json, answer, iso, no_content

_SETTABLE = (
    "name",
    "capabilities",
    "webhookUrl",
    "channelAccountConnectionRedirectUrl",
    "channelDescription",
    "channelLogoUrl",
)


def page(items: list[Json], call: Call, most: int = 100) -> web.Response:
    """One page of a collection; `after` is the position of the next one."""
    limit = call.limit(most, 500)
    after = call.query.get("after", "0")
    if not after.isdecimal():
        raise ApiError.invalid("after is not a paging cursor", field="after")
    begin = int(after)
    body: Json = {"total": len(items), "results": items[begin : begin + limit]}
    if begin + limit < len(items):
        following = str(begin + limit)
        body["paging"] = {"next": {"after": following, "link": f"?after={following}"}}
    return answer(body)


def _list(world: World, call: Call) -> web.Response:
    now = world.clock()
    visible = [
        channel.wire()
        for channel in world.channels.values()
        if not channel.archived and channel.visible_at <= now
    ]
    return page(visible, call)


def _create(world: World, call: Call) -> web.Response:
    body = call.body()
    checks.require(body, "name", "capabilities")
    fields = _fields(body)
    now = world.clock()
    visible_at = now + world.options.channel_visible_after_s
    channel = Channel(world.new_id("channel"), fields, now, visible_at)
    world.channels[channel.id] = channel
    return answer(channel.wire(), 201)


def _fields(body: Json) -> Json:
    if "name" in body:
        checks.text(body, "name")
    if "capabilities" in body:
        checks.capabilities(body["capabilities"])
    for name in ("webhookUrl", "channelAccountConnectionRedirectUrl", "channelLogoUrl"):
        checks.url(body, name)
    return {name: body[name] for name in _SETTABLE if body.get(name) is not None}


def _get(world: World, call: Call) -> web.Response:
    return answer(world.channel(call.path["channel"]).wire())


def _patch(world: World, call: Call) -> web.Response:
    channel = world.channel(call.path["channel"])
    channel.fields |= _fields(call.body())
    return answer(channel.wire())


def _delete(world: World, call: Call) -> web.Response:
    channel = world.channels.get(call.path["channel"])
    if channel is None:
        raise ApiError.not_found("custom channel", call.path["channel"])
    channel.archived = True
    return no_content()


def _accounts(world: World, call: Call) -> web.Response:
    channel = world.channel(call.path["channel"])
    archived = call.truth("archived")
    found = [
        account.wire()
        for account in call.portal.accounts.values()
        if account.channel_id == channel.id and account.archived == archived
    ]
    return page(found, call)


def account_of(world: World, call: Call) -> Account:
    """The account that the path names. Raises a 404."""
    channel = world.channel(call.path["channel"])
    account = call.portal.accounts.get(call.path["account"])
    if account is None or account.channel_id != channel.id:
        raise ApiError.not_found("channel account", call.path["account"])
    if account.archived and not call.truth("archived"):
        raise ApiError.not_found("channel account", account.id)
    return account


def connect(
    world: World,
    portal_id: str,
    channel: Channel,
    inbox_id: str,
    name: str,
    identifier: Json | None,
    authorized: bool = True,
) -> Account:
    """Bind a channel to an inbox. Raises a 400 for an unknown inbox."""
    portal = world.portals[portal_id]
    if inbox_id not in portal.inboxes:
        raise ApiError.invalid(f"No inbox with id {inbox_id!r}", field="inboxId")
    account = Account(
        world.new_id("account"),
        channel.id,
        portal_id,
        inbox_id,
        name,
        authorized,
        world.clock(),
        identifier,
    )
    portal.accounts[account.id] = account
    return account


def tell_account(world: World, account: Account, what: str) -> None:
    """Send CHANNEL_ACCOUNT_CREATED, _UPDATED or _PURGED to the channel's hook."""
    url = world.channels[account.channel_id].fields.get("webhookUrl")
    if not url:
        return
    event: Json = {
        "type": f"CHANNEL_ACCOUNT_{what}",
        "portalId": account.portal_id,
        "channelId": account.channel_id,
        "eventTimestamp": iso(world.clock()),
        "channelAccountId": account.id,
        "channelAccountDeliveryIdentifier": (account.identifier or {}).get("value"),
    }
    world.hooks.channel_event(url, account.portal_id, f"account:{account.id}", event)


def _connect(world: World, call: Call) -> web.Response:
    channel = world.channel(call.path["channel"])
    body = call.body()
    checks.require(body, "inboxId", "name", "authorized")
    given = body.get("deliveryIdentifier")
    account = connect(
        world,
        call.portal.id,
        channel,
        checks.text(body, "inboxId"),
        checks.text(body, "name"),
        None if given is None else checks.identifier(given),
        checks.truth(body, "authorized"),
    )
    if world.options.api_accounts_announced:
        tell_account(world, account, "CREATED")
    return answer(account.wire(), 201)


def _account(world: World, call: Call) -> web.Response:
    return answer(account_of(world, call).wire())


def _patch_account(world: World, call: Call) -> web.Response:
    account = account_of(world, call)
    body = call.body()
    unknown = set(body) - {"name", "authorized"}
    if unknown:
        raise ApiError.invalid(f"{sorted(unknown)} cannot be changed", field=sorted(unknown)[0])
    if "name" in body:
        account.name = checks.text(body, "name")
    if "authorized" in body:
        account.authorized = checks.truth(body, "authorized")
    return answer(account.wire())


def begin_connection(world: World, portal_id: str, channel: Channel, inbox_id: str) -> Json:
    """What HubSpot puts into the query of the channel's connection page."""
    token = secrets.token_urlsafe(16)
    world.staging[token] = {"portal": portal_id, "channel": channel.id, "inbox": inbox_id}
    return {
        "accountToken": token,
        "channelId": channel.id,
        "inboxId": inbox_id,
        "portalId": portal_id,
        "redirectUrl": f"{world.url}/_twin/connected?accountToken={token}",
    }


def _stage(world: World, call: Call) -> web.Response:
    channel = world.channel(call.path["channel"])
    staged = world.staging.get(call.path["token"])
    expected = {"portal": call.portal.id, "channel": channel.id}
    if staged is None or any(staged[name] != value for name, value in expected.items()):
        raise ApiError.not_found("account token", call.path["token"])
    body = call.body()
    checks.require(body, "accountName", "deliveryIdentifier")
    staged["name"] = checks.text(body, "accountName")
    staged["identifier"] = checks.identifier(body["deliveryIdentifier"])
    return answer(
        {
            "accountToken": call.path["token"],
            "createdAt": iso(world.clock()),
            "genericChannelId": channel.id,
            "inboxId": staged["inbox"],
            "userId": next(iter(call.portal.agents.values())).user_id,
            "accountName": staged["name"],
            "deliveryIdentifier": staged["identifier"],
        }
    )


def finish_connection(world: World, token: str) -> Account:
    """The person returns to HubSpot: the account is made and told to the channel's hook."""
    staged = world.staging.get(token)
    if staged is None or "name" not in staged:
        raise ApiError.not_found("account token", token)
    del world.staging[token]
    channel = world.channel(staged["channel"])
    account = connect(
        world, staged["portal"], channel, staged["inbox"], staged["name"], staged["identifier"]
    )
    tell_account(world, account, "CREATED")
    return account


def spelled(tail: str) -> tuple[str, str]:
    """Both spellings of a custom-channels path."""
    return (
        f"/conversations/v3/custom-channels{tail}",
        f"/conversations/custom-channels/2026-03{tail}",
    )


_READ = ("conversations.custom_channels.read", "conversations.custom_channels.write")
_ONE, _ACCOUNTS, _ACCOUNT = (
    "/{channel}",
    "/{channel}/channel-accounts",
    "/{channel}/channel-accounts/{account}",
)
_STAGING = "/{channel}/channel-account-staging-tokens/{token}"
ROUTES = (
    Route("GET", spelled(""), "channels.list", _list, "app"),
    Route("POST", spelled(""), "channels.create", _create, "app"),
    Route("GET", spelled(_ONE), "channels.get", _get, "app"),
    Route("PATCH", spelled(_ONE), "channels.update", _patch, "app"),
    Route("DELETE", spelled(_ONE), "channels.delete", _delete, "app"),
    Route("GET", spelled(_ACCOUNTS), "accounts.list", _accounts, scopes=_READ),
    Route("POST", spelled(_ACCOUNTS), "accounts.create", _connect, scopes=_READ),
    Route("GET", spelled(_ACCOUNT), "accounts.get", _account, scopes=_READ),
    Route("PATCH", spelled(_ACCOUNT), "accounts.update", _patch_account, scopes=_READ),
    Route("PATCH", spelled(_STAGING), "accounts.stage", _stage, scopes=_READ),
)
