"""What the world can call: one list of routes, webhooks, operations, health, one error middleware."""
