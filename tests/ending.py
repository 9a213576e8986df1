"""What is to be done once, when all tests of this process are over."""

from __future__ import annotations

from contextlib import ExitStack

AT_THE_END = ExitStack()
