"""Connecting a portal: over HubSpot's consent page and back, and how the connection stands.

`web.oauth` and the commands are the ways in; nothing here knows of HTTP requests.
"""
