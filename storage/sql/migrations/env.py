"""Runs the steps over the connection that it is given, in its transaction."""

from __future__ import annotations

from alembic import context

from storage.sql.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True,
    transaction_per_migration=False,
)  # fmt: skip
with context.begin_transaction():
    context.run_migrations()
