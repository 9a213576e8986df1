"""Records that may exist or not: found or created, changed or created; one by one and in batches.

Source: https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hubspot_hitl.errors import VendorConflict, VendorError, VendorNotFound
from hubspot_hitl.hubspot.crm import paths, records
from hubspot_hitl.hubspot.crm.calls import send
from hubspot_hitl.hubspot.crm.objects import CrmObjects, parts
from hubspot_hitl.hubspot.crm.refusals import existing_id
from hubspot_hitl.ports.crm_records import BatchProblem, CrmType, Keyed, Upserted, UpsertedBatch


class CrmUpserts(CrmObjects):
    """The part of the CRM client that creates only what is not there."""

    async def find_or_create(
        self,
        type_: CrmType,
        key: str,
        *,
        by: str,
        properties: Mapping[str, str],
        wanted: Sequence[str] = (),
    ) -> Upserted:
        """Read by a unique property; create only when HubSpot says that there is none."""
        found = await self.get(type_, key, by=by, properties=wanted)
        if found is not None:
            return Upserted(found, created=False)
        try:
            return Upserted(await self.create(type_, {**properties, by: key}), created=True)
        except VendorConflict as error:
            # Somebody made it in between, or the value belongs to a record that was merged.
            found = await self.get(type_, key, by=by, properties=wanted)
            id_ = existing_id(error)
            if found is None and id_ is not None:
                found = await self.get(type_, id_, properties=wanted)
            if found is None:
                raise
            return Upserted(found, created=False)

    async def upsert(
        self, type_: CrmType, key: str, *, by: str, properties: Mapping[str, str]
    ) -> Upserted:
        """Change by a unique property, create when there is none; survives a race and a merge.

        Not HubSpot's batch upsert: for emails that refuses "partial upserts" without saying what
        they are. Changing first and creating on 404 has one meaning.
        """
        try:
            return Upserted(await self.update(type_, key, properties, by=by), created=False)
        except VendorNotFound:
            pass
        try:
            return Upserted(await self.create(type_, {**properties, by: key}), created=True)
        except VendorConflict as error:
            id_ = existing_id(error)
            if id_ is not None:
                return Upserted(await self.update(type_, id_, properties), created=False)
            return Upserted(await self.update(type_, key, properties, by=by), created=False)

    async def upsert_batch(
        self, type_: CrmType, keyed: Sequence[Keyed], *, by: str
    ) -> UpsertedBatch:
        """Change many by a unique property, create those there are none of.

        By HubSpot's batch upsert, 100 at a time. Where HubSpot refuses a part as a whole, and for
        emails, of which it takes no "partial upserts", each is done for itself: so one that is
        wrong costs only itself. What was refused is among the problems, by its key.
        """
        wanted = {one.key: one for one in keyed}
        done: dict[str, Upserted] = {}
        problems: list[BatchProblem] = []
        for part in parts(tuple(wanted.values())):
            rest: Sequence[Keyed] = part
            if by != "email" and not (type_ is CrmType.COMPANY and by == "domain"):
                rest = await self._upsert_part(type_, part, by, done, problems)
            for one in rest:
                try:
                    done[one.key] = await self.upsert(
                        type_, one.key, by=by, properties=one.properties
                    )
                except VendorError as error:
                    if error.retryable:
                        raise
                    problems.append(BatchProblem(error.message, error.vendor_code, (one.key,)))
        return UpsertedBatch(done, tuple(problems))

    async def _upsert_part(
        self,
        type_: CrmType,
        part: Sequence[Keyed],
        by: str,
        done: dict[str, Upserted],
        problems: list[BatchProblem],
    ) -> Sequence[Keyed]:
        """One call for a part; returns those that are still to be done for themselves."""
        inputs = [
            {"id": one.key, "idProperty": by, "properties": {**one.properties, by: one.key}}
            for one in part
        ]
        path = paths.batch(type_, "upsert")
        call = send(
            f"{type_.value}.batch_upsert", "POST", path, {"inputs": inputs}, repeatable=True
        )
        try:
            result = await self._read(call, records.upserted(type_, by))
        except VendorError as error:
            if error.retryable or error.status not in (400, 404, 409):
                raise
            return part
        done |= result.done
        problems += [one for one in result.problems if one.ids]
        failed = {id_ for one in result.problems for id_ in one.ids}
        # Whoever HubSpot says nothing of by name is asked for again, alone.
        return [one for one in part if one.key not in done and one.key not in failed]
