"""The texts in Spanish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hubspot_hitl.handoff.wording.keys import TextKey as T

TEXTS: Final[Mapping[T, str]] = {
    T.CHAT_ENDED: "Este chat ha terminado.",
    T.AGENT_LEFT: "El agente se ha ido. Otra persona le atenderá en breve.",
    T.AGENT_CHANGED: "Otro agente se hace cargo.",
    T.TRANSFERRED: "Se le está transfiriendo a otro equipo.",
    T.WAITING: "Espere, por favor: un agente le atenderá en breve.",
    T.MESSAGE_FAILED: "No se pudo entregar su mensaje. Envíelo de nuevo, por favor.",
    T.NUDGE: "¿Sigue ahí?",
    T.NO_AGENT: "Lo sentimos, ahora mismo no hay ningún agente disponible.",
    T.REOPENED: "El agente ha reabierto el chat.",
    T.FILE_UNAVAILABLE: "[Se envió un archivo, pero no se puede abrir: {name}]",
    T.UNSUPPORTED: "[El agente envió algo que no se puede mostrar aquí: {kind}]",
    T.EMPTY_MESSAGE: "[Mensaje vacío]",
    T.PLACE: "Ubicación: {place}",
    T.CONTACT: "Contacto: {name}",
    T.TRUNCATED: "[El resto de este mensaje se cortó]",
    T.NOTE_CHAT_ENDED: "El chat ha terminado: el usuario no recibió su mensaje.",
    T.NOTE_NOT_REOPENED: (
        "Reabrir el hilo ya no llega al usuario: el chat ha terminado y responde el bot."
        " El usuario puede volver a pedir un agente."
    ),
    T.NOTE_REOPENED: "El chat está abierto de nuevo: el usuario recibe sus mensajes.",
    T.NOTE_USER_ENDED: "El usuario ha terminado el chat.",
    T.NOTE_UNREGISTERED: (
        "El bot se desconectó de esta bandeja, así que el chat ha terminado: lo que se"
        " escriba aquí ya no llega a nadie."
    ),
    T.NOTE_NUDGE: "El usuario espera una respuesta.",
    T.NOTE_NO_AGENT: "Nadie tomó el chat a tiempo: el bot lo retoma.",
    T.NOTE_AGENT_SILENT: "El usuario no recibió respuesta a tiempo: el bot retoma el chat.",
    T.NOTE_USER_SILENT: "El usuario ya no responde: el chat ha terminado.",
    T.NOTE_HELD: (
        "El chat ha terminado. Su mensaje se entregará cuando el usuario vuelva a pedir un agente."
    ),
    T.NOTE_HELD_SENT: (
        "El usuario ha vuelto: su mensaje posterior al final se le ha entregado en el nuevo chat."
    ),
    T.REASON_FAILED: "No se pudo entregar el mensaje al usuario.",
    T.REASON_DELAYED: (
        "Aún no entregado: el bot no responde. Seguimos intentándolo; no lo envíe de nuevo."
    ),
    T.REASON_NO_RETURN: "El usuario no ha vuelto. El mensaje no se entregó.",
    T.NOTE_REOPENING: (
        "Se ha pedido al bot que le devuelva al usuario. Una nota se lo dirá; lo que escriba "
        "hasta entonces queda en espera."
    ),
    T.NOTE_TRANSFERRED: "El chat sigue en la bandeja {inbox}, hilo {thread}.",
    T.NOTE_SO_FAR: "Conversación antes de la transferencia",
    T.NOTE_LATE_WORDS: "Tras el fin de este chat ({reason}) llegó: {text}",
    T.REASON_NO_CHAT: "Ningún chat del bot corresponde a esta conversación.",
    T.SPEAKER_AGENT: "Agente",
    T.SPEAKER_USER: "Usuario",
    T.NOT_ATTACHED: "No adjuntado: {file}",
    T.ANSWER_ENDED: "El chat ha terminado: ya no hay nada que dirigir.",
    T.ANSWER_GIVEN_BACK: "El bot tiene el chat de nuevo.",
    T.ANSWER_CHAT_ENDED: "El chat ha terminado.",
    T.ANSWER_NO_TIME: "Eso no es un tiempo. Escríbalo así: /wait 10m",
    T.ANSWER_WAIT_TOLD: "Se pidió al usuario que espere. Recordatorio en {minutes} min.",
    T.ANSWER_WAIT_UNTOLD: "No se dijo nada al usuario. Recordatorio en {minutes} min.",
    T.ANSWER_NOTHING_SAID: "Ningún agente ha escrito aún al usuario.",
    T.ANSWER_SAID_AGAIN: "Su último mensaje se envió de nuevo al usuario.",
    T.ANSWER_WHICH_INBOX: "Escriba /transfer y una de estas bandejas: {inboxes}",
    T.ANSWER_NO_INBOX: "No hay otra bandeja conectada a esta integración.",
    T.ANSWER_SAME_INBOX: "El chat ya está en esa bandeja.",
    T.ANSWER_UNKNOWN: "No existe el comando {command}.",
    T.ANSWER_WHO: (
        "Nombre: {name}\n"
        "Correo: {email}\n"
        "Teléfono: {phone}\n"
        "Contacto: {contact}\n"
        "Idioma: {language}\n"
        "Título: {title}\n"
        "Estado: {state}\n"
        "Agente: {agent}\n"
        "Traspaso: {handoff}\n"
        "Conversación del bot: {conversation}"
    ),
    T.ANSWER_HELP: (
        "Comandos, escritos como comentario interno:\n"
        "/bot - devolver el chat al bot; este hilo queda abierto\n"
        "/end - terminar el chat y cerrar este hilo\n"
        "/transfer <bandeja> - mover el chat a otra bandeja, por nombre o id\n"
        "/wait 10m - pedir al usuario que espere y recibir un recordatorio después\n"
        "/reask - enviar de nuevo al usuario su último mensaje\n"
        "/who - lo que se sabe del usuario y de este chat\n"
        "/help - esta lista"
    ),
    T.NAME_AGENT: "Agente",
    T.NAME_SUPPORT: "Soporte",
    T.IMAGE: "imagen",
    # what a kind of message is called
    T.LABEL_IMAGE: "Imagen",
    T.LABEL_AUDIO: "Audio",
    T.LABEL_VOICE: "Mensaje de voz",
    T.LABEL_VIDEO: "Vídeo",
    T.LABEL_FILE: "Archivo",
    T.LABEL_LOCATION: "Ubicación",
    T.LABEL_CARD: "Tarjeta",
    T.LABEL_CHOICE: "Elección",
    T.LABEL_BUTTON: "Botón",
    T.LABEL_EMPTY: "Mensaje vacío",
    T.LABEL_EDITED: "Editado",
    T.LABEL_MORE_FILES: "Más archivos",
    T.LABEL_KIND: "Mensaje de tipo {kind}",
    T.LABEL_UNKNOWN: "desconocido",
    T.LABEL_UNLABELLED: "sin etiqueta",
    T.LABEL_NO_ADDRESS: "sin dirección",
    T.LABEL_BAD_ADDRESS: "ninguna dirección que se pueda abrir: {address}",
    T.LABEL_NO_PLACE: "sin lugar",
    T.LABEL_LATITUDE: "latitud",
    T.LABEL_LONGITUDE: "longitud",
    T.LABEL_MORE: "no se muestra más",
    T.LABEL_DEEPER: "no se muestra el contenido más profundo",
    T.LABEL_YES: "sí",
    T.LABEL_NO: "no",
    # how urgent a chat is
    T.PRIORITY_LOW: "baja",
    T.PRIORITY_MEDIUM: "media",
    T.PRIORITY_HIGH: "alta",
    T.PRIORITY_URGENT: "urgente",
    # the opening and the header of the history
    T.LABEL_LINE: "{label}: {value}",
    T.LABEL_NAME: "Nombre",
    T.LABEL_TITLE: "Título",
    T.LABEL_DESCRIPTION: "Descripción",
    T.LABEL_PRIORITY: "Prioridad",
    T.LABEL_REASON: "Motivo",
    T.LABEL_SUBJECT: "Asunto",
    T.LABEL_INTENT: "Intención",
    T.LABEL_SENTIMENT: "Estado de ánimo",
    T.LABEL_LANGUAGE: "Idioma",
    T.LABEL_ORIGIN: "Página o canal",
    T.LABEL_NO_TITLE: "Nueva conversación con una persona",
    T.LABEL_NO_DESCRIPTION: "Sin descripción",
    T.LABEL_VISITOR: "Visitante",
    T.LABEL_BEFORE: "Conversación antes de la transferencia",
    T.LABEL_LEFT_OUT: "Se omiten {count} mensajes anteriores o partes de ellos",
    T.SPEAKER_BOT: "Bot",
    T.SPEAKER_UNKNOWN: "Remitente desconocido",
    # why a file is not attached
    T.FILE_GONE: "ya no existe",
    T.FILE_EMPTY: "está vacío",
    T.FILE_TOO_LARGE: "supera {size} MB",
    T.FILE_DAMAGED: "su contenido está dañado",
    T.FILE_WEB_PAGE: "su dirección da una página web en lugar de un archivo",
    T.FILE_PROGRAM: "es un programa",
    T.FILE_REFUSED: "su servidor no lo entrega",
    T.FILE_UNREACHABLE: "su servidor no responde como debe",
    T.FILE_ADDRESS: "su dirección no se puede abrir desde aquí",
    T.FILE_NOT_TAKEN: "HubSpot no lo acepta",
    T.FILE_NOT_FETCHED: "este servidor no descarga archivos",
    # what state a chat is in
    T.STATE_STARTING: "empezando",
    T.STATE_PENDING: "esperando a un agente",
    T.STATE_ASSIGNED: "con un agente",
    T.STATE_RESOLVED: "terminado",
    T.STATE_REJECTED: "rechazado",
    T.STATE_EXPIRED: "terminado, nadie respondió a tiempo",
    T.STATE_FAILED: "fallido",
    T.STATE_CANCELLED: "cancelado",
    # why a chat ended
    T.END_AGENT_CLOSED: "cerrado por un agente",
    T.END_AGENT_ARCHIVED: "archivado por un agente",
    T.END_AGENT_REJECTED: "rechazado por un agente",
    T.END_THREAD_DELETED: "eliminado en HubSpot",
    T.END_MARKED_SPAM: "marcado como spam",
    T.END_BOT_STOPPED: "terminado por el bot",
    T.END_UNREGISTERED: "la integración se quitó del bot",
    T.END_USER_COMMAND: "terminado por el usuario",
    T.END_USER_LEFT: "el usuario ya no respondía",
    T.END_NO_AGENT: "nadie lo tomó a tiempo",
    T.END_AGENT_SILENT: "ningún agente respondió a tiempo",
    T.END_MERGED: "fusionado con otro",
    T.END_START_FAILED: "no pudo empezar",
    T.END_INTERNAL_ERROR: "un error de esta integración",
    # the note on the contact
    T.FACT_WITH: "Con",
    T.FACT_BEGAN: "Inicio",
    T.FACT_FIRST_ANSWER: "Primera respuesta",
    T.FACT_ENDED: "Fin",
    T.FACT_OUTCOME: "Resultado",
    T.FACT_AGENT: "Agente",
    T.SUMMARY_HEAD: "Resumen hecho por una máquina",
    T.SUMMARY_NOTHING: "Nadie dijo nada.",
    T.SUMMARY_FIRST: "El usuario empezó: {text}",
    T.SUMMARY_COUNTS: "Mensajes: {user} del usuario, {agent} de los agentes",
    T.SUMMARY_LAST: "La última palabra, de {name}: {text}",
    T.TICKET_SUBJECT: "Conversación con {name}, {time} UTC",
    T.ANSWER_NOT_CONNECTED: (
        "No se pudo mover el chat a esa bandeja. Inténtelo más tarde; si no sirve, pregunte a"
        " quien se ocupa de esta integración."
    ),
}
