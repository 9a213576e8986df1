"""The texts in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hubspot_hitl.handoff.wording.keys import TextKey as T

TEXTS: Final[Mapping[T, str]] = {
    T.CHAT_ENDED: "This chat has ended.",
    T.AGENT_LEFT: "The agent has left. Someone else will be with you shortly.",
    T.AGENT_CHANGED: "Another agent is taking over.",
    T.TRANSFERRED: "You are being transferred to another team.",
    T.WAITING: "Please wait, an agent will be with you shortly.",
    T.MESSAGE_FAILED: "Your message could not be delivered. Please send it again.",
    T.NUDGE: "Are you still there?",
    T.NO_AGENT: "Sorry, no agent is available right now.",
    T.REOPENED: "The agent has reopened the chat.",
    T.FILE_UNAVAILABLE: "[A file was sent, but it cannot be opened: {name}]",
    T.UNSUPPORTED: "[The agent sent something that cannot be shown here: {kind}]",
    T.EMPTY_MESSAGE: "[Empty message]",
    T.PLACE: "Location: {place}",
    T.CONTACT: "Contact: {name}",
    T.TRUNCATED: "[The rest of this message was cut off]",
    T.NOTE_CHAT_ENDED: "The chat has ended: the user did not get your message.",
    T.NOTE_NOT_REOPENED: (
        "Reopening the thread does not reach the user again: the chat has ended and the bot"
        " answers. The user can ask for an agent once more."
    ),
    T.NOTE_REOPENED: "The chat is open again: the user gets your messages.",
    T.NOTE_USER_ENDED: "The user has ended the chat.",
    T.NOTE_UNREGISTERED: (
        "The bot was disconnected from this inbox, so the chat has ended: what is"
        " written here reaches nobody any more."
    ),
    T.NOTE_NUDGE: "The user is waiting for an answer.",
    T.NOTE_NO_AGENT: "Nobody took the chat in time, so it was given back to the bot.",
    T.NOTE_AGENT_SILENT: "The user got no answer in time, so the chat was given back to the bot.",
    T.NOTE_USER_SILENT: "The user did not answer any more, so the chat was ended.",
    T.NOTE_HELD: (
        "The chat has ended. Your message is held and goes to the user when they ask for"
        " an agent again."
    ),
    T.NOTE_HELD_SENT: (
        "The user is back: the message you wrote after the last chat has been delivered"
        " in the new one."
    ),
    T.REASON_FAILED: "The message could not be delivered to the user.",
    T.REASON_DELAYED: (
        "Not delivered yet: the bot does not answer. We keep trying; please do not send it again."
    ),
    T.REASON_NO_RETURN: "The user has not come back. The message was not delivered.",
    T.NOTE_REOPENING: (
        "The bot has been asked to bring the user back to you. A note will tell you when they"
        " are; what you write until then is held."
    ),
    T.NOTE_TRANSFERRED: "The chat goes on in inbox {inbox}, thread {thread}.",
    T.NOTE_SO_FAR: "Conversation before the transfer",
    T.NOTE_LATE_WORDS: "After the end of this chat ({reason}) came: {text}",
    T.REASON_NO_CHAT: "This conversation has no bot chat behind it.",
    T.SPEAKER_AGENT: "Agent",
    T.SPEAKER_USER: "User",
    T.NOT_ATTACHED: "Not attached: {file}",
    T.ANSWER_ENDED: "The chat has ended: there is nothing left to steer.",
    T.ANSWER_GIVEN_BACK: "The bot has the chat again.",
    T.ANSWER_CHAT_ENDED: "The chat is ended.",
    T.ANSWER_NO_TIME: "That is no time. Write it like this: /wait 10m",
    T.ANSWER_WAIT_TOLD: "The user was asked to wait. You will be reminded in {minutes} min.",
    T.ANSWER_WAIT_UNTOLD: "The user was not told anything. You will be reminded in {minutes} min.",
    T.ANSWER_NOTHING_SAID: "No agent has written to the user yet.",
    T.ANSWER_SAID_AGAIN: "Your last message was sent to the user again.",
    T.ANSWER_WHICH_INBOX: "Write /transfer and one of these inboxes: {inboxes}",
    T.ANSWER_NO_INBOX: "No other inbox is connected to this integration.",
    T.ANSWER_SAME_INBOX: "The chat is in that inbox already.",
    T.ANSWER_UNKNOWN: "There is no command {command}.",
    T.ANSWER_WHO: (
        "Name: {name}\n"
        "Email: {email}\n"
        "Phone: {phone}\n"
        "Contact: {contact}\n"
        "Language: {language}\n"
        "Title: {title}\n"
        "State: {state}\n"
        "Agent: {agent}\n"
        "Handoff: {handoff}\n"
        "Bot conversation: {conversation}"
    ),
    T.ANSWER_HELP: (
        "Commands, written as an internal comment:\n"
        "/bot - give the chat back to the bot; this conversation stays open\n"
        "/end - end the chat and close this conversation\n"
        "/transfer <inbox> - move the chat to another inbox, by name or id\n"
        "/wait 10m - ask the user to wait, and be reminded after that time\n"
        "/reask - send the user your last message again\n"
        "/who - what is known of the user and this chat\n"
        "/help - this list"
    ),
    T.NAME_AGENT: "Agent",
    T.NAME_SUPPORT: "Support",
    T.IMAGE: "image",
    # what a kind of message is called
    T.LABEL_IMAGE: "Image",
    T.LABEL_AUDIO: "Audio",
    T.LABEL_VOICE: "Voice message",
    T.LABEL_VIDEO: "Video",
    T.LABEL_FILE: "File",
    T.LABEL_LOCATION: "Location",
    T.LABEL_CARD: "Card",
    T.LABEL_CHOICE: "Choice",
    T.LABEL_BUTTON: "Button",
    T.LABEL_EMPTY: "Empty message",
    T.LABEL_EDITED: "Edited",
    T.LABEL_MORE_FILES: "More files",
    T.LABEL_KIND: "Message of kind {kind}",
    T.LABEL_UNKNOWN: "unknown",
    T.LABEL_UNLABELLED: "without a label",
    T.LABEL_NO_ADDRESS: "without an address",
    T.LABEL_BAD_ADDRESS: "no address that can be opened: {address}",
    T.LABEL_NO_PLACE: "without a place",
    T.LABEL_LATITUDE: "latitude",
    T.LABEL_LONGITUDE: "longitude",
    T.LABEL_MORE: "more is not shown",
    T.LABEL_DEEPER: "deeper content is not shown",
    T.LABEL_YES: "yes",
    T.LABEL_NO: "no",
    # how urgent a chat is
    T.PRIORITY_LOW: "low",
    T.PRIORITY_MEDIUM: "medium",
    T.PRIORITY_HIGH: "high",
    T.PRIORITY_URGENT: "urgent",
    # the opening and the header of the history
    T.LABEL_LINE: "{label}: {value}",
    T.LABEL_NAME: "Name",
    T.LABEL_TITLE: "Title",
    T.LABEL_DESCRIPTION: "Description",
    T.LABEL_PRIORITY: "Priority",
    T.LABEL_REASON: "Reason",
    T.LABEL_SUBJECT: "Subject",
    T.LABEL_INTENT: "Intent",
    T.LABEL_SENTIMENT: "Sentiment",
    T.LABEL_LANGUAGE: "Language",
    T.LABEL_ORIGIN: "Page or channel",
    T.LABEL_NO_TITLE: "New HITL conversation",
    T.LABEL_NO_DESCRIPTION: "No description available",
    T.LABEL_VISITOR: "Visitor",
    T.LABEL_BEFORE: "Conversation before the handoff",
    T.LABEL_LEFT_OUT: "{count} earlier messages or parts of messages are left out",
    T.SPEAKER_BOT: "Bot",
    T.SPEAKER_UNKNOWN: "Unknown sender",
    # why a file is not attached
    T.FILE_GONE: "it does not exist any more",
    T.FILE_EMPTY: "it is empty",
    T.FILE_TOO_LARGE: "it is larger than {size} MB",
    T.FILE_DAMAGED: "its content is damaged",
    T.FILE_WEB_PAGE: "its address gives a web page instead of a file",
    T.FILE_PROGRAM: "it is a program",
    T.FILE_REFUSED: "its host does not give it out",
    T.FILE_UNREACHABLE: "its host does not answer as it should",
    T.FILE_ADDRESS: "its address may not be opened from here",
    T.FILE_NOT_TAKEN: "HubSpot does not take it",
    T.FILE_NOT_FETCHED: "this server fetches no files",
    # what state a chat is in
    T.STATE_STARTING: "starting",
    T.STATE_PENDING: "waiting for an agent",
    T.STATE_ASSIGNED: "with an agent",
    T.STATE_RESOLVED: "ended",
    T.STATE_REJECTED: "rejected",
    T.STATE_EXPIRED: "ended, nobody answered in time",
    T.STATE_FAILED: "failed",
    T.STATE_CANCELLED: "cancelled",
    # why a chat ended
    T.END_AGENT_CLOSED: "closed by an agent",
    T.END_AGENT_ARCHIVED: "archived by an agent",
    T.END_AGENT_REJECTED: "rejected by an agent",
    T.END_THREAD_DELETED: "deleted in HubSpot",
    T.END_MARKED_SPAM: "marked as spam",
    T.END_BOT_STOPPED: "ended by the bot",
    T.END_UNREGISTERED: "the integration was removed from the bot",
    T.END_USER_COMMAND: "ended by the user",
    T.END_USER_LEFT: "the user did not answer any more",
    T.END_NO_AGENT: "nobody took it in time",
    T.END_AGENT_SILENT: "no agent answered in time",
    T.END_MERGED: "merged with another one",
    T.END_START_FAILED: "it could not start",
    T.END_INTERNAL_ERROR: "an error of this integration",
    # the note on the contact
    T.FACT_WITH: "With",
    T.FACT_BEGAN: "Began",
    T.FACT_FIRST_ANSWER: "First answer",
    T.FACT_ENDED: "Ended",
    T.FACT_OUTCOME: "Outcome",
    T.FACT_AGENT: "Agent",
    T.SUMMARY_HEAD: "Summary made by a machine",
    T.SUMMARY_NOTHING: "Nobody said anything.",
    T.SUMMARY_FIRST: "The user began: {text}",
    T.SUMMARY_COUNTS: "Messages: {user} of the user, {agent} of agents",
    T.SUMMARY_LAST: "The last word, by {name}: {text}",
    T.TICKET_SUBJECT: "Conversation with {name}, {time} UTC",
    T.ANSWER_NOT_CONNECTED: (
        "The chat could not be moved to that inbox. Try again later; if that does not help,"
        " ask whoever looks after this integration."
    ),
}
