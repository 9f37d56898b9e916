"""Runs migrations over the connection that :mod:`backend.migrate` hands in; one transaction for all of them."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
