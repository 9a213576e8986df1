"""Encrypt every stored secret anew with the first key: `hubspot-hitl keys rotate`."""

from __future__ import annotations

import sys

from hubspot_hitl.cli import run

if __name__ == "__main__":
    sys.exit(run(["keys", "rotate", *sys.argv[1:]]))
