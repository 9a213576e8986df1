"""The doctor: what is wrong between the bot and HubSpot, why, and how to mend it."""
