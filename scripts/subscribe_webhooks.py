"""Point the app's webhooks at us and subscribe: `hubspot-hitl webhooks --apply`."""

from __future__ import annotations

import sys

from hubspot_hitl.cli import run

if __name__ == "__main__":
    sys.exit(run(["webhooks", "--apply", *sys.argv[1:]]))
