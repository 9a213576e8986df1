"""What people are told, per language, every text replaceable and switchable. Pure.

Texts that the HITL plugin itself sends (handed over, agent joined, agent ended) are not among those
that are sent by default on the same occasion; here is only what nobody else says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

OFF = "NULL"
"""The value that switches a text off, the same word as in the HITL plugin's settings."""
FALLBACK_LANGUAGE = "en"


class TextKey(StrEnum):
    """Every text there is. Those for agents start with `agent-note-`."""

    CHAT_ENDED = "chat-ended"
    AGENT_LEFT = "agent-left"
    AGENT_CHANGED = "agent-changed"
    TRANSFERRED = "transferred"
    WAITING = "waiting"
    MESSAGE_FAILED = "message-failed"
    NUDGE = "nudge"
    NO_AGENT = "no-agent"
    REOPENED = "reopened"
    FILE_UNAVAILABLE = "file-unavailable"
    UNSUPPORTED = "unsupported"
    EMPTY_MESSAGE = "empty-message"
    PLACE = "place"
    CONTACT = "contact"
    TRUNCATED = "truncated"
    NOTE_CHAT_ENDED = "agent-note-chat-ended"
    NOTE_NOT_REOPENED = "agent-note-not-reopened"
    NOTE_REOPENED = "agent-note-reopened"
    NOTE_USER_ENDED = "agent-note-user-ended"
    NOTE_BOT_ENDED = "agent-note-bot-ended"
    NOTE_NUDGE = "agent-note-nudge"
    NOTE_NO_AGENT = "agent-note-no-agent"
    NOTE_AGENT_SILENT = "agent-note-agent-silent"
    NOTE_USER_SILENT = "agent-note-user-silent"
    NOTE_HELD = "agent-note-held"
    NOTE_HELD_SENT = "agent-note-held-sent"
    REASON_FAILED = "agent-reason-failed"
    REASON_DELAYED = "agent-reason-delayed"
    REASON_NO_RETURN = "agent-reason-no-return"


_T = TextKey
_EN: Mapping[TextKey, str] = {
    _T.CHAT_ENDED: "This chat has ended.",
    _T.AGENT_LEFT: "The agent has left. Someone else will be with you shortly.",
    _T.AGENT_CHANGED: "Another agent is taking over.",
    _T.TRANSFERRED: "You are being transferred to another team.",
    _T.WAITING: "Please wait, an agent will be with you shortly.",
    _T.MESSAGE_FAILED: "Your message could not be delivered. Please send it again.",
    _T.NUDGE: "Are you still there?",
    _T.NO_AGENT: "Sorry, no agent is available right now.",
    _T.REOPENED: "The agent has reopened the chat.",
    _T.FILE_UNAVAILABLE: "[A file was sent, but it cannot be opened: {name}]",
    _T.UNSUPPORTED: "[The agent sent something that cannot be shown here: {kind}]",
    _T.EMPTY_MESSAGE: "[Empty message]",
    _T.PLACE: "Location: {place}",
    _T.CONTACT: "Contact: {name}",
    _T.TRUNCATED: "[The rest of this message was cut off]",
    _T.NOTE_CHAT_ENDED: "The chat has ended: the user did not get your message.",
    _T.NOTE_NOT_REOPENED: (
        "Reopening the thread does not reach the user again: the chat has ended and the bot"
        " answers. The user can ask for an agent once more."
    ),
    _T.NOTE_REOPENED: "The chat is open again: the user gets your messages.",
    _T.NOTE_USER_ENDED: "The user has ended the chat.",
    _T.NOTE_BOT_ENDED: "The bot has ended the chat.",
    _T.NOTE_NUDGE: "The user is waiting for an answer.",
    _T.NOTE_NO_AGENT: "Nobody took the chat in time, so it was given back to the bot.",
    _T.NOTE_AGENT_SILENT: "The user got no answer in time, so the chat was given back to the bot.",
    _T.NOTE_USER_SILENT: "The user did not answer any more, so the chat was ended.",
    _T.NOTE_HELD: (
        "The chat has ended. Your message is held and goes to the user when they ask for"
        " an agent again."
    ),
    _T.NOTE_HELD_SENT: (
        "The user is back: the message you wrote after the last chat has been delivered"
        " in the new one."
    ),
    _T.REASON_FAILED: "The message could not be delivered to the user.",
    _T.REASON_DELAYED: (
        "Not delivered yet: the bot does not answer. We keep trying; please do not send it again."
    ),
    _T.REASON_NO_RETURN: "The user has not come back. The message was not delivered.",
}
_FR: Mapping[TextKey, str] = {
    _T.CHAT_ENDED: "Cette conversation est terminée.",
    _T.AGENT_LEFT: "L'agent est parti. Quelqu'un d'autre va vous répondre sous peu.",
    _T.AGENT_CHANGED: "Un autre agent prend le relais.",
    _T.TRANSFERRED: "Vous êtes transféré vers une autre équipe.",
    _T.WAITING: "Veuillez patienter, un agent va vous répondre sous peu.",
    _T.MESSAGE_FAILED: "Votre message n'a pas pu être remis. Veuillez le renvoyer.",
    _T.NUDGE: "Êtes-vous toujours là ?",
    _T.NO_AGENT: "Désolé, aucun agent n'est disponible pour le moment.",
    _T.REOPENED: "L'agent a rouvert la conversation.",
    _T.FILE_UNAVAILABLE: "[Un fichier a été envoyé mais ne peut pas être ouvert : {name}]",
    _T.UNSUPPORTED: "[L'agent a envoyé un contenu qui ne peut pas être affiché ici : {kind}]",
    _T.EMPTY_MESSAGE: "[Message vide]",
    _T.PLACE: "Lieu : {place}",
    _T.CONTACT: "Contact : {name}",
    _T.TRUNCATED: "[La suite de ce message a été coupée]",
    _T.NOTE_CHAT_ENDED: "La conversation est terminée : l'utilisateur n'a pas reçu votre message.",
    _T.NOTE_NOT_REOPENED: (
        "Rouvrir le fil n'atteint plus l'utilisateur : la conversation est terminée et le bot"
        " répond. L'utilisateur peut redemander un agent."
    ),
    _T.NOTE_REOPENED: "La conversation est rouverte : l'utilisateur reçoit vos messages.",
    _T.NOTE_USER_ENDED: "L'utilisateur a mis fin à la conversation.",
    _T.NOTE_BOT_ENDED: "Le bot a mis fin à la conversation.",
    _T.NOTE_NUDGE: "L'utilisateur attend une réponse.",
    _T.NOTE_NO_AGENT: "Personne n'a pris la conversation à temps : le bot la reprend.",
    _T.NOTE_AGENT_SILENT: (
        "L'utilisateur n'a pas reçu de réponse à temps : le bot reprend la conversation."
    ),
    _T.NOTE_USER_SILENT: "L'utilisateur ne répond plus : la conversation est terminée.",
    _T.NOTE_HELD: (
        "La conversation est terminée. Votre message sera remis quand l'utilisateur"
        " redemandera un agent."
    ),
    _T.NOTE_HELD_SENT: (
        "L'utilisateur est revenu : votre message d'après la fin lui a été remis dans la"
        " nouvelle conversation."
    ),
    _T.REASON_FAILED: "Le message n'a pas pu être remis à l'utilisateur.",
    _T.REASON_DELAYED: (
        "Pas encore remis : le bot ne répond pas. Nous réessayons ; ne le renvoyez pas."
    ),
    _T.REASON_NO_RETURN: "L'utilisateur n'est pas revenu. Le message n'a pas été remis.",
}
_ES: Mapping[TextKey, str] = {
    _T.CHAT_ENDED: "Este chat ha terminado.",
    _T.AGENT_LEFT: "El agente se ha ido. Otra persona le atenderá en breve.",
    _T.AGENT_CHANGED: "Otro agente se hace cargo.",
    _T.TRANSFERRED: "Se le está transfiriendo a otro equipo.",
    _T.WAITING: "Espere, por favor: un agente le atenderá en breve.",
    _T.MESSAGE_FAILED: "No se pudo entregar su mensaje. Envíelo de nuevo, por favor.",
    _T.NUDGE: "¿Sigue ahí?",
    _T.NO_AGENT: "Lo sentimos, ahora mismo no hay ningún agente disponible.",
    _T.REOPENED: "El agente ha reabierto el chat.",
    _T.FILE_UNAVAILABLE: "[Se envió un archivo, pero no se puede abrir: {name}]",
    _T.UNSUPPORTED: "[El agente envió algo que no se puede mostrar aquí: {kind}]",
    _T.EMPTY_MESSAGE: "[Mensaje vacío]",
    _T.PLACE: "Ubicación: {place}",
    _T.CONTACT: "Contacto: {name}",
    _T.TRUNCATED: "[El resto de este mensaje se cortó]",
    _T.NOTE_CHAT_ENDED: "El chat ha terminado: el usuario no recibió su mensaje.",
    _T.NOTE_NOT_REOPENED: (
        "Reabrir el hilo ya no llega al usuario: el chat ha terminado y responde el bot."
        " El usuario puede volver a pedir un agente."
    ),
    _T.NOTE_REOPENED: "El chat está abierto de nuevo: el usuario recibe sus mensajes.",
    _T.NOTE_USER_ENDED: "El usuario ha terminado el chat.",
    _T.NOTE_BOT_ENDED: "El bot ha terminado el chat.",
    _T.NOTE_NUDGE: "El usuario espera una respuesta.",
    _T.NOTE_NO_AGENT: "Nadie tomó el chat a tiempo: el bot lo retoma.",
    _T.NOTE_AGENT_SILENT: "El usuario no recibió respuesta a tiempo: el bot retoma el chat.",
    _T.NOTE_USER_SILENT: "El usuario ya no responde: el chat ha terminado.",
    _T.NOTE_HELD: (
        "El chat ha terminado. Su mensaje se entregará cuando el usuario vuelva a pedir un agente."
    ),
    _T.NOTE_HELD_SENT: (
        "El usuario ha vuelto: su mensaje posterior al final se le ha entregado en el nuevo chat."
    ),
    _T.REASON_FAILED: "No se pudo entregar el mensaje al usuario.",
    _T.REASON_DELAYED: (
        "Aún no entregado: el bot no responde. Seguimos intentándolo; no lo envíe de nuevo."
    ),
    _T.REASON_NO_RETURN: "El usuario no ha vuelto. El mensaje no se entregó.",
}
_DE: Mapping[TextKey, str] = {
    _T.CHAT_ENDED: "Dieser Chat ist beendet.",
    _T.AGENT_LEFT: "Die Ansprechperson hat den Chat verlassen. Gleich ist jemand anderes da.",
    _T.AGENT_CHANGED: "Jemand anderes aus dem Team übernimmt.",
    _T.TRANSFERRED: "Sie werden an ein anderes Team weitergeleitet.",
    _T.WAITING: "Bitte warten Sie, gleich ist jemand für Sie da.",
    _T.MESSAGE_FAILED: "Ihre Nachricht wurde nicht zugestellt. Bitte senden Sie sie noch einmal.",
    _T.NUDGE: "Sind Sie noch da?",
    _T.NO_AGENT: "Leider ist gerade niemand verfügbar.",
    _T.REOPENED: "Der Chat wurde wieder geöffnet.",
    _T.FILE_UNAVAILABLE: "[Eine Datei wurde gesendet, lässt sich aber nicht öffnen: {name}]",
    _T.UNSUPPORTED: "[Es wurde etwas gesendet, das hier nicht angezeigt werden kann: {kind}]",
    _T.EMPTY_MESSAGE: "[Leere Nachricht]",
    _T.PLACE: "Standort: {place}",
    _T.CONTACT: "Kontakt: {name}",
    _T.TRUNCATED: "[Der Rest dieser Nachricht wurde abgeschnitten]",
    _T.NOTE_CHAT_ENDED: "Der Chat ist beendet: Ihre Nachricht kam nicht an.",
    _T.NOTE_NOT_REOPENED: (
        "Wieder zu öffnen erreicht die Person nicht mehr: Der Chat ist beendet, der Bot antwortet."
        " Sie kann erneut um ein Gespräch bitten."
    ),
    _T.NOTE_REOPENED: "Der Chat ist wieder offen: Ihre Nachrichten kommen an.",
    _T.NOTE_USER_ENDED: "Der Chat wurde von der anderen Seite beendet.",
    _T.NOTE_BOT_ENDED: "Der Bot hat den Chat beendet.",
    _T.NOTE_NUDGE: "Es wird auf eine Antwort gewartet.",
    _T.NOTE_NO_AGENT: "Niemand hat den Chat rechtzeitig übernommen: Der Bot führt ihn weiter.",
    _T.NOTE_AGENT_SILENT: "Es kam nicht rechtzeitig eine Antwort: Der Bot führt den Chat weiter.",
    _T.NOTE_USER_SILENT: "Es kam keine Antwort mehr: Der Chat wurde beendet.",
    _T.NOTE_HELD: (
        "Der Chat ist beendet. Ihre Nachricht wird zugestellt, wenn wieder nach jemandem"
        " gefragt wird."
    ),
    _T.NOTE_HELD_SENT: (
        "Die Person ist zurück: Ihre Nachricht von nach dem Ende wurde im neuen Chat zugestellt."
    ),
    _T.REASON_FAILED: "Die Nachricht konnte nicht zugestellt werden.",
    _T.REASON_DELAYED: (
        "Noch nicht zugestellt: Der Bot antwortet nicht. Wir versuchen es weiter; bitte"
        " nicht neu senden."
    ),
    _T.REASON_NO_RETURN: "Die Person kam nicht zurück. Die Nachricht wurde nicht zugestellt.",
}
_PT: Mapping[TextKey, str] = {
    _T.CHAT_ENDED: "Este chat foi encerrado.",
    _T.AGENT_LEFT: "O atendente saiu. Outra pessoa vai atender você em breve.",
    _T.AGENT_CHANGED: "Outro atendente está assumindo.",
    _T.TRANSFERRED: "Você está sendo transferido para outra equipe.",
    _T.WAITING: "Aguarde, por favor: um atendente falará com você em breve.",
    _T.MESSAGE_FAILED: "Sua mensagem não pôde ser entregue. Envie-a novamente, por favor.",
    _T.NUDGE: "Você ainda está aí?",
    _T.NO_AGENT: "Desculpe, não há nenhum atendente disponível no momento.",
    _T.REOPENED: "O atendente reabriu o chat.",
    _T.FILE_UNAVAILABLE: "[Um arquivo foi enviado, mas não pode ser aberto: {name}]",
    _T.UNSUPPORTED: "[O atendente enviou algo que não pode ser mostrado aqui: {kind}]",
    _T.EMPTY_MESSAGE: "[Mensagem vazia]",
    _T.PLACE: "Localização: {place}",
    _T.CONTACT: "Contato: {name}",
    _T.TRUNCATED: "[O restante desta mensagem foi cortado]",
    _T.NOTE_CHAT_ENDED: "O chat foi encerrado: o usuário não recebeu sua mensagem.",
    _T.NOTE_NOT_REOPENED: (
        "Reabrir a conversa não chega mais ao usuário: o chat foi encerrado e o bot responde."
        " O usuário pode pedir um atendente novamente."
    ),
    _T.NOTE_REOPENED: "O chat está aberto de novo: o usuário recebe suas mensagens.",
    _T.NOTE_USER_ENDED: "O usuário encerrou o chat.",
    _T.NOTE_BOT_ENDED: "O bot encerrou o chat.",
    _T.NOTE_NUDGE: "O usuário está esperando uma resposta.",
    _T.NOTE_NO_AGENT: "Ninguém assumiu o chat a tempo: o bot o retoma.",
    _T.NOTE_AGENT_SILENT: "O usuário não recebeu resposta a tempo: o bot retoma o chat.",
    _T.NOTE_USER_SILENT: "O usuário não responde mais: o chat foi encerrado.",
    _T.NOTE_HELD: (
        "O chat foi encerrado. Sua mensagem será entregue quando o usuário pedir um"
        " atendente de novo."
    ),
    _T.NOTE_HELD_SENT: "O usuário voltou: sua mensagem de depois do fim foi entregue no novo chat.",
    _T.REASON_FAILED: "Não foi possível entregar a mensagem ao usuário.",
    _T.REASON_DELAYED: (
        "Ainda não entregue: o bot não responde. Continuamos tentando; não a envie de novo."
    ),
    _T.REASON_NO_RETURN: "O usuário não voltou. A mensagem não foi entregue.",
}
TEXTS: Mapping[str, Mapping[TextKey, str]] = MappingProxyType(
    {"en": _EN, "fr": _FR, "es": _ES, "de": _DE, "pt": _PT}
)
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
        for name in (f"{key}.{tag}", f"{key}.{tag.split('-')[0]}", key.value):
            if name in self.overrides:
                return self.overrides[name]
        return None


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _SLOT.sub(lambda slot: values.get(slot[1], slot[0]), text)
