"""What people are told, per language, every text replaceable and switchable. Pure.

Texts that the HITL plugin itself sends (handed over, agent joined, agent ended) are not among those
that are sent by default on the same occasion; here is only what nobody else says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hubspot_hitl.handoff.records import EndReason, HandoffState
from hubspot_hitl.handoff.wording import TEXTS
from hubspot_hitl.handoff.wording.keys import TextKey

__all__ = [
    "FALLBACK_LANGUAGE",
    "FOR_AGENTS",
    "OFF",
    "TEXTS",
    "TextKey",
    "Texts",
    "Words",
    "filled_lines",
    "language_of",
]

OFF = "NULL"
"""The value that switches a text off, the same word as in the HITL plugin's settings."""
FALLBACK_LANGUAGE = "en"
_KINDS = "note reason answer speaker not label file state end fact summary priority"
FOR_AGENTS = tuple(f"agent-{kind}-" for kind in _KINDS.split())
"""How the keys of texts for agents begin."""
_SLOT = re.compile(r"\{([a-z]+)\}")


def language_of(tag: str | None) -> str:
    """The language of a tag such as `pt-BR`, or English when there are no texts for it.

    >>> language_of("pt_BR"), language_of("tlh"), language_of(None)
    ('pt', 'en', 'en')
    """
    primary = re.split(r"[-_]", (tag or "").strip().lower(), maxsplit=1)[0]
    return primary if primary in TEXTS else FALLBACK_LANGUAGE


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one installation.

    `overrides` is keyed by a text key, or by key and language (`agent-left.fr`); the more exact one
    wins, also for languages that have no texts here. The value `NULL` switches a text off.

    >>> Texts({"agent-left": "NULL"}).get(TextKey.AGENT_LEFT, "fr") is None
    True
    """

    overrides: Mapping[str, str] = field(default_factory=dict[str, str])

    def get(self, key: TextKey, language: str | None = None, **values: str) -> str | None:
        """The text with `{name}` slots filled from `values`, or None when it is switched off."""
        found = self._override(key, language)
        if found is None:
            found = TEXTS[language_of(language)][key]
        return None if found.strip() == OFF else _filled(found, values)

    def placeholder(self, key: TextKey, language: str | None = None, **values: str) -> str:
        """The same for a text that stands for content: switched off or blank, it is the default."""
        own = self.get(key, language, **values)
        if own is not None and own.strip():
            return own
        return _filled(TEXTS[language_of(language)][key], values)

    def _override(self, key: TextKey, language: str | None) -> str | None:
        tag = (language or "").strip().lower().replace("_", "-")
        read = f"{key}.{language_of(language)}"  # the language that is read instead of an unknown
        for name in (f"{key}.{tag}", f"{key}.{tag.split('-')[0]}", key.value, read):
            if name in self.overrides:
                return self.overrides[name]
        return None


@dataclass(frozen=True, slots=True)
class Words:
    """The texts that stand for content, in the language of one reader; English unless told.

    >>> Words(language="de")(TextKey.LABEL_IMAGE)
    'Bild'
    """

    texts: Texts = field(default_factory=Texts)
    language: str | None = None

    def __call__(self, key: TextKey, **values: str) -> str:
        """The text with its slots filled; never blank."""
        return self.texts.placeholder(key, self.language, **values)

    def line(self, label: TextKey, value: str) -> str:
        """A value behind its label."""
        return self(TextKey.LABEL_LINE, label=self(label), value=value)

    def state(self, state: HandoffState) -> str:
        """A state as people call it."""
        return self(TextKey(f"agent-state-{state.value}"))

    def end(self, reason: EndReason | None) -> str | None:
        """A reason as people call it; None for none."""
        return None if reason is None else self(TextKey(f"agent-end-{reason.value}"))


def filled_lines(form: str, values: Mapping[str, str | None]) -> str:
    r"""A text of several lines with its slots filled; a line whose values are all empty goes.

    >>> filled_lines("Name: {name}\nPhone: {phone}", {"name": "Ada", "phone": None})
    'Name: Ada'
    """
    lines: list[str] = []
    for line in form.splitlines():
        slots = _SLOT.findall(line)
        if not slots or any(values.get(slot) for slot in slots):
            lines.append(_filled(line, {name: value or "" for name, value in values.items()}))
    return "\n".join(lines)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _SLOT.sub(lambda slot: values.get(slot[1], slot[0]), text)
