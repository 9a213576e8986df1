"""The HubSpot side of an installation: made once, found again ever after."""
