"""List the custom channels of the app, and remove the ones named: `hubspot-hitl channels`."""

from __future__ import annotations

import sys

from hubspot_hitl.cli import run

if __name__ == "__main__":
    sys.exit(run(["channels", *sys.argv[1:]]))
