"""Lines for a person at a terminal, which may hold what strangers wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from hubspot_hitl.cli.telling import harmless, shown_lines


class Terminal(Console):
    """Rich's console for our own styles: brackets and codes in strangers' words mean nothing."""

    def __init__(self, file: IO[str] | None = None, *, soft_wrap: bool = False) -> None:
        super().__init__(file=file, soft_wrap=soft_wrap, highlight=False, markup=False, emoji=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The pieces to print, each without codes; styles are not part of their texts."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(shown_lines(segment.text), segment.style)


def print_lines(*lines: Text) -> None:
    """Print each as one line: one that is folded can be neither copied nor searched.

    A stranger's words may hold codes that a terminal obeys, and marks that turn text round: each
    is shown as one replacement character.
    """
    console = Terminal(soft_wrap=True)
    for line in lines:
        line.plain = harmless(line.plain)  # of the same length, so that styles stay in place
        console.print(line)
