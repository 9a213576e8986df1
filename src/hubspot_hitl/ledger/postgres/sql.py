"""The statements of the ledger on PostgreSQL, over arrays: one round trip for a whole group.

Leases are told by the server's clock, so that replicas need not agree about the time. Lanes are
locked in the order of their bytes.
"""

from __future__ import annotations

import re
from typing import Final

from hubspot_hitl.ledger.engine import LOAD_LIMIT, MOST_READY
from hubspot_hitl.ledger.queries import DELIVERY_COLUMNS
from hubspot_hitl.ledger.rows import ERASED_BODY

CHANNEL: Final = "hubspot_hitl_ledger"

_COLUMNS: Final = ", ".join(DELIVERY_COLUMNS)
_NOW: Final = "((extract(epoch FROM clock_timestamp()) * 1000)::bigint + {offset}::bigint)"


def _shifted(statement: str, by: int) -> str:
    """The statement with higher parameter numbers, to stand behind another."""
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + by}", statement)


def _parameters(count: int) -> str:
    return ", ".join(f"${number}" for number in range(1, count + 1))


REFS: Final = (
    "SELECT seq, dedup_key, lane, state FROM deliveries"
    " WHERE dedup_key = ANY($1::text[]) OR seq = ANY($2::bigint[]) ORDER BY seq"
)
CREATE_LANES: Final = (
    "INSERT INTO lanes (lane, version, fence) SELECT t.lane, $2::bigint, $2::bigint"
    " FROM unnest($1::text[]) WITH ORDINALITY AS t (lane, n) ORDER BY t.n ON CONFLICT DO NOTHING"
    " RETURNING lane"
)
LOCK_LANES: Final = (
    "SELECT lane, version, fence, owner,"  # noqa: S608 - constants of this module
    f" lease_until_ms > {_NOW.format(offset='$2')} AS live, held_until_ms, due_ms, blocked"
    ' FROM lanes WHERE lane = ANY($1::text[]) ORDER BY lane COLLATE "C" FOR NO KEY UPDATE'
)
FINISH: Final = (
    "UPDATE deliveries AS d SET state = f.state, attempts = f.attempts, due_ms = f.due_ms,"
    " finished_ms = f.finished_ms, error_code = f.error_code, error = f.error, note = f.note"
    " FROM unnest($1::bigint[], $2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::text[],"
    " $7::text[], $8::text[])"
    " AS f (seq, state, attempts, due_ms, finished_ms, error_code, error, note)"
    " WHERE d.seq = f.seq AND (d.state = 'ready' OR (d.state = 'cancelled' AND f.state = 'done'))"
)
MARK_STARTED: Final = "UPDATE deliveries SET started = true WHERE seq = ANY($1::bigint[])"
CANCEL: Final = (
    "UPDATE deliveries SET state = 'cancelled', finished_ms = $3"
    " WHERE seq = ANY($1::bigint[]) AND state = ANY($2::text[]) RETURNING seq"
)
REVIVE: Final = (
    "UPDATE deliveries SET attempts = CASE state WHEN 'ready' THEN attempts ELSE 0 END,"  # noqa: S608
    " state = 'ready', due_ms = $2, finished_ms = NULL WHERE seq = ANY($1::bigint[]) AND"
    " (state IN ('dead', 'cancelled') OR (state = 'ready' AND NOT timer AND due_ms > $2))"
    f" AND body <> '{ERASED_BODY}' RETURNING seq"
)
INSERT: Final = (
    "INSERT INTO deliveries (dedup_key, lane, kind, installation_id, handoff_id, body, timer,"
    " state, due_ms, accepted_ms)"
    " SELECT t.dedup_key, t.lane, t.kind, t.installation_id, t.handoff_id, t.body, t.timer,"
    " 'ready', coalesce(t.due_ms, $9::bigint), $9::bigint"
    " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],"
    " $7::boolean[], $8::bigint[]) WITH ORDINALITY"
    " AS t (dedup_key, lane, kind, installation_id, handoff_id, body, timer, due_ms, n)"
    " ORDER BY t.n ON CONFLICT (dedup_key) DO NOTHING RETURNING seq, dedup_key"
)
SAVE_LANES: Final = (
    "UPDATE lanes AS l SET version = s.version, fence = s.fence, owner = s.owner,"  # noqa: S608
    " held_until_ms = s.held_until_ms, due_ms = s.due_ms, blocked = s.blocked,"
    f" lease_until_ms = CASE s.lease WHEN 'take' THEN {_NOW.format(offset='$9')} + $10::bigint"
    " WHEN 'drop' THEN 0 ELSE l.lease_until_ms END"
    " FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],"
    " $7::boolean[], $8::text[])"
    " AS s (lane, version, fence, owner, held_until_ms, due_ms, blocked, lease)"
    " WHERE l.lane = s.lane"
)
FINISH_AND_SAVE_LANES: Final = f"WITH finished AS ({_shifted(FINISH, 10)}) {SAVE_LANES}"
"""Both in one round trip; the parameters of `SAVE_LANES` come first, then those of `FINISH`."""
_GROUP_TYPES: Final = (
    ("text", "bigint", "bigint", "text", "boolean", "bigint", "bigint", "boolean"),  # LOCK_LANES
    ("text", "bigint", "bigint", "text", "bigint", "bigint", "boolean", "text"),  # SAVE_LANES
    ("bigint", "text", "int", "bigint", "bigint", "text", "text", "text"),  # FINISH
    ("text", "text", "text", "text", "text", "text", "boolean", "bigint"),  # INSERT
)
_GROUP_SIGNATURE: Final = ", ".join(
    [f"{one}[]" for types in _GROUP_TYPES for one in types] + ["bigint"] * 3
)
GROUP: Final = f"SELECT pg_temp.hitl_ledger_group({_parameters(35)})"
"""A whole group as one transaction: the sequences of what is new, or NULL if nothing was done.

Parameters: lanes as they are expected to be ($1 to $8), then those of `SAVE_LANES` but for the
offset and the lease ($9 to $16), of `FINISH` ($17 to $24), of `INSERT` with its moment ($25 to
$33), then the offset and the lease.
"""
KEY_KNOWN: Final = "HL001"
"""SQLSTATE of a group that met a key in the moment in which somebody else wrote it."""
PLAN_ONCE: Final = "SET plan_cache_mode = force_generic_plan"
"""Arrays of any length look to the server as if each deserved a plan of its own, at each call.

It belongs to the function alone: for the whole connection it would take a partial index from each
statement whose states are parameters.
"""
CREATE_GROUP: Final = f"""
CREATE OR REPLACE FUNCTION pg_temp.hitl_ledger_group({_GROUP_SIGNATURE})
RETURNS bigint[] LANGUAGE plpgsql {PLAN_ONCE} AS $group$
DECLARE
    as_expected bigint;
    made bigint[] := '{{}}';
BEGIN
    WITH locked AS MATERIALIZED ({LOCK_LANES.replace("$2", "$34")})
    SELECT count(*) INTO as_expected
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
        AS e (lane, version, fence, owner, live, held_until_ms, due_ms, blocked)
    JOIN locked AS l ON l.lane = e.lane AND l.version = e.version AND l.fence = e.fence
        AND l.owner IS NOT DISTINCT FROM e.owner AND l.live = e.live
        AND l.held_until_ms = e.held_until_ms AND l.due_ms IS NOT DISTINCT FROM e.due_ms
        AND l.blocked = e.blocked;
    IF as_expected <> cardinality($1) THEN
        RETURN NULL;
    END IF;
    IF cardinality($25) > 0 THEN
        IF EXISTS (SELECT 1 FROM deliveries WHERE dedup_key = ANY($25)) THEN
            RETURN NULL;
        END IF;
        WITH new AS ({_shifted(INSERT, 24)})
        SELECT array_agg(new.seq ORDER BY t.n) INTO made
        FROM unnest($25) WITH ORDINALITY AS t (dedup_key, n)
        JOIN new ON new.dedup_key = t.dedup_key;
        IF made IS NULL OR cardinality(made) <> cardinality($25) THEN
            RAISE EXCEPTION 'a key was written meanwhile' USING ERRCODE = '{KEY_KNOWN}';
        END IF;
    END IF;
    IF cardinality($17) > 0 THEN
        {_shifted(FINISH, 16)};
    END IF;
    IF cardinality($9) > 0 THEN
        {_shifted(SAVE_LANES, 8).replace("$17", "$34").replace("$18", "$35")};
    END IF;
    RETURN made;
END
$group$
"""  # noqa: S608 - constants of this module
"""Made anew on each connection, so that it is always the one of this version."""
DISOWN: Final = (
    "UPDATE lanes SET lease_until_ms = 0 WHERE lane IN (SELECT lane FROM lanes"  # noqa: S608
    f" WHERE owner = $1 AND lease_until_ms > {_NOW.format(offset='$3')}"
    " AND lane <> ALL($2::text[]) FOR NO KEY UPDATE SKIP LOCKED)"
)
PRESENT: Final = "SELECT pg_advisory_lock_shared($1::int, $2::int)"
LIVE: Final = (
    "SELECT DISTINCT objid::bigint AS key FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid = $1::bigint::oid AND objsubid = 2 AND granted"
)
OWNERS: Final = (
    "SELECT DISTINCT owner FROM lanes WHERE owner <> $1"  # noqa: S608 - constants of this module
    f" AND lease_until_ms > {_NOW.format(offset='$2')}"
)
SILENT: Final = (
    "SELECT owner FROM lanes WHERE owner <> $1"  # noqa: S608 - constants of this module
    f" AND lease_until_ms > {_NOW.format(offset='$2')} GROUP BY owner"
    f" HAVING max(lease_until_ms) <= {_NOW.format(offset='$2')} + $3::bigint"
)
FREE: Final = (
    "UPDATE lanes SET lease_until_ms = 0 WHERE lane IN (SELECT lane FROM lanes"  # noqa: S608
    f" WHERE owner = ANY($1::text[]) AND lease_until_ms > {_NOW.format(offset='$2')}"
    ' ORDER BY lane COLLATE "C" FOR NO KEY UPDATE)'
)
CLAIM_DUE: Final = (
    "WITH due AS (SELECT lane, owner AS before FROM lanes"  # noqa: S608
    " WHERE due_ms <= $2 AND held_until_ms <= $2"
    f" AND lease_until_ms <= {_NOW.format(offset='$4')}"
    " ORDER BY due_ms LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)"
    " UPDATE lanes AS l SET owner = $1, fence = l.fence + 1, due_ms = $2,"
    f" lease_until_ms = {_NOW.format(offset='$4')} + $5::bigint"
    " FROM due WHERE l.lane = due.lane RETURNING l.lane, l.version, l.fence, l.owner,"
    " true AS live, l.held_until_ms, l.due_ms, l.blocked, due.before"
)
WAITING: Final = (
    f"SELECT {', '.join(f'd.{name}' for name in DELIVERY_COLUMNS)}"  # noqa: S608
    " FROM unnest($1::text[]) AS w (lane) CROSS JOIN LATERAL"
    f" (SELECT {_COLUMNS} FROM deliveries WHERE lane = w.lane AND state = 'ready'"
    f" AND NOT (timer AND due_ms > $2) ORDER BY seq LIMIT {LOAD_LIMIT + 1}) AS d ORDER BY d.seq"
)
READY: Final = (
    f"SELECT {', '.join(f'd.{name}' for name in DELIVERY_COLUMNS)}"  # noqa: S608
    " FROM unnest($1::text[]) AS w (lane) CROSS JOIN LATERAL"
    f" (SELECT {_COLUMNS} FROM deliveries WHERE lane = w.lane AND state = 'ready'"
    f" ORDER BY seq LIMIT {MOST_READY}) AS d ORDER BY d.seq"
)
NEXT_TIMERS: Final = (
    "SELECT lane, min(due_ms) FROM deliveries WHERE lane = ANY($1::text[])"
    " AND state = 'ready' AND timer AND due_ms > $2 GROUP BY lane"
)
