"""docs/reference/routing.md."""

from __future__ import annotations

from scripts.reference.note import NOTE

from hubspot_hitl.crm.outcome_rules import Then as Outcome
from hubspot_hitl.crm.outcome_rules import When
from hubspot_hitl.crm.routing.conditions import MAX_DEPTH, MAX_PATTERN, MEANINGS
from hubspot_hitl.crm.routing.rule_checks import OWN_FACTS
from hubspot_hitl.crm.routing.rules import MAX_RULES, MAX_TEXT, Then


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
        "| fact | type | values |",
        "|---|---|---|",
    ]
    for root, facts in OWN_FACTS.items():
        for name, one in facts.items():
            values = " ".join(f"`{option.value}`" for option in one.options)
            kind = "list" if one.field_type == "checkbox" else one.type
            lines.append(f"| `{root}.{name}` | {kind} | {values} |")
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
