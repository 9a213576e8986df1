"""HubSpot: signatures and wire (pure), the client of one portal, OAuth, rate limits."""
