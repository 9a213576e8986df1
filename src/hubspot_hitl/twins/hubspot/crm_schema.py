"""What a new portal of the twin defines: properties of deals, companies, tickets; pipelines."""

from __future__ import annotations

from hubspot_hitl.twins.wire import Json

LOCKED = ("hs_object_id", "createdate", "hs_lastmodifieddate", "hs_createdate")
_P = tuple[str, str]

PROPERTIES: dict[str, tuple[_P, ...]] = {
    "contacts": (("hs_content_membership_notes", "string"),),
    "companies": (
        ("name", "string"),
        ("domain", "string"),
        ("phone", "string"),
        ("industry", "enumeration"),
        ("annualrevenue", "number"),
        ("numberofemployees", "number"),
        ("hubspot_owner_id", "enumeration"),
    ),
    "deals": (
        ("dealname", "string"),
        ("amount", "number"),
        ("closedate", "datetime"),
        ("pipeline", "enumeration"),
        ("dealstage", "enumeration"),
        ("hs_is_closed", "bool"),
        ("hubspot_owner_id", "enumeration"),
    ),
    "tickets": (
        ("subject", "string"),
        ("content", "string"),
        ("hs_pipeline", "enumeration"),
        ("hs_pipeline_stage", "enumeration"),
        ("hs_ticket_priority", "enumeration"),
        ("hubspot_owner_id", "enumeration"),
    ),
    "leads": (
        ("hs_lead_name", "string"),
        ("hs_lead_type", "string"),
        ("hs_lead_label", "string"),
        ("hs_pipeline", "enumeration"),
        ("hs_pipeline_stage", "enumeration"),
        ("hubspot_owner_id", "enumeration"),
    ),
    "notes": (
        ("hs_timestamp", "datetime"),
        ("hs_note_body", "string"),
        ("hs_attachment_ids", "string"),
        ("hubspot_owner_id", "enumeration"),
    ),
    "tasks": (
        ("hs_timestamp", "datetime"),
        ("hs_task_subject", "string"),
        ("hs_task_body", "string"),
        ("hs_task_status", "string"),
        ("hs_task_priority", "enumeration"),
        ("hs_task_type", "enumeration"),
        ("hs_task_reminders", "string"),
        ("hubspot_owner_id", "enumeration"),
    ),
    "communications": (
        ("hs_timestamp", "datetime"),
        ("hs_communication_channel_type", "enumeration"),
        ("hs_communication_logged_from", "string"),
        ("hs_communication_body", "string"),
        ("hubspot_owner_id", "enumeration"),
    ),
}
OPTIONS: dict[str, tuple[str, ...]] = {
    "industry": ("COMPUTER_SOFTWARE", "BANKING", "RETAIL"),
    "hs_ticket_priority": ("LOW", "MEDIUM", "HIGH", "URGENT"),
    "hs_task_priority": ("NONE", "LOW", "MEDIUM", "HIGH"),
    "hs_task_type": ("TODO", "CALL", "EMAIL"),
    "hs_communication_channel_type": ("WHATS_APP", "LINKEDIN_MESSAGE", "SMS"),
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "tickets": ("hs_pipeline_stage",),
    "leads": ("hs_lead_name",),
    "notes": ("hs_timestamp",),
    "tasks": ("hs_timestamp",),
    "communications": ("hs_timestamp",),
}
STAGE_OF = {
    "deals": ("pipeline", "dealstage"),
    "tickets": ("hs_pipeline", "hs_pipeline_stage"),
    "leads": ("hs_pipeline", "hs_pipeline_stage"),
}


def _stages(*stages: tuple[str, str, Json]) -> list[Json]:
    return [
        {"id": id_, "label": label, "displayOrder": n, "metadata": about, "archived": False}
        for n, (id_, label, about) in enumerate(stages)
    ]


_OPEN: Json = {"isClosed": "false"}
_DONE: Json = {"isClosed": "true"}
PIPELINES: dict[str, list[Json]] = {
    "deals": [
        {
            "id": "default",
            "label": "Sales Pipeline",
            "displayOrder": 0,
            "archived": False,
            "stages": _stages(
                ("appointmentscheduled", "Appointment Scheduled", _OPEN),
                ("contractsent", "Contract Sent", _OPEN),
                ("closedwon", "Closed Won", _DONE),
                ("closedlost", "Closed Lost", _DONE),
            ),
        }
    ],
    "tickets": [
        {
            "id": "0",
            "label": "Support Pipeline",
            "displayOrder": 0,
            "archived": False,
            "stages": _stages(
                ("1", "New", {"ticketState": "OPEN"}),
                ("2", "Waiting on contact", {"ticketState": "OPEN"}),
                ("4", "Closed", {"ticketState": "CLOSED"}),
            ),
        },
        {
            "id": "77",
            "label": "Escalations",
            "displayOrder": 1,
            "archived": False,
            "stages": _stages(
                ("771", "Urgent", {"ticketState": "OPEN"}),
                ("772", "Solved", {"ticketState": "CLOSED"}),
            ),
        },
    ],
    "leads": [
        {
            "id": "lead-pipeline-id",
            "label": "Lead Pipeline",
            "displayOrder": 0,
            "archived": False,
            "stages": _stages(
                ("new-stage-id", "New", {"leadState": "NEW"}),
                ("qualified-stage-id", "Qualified", {"leadState": "QUALIFIED"}),
            ),
        }
    ],
}


def closed(kind: str, stage: str | None) -> bool:
    """Whether a stage ends a deal."""
    stages = (one for pipeline in PIPELINES[kind] for one in pipeline["stages"])
    return any(one["id"] == stage and one["metadata"] == _DONE for one in stages)
