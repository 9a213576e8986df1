"""What the doctor's last run found, remembered for whoever looks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hubspot_hitl.setup.doctor.findings import Finding


@dataclass(frozen=True, slots=True)
class Report:
    """What the last run in this process found."""

    findings: Sequence[Finding]
    at_ms: int
    took_ms: int
    by: str

    @property
    def counts(self) -> Counter[str]:
        """Findings by severity."""
        return Counter(one.severity.value for one in self.findings)


class Doctor:
    """Runs the checks, one run at a time, and keeps the last report."""

    def __init__(self) -> None:
        self.report: Report | None = None
        self.lock = asyncio.Lock()
