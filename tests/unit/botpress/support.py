"""What the tests of the Botpress adapter share: a quick clock, headers, handlers that record."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.fakes import FakeClock

from hubspot_hitl.botpress.dispatch import Operations
from hubspot_hitl.botpress.operations import (
    ActionAnswer,
    ActionTriggered,
    Context,
    MessageCreated,
    Register,
    Unregister,
    WebhookAnswer,
    WebhookReceived,
)

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class QuickClock(FakeClock):
    """Sleeping moves the time on at once."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._elapsed_s += seconds


def operation_headers(operation: str, **changes: str) -> dict[str, str]:
    configuration = base64.b64encode(json.dumps({"clientSecret": "s3cret"}).encode()).decode()
    return {
        "x-bot-id": "bot_1",
        "x-bot-user-id": "user_bot",
        "x-integration-id": "intver_1",
        "x-integration-alias": "hubspot-hitl",
        "x-webhook-id": "wh_1",
        "x-bp-operation": operation,
        "x-bp-configuration": configuration,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }


@dataclass
class Recorder:
    """Handlers that note what they got and return or raise what they are told."""

    seen: list[tuple[Context, object]] = field(default_factory=list[tuple[Context, object]])
    output: Mapping[str, object] | ActionAnswer | None = None
    webhook: WebhookAnswer | None = None
    failure: BaseException | None = None

    def _note(self, context: Context, operation: object) -> None:
        self.seen.append((context, operation))
        if self.failure is not None:
            raise self.failure

    async def _plain(
        self, context: Context, operation: Register | Unregister | MessageCreated
    ) -> None:
        self._note(context, operation)

    async def _webhook(self, context: Context, operation: WebhookReceived) -> WebhookAnswer | None:
        self._note(context, operation)
        return self.webhook

    async def _action(
        self, context: Context, operation: ActionTriggered
    ) -> Mapping[str, object] | ActionAnswer | None:
        self._note(context, operation)
        return self.output

    @property
    def operations(self) -> Operations:
        return Operations(
            register=self._plain,
            unregister=self._plain,
            webhook_received=self._webhook,
            action=self._action,
            message_created=self._plain,
            action_names={"startHitl"},
            channels={"hitl": {"text"}},
        )
