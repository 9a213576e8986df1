"""Bot -> HubSpot messages of channel `hitl` (operation `message_created`)."""
