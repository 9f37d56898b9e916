"""The database and Redis: sessions, the signed tenancy context, tables, keys of tenants."""
