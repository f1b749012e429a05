"""Statements on what was asked over HTTP, and the answers that were given."""

from router.store.dialect import Sql

ASKING = Sql("SELECT fingerprint, working_until_ns, status, answer FROM http_asking WHERE principal = $1 AND key = $2")
KEEP_ASKING = Sql("""
    INSERT INTO http_asking (principal, key, fingerprint, asked_ns, working_until_ns, status, answer)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
""")
ANSWER = Sql("UPDATE http_asking SET status = $3, answer = $4, working_until_ns = 0 WHERE principal = $1 AND key = $2")
FORGET_ASKING = Sql("DELETE FROM http_asking WHERE asked_ns < $1")
