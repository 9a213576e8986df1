"""The texts themselves, one module for each language, all with the same keys and slots. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hubspot_hitl.handoff.wording import de, en, es, fr, pt
from hubspot_hitl.handoff.wording.keys import TextKey

TEXTS: Mapping[str, Mapping[TextKey, str]] = MappingProxyType(
    {"en": en.TEXTS, "fr": fr.TEXTS, "es": es.TEXTS, "de": de.TEXTS, "pt": pt.TEXTS}
)
"""Language -> key -> text."""
