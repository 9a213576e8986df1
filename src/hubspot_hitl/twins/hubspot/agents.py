"""What people do in HubSpot: the agents' verbs, each causing the webhooks that HubSpot sends."""

from __future__ import annotations

from collections.abc import Sequence

from hubspot_hitl.twins.hubspot import channels, checks, files, threads
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.records import Account, Agent, Thread
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.wire import Json


class Agents:
    """The people of the twin's portals. Unknown ids and impossible acts raise `ApiError`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list(self, portal_id: str | None = None) -> Sequence[Agent]:
        """The agents of a portal, by default of the first one."""
        return list(self._world.portals[self._portal(portal_id)].agents.values())

    def add(
        self, name: str, email: str, avatar: str | None = None, portal_id: str | None = None
    ) -> Agent:
        """Hire an agent."""
        portal = self._world.portals[self._portal(portal_id)]
        return self._world.add_agent(portal, name, email, avatar)

    def assign(self, thread_id: str, agent_id: str) -> None:
        """The agent takes the conversation."""
        thread, agent = self._both(thread_id, agent_id)
        threads.assign(self._world, thread, agent.actor_id, f"userId:{agent.user_id}")

    def unassign(self, thread_id: str, agent_id: str | None = None) -> None:
        """The conversation belongs to nobody again."""
        thread = self._world.thread(thread_id)
        threads.assign(self._world, thread, None, self._source(thread, agent_id))

    def reply(
        self,
        thread_id: str,
        agent_id: str,
        text: str,
        rich_text: str | None = None,
        attachments: Sequence[Json] = (),
        quick_replies: Sequence[str] = (),
        in_reply_to: str | None = None,
    ) -> str:
        """The agent writes to the visitor; returns the message id. The thread's status stays."""
        thread, agent = self._both(thread_id, agent_id)
        every = [checks.attachment(dict(item)) for item in attachments]
        if quick_replies:
            replies = [{"value": one, "valueType": "TEXT", "label": one} for one in quick_replies]
            every.append(
                {
                    "type": "QUICK_REPLIES",
                    "quickReplies": replies,
                    "allowMultiSelect": False,
                    "allowUserInput": True,
                }
            )
        message = threads.agent_message(
            self._world, thread, agent, text, rich_text, every, in_reply_to
        )
        return str(message["id"])

    def attach(
        self,
        thread_id: str,
        name: str,
        content: bytes,
        content_type: str,
        usage: str = "OTHER",
        access: str = "PUBLIC_NOT_INDEXABLE",
    ) -> Json:
        """A file ready to be given to :meth:`reply`."""
        portal = self._world.portal_of(self._world.thread(thread_id))
        file = files.store(self._world, portal, name, content, content_type, access)
        url = files.plain_url(self._world, portal, file)
        return {
            "type": "FILE",
            "fileId": file.id,
            "fileUsageType": usage,
            "name": name,
            "url": url,
        }

    def comment(
        self, thread_id: str, agent_id: str, text: str, rich_text: str | None = None
    ) -> str:
        """The agent writes an internal comment; returns its id."""
        thread, agent = self._both(thread_id, agent_id)
        found = threads.comment(self._world, thread, agent.actor_id, text, rich_text)
        return str(found["id"])

    def close(self, thread_id: str, agent_id: str | None = None) -> None:
        """The conversation is closed."""
        self._status(thread_id, "CLOSED", agent_id)

    def reopen(self, thread_id: str, agent_id: str | None = None) -> None:
        """The conversation is open again."""
        self._status(thread_id, "OPEN", agent_id)

    def archive(self, thread_id: str, agent_id: str | None = None) -> None:
        """The conversation is archived: hidden, restorable."""
        thread = self._world.thread(thread_id)
        source = self._source(thread, agent_id)
        if self._world.options.archive_sends_status:
            self._world.emit(
                thread,
                "conversation.propertyChange",
                source,
                propertyName="status",
                propertyValue="ARCHIVED",
            )
        threads.archive(self._world, thread, source)

    def restore(self, thread_id: str, agent_id: str | None = None) -> None:
        """An archived conversation comes back."""
        thread = self._world.thread(thread_id)
        threads.restore(self._world, thread, self._source(thread, agent_id))

    def delete(self, thread_id: str, agent_id: str | None = None) -> None:
        """The conversation goes to the trash, which HubSpot tells like an archive."""
        thread = self._world.thread(thread_id)
        threads.archive(self._world, thread, self._source(thread, agent_id))

    def privacy_delete(self, thread_id: str, agent_id: str | None = None) -> None:
        """The conversation is deleted for good."""
        thread = self._world.thread(thread_id)
        threads.forget(self._world, thread, self._source(thread, agent_id))

    def mark_spam(self, thread_id: str, agent_id: str | None = None) -> None:
        """The conversation is spam."""
        thread = self._world.thread(thread_id)
        threads.mark_spam(self._world, thread, self._source(thread, agent_id))

    def transfer(self, thread_id: str, inbox_id: str, agent_id: str | None = None) -> None:
        """The conversation moves to another inbox."""
        thread = self._world.thread(thread_id)
        threads.transfer(self._world, thread, inbox_id, self._source(thread, agent_id))

    def connect_account(
        self, channel_id: str, inbox_id: str, name: str, portal_id: str | None = None
    ) -> Account:
        """An admin connects a channel to an inbox in the settings."""
        channel = self._world.channel(channel_id)
        identifier = {"type": "CHANNEL_SPECIFIC_OPAQUE_ID", "value": f"ui-{inbox_id}"}
        portal = self._portal(portal_id)
        made = channels.connect(self._world, portal, channel, inbox_id, name, identifier)
        channels.tell_account(self._world, made, "CREATED")
        return made

    def update_account(
        self, account_id: str, *, name: str | None = None, authorized: bool | None = None
    ) -> Account:
        """An admin renames, disables or enables an account."""
        account = self._account(account_id)
        account.name = account.name if name is None else name
        account.authorized = account.authorized if authorized is None else authorized
        channels.tell_account(self._world, account, "UPDATED")
        return account

    def purge_account(self, account_id: str) -> None:
        """An admin deletes an account."""
        account = self._account(account_id)
        account.archived, account.authorized, account.active = True, False, False
        channels.tell_account(self._world, account, "PURGED")

    def _status(self, thread_id: str, status: str, agent_id: str | None) -> None:
        thread = self._world.thread(thread_id)
        threads.set_status(self._world, thread, status, self._source(thread, agent_id))

    def _portal(self, portal_id: str | None) -> str:
        return portal_id or self._world.options.portal_id

    def _both(self, thread_id: str, agent_id: str) -> tuple[Thread, Agent]:
        thread = self._world.thread(thread_id)
        key = agent_id if agent_id.startswith("A-") else f"A-{agent_id}"
        agent = self._world.portal_of(thread).agents.get(key)
        if agent is None:
            raise ApiError.not_found("agent", agent_id)
        return thread, agent

    def _source(self, thread: Thread, agent_id: str | None) -> str:
        """Who acts: the named agent, else the assignee, else the portal's first agent."""
        agents = self._world.portal_of(thread).agents
        actor = agent_id or thread.assigned_to or next(iter(agents))
        return f"userId:{actor.removeprefix('A-')}"

    def _account(self, account_id: str) -> Account:
        for portal in self._world.portals.values():
            if account_id in portal.accounts:
                return portal.accounts[account_id]
        raise ApiError.not_found("channel account", account_id)
