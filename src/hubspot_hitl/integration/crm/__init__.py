"""Inputs and outputs of the actions on HubSpot's CRM, and their table. Pure."""
