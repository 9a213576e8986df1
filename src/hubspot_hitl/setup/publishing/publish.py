"""Publishing: one version of the integration in Botpress, its secrets in the vault.

A second run changes what the first one made. Nothing is sent to Botpress before the vault has been
read, so a database that is away leaves no integration without its secret. The development
integration of `hubspot-hitl dev` is made here too.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

import structlog

from hubspot_hitl.errors import CallerError, HitlError, StoreUnavailable, VendorNotFound
from hubspot_hitl.integration.definition import (
    INTERFACE,
    INTERFACE_VERSION,
    NAME,
    Definition,
    load_definition,
)
from hubspot_hitl.integration.limits import definition_problems
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.publishing import BotpressAdmin, PublishedIntegration
from hubspot_hitl.ports.store import Vault
from hubspot_hitl.setup.publishing.body import (
    Visibility,
    checked_url,
    create_body,
    full_name,
    update_body,
)
from hubspot_hitl.setup.publishing.botpress_credentials import (
    KeptCredentials,
    keep_access_key,
    keep_signing_secret,
    read_credentials,
)
from hubspot_hitl.setup.publishing.refusals import explained

log = structlog.get_logger(__name__)

KEY_NOTE: Final = "hubspot-hitl server"

Did = Literal["created", "updated"]
Signing = Literal["kept", "rotated", "held", "given", "missing"]
Key = Literal["made", "held", "given"]


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """What the operator wants. `url` may hold a secret path.

    `secret_given` and `key_given` say that the settings already give the server a signing secret
    or an access key.
    """

    url: str = field(repr=False)
    name: str = NAME
    visibility: Visibility = "private"
    rotate_signing_secret: bool = False
    secret_given: bool = False
    key_given: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing would do: the complete body, and the version that is there already."""

    body: Definition = field(repr=False)
    existing: PublishedIntegration | None

    @property
    def name(self) -> str:
        """`<workspace handle>/<name>`."""
        return str(self.body["name"])

    @property
    def version(self) -> str:
        """The version that is published."""
        return str(self.body["version"])

    @property
    def update(self) -> Definition:
        """The body when the version is there already."""
        return update_body(self.body, self.existing.definition if self.existing else {})


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing did. The secrets are for `--show-secrets` only."""

    did: Did
    integration: PublishedIntegration
    signing: Signing
    key: Key
    signing_secret: str | None = field(default=None, repr=False)
    access_key: str | None = field(default=None, repr=False)


async def plan(admin: BotpressAdmin, request: PublishRequest) -> Plan:
    """Complete the definition and look for the version. Only reads.

    Raises CallerError or BadSettings for what Botpress would refuse, with the cure.
    """
    url = checked_url(request.url)
    definition = load_definition()
    with explained(request.name, str(definition["version"])):
        name = full_name(await admin.workspace_handle(), request.name)
        body = create_body(
            definition,
            name=name,
            url=url,
            visibility=request.visibility,
            interface_id=await _interface_id(admin),
        )
        problems = definition_problems(body)
        if problems:
            raise CallerError(f"Botpress would refuse the definition: {'; '.join(problems)}")
        return Plan(body, await admin.integration(name, str(definition["version"])))


async def validate(admin: BotpressAdmin, request: PublishRequest) -> Plan:
    """Have Botpress check what publishing would send. Writes nothing, anywhere."""
    planned = await plan(admin, request)
    with explained(planned.name, planned.version):
        _check_mutable(planned)
        if planned.existing is None:
            await admin.validate(planned.body)
        else:
            await admin.validate(planned.update, planned.existing.id)
    return planned


async def publish(
    admin: BotpressAdmin, vault: Vault, clock: Clock, request: PublishRequest
) -> Published:
    """Create the version or bring it up to date, and see to its secret and access key.

    Every step may be repeated: a run that was broken off is completed by the next one. Raises
    CallerError with the cure, VendorError when trying again helps, StoreUnavailable.
    """
    kept = await read_credentials(vault)
    planned = await plan(admin, request)
    with explained(planned.name, planned.version):
        _check_mutable(planned)
        integration = await _write(admin, planned)
        log.info("integration_published", integration_id=integration.id, name=planned.name)
        signing, secret = await _signing(admin, vault, clock, request, kept, integration)
        key, value = await _access_key(admin, vault, request, kept, integration)
    did: Did = "updated" if planned.existing else "created"
    return Published(did, integration, signing, key, secret, value)


async def publish_dev(
    admin: BotpressAdmin, request: PublishRequest, known_id: str | None
) -> PublishedIntegration:
    """Create the development integration, or give the known one the tunnel's address."""
    planned = await plan(admin, request)
    with explained(planned.name, planned.version):
        known = await admin.integration_by_id(known_id) if known_id else None
        if known is None or not known.dev or known.version != planned.version:
            return await admin.create({**planned.body, "dev": True})
        return await admin.update(known.id, update_body(planned.body, known.definition))


async def _interface_id(admin: BotpressAdmin) -> str:
    try:
        return await admin.interface_id(INTERFACE, INTERFACE_VERSION)
    except VendorNotFound as error:
        raise CallerError(
            f"Botpress's hub does not know version {INTERFACE_VERSION} of the interface"
            f" {INTERFACE!r}: check HITL_BOTPRESS_API_URL, or install a newer hubspot-hitl"
        ) from error


def _check_mutable(planned: Plan) -> None:
    if planned.existing is not None and planned.existing.visibility == "public":
        raise CallerError(
            f"{planned.name} {planned.version} is public, and public versions cannot be changed:"
            " publish a new version"
        )


async def _write(admin: BotpressAdmin, planned: Plan) -> PublishedIntegration:
    if planned.existing is None:
        return await admin.create(planned.body)
    return await admin.update(planned.existing.id, planned.update)


async def _signing(
    admin: BotpressAdmin,
    vault: Vault,
    clock: Clock,
    request: PublishRequest,
    kept: KeptCredentials,
    integration: PublishedIntegration,
) -> tuple[Signing, str | None]:
    """See to the signing secret; returns what was done and the secret where it is known."""
    if request.rotate_signing_secret:
        secret = await admin.rotate_signing_secret(integration.id)
        with _keeping("signing secret", integration.id):
            now_ms = clock.now_ms()
            await keep_signing_secret(vault, integration.id, secret, now_ms, rotated=True)
        return "rotated", secret
    if integration.signing_secret is not None:
        secret = integration.signing_secret
        with _keeping("signing secret", integration.id):
            await keep_signing_secret(vault, integration.id, secret, clock.now_ms())
        return "kept", secret
    held = kept.signing_secret(integration.id)
    if held is not None:
        return "held", held
    return ("given" if request.secret_given else "missing"), None


async def _access_key(
    admin: BotpressAdmin,
    vault: Vault,
    request: PublishRequest,
    kept: KeptCredentials,
    integration: PublishedIntegration,
) -> tuple[Key, str | None]:
    """See to the access key of the server; returns what was done and the key where it is known."""
    held = kept.access_key(integration.id)
    if held is not None:
        return "held", held
    if request.key_given:
        return "given", None
    key = await admin.create_access_key(integration.id, KEY_NOTE)
    if key.value is None:
        raise CallerError("Botpress made an access key but did not show it: publish again")
    try:
        with _keeping("access key", integration.id):
            await keep_access_key(vault, integration.id, key.value)
    except HitlError:
        await admin.delete_access_key(key.id)  # nobody could ever use it
        raise
    return "made", key.value


@contextmanager
def _keeping(what: str, integration_id: str) -> Generator[None]:
    try:
        yield
    except StoreUnavailable as error:
        cure = " with --rotate-signing-secret" if what == "signing secret" else ""
        raise StoreUnavailable(
            f"Integration {integration_id!r} is published, but its {what} could not be kept"
            f" ({error.message.rstrip('.')}): repair the database and publish again{cure}"
        ) from error
