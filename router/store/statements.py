"""Every statement on the order path and at the door, once for both databases."""

from router.store.dialect import Sql

# The journal.

# The unique key (shard, seq) is what decides between two writers. The conditions are defence in depth: the row must
# follow the very row this writer last saw, written by no later epoch, and no later epoch may hold the lease.
APPEND_FIRST = Sql("""
    INSERT INTO journal (shard, seq, epoch, at_ns, kind, payload, hash)
    SELECT $1, CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), $5, $6, $7
    WHERE (CAST($2 AS BIGINT) = 1 OR EXISTS (
            SELECT 1 FROM journal
            WHERE shard = $1 AND seq = CAST($2 AS BIGINT) - 1 AND epoch <= CAST($3 AS BIGINT) AND hash = $8))
      AND NOT EXISTS (SELECT 1 FROM lease WHERE shard = $1 AND epoch > CAST($3 AS BIGINT))
    RETURNING seq
""")
APPEND_NEXT = Sql("""
    INSERT INTO journal (shard, seq, epoch, at_ns, kind, payload, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)
""")
JOURNAL_ROW = Sql("SELECT shard, seq, epoch, at_ns, kind, payload, hash FROM journal WHERE shard = $1 AND seq = $2")
JOURNAL_FROM = Sql("""
    SELECT shard, seq, epoch, at_ns, kind, payload, hash FROM journal
    WHERE shard = $1 AND seq >= $2 ORDER BY seq LIMIT $3
""")
JOURNAL_HEAD = Sql("SELECT seq, epoch, hash FROM journal WHERE shard = $1 ORDER BY seq DESC LIMIT 1")

# What goes with a row, in its transaction.

CONSUME_REQUEST = Sql("UPDATE request SET consumed_seq = $2 WHERE id = $1 AND consumed_seq IS NULL RETURNING id")
INTEND = Sql("""
    INSERT INTO intent (shard, client_id, parent_id, number, copies, seq) VALUES ($1, $2, $3, $4, 1, $5)
""")
COUNT_COPY = Sql("""
    UPDATE intent SET copies = $2 WHERE client_id = $1 AND copies = CAST($2 AS INTEGER) - 1 RETURNING copies
""")
BOOK = Sql("INSERT INTO booking (shard, booking_key, seq) VALUES ($1, $2, $3)")

# Parents that have left the state: the row where each is found, and the names it is asked for by.

ARCHIVE = Sql("""
    INSERT INTO archived_parent (shard, parent_id, seq) VALUES ($1, $2, $3)
    ON CONFLICT (shard, parent_id) DO UPDATE SET seq = excluded.seq
""")
ARCHIVE_CHILD = Sql("""
    INSERT INTO archived_child (shard, client_id, parent_id, order_key) VALUES ($1, $2, $3, $4)
    ON CONFLICT (shard, client_id) DO UPDATE SET order_key = excluded.order_key
""")
ARCHIVED = Sql("""
    SELECT DISTINCT archived_parent.parent_id, archived_parent.seq FROM archived_parent
    WHERE shard = $1 AND parent_id IN (
        {each $2}
        UNION SELECT parent_id FROM archived_child WHERE shard = $1 AND client_id IN ({each $3})
        UNION SELECT parent_id FROM archived_child WHERE shard = $1 AND order_key IN ({each $4}))
    ORDER BY archived_parent.seq
""")
BOOKED = Sql("SELECT booking_key, seq FROM booking WHERE shard = $1 AND booking_key IN ({each $2})")
ARCHIVE_ROWS = Sql("SELECT parent_id, seq FROM archived_parent WHERE shard = $1")

# The lease. One statement, by the database's clock; the epoch grows for ever, and past any epoch in the journal.

TAKE_LEASE = Sql("""
    INSERT INTO lease (shard, holder, epoch, expires_at_ms)
    SELECT $1, $2,
           1 + COALESCE((SELECT epoch FROM journal WHERE shard = $1 ORDER BY seq DESC LIMIT 1), 0),
           {now_ms} + CAST($3 AS BIGINT)
    WHERE TRUE
    ON CONFLICT (shard) DO UPDATE
    SET holder = excluded.holder,
        epoch = CASE WHEN excluded.epoch > lease.epoch THEN excluded.epoch ELSE lease.epoch + 1 END,
        expires_at_ms = excluded.expires_at_ms
    WHERE lease.expires_at_ms <= {now_ms}
    RETURNING epoch
""")
LEASE_BEFORE = Sql("SELECT epoch, expires_at_ms FROM lease WHERE shard = $1")
RENEW_LEASE = Sql("""
    UPDATE lease SET expires_at_ms = {now_ms} + CAST($4 AS BIGINT)
    WHERE shard = $1 AND holder = $2 AND epoch = $3 RETURNING epoch
""")
RELEASE_LEASE = Sql("UPDATE lease SET expires_at_ms = 0 WHERE shard = $1 AND holder = $2 AND epoch = $3")
LEASE = Sql("SELECT holder, epoch, expires_at_ms - {now_ms} FROM lease WHERE shard = $1")

# The door.

_REQUEST = "id, entity, kind, key, principal, body, body_hash, asked_ns, consumed_seq"
ASK = Sql(f"""
    INSERT INTO request (entity, kind, key, principal, body, body_hash, asked_ns)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (entity, kind, key) DO NOTHING RETURNING {_REQUEST}
""")  # noqa: S608 - a constant list of columns
# The same where the key has to be new; many of them go in at once.
ASK_NEW = Sql("""
    INSERT INTO request (entity, kind, key, principal, body, body_hash, asked_ns) VALUES ($1, $2, $3, $4, $5, $6, $7)
""")
ASKED = Sql(f"SELECT {_REQUEST} FROM request WHERE entity = $1 AND kind = $2 AND key = $3")  # noqa: S608
# Halts first: a kill switch does not stand in a queue.
OPEN_REQUESTS = Sql(
    f"SELECT {_REQUEST} FROM request WHERE consumed_seq IS NULL ORDER BY (kind <> 'HALT'), id LIMIT $1"  # noqa: S608
)
OPEN_REQUEST_AFTER = Sql("SELECT id FROM request WHERE consumed_seq IS NULL AND id > $1 ORDER BY id LIMIT 1")

# Snapshots. The newest few are kept: the newest may turn out to belong to a row that a restore has taken away.

SAVE_SNAPSHOT = Sql("""
    INSERT INTO snapshot (shard, seq, version, hash, at_ns, payload) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (shard, seq, version)
    DO UPDATE SET hash = excluded.hash, at_ns = excluded.at_ns, payload = excluded.payload
""")
DROP_OLD_SNAPSHOTS = Sql("""
    DELETE FROM snapshot WHERE shard = $1 AND seq NOT IN (
        SELECT DISTINCT seq FROM snapshot WHERE shard = $1 ORDER BY seq DESC LIMIT $2)
""")
NEWEST_SNAPSHOT = Sql("""
    SELECT snapshot.seq, snapshot.hash, snapshot.payload FROM snapshot
    JOIN journal ON journal.shard = snapshot.shard AND journal.seq = snapshot.seq AND journal.hash = snapshot.hash
    WHERE snapshot.shard = $1 AND snapshot.version = $2 ORDER BY snapshot.seq DESC LIMIT 1
""")
SNAPSHOT_BEFORE = Sql("""
    SELECT snapshot.seq, snapshot.hash, snapshot.payload FROM snapshot
    JOIN journal ON journal.shard = snapshot.shard AND journal.seq = snapshot.seq AND journal.hash = snapshot.hash
    WHERE snapshot.shard = $1 AND snapshot.version = $2 AND snapshot.seq <= $3 ORDER BY snapshot.seq DESC LIMIT 1
""")

# Records of decisions: worked out beside the driver, kept once.

DECISIONS_PROVEN = Sql("SELECT MAX(seq) FROM decision_record WHERE shard = $1")
KEEP_DECISION = Sql("""
    INSERT INTO decision_record (shard, parent_id, round, seq, at_ns, failed, payload)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (shard, parent_id, round) DO NOTHING
""")
DECISION_RECORDS = Sql("SELECT round, failed, payload FROM decision_record WHERE shard = $1 AND parent_id = $2")
FAILED_DECISIONS = Sql("""
    SELECT parent_id, round, seq, at_ns, failed FROM decision_record
    WHERE shard = $1 AND failed <> '' ORDER BY seq DESC LIMIT $2
""")

# Learned fill chances: written once, never changed, never taken away.

KEEP_CHANCES = Sql("""
    INSERT INTO fill_model (version, body, sha256, kept_ns) VALUES ($1, $2, $3, $4)
    ON CONFLICT (version) DO NOTHING RETURNING sha256
""")
CHANCES = Sql("SELECT body, sha256 FROM fill_model WHERE version = $1")
ALL_CHANCES = Sql("SELECT body, sha256 FROM fill_model ORDER BY kept_ns DESC, version")

# What orders cost: worked out when their markouts are over, and again after a late fill.

KEEP_ORDER_COST = Sql("""
    INSERT INTO order_cost (parent_id, ended_ns, fills, record, line) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (parent_id) DO UPDATE SET
        ended_ns = excluded.ended_ns, fills = excluded.fills, record = excluded.record, line = excluded.line
""")
ORDER_COSTS = Sql("SELECT line FROM order_cost WHERE ended_ns >= $1 AND ended_ns < $2 ORDER BY ended_ns, parent_id")
ORDERS_TO_MEASURE = Sql("""
    SELECT parent.id FROM parent LEFT JOIN order_cost ON order_cost.parent_id = parent.id
    WHERE parent.state IN ('FILLED', 'DONE_PARTIAL', 'CANCELLED', 'EXPIRED', 'FAILED')
        AND parent.updated_ns >= $1 AND parent.updated_ns < $2
        AND (order_cost.parent_id IS NULL
            OR order_cost.fills <> (SELECT COUNT(*) FROM fill WHERE fill.parent_id = parent.id))
    ORDER BY parent.updated_ns, parent.id LIMIT $3
""")

# The database's own identity.

META = Sql("SELECT mode, deployment, incarnation, schema_version FROM meta WHERE id = 1")
FIRST_META = Sql("""
    INSERT INTO meta (id, mode, deployment, incarnation, schema_version) VALUES (1, $1, $2, 1, $3)
    ON CONFLICT (id) DO NOTHING
""")
BUMP_INCARNATION = Sql("UPDATE meta SET incarnation = incarnation + 1 WHERE id = 1 RETURNING incarnation")

# Do the other tables know more than the journal? Then its tail was cut off.

BEYOND_HEAD = Sql("""
    SELECT what, MAX(seq) FROM (
        SELECT 'intent' AS what, seq FROM intent WHERE shard = $1
        UNION ALL SELECT 'booking', seq FROM booking WHERE shard = $1
        UNION ALL SELECT 'request', consumed_seq FROM request WHERE consumed_seq IS NOT NULL
        UNION ALL SELECT 'archived parent', seq FROM archived_parent WHERE shard = $1
        UNION ALL SELECT 'snapshot', seq FROM snapshot WHERE shard = $1
        UNION ALL SELECT 'cursor', as_of_seq FROM cursor WHERE shard = $1
    ) AS known WHERE seq > $2 GROUP BY what ORDER BY what
""")
INTENTS = Sql("SELECT client_id, parent_id, number, copies, seq FROM intent WHERE shard = $1")
BOOKINGS = Sql("SELECT booking_key, seq FROM booking WHERE shard = $1")
CONSUMED = Sql("SELECT id, consumed_seq FROM request WHERE consumed_seq IS NOT NULL")

# The market record, in transactions of its own.

MARKET_HEAD = Sql("""
    SELECT head_seq, head_hash, cut_seq, cut_hash,
        (SELECT last_ns FROM market_block WHERE shard = $1 AND seq = head_seq)
    FROM market_record WHERE shard = $1
""")
MARKET_BEGIN = Sql("""
    INSERT INTO market_record (shard, head_seq, head_hash, cut_seq, cut_hash) VALUES ($1, $2, $3, 0, $4)
""")
MARKET_GO_ON = Sql("""
    UPDATE market_record SET head_seq = $2, head_hash = $3 WHERE shard = $1 AND head_seq = $4 AND head_hash = $5
    RETURNING head_seq
""")
MARKET_BLOCK = Sql("""
    INSERT INTO market_block (shard, seq, first_ns, last_ns, payload, previous, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
""")
MARKET_BLOCKS = Sql("""
    SELECT seq, first_ns, last_ns, payload, previous, hash FROM market_block
    WHERE shard = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4
""")
MARKET_BETWEEN = Sql("""
    SELECT seq, first_ns, last_ns, payload FROM market_block
    WHERE shard = $1 AND last_ns >= $2 AND first_ns <= $3 AND seq > $4 ORDER BY seq LIMIT $5
""")
MARKET_OLDEST = Sql("SELECT seq, hash, last_ns FROM market_block WHERE shard = $1 ORDER BY seq LIMIT $2")
MARKET_CUT = Sql("DELETE FROM market_block WHERE shard = $1 AND seq <= $2")
MARKET_CUT_AT = Sql("""
    UPDATE market_record SET cut_seq = $2, cut_hash = $3 WHERE shard = $1 AND cut_seq < $2 RETURNING cut_seq
""")
MARKET_STRAY = Sql("SELECT COUNT(*) FROM market_block WHERE shard = $1")
WORKED_ON = Sql("SELECT instrument, MAX(updated_ns) FROM parent WHERE updated_ns >= $1 GROUP BY instrument")

# Volume curves: written once, never changed, never taken away.

KEEP_CURVE = Sql("""
    INSERT INTO volume_curve (curve_id, curve_asof, body, sha256, kept_ns) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (curve_id, curve_asof) DO NOTHING RETURNING sha256
""")
CURVE = Sql("SELECT body, sha256 FROM volume_curve WHERE curve_id = $1 AND curve_asof = $2")
CURVES = Sql("SELECT body, sha256 FROM volume_curve ORDER BY curve_id, curve_asof DESC")
