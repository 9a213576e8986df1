"""The table of what the ledger can be asked to do."""

from __future__ import annotations

import ast
import inspect

from hubspot_hitl import dispatch


def test_no_kind_of_delivery_has_two_handlers() -> None:
    tree = ast.parse(inspect.getsource(dispatch))
    (table,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "DELIVERY_HANDLERS"
    )
    assert isinstance(table, ast.Dict)
    names = dict(vars(dispatch))
    parts = [eval(ast.unparse(part), names) for part in table.values]  # noqa: S307
    kinds = [kind for part in parts for kind in part]
    assert sorted(kinds) == sorted(dispatch.DELIVERY_HANDLERS)
