"""Every statement on users, keys, sessions, their record, and changes that take two people."""

from router.store.dialect import Sql

_USER = "name, roles, entities, password, totp, totp_step, disabled, failures, locked_until_ns, created_ns, n"
_KEY = "id, owner, label, roles, entities, mac, created_ns, expires_ns, ended_ns, n"
_SESSION = "id, owner, mac, second_factor, created_ns, expires_ns, ended_ns, n"
_CHANGE = (
    "id, kind, subject, body, proposed_by, proposed_as, proposed_ns, expires_ns, "
    "state, decided_by, decided_as, decided_ns"
)

USER = Sql(f"SELECT {_USER} FROM access_user WHERE name = $1")  # noqa: S608 - constant lists of columns, here and below
USERS = Sql(f"SELECT {_USER} FROM access_user ORDER BY name")  # noqa: S608
ADD_USER = Sql(f"""
    INSERT INTO access_user ({_USER}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (name) DO NOTHING RETURNING name
""")  # noqa: S608
SET_USER = Sql("""
    UPDATE access_user SET roles = $2, entities = $3, password = $4, totp = $5, totp_step = $6, disabled = $7,
        failures = $8, locked_until_ns = $9, n = $11
    WHERE name = $1 AND created_ns = $10 AND n = $12 RETURNING name
""")
COUNT_FAILURE = Sql("UPDATE access_user SET failures = failures + 1 WHERE name = $1 RETURNING failures")

KEY = Sql(f"SELECT {_KEY} FROM access_key WHERE id = $1")  # noqa: S608
KEYS = Sql(f"SELECT {_KEY} FROM access_key ORDER BY created_ns, id")  # noqa: S608
ADD_KEY = Sql(f"""
    INSERT INTO access_key ({_KEY}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (id) DO NOTHING RETURNING id
""")  # noqa: S608
END_KEY = Sql("UPDATE access_key SET ended_ns = $2, expires_ns = $3, n = $4 WHERE id = $1 AND n = $5 RETURNING id")

SESSION = Sql(f"SELECT {_SESSION} FROM access_session WHERE id = $1")  # noqa: S608
SESSIONS = Sql(f"SELECT {_SESSION} FROM access_session ORDER BY created_ns, id")  # noqa: S608
ADD_SESSION = Sql(f"""
    INSERT INTO access_session ({_SESSION}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (id) DO NOTHING RETURNING id
""")  # noqa: S608
END_SESSION = Sql("UPDATE access_session SET ended_ns = $2, n = $3 WHERE id = $1 AND n = $4 RETURNING id")

RECORD_HEAD = Sql("SELECT n, mac FROM access_record ORDER BY n DESC LIMIT 1")
RECORDS = Sql("""
    SELECT n, at_ns, actor, action, subject, before, after, mac FROM access_record WHERE n > $1 ORDER BY n LIMIT $2
""")
RECORD = Sql("""
    INSERT INTO access_record (n, at_ns, actor, action, subject, before, after, mac)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
""")

PROPOSE = Sql("""
    INSERT INTO access_change (id, kind, subject, body, proposed_by, proposed_as, proposed_ns, expires_ns, state)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'PROPOSED')
""")
# Who decides, and when, is the database's business: see the constraints of the table.
DECIDE = Sql("""
    UPDATE access_change SET state = $2, decided_by = $3, decided_as = $4, decided_ns = $5
    WHERE id = $1 AND state = 'PROPOSED' RETURNING id
""")
HALTED_SINCE = Sql("SELECT 1 FROM request WHERE kind = 'HALT' AND asked_ns > $1 LIMIT 1")
CHANGE = Sql(f"SELECT {_CHANGE} FROM access_change WHERE id = $1")  # noqa: S608
CHANGES = Sql(f"SELECT {_CHANGE} FROM access_change ORDER BY proposed_ns DESC, id LIMIT $1")  # noqa: S608
