from __future__ import annotations

import pytest

from hubspot_hitl.errors import (
    AuthorizationLost,
    CircuitOpen,
    FileUnreachable,
    HitlError,
    VendorError,
    VendorFault,
    VendorRefused,
)
from hubspot_hitl.ports.services import Policy

POLICY = Policy(fetch_attempts=3, file_attempts=6)


def of_hubspot(type_: type[VendorError]) -> VendorError:
    return type_("no", vendor="hubspot", operation="files.upload")


AWAY = CircuitOpen(vendor="hubspot", operation="files.upload", retry_after_s=1.0, open_s=9.0)


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (of_hubspot(VendorFault), 6),
        (FileUnreachable("its host is ailing"), 3),
        (of_hubspot(VendorRefused), 1),
        (of_hubspot(AuthorizationLost), 9),
        (AWAY, 9),
    ],
)
def test_a_file_does_not_hold_words_back_for_long(error: HitlError, tries: int) -> None:
    again = [POLICY.retries_file(error, attempts) for attempts in range(9)]
    assert again == [number + 1 < tries or tries == 9 for number in range(9)]
