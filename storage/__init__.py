"""PostgreSQL: the embedded server, the pool, the repositories."""
