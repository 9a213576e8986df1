"""What the doctor can find: each code with its severity, cause and cure. Pure.

The codes are stable; docs/how-to/doctor.md lists them, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How bad it is: an error keeps handoffs, or an enabled feature, from working."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check. `installation_id` is None where it concerns the whole process."""

    code: str
    severity: Severity
    what: str
    cause: str = ""
    cure: str = ""
    installation_id: str | None = None

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return asdict(self)

    def as_text(self) -> str:
        """For a person."""
        where = f"  [{self.installation_id}]" if self.installation_id else ""
        lines = [f"{self.severity.value:7}  {self.code}{where}  {self.what}"]
        if self.cause:
            lines.append(f"         cause: {self.cause}")
        if self.cure:
            lines.append(f"         cure:  {self.cure}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means, whatever it was found on."""

    severity: Severity
    cause: str
    cure: str


_E, _W = Severity.ERROR, Severity.WARNING
_CONNECT = "connect the portal again"

MEANINGS: Final[Mapping[str, Meaning]] = {
    "public_url_not_https": Meaning(
        _E, "HubSpot calls https addresses only", "put TLS in front and set the https address"
    ),
    "vendor_url_not_https": Meaning(
        _W,
        "whoever is in between can read and change tokens and chats",
        "set the HITL_HUBSPOT_ or HITL_BOTPRESS_ address to https, or remove it for the default",
    ),
    "public_url_unreachable": Meaning(
        _E,
        "the server does not run, or its name, port or proxy is wrong",
        "start `hubspot-hitl serve` and check that HITL_PUBLIC_URL leads to it from outside",
    ),
    "public_url_wrong": Meaning(
        _E,
        "another server answers there, or a proxy asks for a login or redirects",
        "let the proxy pass everything under HITL_PUBLIC_URL to this server, with the path"
        " unchanged",
    ),
    "no_signing_secret": Meaning(
        _W,
        "a path secret alone leaks with the path; without one, unsigned operations are accepted"
        " as HITL_BOTPRESS_UNSIGNED says",
        "set HITL_BOTPRESS_SIGNING_SECRETS, or publish with `hubspot-hitl publish`",
    ),
    "no_console_token": Meaning(
        _W, "HITL_CONSOLE_TOKEN is not set", "set it to open the operators' console"
    ),
    "keys_in_database": Meaning(
        _W,
        "HITL_SECRET_KEYS is not set, so whoever has a database dump has the key too",
        "make a key with `hubspot-hitl keys new` and set it on every replica",
    ),
    "clock_skewed": Meaning(
        _E,
        "this machine's clock is wrong; signatures older than five minutes are refused",
        "switch on time synchronisation (NTP)",
    ),
    "database_unavailable": Meaning(
        _E, "the database does not answer", "check HITL_DATABASE_URL and the database itself"
    ),
    "schema_behind": Meaning(
        _E, "an older version wrote the database", "run `hubspot-hitl migrate`"
    ),
    "bad_settings": Meaning(
        _E, "a setting has a value that cannot work", "fix the setting that is named"
    ),
    "dead_letters": Meaning(
        _W,
        "deliveries failed for good and reached nobody",
        "see `hubspot-hitl deliveries list --state dead`, then replay or discard them",
    ),
    "deliveries_waiting": Meaning(
        _W,
        "no server is running on this database, or a vendor is away",
        "start `hubspot-hitl serve`, or see `hubspot-hitl deliveries list`",
    ),
    "no_installation": Meaning(
        _W,
        "nothing has called this server yet",
        "install the integration in a bot and save its configuration",
    ),
    "sunset_near": Meaning(
        _W, "HubSpot has announced the end of something in use", "switch before that day"
    ),
    "sunset_past": Meaning(
        _E, "HubSpot has ended something in use", "switch now; calls to it fail"
    ),
    "no_botpress_token": Meaning(
        _E,
        "without a token no agent's message reaches the bot",
        "set HITL_BOTPRESS_TOKEN, or publish with `hubspot-hitl publish`",
    ),
    "botpress_token_refused": Meaning(
        _E,
        "the token was revoked, or belongs to another workspace",
        "make a new one and set HITL_BOTPRESS_TOKEN",
    ),
    "botpress_unreachable": Meaning(
        _E, "Botpress does not answer, or HITL_BOTPRESS_API_URL is wrong", "try again later"
    ),
    "botpress_integration_mismatch": Meaning(
        _E,
        "the integration is no longer installed in that bot, or the token belongs to another one",
        "install it in the bot again, or run `hubspot-hitl publish` for a matching token",
    ),
    "webhook_unreachable": Meaning(
        _E,
        "the server does not run, or the address that HubSpot calls does not lead to it",
        "start the server; check that the published address, or HITL_PUBLIC_URL, leads to it",
    ),
    "webhook_signature_refused": Meaning(
        _E,
        "the server checks another public URL than HubSpot signs, or uses another client secret",
        "set HITL_PUBLIC_URL to exactly the address that HubSpot calls, copy Client secret again,"
        " and save the integration's configuration",
    ),
    "webhook_refused": Meaning(
        _E,
        "the server behind the address does not know the installation, or is another one",
        "save the integration's configuration in Botpress, then check HITL_DATABASE_URL",
    ),
    "webhook_unchecked": Meaning(
        _W,
        "something in front of the server answers for it, or an old version is running there",
        "find out what answers at that address; this server refuses forged calls with 401",
    ),
    "round_trip_out_failed": Meaning(
        _E,
        "HubSpot accepted the message but does not show it in the inbox",
        "look at the channel in the inbox's settings; run `hubspot-hitl apply`",
    ),
    "round_trip_back_failed": Meaning(
        _E,
        "no server is running on this database, or HubSpot calls another address",
        "see the findings on webhooks; `hubspot-hitl serve` must run on the same database",
    ),
    "round_trip_unproven": Meaning(
        _W,
        "HubSpot lets only agents answer, and whoever connected the portal is not one",
        "answer a chat in the inbox by hand, and check that the bot shows it",
    ),
    "round_trip_bot_failed": Meaning(
        _E,
        "the token may read but not write for this installation",
        "use an integration access key, or the token of somebody who may change the bot",
    ),
    "probe_left_behind": Meaning(
        _W, "HubSpot did not let the test thread be archived", "archive it in the inbox"
    ),
    "tier_too_low": Meaning(
        _E,
        "custom channels need Sales Hub or Service Hub Professional, or higher, in the portal",
        "upgrade the portal, or connect one that has it",
    ),
    "not_configured": Meaning(
        _E, "the configuration is not complete", "fill in the fields that are named and save"
    ),
    "connection_failed": Meaning(
        _E,
        "the token is incomplete or revoked, or the account is not active",
        f"check that the whole token was copied, check its scopes and the account, then {_CONNECT}",
    ),
    "permission_denied": Meaning(
        _E,
        "HubSpot answered 403: a scope is missing, or the token's creator is no longer active",
        f"add the scope to the app, disconnect, then {_CONNECT}; check that the creator is active",
    ),
    "rate_limited": Meaning(
        _W,
        "HubSpot's rate limit is used up; calls are repeated automatically",
        "wait; if it lasts, upgrade the HubSpot account or ask HubSpot's support",
    ),
    "hubspot_unreachable": Meaning(
        _E, "HubSpot does not answer, or HITL_HUBSPOT_API_URL is wrong", "try again later"
    ),
    "hubspot_refused": Meaning(
        _E, "HubSpot refuses the call", "check the configuration against the message"
    ),
    "missing_scope": Meaning(
        _E,
        "the grant lacks a scope that an enabled feature requires",
        f"add it on the app's Auth tab, disconnect, then {_CONNECT}: new scopes need new consent",
    ),
    "missing_optional_scope": Meaning(
        _W,
        "the portal cannot grant it, or the app does not ask for it",
        f"add it on the app's Auth tab and {_CONNECT}, or remove the feature from"
        " HITL_OAUTH_FEATURES",
    ),
    "scope_gap": Meaning(
        _W,
        "HubSpot's minimum for private apps lacks scopes for reading contacts and for deals,"
        " which are used here",
        "add the named scopes to the app, and consent again",
    ),
    "field_discovery_failed": Meaning(
        _W,
        "a scope crm.schemas.*.read is missing, or the account may not read properties",
        f"add crm.schemas.contacts.read, check the access, and {_CONNECT}",
    ),
    "fields_not_showing": Meaning(
        _W,
        "the property does not exist, is archived, or is too new",
        "use its internal name, refresh the fields, or wait some minutes; custom objects are not"
        " supported",
    ),
    "developer_key_refused": Meaning(
        _E,
        "the developer API key or the app id is wrong, or the key is another account's",
        "copy Developer API key (developerApiKey) and App ID (appId) again",
    ),
    "inbox_missing": Meaning(
        _E, "Inbox ID names no inbox of the portal", "correct Inbox ID and save"
    ),
    "setup_unfinished": Meaning(
        _W,
        "HubSpot takes seconds, sometimes minutes, to show a new channel",
        "wait: the set-up continues by itself; until then handoffs are refused with this reason",
    ),
    "channel_missing": Meaning(
        _E,
        "it was never created, was deleted, is not listed by HubSpot yet, or our address changed",
        "run `hubspot-hitl apply`, or save the integration's configuration again",
    ),
    "channel_duplicated": Meaning(
        _W,
        "earlier set-ups created further channels with our webhook URL",
        "run `hubspot-hitl apply --fold`",
    ),
    "channel_outdated": Meaning(
        _W, "an earlier version created it, or somebody changed it", "run `hubspot-hitl apply`"
    ),
    "account_missing": Meaning(
        _E, "the inbox was never connected, or was disconnected", "run `hubspot-hitl apply`"
    ),
    "account_unauthorized": Meaning(
        _E,
        "somebody disabled the channel in the inbox's settings",
        "run `hubspot-hitl apply`, or enable it in the inbox's settings",
    ),
    "subscriptions_missing": Meaning(
        _E,
        "HubSpot does not report assignments and closings to us",
        "`hubspot-hitl plan` lists the clicks",
    ),
    "webhook_target_elsewhere": Meaning(
        _W,
        "the app's webhooks go to another address: assignments and closings arrive only if it"
        " passes them on",
        "`hubspot-hitl plan` shows the right address; `apply` never replaces one that is not ours",
    ),
    "subscriptions_unknown": Meaning(
        _W,
        "HubSpot's API cannot read the subscriptions of this kind of app",
        "`hubspot-hitl plan` lists what the app's Webhooks tab must show",
    ),
}


def problem(code: str, what: str, installation_id: str | None = None) -> Finding:
    """A finding with the severity, cause and cure of its code."""
    meaning = MEANINGS[code]
    return Finding(code, meaning.severity, what, meaning.cause, meaning.cure, installation_id)


def fine(code: str, what: str, installation_id: str | None = None) -> Finding:
    """A check that found nothing wrong; `code` is the check's name."""
    return Finding(code, Severity.OK, what, installation_id=installation_id)
