from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hubspot_hitl.cli import run


class Portal(BaseHTTPRequestHandler):
    """The few answers of HubSpot that listing and removing channels need."""

    requests: list[str]
    archived: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"access_token": "marked-access", "expires_in": 1800})

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path.endswith("/channel-accounts"):
            account = {"id": "9", "channelId": "1", "inboxId": "77", "name": "Bot"}
            self._answer({"total": 1, "results": [{**account, "active": True, "authorized": True}]})
            return
        ids = [one for one in ("1", "2") if one not in self.archived]
        results = [{"id": one, "name": f"Bot {one}"} for one in ids]
        self._answer({"total": len(results), "results": results})

    def do_DELETE(self) -> None:
        self.archived.append(self.path.split("?")[0].rpartition("/")[2])
        self.send_response(204)
        self.end_headers()

    def _answer(self, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Portal]]:
    kind = type("OnePortal", (Portal,), {"archived": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HITL_HUBSPOT_API_URL", f"http://127.0.0.1:{server.server_port}")
    for name in ("APP_ID", "CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN", "DEVELOPER_API_KEY"):
        monkeypatch.setenv(f"HUBSPOT_{name}", f"marked-{name.lower()}")
    yield kind
    server.shutdown()
    server.server_close()
    thread.join()


def test_channels_and_accounts_are_listed_as_json(
    portal: type[Portal], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["channels", "--json"]) == 0

    out = capsys.readouterr().out
    assert [one["id"] for one in json.loads(out)["channels"]] == ["1", "2"]
    assert json.loads(out)["channels"][0]["accounts"][0]["inboxId"] == "77"
    assert "marked" not in out
    assert portal.archived == []


def test_nothing_is_removed_without_a_yes(
    portal: type[Portal], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["channels", "--remove", "1"]) == 2

    assert portal.archived == []
    assert "add --yes" in capsys.readouterr().err


def test_only_what_is_named_is_removed(
    portal: type[Portal], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["channels", "--remove", "2", "--yes"]) == 0

    assert portal.archived == ["2"]
    assert capsys.readouterr().out.startswith("removed channel 2  'Bot 2'\nchannel 1 ")


def test_an_unknown_id_removes_nothing_and_is_a_finding(
    portal: type[Portal], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["channels", "--remove", "1", "--remove", "9", "--yes"]) == 1

    assert portal.archived == []
    assert "no channel '9'" in capsys.readouterr().err


def test_missing_values_are_named(
    portal: type[Portal], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HUBSPOT_APP_ID")

    assert run(["channels"]) == 2

    assert "HUBSPOT_APP_ID not set" in capsys.readouterr().err
    assert portal.archived == []
