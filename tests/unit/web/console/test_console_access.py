from __future__ import annotations

from aiohttp.test_utils import make_mocked_request
from pydantic import SecretStr
from tests.fakes import FakeClock

from hubspot_hitl.settings import Settings
from hubspot_hitl.web.console.access import COOKIE, LASTS_MS, Access, Identity

SETTINGS = Settings(console_token=SecretStr("operator"), console_readonly_token=SecretStr("reader"))


def visitor(access: Access, headers: dict[str, str]) -> Identity | None:
    return access.identity(make_mocked_request("GET", "/console/", headers=headers))


def with_cookie(value: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={value}"}


def test_a_cookie_lets_its_holder_in_until_it_is_old() -> None:
    clock = FakeClock()
    access = Access(SETTINGS, clock)
    cookie = access.cookie("reader")
    found = visitor(access, with_cookie(cookie))
    assert found is not None
    assert not found.may_act
    later = Access(SETTINGS, FakeClock(clock.now_ms() + LASTS_MS))
    assert visitor(later, with_cookie(cookie)) is None


def test_a_new_token_ends_every_session() -> None:
    cookie = Access(SETTINGS, FakeClock()).cookie("operator")
    changed = SETTINGS.model_copy(update={"console_token": SecretStr("another")})
    assert visitor(Access(changed, FakeClock()), with_cookie(cookie)) is None


def test_replicas_accept_each_others_cookies_and_forms() -> None:
    one, two = Access(SETTINGS, FakeClock()), Access(SETTINGS, FakeClock())
    cookie = with_cookie(one.cookie("operator"))
    assert visitor(one, cookie) == visitor(two, cookie)


def test_each_session_has_its_own_form_token() -> None:
    access = Access(SETTINGS, FakeClock())
    first = visitor(access, with_cookie(access.cookie("operator")))
    second = visitor(access, with_cookie(access.cookie("operator")))
    assert first is not None
    assert second is not None
    assert first.csrf != second.csrf


def test_a_readers_token_alone_opens_nothing() -> None:
    access = Access(Settings(console_readonly_token=SecretStr("reader")), FakeClock())
    assert not access.is_open
    assert access.role_of("reader", "peer") is None


def test_a_name_in_the_header_counts_only_from_a_trusted_proxy() -> None:
    values = {"console_proxy_header": "X-Forwarded-User", "console_proxy_operators": ("ada",)}
    stranger = Access(SETTINGS.model_copy(update=values), FakeClock())
    assert visitor(stranger, {"X-Forwarded-User": "ada"}) is None


def test_guessing_is_slowed_down_for_who_guesses_only() -> None:
    clock = FakeClock()
    access = Access(SETTINGS, clock)
    for _ in range(10):
        assert not access.too_many_failures("a guesser")
        assert access.role_of("guess", "a guesser") is None
    assert access.too_many_failures("a guesser")
    assert not access.too_many_failures("somebody else")
