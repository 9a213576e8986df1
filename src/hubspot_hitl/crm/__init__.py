"""HubSpot's CRM where it helps the handoff: contacts, transcript, fields, rules, activity."""
