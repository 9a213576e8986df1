"""The Botpress adapter: signed operations come in, Runtime API calls go out."""
