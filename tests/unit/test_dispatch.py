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
    kinds = [kind for part in table.values for kind in eval(ast.unparse(part), vars(dispatch))]  # noqa: S307
    assert sorted(kinds) == sorted(dispatch.DELIVERY_HANDLERS)
