"""The demo page: both sides of a handoff in one browser window, playable by hand."""
