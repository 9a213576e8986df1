"""Acts only on what a person saw: asked once more, judged anew, audited, then done.

The form carries what the person saw, so that a stale page acts on nothing, and a name that counts
once, so that a form sent twice acts once.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from aiohttp import web

from hubspot_hitl.ports.services import Services
from hubspot_hitl.web.console.gate import Page, Visit
from hubspot_hitl.web.console.render import problem, see, show

T = TypeVar("T")

_ONCE: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Words:
    """How an action is offered."""

    name: str
    label: str
    explained: str
    danger: bool = False


@dataclass(frozen=True, slots=True)
class Action(Generic[T]):
    """What may be done to a thing.

    `allowed` judges it as it stands at a time in ms. `act` gets the form's own name and returns how
    many things it touched; for the same name a second time, 0.
    """

    words: Words
    allowed: Callable[[T, int], bool]
    act: Callable[[Services, T, str], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Subject(Generic[T]):
    """A sort of thing that people act on: how it is found, named and written into the audit trail.

    `seen` is a text that changes whenever the thing does in a way that matters to who decides.
    """

    name: str
    actions: Mapping[str, Action[T]]
    found: Callable[[Visit], Awaitable[T | None]]
    missing: str
    id: Callable[[T], str]
    title: Callable[[T], str]
    path: Callable[[T], str]
    state: Callable[[T], str]
    seen: Callable[[T], str]
    detail: Callable[[T], Mapping[str, str]]

    def offered(self, one: T, now_ms: int) -> list[Words]:
        """What may be done to it as it stands."""
        return [it.words for it in self.actions.values() if it.allowed(one, now_ms)]

    def not_there(self, visit: Visit) -> web.Response:
        """The page for a thing that there is not."""
        return problem(visit.frame, 404, self.missing)


def asking(subject: Subject[T]) -> Page:
    """The page that asks once more."""

    async def page(visit: Visit) -> web.StreamResponse:
        one = await subject.found(visit)
        if one is None:
            return subject.not_there(visit)
        action = subject.actions[visit.request.match_info["action"]]
        if not action.allowed(one, visit.desk.services.clock.now_ms()):
            return _changed(visit, subject, one)
        return show(
            visit.frame,
            "confirm.html",
            words=action.words,
            what=subject.title(one),
            state_name=subject.state(one),
            back=f"{visit.frame.base}{subject.path(one)}",
            seen=subject.seen(one),
            once=secrets.token_hex(8),
        )

    return page


def doing(subject: Subject[T]) -> Page:
    """The post that does it, if the thing still is what the person saw."""

    async def page(visit: Visit) -> web.StreamResponse:
        one = await subject.found(visit)
        if one is None:
            return subject.not_there(visit)
        action = subject.actions[visit.request.match_info["action"]]
        services, form = visit.desk.services, await visit.form()
        once, now_ms = form.get("once", ""), services.clock.now_ms()
        as_seen = form.get("seen") == subject.seen(one) and _ONCE.fullmatch(once)
        if not as_seen or not action.allowed(one, now_ms):
            return _changed(visit, subject, one)
        audited = f"{subject.name}.{action.words.name}"
        await visit.desk.audit.append(visit.who.name, audited, subject.id(one), subject.detail(one))
        if not await action.act(services, one, once):
            already = (
                f"The {subject.name} was changed at the same moment, or this was asked already."
            )
            return problem(visit.frame, 409, f"{already} Nothing was done.")
        return see(f"{visit.frame.base}{subject.path(one)}")

    return page


def _changed(visit: Visit, subject: Subject[T], one: T) -> web.Response:
    changed = f"The {subject.name} changed since you looked: it is {subject.state(one)} now."
    return problem(visit.frame, 409, f"{changed} Nothing was done.")
