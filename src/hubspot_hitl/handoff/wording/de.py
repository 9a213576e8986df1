"""The texts in German."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hubspot_hitl.handoff.wording.keys import TextKey as T

TEXTS: Final[Mapping[T, str]] = {
    T.CHAT_ENDED: "Dieser Chat ist beendet.",
    T.AGENT_LEFT: "Die Ansprechperson hat den Chat verlassen. Gleich ist jemand anderes da.",
    T.AGENT_CHANGED: "Jemand anderes aus dem Team übernimmt.",
    T.TRANSFERRED: "Sie werden an ein anderes Team weitergeleitet.",
    T.WAITING: "Bitte warten Sie, gleich ist jemand für Sie da.",
    T.MESSAGE_FAILED: "Ihre Nachricht wurde nicht zugestellt. Bitte senden Sie sie noch einmal.",
    T.NUDGE: "Sind Sie noch da?",
    T.NO_AGENT: "Leider ist gerade niemand verfügbar.",
    T.REOPENED: "Der Chat wurde wieder geöffnet.",
    T.FILE_UNAVAILABLE: "[Eine Datei wurde gesendet, lässt sich aber nicht öffnen: {name}]",
    T.UNSUPPORTED: "[Es wurde etwas gesendet, das hier nicht angezeigt werden kann: {kind}]",
    T.EMPTY_MESSAGE: "[Leere Nachricht]",
    T.PLACE: "Standort: {place}",
    T.CONTACT: "Kontakt: {name}",
    T.TRUNCATED: "[Der Rest dieser Nachricht wurde abgeschnitten]",
    T.NOTE_CHAT_ENDED: "Der Chat ist beendet: Ihre Nachricht kam nicht an.",
    T.NOTE_NOT_REOPENED: (
        "Wieder zu öffnen erreicht die Person nicht mehr: Der Chat ist beendet, der Bot antwortet."
        " Sie kann erneut um ein Gespräch bitten."
    ),
    T.NOTE_REOPENED: "Der Chat ist wieder offen: Ihre Nachrichten kommen an.",
    T.NOTE_USER_ENDED: "Der Chat wurde von der anderen Seite beendet.",
    T.NOTE_UNREGISTERED: (
        "Der Bot wurde von diesem Posteingang getrennt, der Chat ist beendet: Was hier"
        " geschrieben wird, kommt nicht mehr an."
    ),
    T.NOTE_NUDGE: "Es wird auf eine Antwort gewartet.",
    T.NOTE_NO_AGENT: "Niemand hat den Chat rechtzeitig übernommen: Der Bot führt ihn weiter.",
    T.NOTE_AGENT_SILENT: "Es kam nicht rechtzeitig eine Antwort: Der Bot führt den Chat weiter.",
    T.NOTE_USER_SILENT: "Es kam keine Antwort mehr: Der Chat wurde beendet.",
    T.NOTE_HELD: (
        "Der Chat ist beendet. Ihre Nachricht wird zugestellt, wenn wieder nach jemandem"
        " gefragt wird."
    ),
    T.NOTE_HELD_SENT: (
        "Die Person ist zurück: Ihre Nachricht von nach dem Ende wurde im neuen Chat zugestellt."
    ),
    T.REASON_FAILED: "Die Nachricht konnte nicht zugestellt werden.",
    T.REASON_DELAYED: (
        "Noch nicht zugestellt: Der Bot antwortet nicht. Wir versuchen es weiter; bitte"
        " nicht neu senden."
    ),
    T.REASON_NO_RETURN: "Die Person kam nicht zurück. Die Nachricht wurde nicht zugestellt.",
    T.NOTE_REOPENING: (
        "Der Bot wurde gebeten, die Person zurückzubringen. Eine Notiz sagt es Ihnen; was Sie"
        " bis dahin schreiben, wird aufgehoben."
    ),
    T.NOTE_TRANSFERRED: "Der Chat geht im Posteingang {inbox} weiter, Thread {thread}.",
    T.NOTE_SO_FAR: "Gespräch vor der Weiterleitung",
    T.NOTE_LATE_WORDS: "Nach dem Ende dieses Chats ({reason}) kam: {text}",
    T.REASON_NO_CHAT: "Zu dieser Unterhaltung gehört kein Chat eines Bots.",
    T.SPEAKER_AGENT: "Team",
    T.SPEAKER_USER: "Kunde",
    T.NOT_ATTACHED: "Nicht angehängt: {file}",
    T.ANSWER_ENDED: "Der Chat ist beendet: Es gibt nichts mehr zu steuern.",
    T.ANSWER_GIVEN_BACK: "Der Bot führt den Chat wieder.",
    T.ANSWER_CHAT_ENDED: "Der Chat ist beendet.",
    T.ANSWER_NO_TIME: "Das ist keine Zeit. Schreiben Sie zum Beispiel: /wait 10m",
    T.ANSWER_WAIT_TOLD: "Es wurde um Geduld gebeten. Sie werden in {minutes} Min. erinnert.",
    T.ANSWER_WAIT_UNTOLD: "Es wurde nichts gesagt. Sie werden in {minutes} Min. erinnert.",
    T.ANSWER_NOTHING_SAID: "Noch hat niemand aus dem Team geschrieben.",
    T.ANSWER_SAID_AGAIN: "Ihre letzte Nachricht wurde noch einmal gesendet.",
    T.ANSWER_WHICH_INBOX: "Schreiben Sie /transfer und einen dieser Posteingänge: {inboxes}",
    T.ANSWER_NO_INBOX: "Mit dieser Integration ist kein anderer Posteingang verbunden.",
    T.ANSWER_SAME_INBOX: "Der Chat ist schon in diesem Posteingang.",
    T.ANSWER_UNKNOWN: "Den Befehl {command} gibt es nicht.",
    T.ANSWER_WHO: (
        "Name: {name}\n"
        "E-Mail: {email}\n"
        "Telefon: {phone}\n"
        "Kontakt: {contact}\n"
        "Sprache: {language}\n"
        "Titel: {title}\n"
        "Stand: {state}\n"
        "Zuständig: {agent}\n"
        "Übergabe: {handoff}\n"
        "Unterhaltung des Bots: {conversation}"
    ),
    T.ANSWER_HELP: (
        "Befehle, als interner Kommentar geschrieben:\n"
        "/bot - den Chat an den Bot zurückgeben; diese Unterhaltung bleibt offen\n"
        "/end - den Chat beenden und diese Unterhaltung schließen\n"
        "/transfer <Posteingang> - den Chat in einen anderen verlegen, nach Name oder Id\n"
        "/wait 10m - um Geduld bitten und nach dieser Zeit erinnert werden\n"
        "/reask - Ihre letzte Nachricht noch einmal senden\n"
        "/who - was von der Person und diesem Chat bekannt ist\n"
        "/help - diese Liste"
    ),
    T.NAME_AGENT: "Team",
    T.NAME_SUPPORT: "Support",
    T.IMAGE: "Bild",
    # what a kind of message is called
    T.LABEL_IMAGE: "Bild",
    T.LABEL_AUDIO: "Audio",
    T.LABEL_VOICE: "Sprachnachricht",
    T.LABEL_VIDEO: "Video",
    T.LABEL_FILE: "Datei",
    T.LABEL_LOCATION: "Standort",
    T.LABEL_CARD: "Karte",
    T.LABEL_CHOICE: "Auswahl",
    T.LABEL_BUTTON: "Schaltfläche",
    T.LABEL_EMPTY: "Leere Nachricht",
    T.LABEL_EDITED: "Geändert",
    T.LABEL_MORE_FILES: "Weitere Dateien",
    T.LABEL_KIND: "Nachricht der Art {kind}",
    T.LABEL_UNKNOWN: "unbekannt",
    T.LABEL_UNLABELLED: "ohne Beschriftung",
    T.LABEL_NO_ADDRESS: "ohne Adresse",
    T.LABEL_BAD_ADDRESS: "keine Adresse, die sich öffnen lässt: {address}",
    T.LABEL_NO_PLACE: "ohne Ort",
    T.LABEL_LATITUDE: "Breite",
    T.LABEL_LONGITUDE: "Länge",
    T.LABEL_MORE: "mehr wird nicht angezeigt",
    T.LABEL_DEEPER: "tiefer Liegendes wird nicht angezeigt",
    T.LABEL_YES: "ja",
    T.LABEL_NO: "nein",
    # how urgent a chat is
    T.PRIORITY_LOW: "niedrig",
    T.PRIORITY_MEDIUM: "mittel",
    T.PRIORITY_HIGH: "hoch",
    T.PRIORITY_URGENT: "dringend",
    # the opening and the header of the history
    T.LABEL_LINE: "{label}: {value}",
    T.LABEL_NAME: "Name",
    T.LABEL_TITLE: "Titel",
    T.LABEL_DESCRIPTION: "Beschreibung",
    T.LABEL_PRIORITY: "Priorität",
    T.LABEL_REASON: "Grund",
    T.LABEL_SUBJECT: "Betreff",
    T.LABEL_INTENT: "Anliegen",
    T.LABEL_SENTIMENT: "Stimmung",
    T.LABEL_LANGUAGE: "Sprache",
    T.LABEL_ORIGIN: "Seite oder Kanal",
    T.LABEL_NO_TITLE: "Neues Gespräch mit einem Menschen",
    T.LABEL_NO_DESCRIPTION: "Keine Beschreibung vorhanden",
    T.LABEL_VISITOR: "Unbekannte Person",
    T.LABEL_BEFORE: "Gespräch vor der Übergabe",
    T.LABEL_LEFT_OUT: "{count} frühere Nachrichten oder Teile davon fehlen hier",
    T.SPEAKER_BOT: "Bot",
    T.SPEAKER_UNKNOWN: "Unbekannter Absender",
    # why a file is not attached
    T.FILE_GONE: "sie gibt es nicht mehr",
    T.FILE_EMPTY: "sie ist leer",
    T.FILE_TOO_LARGE: "sie ist größer als {size} MB",
    T.FILE_DAMAGED: "ihr Inhalt ist beschädigt",
    T.FILE_WEB_PAGE: "unter der Adresse liegt eine Webseite statt einer Datei",
    T.FILE_PROGRAM: "sie ist ein Programm",
    T.FILE_REFUSED: "ihr Server gibt sie nicht heraus",
    T.FILE_UNREACHABLE: "ihr Server antwortet nicht, wie er soll",
    T.FILE_ADDRESS: "ihre Adresse darf von hier nicht geöffnet werden",
    T.FILE_NOT_TAKEN: "HubSpot nimmt sie nicht an",
    T.FILE_NOT_FETCHED: "dieser Server holt keine Dateien",
    # what state a chat is in
    T.STATE_STARTING: "beginnt",
    T.STATE_PENDING: "wartet auf jemanden aus dem Team",
    T.STATE_ASSIGNED: "in Bearbeitung",
    T.STATE_RESOLVED: "beendet",
    T.STATE_REJECTED: "abgelehnt",
    T.STATE_EXPIRED: "beendet, niemand antwortete rechtzeitig",
    T.STATE_FAILED: "fehlgeschlagen",
    T.STATE_CANCELLED: "abgebrochen",
    # why a chat ended
    T.END_AGENT_CLOSED: "vom Team geschlossen",
    T.END_AGENT_ARCHIVED: "vom Team archiviert",
    T.END_AGENT_REJECTED: "vom Team abgelehnt",
    T.END_THREAD_DELETED: "in HubSpot gelöscht",
    T.END_MARKED_SPAM: "als Spam markiert",
    T.END_BOT_STOPPED: "vom Bot beendet",
    T.END_UNREGISTERED: "die Integration wurde vom Bot entfernt",
    T.END_USER_COMMAND: "von der anderen Seite beendet",
    T.END_USER_LEFT: "es kam keine Antwort mehr",
    T.END_NO_AGENT: "niemand übernahm rechtzeitig",
    T.END_AGENT_SILENT: "das Team antwortete nicht rechtzeitig",
    T.END_MERGED: "mit einem anderen zusammengeführt",
    T.END_START_FAILED: "konnte nicht beginnen",
    T.END_INTERNAL_ERROR: "ein Fehler dieser Integration",
    # the note on the contact
    T.FACT_WITH: "Mit",
    T.FACT_BEGAN: "Beginn",
    T.FACT_FIRST_ANSWER: "Erste Antwort",
    T.FACT_ENDED: "Ende",
    T.FACT_OUTCOME: "Ergebnis",
    T.FACT_AGENT: "Zuständig",
    T.SUMMARY_HEAD: "Maschinell erstellte Zusammenfassung",
    T.SUMMARY_NOTHING: "Niemand hat etwas gesagt.",
    T.SUMMARY_FIRST: "Erste Worte: {text}",
    T.SUMMARY_COUNTS: "Nachrichten: {user} von der anfragenden Seite, {agent} vom Team",
    T.SUMMARY_LAST: "Das letzte Wort, von {name}: {text}",
    T.TICKET_SUBJECT: "Gespräch mit {name}, {time} UTC",
    T.ANSWER_NOT_CONNECTED: (
        "Der Chat konnte nicht in diesen Posteingang verlegt werden. Versuchen Sie es später;"
        " hilft das nicht, fragen Sie, wer diese Integration betreut."
    ),
}
