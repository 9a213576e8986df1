"""docs/reference/routing.md."""

from __future__ import annotations

from scripts.reference.note import NOTE

from hubspot_hitl.crm.outcome_rules import Then as Outcome
from hubspot_hitl.crm.outcome_rules import When
from hubspot_hitl.crm.routing.conditions import MAX_DEPTH, MAX_PATTERN, MEANINGS
from hubspot_hitl.crm.routing.rule_checks import OWN_FACTS
from hubspot_hitl.crm.routing.rules import MAX_RULES, MAX_TEXT, Then

_SESSION = "As the bot gives it in `hitlSession`."
FACTS = {
    "handoff.title": "The title that the bot gives to `startHitl`.",
    "handoff.description": "The description that the bot gives to `startHitl`.",
    "handoff.subject": _SESSION,
    "handoff.reason": _SESSION,
    "handoff.intent": _SESSION,
    "handoff.sentiment": _SESSION,
    "handoff.language": "The user's language, as a BCP 47 tag.",
    "handoff.pageUrl": _SESSION,
    "handoff.inbox": "The inbox that the bot asks for in `hitlSession`.",
    "handoff.priority": _SESSION,
    "handoff.hasEmail": "Whether the user's email address is known.",
    "handoff.hasPhone": "Whether the user's phone number is known.",
    "clock.now": "Date and time in the zone of the default inbox.",
    "clock.date": "The date there, such as `2026-05-31`.",
    "clock.time": "The time there, such as `09:30`.",
    "clock.hour": "The hour there, 0 to 23.",
    "clock.weekday": "The day of the week there.",
    "clock.open": "Whether the default inbox is open; missing without business hours.",
    "clock.openInboxes": "The ids of the inboxes that are open, or have no business hours.",
    "clock.holiday": "Whether today is a holiday of the default inbox.",
    "queue.waiting": "How many users wait for an agent, over all inboxes.",
    "queue.open": "How many handoffs are open, waiting ones included.",
    "queue.waitMinutes": "Median minutes to the first reply lately; missing until there are three.",
    "queue.minutesSinceAgentReply": "Minutes since an agent last replied to anybody.",
    "queue.agentPresence": "HubSpot does not tell whether an agent is online.",
}


def routing_page() -> str:
    """docs/reference/routing.md."""
    lines = [
        "# Routing rules and outcome rules",
        "",
        NOTE,
        "",
        "[How to route](../how-to/routing.md) explains rules by examples; this page lists what",
        "they can name. A rule is `{name, when, then, enabled}`; the first that fits counts.",
        f"Unknown keys are refused. There may be {MAX_RULES} rules of {MAX_TEXT} characters in",
        f"all, conditions {MAX_DEPTH} levels deep, patterns of {MAX_PATTERN} characters.",
        "",
        "## Facts",
        "",
        "`contact.<property>`, `company.<property>` and `deals.<property>` (open deals) are the",
        "portal's properties, typed: the action `discoverFields` lists them. These are ours:",
        "",
        "| fact | type | meaning |",
        "|---|---|---|",
    ]
    for root, facts in OWN_FACTS.items():
        for name, one in facts.items():
            kind = ", ".join(f"`{option.value}`" for option in one.options) or one.type
            kind = "list" if one.field_type == "checkbox" else kind
            lines.append(f"| `{root}.{name}` | {kind} | {FACTS[f'{root}.{name}']} |")
    lines += ["", "## Conditions", "", "| keywords | hold for |", "|---|---|"]
    for meaning, keywords in MEANINGS:
        names = ", ".join(f"`{one}`" for one in sorted(keywords))
        lines.append(f"| {names} | {meaning} |")
    lines += ["", "## Effects", "", "| key of `then` | effect |", "|---|---|"]
    lines += [f"| `{name}` | {field.description} |" for name, field in Then.model_fields.items()]
    lines += [
        "",
        "## Outcome rules",
        "",
        "[Transcript and outcome](../how-to/transcript.md) explains them: `{name, when, then}`.",
        "",
        "| key | meaning |",
        "|---|---|",
    ]
    for side, model in (("when", When), ("then", Outcome)):
        for name, field in model.model_fields.items():
            lines.append(f"| `{side}.{field.alias or name}` | {field.description} |")
    return "\n".join(lines) + "\n"
