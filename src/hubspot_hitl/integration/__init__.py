"""What the integration is: its configuration, schemas, tags, and the published definition."""
