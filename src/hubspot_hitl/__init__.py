"""A Botpress integration that hands a conversation to a human agent in HubSpot.

Start reading at :mod:`hubspot_hitl.app`, the only composition root.
"""

__version__ = "0.1.0"
