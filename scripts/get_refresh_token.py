"""Connect a HubSpot portal and print or store its refresh token: `hubspot-hitl connect`."""

from __future__ import annotations

import sys

from hubspot_hitl.cli import run

if __name__ == "__main__":
    sys.exit(run(["connect", *sys.argv[1:]]))
