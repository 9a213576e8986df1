"""One input against one target, and what counts as a finding."""

from __future__ import annotations

import time
import traceback

from tests.fuzz.targets import ALLOWED, Target

_SLOW_S = 2.0  # of this thread alone: machines are shared


def fault_of(target: Target, data: bytes) -> str | None:
    """What is wrong with how the target took the input; None when nothing is."""
    began = time.thread_time()
    try:
        target.run(data)
    except ALLOWED:
        pass
    except Exception:
        return traceback.format_exc()
    took_s = time.thread_time() - began
    return f"took {took_s:.1f} s" if took_s > _SLOW_S else None
