"""Stand-ins for HubSpot and Botpress: the same HTTP surface, no account needed.

They share no code with our adapters, on purpose: a double that signs, parses and retries with our
own functions could not catch our mistakes.
"""
