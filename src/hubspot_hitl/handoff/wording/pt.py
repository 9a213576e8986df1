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
    T.NOTE_UNREGISTERED: (
        "O bot foi desconectado desta caixa de entrada, então o chat foi encerrado: o"
        " que for escrito aqui não chega mais a ninguém."
    ),
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
    T.NAME_AGENT: "Agente",
    T.NAME_SUPPORT: "Suporte",
    T.IMAGE: "imagem",
    # what a kind of message is called
    T.LABEL_IMAGE: "Imagem",
    T.LABEL_AUDIO: "Áudio",
    T.LABEL_VOICE: "Mensagem de voz",
    T.LABEL_VIDEO: "Vídeo",
    T.LABEL_FILE: "Arquivo",
    T.LABEL_LOCATION: "Localização",
    T.LABEL_CARD: "Cartão",
    T.LABEL_CHOICE: "Escolha",
    T.LABEL_BUTTON: "Botão",
    T.LABEL_EMPTY: "Mensagem vazia",
    T.LABEL_EDITED: "Editado",
    T.LABEL_MORE_FILES: "Mais arquivos",
    T.LABEL_KIND: "Mensagem do tipo {kind}",
    T.LABEL_UNKNOWN: "desconhecido",
    T.LABEL_UNLABELLED: "sem rótulo",
    T.LABEL_NO_ADDRESS: "sem endereço",
    T.LABEL_BAD_ADDRESS: "nenhum endereço que possa ser aberto: {address}",
    T.LABEL_NO_PLACE: "sem lugar",
    T.LABEL_LATITUDE: "latitude",
    T.LABEL_LONGITUDE: "longitude",
    T.LABEL_MORE: "o resto não é mostrado",
    T.LABEL_DEEPER: "o conteúdo mais profundo não é mostrado",
    T.LABEL_YES: "sim",
    T.LABEL_NO: "não",
    # how urgent a chat is
    T.PRIORITY_LOW: "baixa",
    T.PRIORITY_MEDIUM: "média",
    T.PRIORITY_HIGH: "alta",
    T.PRIORITY_URGENT: "urgente",
    # the opening and the header of the history
    T.LABEL_LINE: "{label}: {value}",
    T.LABEL_NAME: "Nome",
    T.LABEL_TITLE: "Título",
    T.LABEL_DESCRIPTION: "Descrição",
    T.LABEL_PRIORITY: "Prioridade",
    T.LABEL_REASON: "Motivo",
    T.LABEL_SUBJECT: "Assunto",
    T.LABEL_INTENT: "Intenção",
    T.LABEL_SENTIMENT: "Sentimento",
    T.LABEL_LANGUAGE: "Idioma",
    T.LABEL_ORIGIN: "Página ou canal",
    T.LABEL_NO_TITLE: "Nova conversa com uma pessoa",
    T.LABEL_NO_DESCRIPTION: "Sem descrição",
    T.LABEL_VISITOR: "Visitante",
    T.LABEL_BEFORE: "Conversa antes da transferência",
    T.LABEL_LEFT_OUT: "{count} mensagens anteriores ou partes delas foram omitidas",
    T.SPEAKER_BOT: "Bot",
    T.SPEAKER_UNKNOWN: "Remetente desconhecido",
    # why a file is not attached
    T.FILE_GONE: "já não existe",
    T.FILE_EMPTY: "está vazio",
    T.FILE_TOO_LARGE: "ultrapassa {size} MB",
    T.FILE_DAMAGED: "o conteúdo está danificado",
    T.FILE_WEB_PAGE: "o endereço dá uma página web em vez de um arquivo",
    T.FILE_PROGRAM: "é um programa",
    T.FILE_REFUSED: "o servidor não o entrega",
    T.FILE_UNREACHABLE: "o servidor não responde como deveria",
    T.FILE_ADDRESS: "o endereço não pode ser aberto daqui",
    T.FILE_NOT_TAKEN: "o HubSpot não o aceita",
    T.FILE_NOT_FETCHED: "este servidor não baixa arquivos",
    # what state a chat is in
    T.STATE_STARTING: "começando",
    T.STATE_PENDING: "à espera de um agente",
    T.STATE_ASSIGNED: "com um agente",
    T.STATE_RESOLVED: "encerrado",
    T.STATE_REJECTED: "rejeitado",
    T.STATE_EXPIRED: "encerrado, ninguém respondeu a tempo",
    T.STATE_FAILED: "falhou",
    T.STATE_CANCELLED: "cancelado",
    # why a chat ended
    T.END_AGENT_CLOSED: "fechado por um agente",
    T.END_AGENT_ARCHIVED: "arquivado por um agente",
    T.END_AGENT_REJECTED: "rejeitado por um agente",
    T.END_THREAD_DELETED: "excluído no HubSpot",
    T.END_MARKED_SPAM: "marcado como spam",
    T.END_BOT_STOPPED: "encerrado pelo bot",
    T.END_UNREGISTERED: "a integração foi removida do bot",
    T.END_USER_COMMAND: "encerrado pelo usuário",
    T.END_USER_LEFT: "o usuário não respondia mais",
    T.END_NO_AGENT: "ninguém o assumiu a tempo",
    T.END_AGENT_SILENT: "nenhum agente respondeu a tempo",
    T.END_MERGED: "mesclado com outro",
    T.END_START_FAILED: "não pôde começar",
    T.END_INTERNAL_ERROR: "um erro desta integração",
    # the note on the contact
    T.FACT_WITH: "Com",
    T.FACT_BEGAN: "Início",
    T.FACT_FIRST_ANSWER: "Primeira resposta",
    T.FACT_ENDED: "Fim",
    T.FACT_OUTCOME: "Resultado",
    T.FACT_AGENT: "Agente",
    T.SUMMARY_HEAD: "Resumo feito por uma máquina",
    T.SUMMARY_NOTHING: "Ninguém disse nada.",
    T.SUMMARY_FIRST: "O usuário começou: {text}",
    T.SUMMARY_COUNTS: "Mensagens: {user} do usuário, {agent} dos agentes",
    T.SUMMARY_LAST: "A última palavra, de {name}: {text}",
    T.TICKET_SUBJECT: "Conversa com {name}, {time} UTC",
    T.ANSWER_NOT_CONNECTED: (
        "Não foi possível mover o chat para essa caixa. Tente mais tarde; se não ajudar, fale"
        " com quem cuida desta integração."
    ),
}
