"""Publishing: the integration as a version in a Botpress workspace, and the secrets it brings."""
