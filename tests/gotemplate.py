"""Renders the part of Helm's template language that our chart uses, for tests without Helm.

Anything outside that part raises, so that a chart that grows past it is noticed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_ACTION = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", re.DOTALL)
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\([^()]*\)|\||[^\s|()]+')


def render_chart(chart: Path, values: Mapping[str, Any], release: str = "bot") -> list[Any]:
    """All objects that the chart makes of `values`."""
    meta = yaml.safe_load((chart / "Chart.yaml").read_text())
    root = {
        "Values": values,
        "Release": {"Name": release, "Service": "Helm"},
        "Chart": {"AppVersion": meta["appVersion"], "Name": meta["name"]},
    }
    renderer = _Renderer(root)
    for path in sorted((chart / "templates").glob("*.tpl")):
        renderer.text(path.read_text(), root)
    made: list[Any] = []
    for path in sorted((chart / "templates").glob("*.yaml")):
        text = renderer.text(path.read_text(), root)
        made += [one for one in yaml.safe_load_all(text) if one is not None]
    return made


class _Renderer:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._defined: dict[str, list[Any]] = {}

    def text(self, source: str, dot: Any) -> str:
        nodes, rest = _parse(_tokens(source))
        assert not rest, "an end without a beginning"
        return self._nodes(nodes, dot, {})

    def _nodes(self, nodes: list[Any], dot: Any, names: dict[str, Any]) -> str:
        return "".join(self._node(node, dot, names) for node in nodes)

    def _node(self, node: Any, dot: Any, names: dict[str, Any]) -> str:
        if isinstance(node, str):
            return node
        head, body = node
        verb, _, rest = head.partition(" ")
        if verb == "define":
            self._defined[json.loads(rest)] = body
            return ""
        if verb == "if":
            return self._nodes(body, dot, names) if self._value(rest, dot, names) else ""
        if verb == "with":
            value = self._value(rest, dot, names)
            return self._nodes(body, value, names) if value else ""
        if verb == "range":
            variables, _, source = rest.partition(":=")
            key, value = (name.strip() for name in variables.split(","))
            found = self._value(source, dot, names)
            return "".join(
                self._nodes(body, dot, {**names, key: one, value: found[one]})
                for one in sorted(found)
            )
        value = self._value(head, dot, names)
        return "" if value is None else str(value)

    def _value(self, expression: str, dot: Any, names: dict[str, Any]) -> Any:
        words = _WORD.findall(expression.strip())
        value, given = None, False
        while words:
            cut = words.index("|") if "|" in words else len(words)
            part, words = words[:cut], words[cut + 1 :]
            arguments = [self._word(word, dot, names) for word in part[1:]]
            if len(part) == 1 and not given and part[0] not in _FUNCTIONS:
                value = self._word(part[0], dot, names)
            else:
                value = self._call(part[0], [*arguments, *([value] if given else [])])
            given = True
        return value

    def _word(self, word: str, dot: Any, names: dict[str, Any]) -> Any:
        if word.startswith('"'):
            return json.loads(word)
        if word.startswith("("):
            return self._value(word[1:-1], dot, names)
        if word.isdigit():
            return int(word)
        if word == ".":
            return dot
        root = self._root if word.startswith(("$.", ".Values", ".Release", ".Chart")) else dot
        if word in names:
            return names[word]
        assert word.startswith((".", "$.")), f"unknown word {word!r}"
        value = root
        for name in word.lstrip("$").strip(".").split("."):
            value = value[name]  # an unknown value is a fault of the chart
        return value

    def _call(self, name: str, arguments: list[Any]) -> Any:
        if name == "include":
            return self._nodes(self._defined[arguments[0]], arguments[1], {}).strip("\n")
        return _apply(name, arguments)


def _indent(width: int, text: str) -> str:
    return "\n".join(" " * width + line if line else line for line in text.split("\n"))


_FUNCTIONS = frozenset(
    {"include", "not", "quote", "default", "join", "printf", "trunc", "trimSuffix"}
    | {"toYaml", "nindent"}
)


def _apply(name: str, arguments: list[Any]) -> Any:
    match name, arguments:
        case "not", [value]:
            return not value
        case "quote", [bool(value)]:
            return json.dumps(str(value).lower())
        case "quote", [value]:
            return json.dumps(str(value))
        case "default", [fallback, value]:
            return value or fallback
        case "join", [str(glue), values]:
            return glue.join(map(str, values))
        case "printf", [str(form), *values]:
            return form % tuple(values)
        case "trunc", [int(size), str(text)]:
            return text[:size]
        case "trimSuffix", [str(suffix), str(text)]:
            return text.removesuffix(suffix)
        case "toYaml", [value]:
            return yaml.safe_dump(value, sort_keys=True).strip("\n")
        case "nindent", [int(width), str(text)]:
            return "\n" + _indent(width, text)
        case _:
            raise NotImplementedError(f"{name} with {len(arguments)} arguments")


def _tokens(source: str) -> list[tuple[bool, str]]:
    """Texts and actions in turn; a dash beside the braces eats the white space there, as in Go."""
    out: list[tuple[bool, str]] = []
    at, trim = 0, False
    for match in _ACTION.finditer(source):
        text = source[at : match.start()]
        text = text.lstrip() if trim else text
        out.append((False, text.rstrip() if match[1] else text))
        out.append((True, match[2]))
        at, trim = match.end(), bool(match[3])
    rest = source[at:]
    return [*out, (False, rest.lstrip() if trim else rest)]


def _parse(tokens: list[tuple[bool, str]]) -> tuple[list[Any], list[tuple[bool, str]]]:
    nodes: list[Any] = []
    while tokens:
        (action, text), tokens = tokens[0], tokens[1:]
        if not action:
            nodes.append(text)
        elif text == "end":
            return nodes, [(False, ""), *tokens]
        elif text.split(" ", 1)[0] in {"if", "with", "range", "define"}:
            body, tokens = _parse(tokens)
            assert tokens, f"{text!r} has no end"
            nodes.append((text, body))
        else:
            nodes.append((text, []))
    return nodes, []
