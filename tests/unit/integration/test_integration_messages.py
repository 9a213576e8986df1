from __future__ import annotations

from hubspot_hitl.integration.messages import BlocMessage, LocationPart, TextMessage


def test_the_plugins_extra_type_key_is_ignored() -> None:
    payload = {"type": "text", "text": "Hi", "userId": "user_1", "additionalData": "{}"}
    assert TextMessage.model_validate(payload) == TextMessage(
        text="Hi", user_id="user_1", additional_data="{}"
    )


def test_the_items_of_a_bloc_are_typed() -> None:
    item = {"type": "location", "payload": {"latitude": 52.5, "longitude": 13.4}}
    bloc = BlocMessage.model_validate({"items": [item]})
    assert isinstance(bloc.items[0], LocationPart)
