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
        "What the integration itself says to users and agents, in "
        + ", ".join(f"`{language}`" for language in TEXTS)
        + ".",
        "",
        "**Texts** (`texts`) of an installation replaces a text by its key, for all languages or",
        "for one (`agent-left`, `agent-left.fr`), also for a language that is not in this list.",
        "So does `then.texts` of a routing rule, for the handoffs that it routed. The value",
        "`NULL` switches a text off; a text that stands for content then becomes that content.",
        "`{slots}` are filled in. Users read the language of the session; agents read **Language",
        "of the agents** (`agentLanguage`), or else the user's.",
    ]
    for title, wanted in (("For users", False), ("For agents", True)):
        lines += ["", f"## {title}", "", "| key | text in English |", "|---|---|"]
        for key in TextKey:
            if key.value.startswith(FOR_AGENTS) is wanted:
                text = TEXTS["en"][key].replace("\n", "<br>").replace("<inbox>", "&lt;inbox&gt;")
                lines.append(f"| `{key.value}` | {text} |")
    return "\n".join(lines) + "\n"
