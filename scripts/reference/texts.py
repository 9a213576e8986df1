"""docs/reference/texts.md."""

from __future__ import annotations

from scripts.reference.note import NOTE

from hubspot_hitl.handoff.texts import FOR_AGENTS, TEXTS, TextKey


def texts_page() -> str:
    """docs/reference/texts.md."""
    lines = [
        "# Texts",
        "",
        NOTE,
        "",
        "What users and agents read of this integration. Each exists in "
        + ", ".join(f"`{language}`" for language in TEXTS)
        + ".",
        "The setting **Texts** (`texts`) of an installation replaces one by its key, for all",
        "languages or for one (`agent-left`, `agent-left.fr`; also for a language not among them);",
        "so does `then.texts` of a routing rule, for the handoffs that the rule routed. The value",
        "`NULL` switches a text off; a text that stands for content is then what it was. `{slots}`",
        "are filled in. Users read the language of the session; agents that of the setting",
        "**Language of the agents** (`agentLanguage`), else the user's.",
    ]
    for title, wanted in (("For users", False), ("For agents", True)):
        lines += ["", f"## {title}", "", "| key | text in English |", "|---|---|"]
        for key in TextKey:
            if key.value.startswith(FOR_AGENTS) is wanted:
                text = TEXTS["en"][key].replace("\n", "<br>").replace("<inbox>", "&lt;inbox&gt;")
                lines.append(f"| `{key.value}` | {text} |")
    return "\n".join(lines) + "\n"
