"""The texts in French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hubspot_hitl.handoff.wording.keys import TextKey as T

TEXTS: Final[Mapping[T, str]] = {
    T.CHAT_ENDED: "Cette conversation est terminée.",
    T.AGENT_LEFT: "L'agent est parti. Quelqu'un d'autre va vous répondre sous peu.",
    T.AGENT_CHANGED: "Un autre agent prend le relais.",
    T.TRANSFERRED: "Vous êtes transféré vers une autre équipe.",
    T.WAITING: "Veuillez patienter, un agent va vous répondre sous peu.",
    T.MESSAGE_FAILED: "Votre message n'a pas pu être remis. Veuillez le renvoyer.",
    T.NUDGE: "Êtes-vous toujours là ?",
    T.NO_AGENT: "Désolé, aucun agent n'est disponible pour le moment.",
    T.REOPENED: "L'agent a rouvert la conversation.",
    T.FILE_UNAVAILABLE: "[Un fichier a été envoyé mais ne peut pas être ouvert : {name}]",
    T.UNSUPPORTED: "[L'agent a envoyé un contenu qui ne peut pas être affiché ici : {kind}]",
    T.EMPTY_MESSAGE: "[Message vide]",
    T.PLACE: "Lieu : {place}",
    T.CONTACT: "Contact : {name}",
    T.TRUNCATED: "[La suite de ce message a été coupée]",
    T.NOTE_CHAT_ENDED: "La conversation est terminée : l'utilisateur n'a pas reçu votre message.",
    T.NOTE_NOT_REOPENED: (
        "Rouvrir le fil n'atteint plus l'utilisateur : la conversation est terminée et le bot"
        " répond. L'utilisateur peut redemander un agent."
    ),
    T.NOTE_REOPENED: "La conversation est rouverte : l'utilisateur reçoit vos messages.",
    T.NOTE_USER_ENDED: "L'utilisateur a mis fin à la conversation.",
    T.NOTE_BOT_ENDED: "Le bot a mis fin à la conversation.",
    T.NOTE_NUDGE: "L'utilisateur attend une réponse.",
    T.NOTE_NO_AGENT: "Personne n'a pris la conversation à temps : le bot la reprend.",
    T.NOTE_AGENT_SILENT: (
        "L'utilisateur n'a pas reçu de réponse à temps : le bot reprend la conversation."
    ),
    T.NOTE_USER_SILENT: "L'utilisateur ne répond plus : la conversation est terminée.",
    T.NOTE_HELD: (
        "La conversation est terminée. Votre message sera remis quand l'utilisateur"
        " redemandera un agent."
    ),
    T.NOTE_HELD_SENT: (
        "L'utilisateur est revenu : votre message d'après la fin lui a été remis dans la"
        " nouvelle conversation."
    ),
    T.REASON_FAILED: "Le message n'a pas pu être remis à l'utilisateur.",
    T.REASON_DELAYED: (
        "Pas encore remis : le bot ne répond pas. Nous réessayons ; ne le renvoyez pas."
    ),
    T.REASON_NO_RETURN: "L'utilisateur n'est pas revenu. Le message n'a pas été remis.",
    T.NOTE_REOPENING: (
        "Le bot a été prié de vous ramener l'utilisateur. Une note vous le dira ; ce que vous"
        " écrivez d'ici là est gardé."
    ),
    T.NOTE_TRANSFERRED: "La conversation continue dans la boîte {inbox}, fil {thread}.",
    T.NOTE_SO_FAR: "Conversation avant le transfert",
    T.NOTE_LATE_WORDS: "Après la fin de cette conversation ({reason}) est arrivé : {text}",
    T.REASON_NO_CHAT: "Aucun chat de bot ne correspond à cette conversation.",
    T.SPEAKER_AGENT: "Agent",
    T.SPEAKER_USER: "Utilisateur",
    T.NOT_ATTACHED: "Non joint : {file}",
    T.ANSWER_ENDED: "La conversation est terminée : il n'y a plus rien à piloter.",
    T.ANSWER_GIVEN_BACK: "Le bot a repris la conversation.",
    T.ANSWER_CHAT_ENDED: "La conversation est terminée.",
    T.ANSWER_NO_TIME: "Ce n'est pas une durée. Écrivez par exemple : /wait 10m",
    T.ANSWER_WAIT_TOLD: "L'utilisateur a été prié de patienter. Rappel dans {minutes} min.",
    T.ANSWER_WAIT_UNTOLD: "L'utilisateur n'a pas été prévenu. Rappel dans {minutes} min.",
    T.ANSWER_NOTHING_SAID: "Aucun agent n'a encore écrit à l'utilisateur.",
    T.ANSWER_SAID_AGAIN: "Votre dernier message a été renvoyé à l'utilisateur.",
    T.ANSWER_WHICH_INBOX: "Écrivez /transfer et l'une de ces boîtes : {inboxes}",
    T.ANSWER_NO_INBOX: "Aucune autre boîte n'est reliée à cette intégration.",
    T.ANSWER_SAME_INBOX: "La conversation est déjà dans cette boîte.",
    T.ANSWER_UNKNOWN: "La commande {command} n'existe pas.",
    T.ANSWER_WHO: (
        "Nom : {name}\n"
        "E-mail : {email}\n"
        "Téléphone : {phone}\n"
        "Contact : {contact}\n"
        "Langue : {language}\n"
        "Titre : {title}\n"
        "État : {state}\n"
        "Agent : {agent}\n"
        "Transfert : {handoff}\n"
        "Conversation du bot : {conversation}"
    ),
    T.ANSWER_HELP: (
        "Commandes, à écrire en commentaire interne :\n"
        "/bot - rendre la conversation au bot ; ce fil reste ouvert\n"
        "/end - terminer la conversation et fermer ce fil\n"
        "/transfer <boîte> - déplacer la conversation vers une autre boîte, par nom ou id\n"
        "/wait 10m - prier l'utilisateur de patienter, avec un rappel après ce délai\n"
        "/reask - renvoyer votre dernier message à l'utilisateur\n"
        "/who - ce que l'on sait de l'utilisateur et de cette conversation\n"
        "/help - cette liste"
    ),
}
