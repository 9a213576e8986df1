"""Protocols between the domain and the outside: adapters implement them, the rest calls them."""
