from __future__ import annotations

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.connecting.state import (
    PURPOSE,
    STATE_LIFE_S,
    OAuthState,
    StateExpired,
    StateSigner,
)
from hubspot_hitl.errors import BadSignature

NOW_MS = 1_780_000_000_000
OLD, NEW = {"k1": b"1" * 32}, {"k2": b"2" * 32}


def signed(signer: StateSigner, now_ms: int = NOW_MS) -> tuple[str, OAuthState]:
    return signer.sign("hook", "https://a.example/", "https://b.example/cb", "own", now_ms)


def test_a_state_comes_back_as_it_was_sent() -> None:
    signer = StateSigner(OLD)
    text, state = signed(signer)

    assert signer.read(text, NOW_MS) == state
    assert (state.installation_id, state.return_url) == ("hook", "https://a.example/")


def test_a_state_lives_fifteen_minutes_and_still_tells_where_it_came_from() -> None:
    signer = StateSigner(OLD)
    text, state = signed(signer)
    end_ms = NOW_MS + STATE_LIFE_S * 1000

    assert signer.read(text, end_ms - 1) == state
    with pytest.raises(StateExpired) as caught:
        signer.read(text, end_ms)
    assert caught.value.state == state


def test_no_two_states_are_alike_and_neither_are_their_verifiers() -> None:
    signer = StateSigner(OLD)
    (one, first), (other, second) = signed(signer), signed(signer)

    assert one != other
    assert signer.verifier(first) != signer.verifier(second)
    assert len(signer.verifier(first)) == 43
    assert signer.verifier(first) not in one


def test_a_state_outlives_a_new_first_key() -> None:
    text, state = signed(StateSigner(OLD))

    assert StateSigner({**NEW, **OLD}).read(text, NOW_MS) == state
    with pytest.raises(BadSignature):
        StateSigner(NEW).read(text, NOW_MS)


def test_a_state_is_no_link_and_a_link_no_state() -> None:
    signer = StateSigner(OLD)
    link = signer.link("hook", NOW_MS, 60)

    assert signer.read_link(link, NOW_MS) == "hook"
    with pytest.raises(BadSignature):
        signer.read(link, NOW_MS)
    with pytest.raises(BadSignature):
        signer.read_link(signed(signer)[0], NOW_MS)
    with pytest.raises(StateExpired):
        signer.read_link(link, NOW_MS + 60_000)


@pytest.mark.parametrize("algorithm", ["none", "HS512"])
def test_another_algorithm_is_refused(algorithm: str) -> None:
    claims = {"aud": f"{PURPOSE}-state", "sub": "hook", "exp": NOW_MS // 1000 + 60}
    key = "" if algorithm == "none" else b"1" * 64
    text = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "k1"})

    with pytest.raises(BadSignature):
        StateSigner({"k1": b"1" * 64}).read(text, NOW_MS)


@pytest.mark.parametrize(
    "change", [{"jti": 7}, {"app": "token"}, {"exp": "soon"}, {"ret": None}, {"sub": 5}]
)
def test_a_token_of_ours_with_other_claims_is_refused(change: dict[str, object]) -> None:
    claims: dict[str, object] = {
        "aud": f"{PURPOSE}-state",
        "sub": "hook",
        "ret": "",
        "uri": "https://b.example/",
        "app": "own",
        "jti": "x",
        "exp": NOW_MS // 1000 + 60,
    }
    text = jwt.encode(claims | change, OLD["k1"], algorithm="HS256", headers={"kid": "k1"})

    with pytest.raises(BadSignature):
        StateSigner(OLD).read(text, NOW_MS)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_text_but_ours_is_read(text: str) -> None:
    with pytest.raises(BadSignature):
        StateSigner(OLD).read(text, NOW_MS)


@given(st.integers(min_value=0), st.characters())
def test_a_changed_character_breaks_the_signature(at: int, character: str) -> None:
    signer = StateSigner(OLD)
    text, _ = signed(signer)
    at %= text.rindex(".")
    changed = text[:at] + character + text[at + 1 :]
    if changed != text:
        with pytest.raises(BadSignature):
            signer.read(changed, NOW_MS)
