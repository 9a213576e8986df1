"""What the doctor's checks cannot know from the services: settings, keys, the way outside."""

from __future__ import annotations

from typing import Literal

from hubspot_hitl.hubspot.self_call import get_status, post_signed
from hubspot_hitl.hubspot.vendor_clock import vendor_ms
from hubspot_hitl.ports.store import Vault
from hubspot_hitl.settings import Settings
from hubspot_hitl.setup.doctor.examine import Surroundings
from hubspot_hitl.setup.doctor.reach_checks import Reach
from hubspot_hitl.setup.publishing.botpress_credentials import read_credentials


async def surroundings(settings: Settings, vault: Vault, *, signing_secret: bool) -> Surroundings:
    """The surroundings of this process. `signing_secret`: whether Botpress's calls are checked."""
    kept = await read_credentials(vault)
    keys_at: Literal["settings", "file", "database"] = (
        "settings" if settings.secret_keys else "file" if settings.is_sqlite else "database"
    )
    return Surroundings(
        public_url=settings.public_url,
        webhook_route=settings.hubspot_webhook_route,
        signing_secret=signing_secret,
        console_token=settings.console_token is not None,
        botpress_token=bool(settings.botpress_token or kept.keys),
        keys_at=keys_at,
        oauth_version=settings.hubspot_oauth_version,
        features=settings.oauth_features,
        vendor_ms=lambda: vendor_ms(settings.hubspot_api_url),
        reach=Reach(get_status, post_signed),
        vendor_urls=(
            settings.hubspot_api_url,
            settings.hubspot_authorize_url,
            settings.botpress_api_url,
            settings.botpress_webhook_url,
            settings.botpress_tunnel_url,
        ),
    )
