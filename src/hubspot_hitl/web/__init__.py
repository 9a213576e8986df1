"""What the world can call: one list of routes and one error middleware."""
