from __future__ import annotations

import doctest

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.handoff import identity, plain_text
from hubspot_hitl.handoff.identity import email_of, identifier_for, is_fake_email, phone_of
from hubspot_hitl.handoff.plain_text import person_name

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def test_an_email_wins_and_is_written_in_lower_case() -> None:
    assert identifier_for(user_id="u", email="Ada@Example.com", phone="+14155552671") == (
        "email",
        "ada@example.com",
    )


def test_a_phone_number_in_the_email_field_is_a_phone_number() -> None:
    assert identifier_for(user_id="u", email="0049 30 901820") == ("phone", "+4930901820")


def test_a_national_number_needs_a_region() -> None:
    assert identifier_for(user_id="u", phone="030 901820").kind == "opaque"
    assert identifier_for(user_id="u", phone="030 901820", region="DE").value == "+4930901820"


@pytest.mark.parametrize(
    "email", ["user_01J@no-reply.my-bot.botpress.com", "A@NO-REPLY.x.botpress.com", "None", "", "@"]
)
def test_a_made_up_email_never_becomes_an_identifier(email: str) -> None:
    assert identifier_for(user_id="user_01J", email=email) == ("opaque", "user_01J")


@pytest.mark.parametrize(
    "email",
    [
        "a b@example.com",
        "a@b",
        "a@@example.com",
        "a@-x.com",
        "a@example.com\nBcc: b@c.de",
        ".a@b.co",
    ],
)
def test_what_is_no_email_is_refused(email: str) -> None:
    assert email_of(email) is None


def test_a_real_botpress_employee_is_not_taken_for_a_fake() -> None:
    assert not is_fake_email("someone@botpress.com")


def test_a_user_without_any_name_is_an_error_that_says_so() -> None:
    with pytest.raises(InvalidPayload, match="neither"):
        identifier_for(user_id="  ", email=None)


@given(email=JSON, phone=JSON)
def test_any_value_in_the_fields_still_gives_an_identifier(email: object, phone: object) -> None:
    found = identifier_for(user_id="user_1", email=email, phone=phone)
    assert found.value.strip()
    assert found.value.lower() not in {"none", "undefined"}


@given(st.sampled_from(["US", "DE", "FR", "BR", "IN", "NG"]), st.text(" -./()", max_size=3))
def test_a_phone_number_is_found_however_it_is_written(region: str, noise: str) -> None:
    example = phonenumbers.example_number(region)
    assert example is not None
    e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert phone_of(f"{e164[:6]}{noise}{e164[6:]}") == e164


@given(st.emails())
def test_an_identifier_is_its_own_identifier(address: str) -> None:
    found = identifier_for(user_id="u", email=address)
    if found.kind == "email":
        assert identifier_for(user_id="u", email=found.value) == found


@given(JSON)
def test_a_name_is_always_a_readable_line(value: object) -> None:
    name = person_name(value)
    assert name == " ".join(name.split())
    assert 0 < len(name) <= 200
    assert name.casefold() not in {"none", "undefined", "null"}


def test_the_modules_examples_are_true() -> None:
    assert doctest.testmod(identity).failed == 0
    assert doctest.testmod(plain_text).failed == 0
