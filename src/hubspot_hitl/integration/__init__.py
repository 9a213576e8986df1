"""What the integration is: configuration, schemas of actions, events and channels, the definition."""
