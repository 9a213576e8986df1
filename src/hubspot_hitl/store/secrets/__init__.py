"""Secrets at rest: the key ring, where its keys come from, and the vault that it seals."""
