from __future__ import annotations

import base64
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.store.secrets.keyring import KeyRing

OLD = "old:" + base64.b64encode(b"\x01" * 32).decode()
NEW = "new:" + base64.urlsafe_b64encode(b"\xff" * 32).decode().rstrip("=")
RING = KeyRing.from_text(f"{NEW}, {OLD}")


@given(scope=st.text(), name=st.text(), value=st.binary(max_size=300))
def test_what_is_sealed_opens_again_and_only_in_its_place(
    scope: str, name: str, value: bytes
) -> None:
    blob = RING.seal(scope, name, value)
    assert RING.open(scope, name, blob) == value
    for elsewhere in ((scope + "x", name), (scope, name + "x"), (scope + name, "")):
        if elsewhere != (scope, name):
            with pytest.raises(BadSettings):
                RING.open(*elsewhere, blob)


@given(value=st.binary(max_size=50), data=st.data())
def test_a_value_with_any_changed_bit_does_not_open(value: bytes, data: st.DataObject) -> None:
    blob = bytearray(RING.seal("scope", "name", value))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BadSettings):
        RING.open("scope", "name", bytes(blob))


@given(blob=st.binary(max_size=80))
def test_arbitrary_bytes_never_open_and_never_crash(blob: bytes) -> None:
    with pytest.raises(BadSettings):
        RING.open("scope", "name", blob)


@given(text=st.text(max_size=60))
def test_arbitrary_text_is_a_key_ring_or_a_clear_refusal(text: str) -> None:
    try:
        ring = KeyRing.from_text(text)
    except BadSettings:
        return
    assert ring.ids


def test_the_same_value_is_sealed_differently_each_time() -> None:
    assert RING.seal("s", "n", b"v") != RING.seal("s", "n", b"v")


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    old = KeyRing.from_text(OLD)
    assert RING.ids == ("new", "old")
    assert RING.open("s", "n", old.seal("s", "n", b"v")) == b"v"
    with pytest.raises(BadSettings, match="key 'new', which is not in the key ring"):
        old.open("s", "n", RING.seal("s", "n", b"v"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("only-an-id", "entry 1"),
        (f"{OLD},{OLD}", "'old' twice"),
        ("a:c2hvcnRzZWNyZXQ=", "'a' in HITL_SECRET_KEYS has 11 bytes"),
        ("a:!!notbase64!!", "'a' in HITL_SECRET_KEYS is not base64"),
        ("bad id:" + "A" * 43 + "=", "entry 1"),
    ],
)
def test_a_bad_key_ring_is_told_by_position_or_id_never_by_its_text(text: str, told: str) -> None:
    with pytest.raises(BadSettings) as caught:
        KeyRing.from_text(text)
    assert told in str(caught.value)
    assert "c2hvcnRzZWNyZXQ" not in str(caught.value)
    assert "notbase64" not in str(caught.value)


def test_neither_repr_nor_pickle_shows_a_key() -> None:
    assert repr(RING) == "KeyRing(ids=('new', 'old'))"
    with pytest.raises(TypeError):
        pickle.dumps(RING)


def test_a_missing_key_file_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret.key"
    first = KeyRing.load_or_create(path)
    blob = first.seal("s", "n", b"v")

    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyRing.load_or_create(path).open("s", "n", blob) == b"v"
    assert [one.name for one in path.parent.iterdir()] == ["secret.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret.key"
    KeyRing.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(BadSettings, match="chmod 600"):
        KeyRing.load_or_create(path)


def test_a_damaged_key_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(b"\xff\xfe")
    path.chmod(0o600)
    with pytest.raises(BadSettings, match=r"secret\.key"):
        KeyRing.load_or_create(path)
    assert path.read_bytes() == b"\xff\xfe"
