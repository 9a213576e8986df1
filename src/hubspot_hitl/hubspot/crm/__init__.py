"""The CRM part of the HubSpot adapter: :class:`~hubspot_hitl.hubspot.crm.client.CrmClient`."""
