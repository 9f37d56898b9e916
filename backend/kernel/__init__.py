"""What every domain stands on: database, tenancy, errors, limits, logs. Knows no domain."""
