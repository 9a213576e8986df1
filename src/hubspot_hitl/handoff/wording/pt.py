"""The texts in Portuguese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hubspot_hitl.handoff.wording.keys import TextKey as T

TEXTS: Final[Mapping[T, str]] = {
    T.CHAT_ENDED: "Este chat foi encerrado.",
    T.AGENT_LEFT: "O atendente saiu. Outra pessoa vai atender você em breve.",
    T.AGENT_CHANGED: "Outro atendente está assumindo.",
    T.TRANSFERRED: "Você está sendo transferido para outra equipe.",
    T.WAITING: "Aguarde, por favor: um atendente falará com você em breve.",
    T.MESSAGE_FAILED: "Sua mensagem não pôde ser entregue. Envie-a novamente, por favor.",
    T.NUDGE: "Você ainda está aí?",
    T.NO_AGENT: "Desculpe, não há nenhum atendente disponível no momento.",
    T.REOPENED: "O atendente reabriu o chat.",
    T.FILE_UNAVAILABLE: "[Um arquivo foi enviado, mas não pode ser aberto: {name}]",
    T.UNSUPPORTED: "[O atendente enviou algo que não pode ser mostrado aqui: {kind}]",
    T.EMPTY_MESSAGE: "[Mensagem vazia]",
    T.PLACE: "Localização: {place}",
    T.CONTACT: "Contato: {name}",
    T.TRUNCATED: "[O restante desta mensagem foi cortado]",
    T.NOTE_CHAT_ENDED: "O chat foi encerrado: o usuário não recebeu sua mensagem.",
    T.NOTE_NOT_REOPENED: (
        "Reabrir a conversa não chega mais ao usuário: o chat foi encerrado e o bot responde."
        " O usuário pode pedir um atendente novamente."
    ),
    T.NOTE_REOPENED: "O chat está aberto de novo: o usuário recebe suas mensagens.",
    T.NOTE_USER_ENDED: "O usuário encerrou o chat.",
    T.NOTE_BOT_ENDED: "O bot encerrou o chat.",
    T.NOTE_NUDGE: "O usuário está esperando uma resposta.",
    T.NOTE_NO_AGENT: "Ninguém assumiu o chat a tempo: o bot o retoma.",
    T.NOTE_AGENT_SILENT: "O usuário não recebeu resposta a tempo: o bot retoma o chat.",
    T.NOTE_USER_SILENT: "O usuário não responde mais: o chat foi encerrado.",
    T.NOTE_HELD: (
        "O chat foi encerrado. Sua mensagem será entregue quando o usuário pedir um"
        " atendente de novo."
    ),
    T.NOTE_HELD_SENT: "O usuário voltou: sua mensagem de depois do fim foi entregue no novo chat.",
    T.REASON_FAILED: "Não foi possível entregar a mensagem ao usuário.",
    T.REASON_DELAYED: (
        "Ainda não entregue: o bot não responde. Continuamos tentando; não a envie de novo."
    ),
    T.REASON_NO_RETURN: "O usuário não voltou. A mensagem não foi entregue.",
    T.NOTE_REOPENING: (
        "Pedimos ao bot que traga o usuário de volta. Uma nota avisará; o que você escrever "
        "até lá fica guardado."
    ),
    T.NOTE_TRANSFERRED: "O chat continua na caixa {inbox}, conversa {thread}.",
    T.NOTE_SO_FAR: "Conversa antes da transferência",
    T.NOTE_LATE_WORDS: "Depois do fim deste chat ({reason}) chegou: {text}",
    T.REASON_NO_CHAT: "Nenhum chat do bot corresponde a esta conversa.",
    T.SPEAKER_AGENT: "Atendente",
    T.SPEAKER_USER: "Usuário",
    T.NOT_ATTACHED: "Não anexado: {file}",
    T.ANSWER_ENDED: "O chat foi encerrado: não há mais nada a comandar.",
    T.ANSWER_GIVEN_BACK: "O bot está com o chat de novo.",
    T.ANSWER_CHAT_ENDED: "O chat está encerrado.",
    T.ANSWER_NO_TIME: "Isso não é um tempo. Escreva assim: /wait 10m",
    T.ANSWER_WAIT_TOLD: "Pedimos ao usuário que aguarde. Lembrete em {minutes} min.",
    T.ANSWER_WAIT_UNTOLD: "Nada foi dito ao usuário. Lembrete em {minutes} min.",
    T.ANSWER_NOTHING_SAID: "Nenhum atendente escreveu ao usuário ainda.",
    T.ANSWER_SAID_AGAIN: "Sua última mensagem foi enviada de novo ao usuário.",
    T.ANSWER_WHICH_INBOX: "Escreva /transfer e uma destas caixas: {inboxes}",
    T.ANSWER_NO_INBOX: "Nenhuma outra caixa está conectada a esta integração.",
    T.ANSWER_SAME_INBOX: "O chat já está nessa caixa.",
    T.ANSWER_UNKNOWN: "Não existe o comando {command}.",
    T.ANSWER_WHO: (
        "Nome: {name}\n"
        "E-mail: {email}\n"
        "Telefone: {phone}\n"
        "Contato: {contact}\n"
        "Idioma: {language}\n"
        "Título: {title}\n"
        "Estado: {state}\n"
        "Atendente: {agent}\n"
        "Transferência: {handoff}\n"
        "Conversa do bot: {conversation}"
    ),
    T.ANSWER_HELP: (
        "Comandos, escritos como comentário interno:\n"
        "/bot - devolver o chat ao bot; esta conversa continua aberta\n"
        "/end - encerrar o chat e fechar esta conversa\n"
        "/transfer <caixa> - mover o chat para outra caixa, por nome ou id\n"
        "/wait 10m - pedir ao usuário que aguarde e receber um lembrete depois\n"
        "/reask - enviar de novo ao usuário a sua última mensagem\n"
        "/who - o que se sabe do usuário e deste chat\n"
        "/help - esta lista"
    ),
}
