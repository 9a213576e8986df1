"""Finds and repairs what no webhook told: missed replies, ends and assignments."""
