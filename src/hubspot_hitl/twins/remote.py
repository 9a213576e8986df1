"""The part of `/_twin` that both twins share: faults, options, the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import fields
from typing import TYPE_CHECKING

from aiohttp import web

from hubspot_hitl.twins.faults import BadFaultError, Fault, Faults
from hubspot_hitl.twins.journal import Journal
from hubspot_hitl.twins.wire import Refusal, answer, parse_object

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


Verb = Callable[[web.Request], Awaitable[object]]


def mount_verbs(app: web.Application, verbs: Iterable[tuple[str, str, Verb]]) -> None:
    """Add method, path and handler; what a handler returns is answered as JSON."""

    def answered(verb: Verb) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                return answer(await verb(request))
            except Refusal as error:
                return error.response()
            except (KeyError, TypeError) as error:
                return answer({"error": f"missing or wrong field: {error}"}, 400)

        return handle

    for method, path, verb in verbs:
        app.router.add_route(method, path, answered(verb))


def mount_common(
    app: web.Application, faults: Faults, journal: Journal, options: DataclassInstance
) -> None:
    """Add `/_twin/faults`, `/_twin/options` and `/_twin/log`."""

    async def show_faults(request: web.Request) -> web.Response:
        return answer(faults.as_json())

    async def add_faults(request: web.Request) -> web.Response:
        """POST adds one fault; PUT `{seed?, faults[]}` replaces all."""
        body = parse_object(await request.read())
        if body is None:
            return answer({"error": "an object is expected"}, 400)
        try:
            if request.method == "PUT":
                given = body.get("faults", [])
                faults.set(*(Fault.from_json(item) for item in given), seed=body.get("seed"))
            else:
                faults.add(Fault.from_json(body))
        except (BadFaultError, TypeError) as error:
            return answer({"error": str(error)}, 400)
        return answer(faults.as_json())

    async def lift_faults(request: web.Request) -> web.Response:
        number = request.match_info.get("fault")
        if number is None:
            faults.clear()
        elif not number.isdecimal() or not faults.remove(int(number)):
            return answer({"error": f"no fault {number!r}"}, 404)
        return answer(faults.as_json())

    async def show_options(request: web.Request) -> web.Response:
        return answer(_as_json(options))

    async def change_options(request: web.Request) -> web.Response:
        body = parse_object(await request.read())
        known = _as_json(options)
        if body is None or set(body) - set(known):
            return answer({"error": f"options are {sorted(known)}"}, 400)
        for name, value in body.items():
            setattr(options, name, value)
        return answer(_as_json(options))

    async def log(request: web.Request) -> web.Response:
        after = request.query.get("after", "0")
        if not after.isdecimal():
            return answer({"error": "after is a number"}, 400)
        return answer(journal.since(int(after), request.query.get("kind")))

    app.router.add_get("/_twin/faults", show_faults)
    app.router.add_post("/_twin/faults", add_faults)
    app.router.add_put("/_twin/faults", add_faults)
    app.router.add_delete("/_twin/faults", lift_faults)
    app.router.add_delete("/_twin/faults/{fault}", lift_faults)
    app.router.add_get("/_twin/options", show_options)
    app.router.add_patch("/_twin/options", change_options)
    app.router.add_get("/_twin/log", log)


def _as_json(options: DataclassInstance) -> dict[str, object]:
    """Options of a dataclass that JSON can carry."""
    plain = (str, int, float, bool, tuple, list, dict, type(None))
    found = {item.name: getattr(options, item.name) for item in fields(options)}
    return {name: value for name, value in found.items() if isinstance(value, plain)}
