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
    T.NOTE_UNREGISTERED: (
        "Le bot a été déconnecté de cette boîte de réception, la conversation est donc"
        " terminée : ce qui est écrit ici n'arrive plus à personne."
    ),
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
    T.NAME_AGENT: "Agent",
    T.NAME_SUPPORT: "Assistance",
    T.IMAGE: "image",
    # what a kind of message is called
    T.LABEL_IMAGE: "Image",
    T.LABEL_AUDIO: "Audio",
    T.LABEL_VOICE: "Message vocal",
    T.LABEL_VIDEO: "Vidéo",
    T.LABEL_FILE: "Fichier",
    T.LABEL_LOCATION: "Lieu",
    T.LABEL_CARD: "Carte",
    T.LABEL_CHOICE: "Choix",
    T.LABEL_BUTTON: "Bouton",
    T.LABEL_EMPTY: "Message vide",
    T.LABEL_EDITED: "Modifié",
    T.LABEL_MORE_FILES: "Autres fichiers",
    T.LABEL_KIND: "Message de type {kind}",
    T.LABEL_UNKNOWN: "inconnu",
    T.LABEL_UNLABELLED: "sans libellé",
    T.LABEL_NO_ADDRESS: "sans adresse",
    T.LABEL_BAD_ADDRESS: "aucune adresse qui puisse être ouverte : {address}",
    T.LABEL_NO_PLACE: "sans lieu",
    T.LABEL_LATITUDE: "latitude",
    T.LABEL_LONGITUDE: "longitude",
    T.LABEL_MORE: "la suite n'est pas affichée",
    T.LABEL_DEEPER: "le contenu plus profond n'est pas affiché",
    T.LABEL_YES: "oui",
    T.LABEL_NO: "non",
    # how urgent a chat is
    T.PRIORITY_LOW: "basse",
    T.PRIORITY_MEDIUM: "moyenne",
    T.PRIORITY_HIGH: "haute",
    T.PRIORITY_URGENT: "urgente",
    # the opening and the header of the history
    T.LABEL_LINE: "{label} : {value}",
    T.LABEL_NAME: "Nom",
    T.LABEL_TITLE: "Titre",
    T.LABEL_DESCRIPTION: "Description",
    T.LABEL_PRIORITY: "Priorité",
    T.LABEL_REASON: "Motif",
    T.LABEL_SUBJECT: "Objet",
    T.LABEL_INTENT: "Intention",
    T.LABEL_SENTIMENT: "Sentiment du client",
    T.LABEL_LANGUAGE: "Langue",
    T.LABEL_ORIGIN: "Page ou canal",
    T.LABEL_NO_TITLE: "Nouvelle conversation avec un humain",
    T.LABEL_NO_DESCRIPTION: "Aucune description disponible",
    T.LABEL_VISITOR: "Visiteur",
    T.LABEL_BEFORE: "Conversation avant le transfert",
    T.LABEL_LEFT_OUT: "{count} messages antérieurs, ou parties de messages, sont omis",
    T.SPEAKER_BOT: "Bot",
    T.SPEAKER_UNKNOWN: "Expéditeur inconnu",
    # why a file is not attached
    T.FILE_GONE: "il n'existe plus",
    T.FILE_EMPTY: "il est vide",
    T.FILE_TOO_LARGE: "il dépasse {size} Mo",
    T.FILE_DAMAGED: "son contenu est endommagé",
    T.FILE_WEB_PAGE: "son adresse donne une page web au lieu d'un fichier",
    T.FILE_PROGRAM: "c'est un programme",
    T.FILE_REFUSED: "son hôte ne le donne pas",
    T.FILE_UNREACHABLE: "son hôte ne répond pas comme il faut",
    T.FILE_ADDRESS: "son adresse ne peut pas être ouverte d'ici",
    T.FILE_NOT_TAKEN: "HubSpot ne l'accepte pas",
    T.FILE_NOT_FETCHED: "ce serveur ne va chercher aucun fichier",
    # what state a chat is in
    T.STATE_STARTING: "en cours de démarrage",
    T.STATE_PENDING: "en attente d'un agent",
    T.STATE_ASSIGNED: "avec un agent",
    T.STATE_RESOLVED: "terminée",
    T.STATE_REJECTED: "refusée",
    T.STATE_EXPIRED: "terminée, personne n'a répondu à temps",
    T.STATE_FAILED: "échouée",
    T.STATE_CANCELLED: "annulée",
    # why a chat ended
    T.END_AGENT_CLOSED: "fermée par un agent",
    T.END_AGENT_ARCHIVED: "archivée par un agent",
    T.END_AGENT_REJECTED: "refusée par un agent",
    T.END_THREAD_DELETED: "supprimée dans HubSpot",
    T.END_MARKED_SPAM: "marquée comme spam",
    T.END_BOT_STOPPED: "terminée par le bot",
    T.END_UNREGISTERED: "l'intégration a été retirée du bot",
    T.END_USER_COMMAND: "terminée par l'utilisateur",
    T.END_USER_LEFT: "l'utilisateur ne répondait plus",
    T.END_NO_AGENT: "personne ne l'a prise à temps",
    T.END_AGENT_SILENT: "aucun agent n'a répondu à temps",
    T.END_MERGED: "fusionnée avec une autre",
    T.END_START_FAILED: "elle n'a pas pu démarrer",
    T.END_INTERNAL_ERROR: "une erreur de cette intégration",
    # the note on the contact
    T.FACT_WITH: "Avec",
    T.FACT_BEGAN: "Début",
    T.FACT_FIRST_ANSWER: "Première réponse",
    T.FACT_ENDED: "Fin",
    T.FACT_OUTCOME: "Issue",
    T.FACT_AGENT: "Agent",
    T.SUMMARY_HEAD: "Résumé fait par une machine",
    T.SUMMARY_NOTHING: "Personne n'a rien dit.",
    T.SUMMARY_FIRST: "L'utilisateur a commencé : {text}",
    T.SUMMARY_COUNTS: "Messages : {user} de l'utilisateur, {agent} des agents",
    T.SUMMARY_LAST: "Le dernier mot, de {name} : {text}",
    T.TICKET_SUBJECT: "Conversation avec {name}, {time} UTC",
    T.ANSWER_NOT_CONNECTED: (
        "La conversation n'a pas pu être déplacée vers cette boîte. Réessayez plus tard ;"
        " sinon, adressez-vous à qui s'occupe de cette intégration."
    ),
}
