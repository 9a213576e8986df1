from __future__ import annotations

import aiohttp

from hubspot_hitl.integration.definition import load_definition
from hubspot_hitl.twins.botpress.admin import BotpressAdminTwin, Entry
from hubspot_hitl.twins.botpress.app import BotpressTwin

URL = "https://bot.example/botpress/word"


async def test_what_is_published_is_installed_with_its_address_secrets_and_keys() -> None:
    admin = BotpressAdminTwin()
    twin = BotpressTwin(definition=load_definition(), admin=admin)
    url = await twin.start()
    try:
        async with aiohttp.ClientSession() as http:
            async with http.post(f"{url}/_twin/installations", json={}) as early:
                assert early.status == 400
            admin.integrations["intver_1"] = Entry("intver_1", {"url": URL}, ["signing-secret"])
            admin.access_keys.add("bp_iak_one")
            async with http.post(f"{url}/_twin/installations", json={}) as made:
                shown = await made.json()
            headers = {
                "Authorization": "Bearer bp_iak_one",
                "x-bot-id": shown["botId"],
                "x-integration-id": shown["integrationId"],
                "x-integration-alias": shown["alias"],
            }
            async with http.get(f"{url}/v1/chat/users/nobody", headers=headers) as answer:
                assert answer.status == 404, "the key is accepted, the user is not there"
    finally:
        await twin.stop()

    (installation,) = twin.world.installations.values()
    assert (shown["integrationId"], installation.url) == ("intver_1", URL)
    assert installation.signing_secrets == ("signing-secret",)
