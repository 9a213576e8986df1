"""Bot -> HubSpot: messages of channel `hitl` (operation `message_created`), and the history."""
