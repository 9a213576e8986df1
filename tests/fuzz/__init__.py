"""Random bytes against everything that reads strangers' bytes: `make fuzz`."""
