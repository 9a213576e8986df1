"""Protocols between the domain and the outside; adapters implement them, everything else calls them."""
