"""Postgres and Valkey without an installation: what `ocsuite up` and the tests run on.

`LocalStack` owns one data folder. A folder belongs to one running stack at a time, and a stack ends with the process
that started it, even when that is killed.
"""

from backend.devstack.errors import StackError
from backend.devstack.local import LocalStack
from backend.devstack.postgres import APP_ROLE, DATABASE, OWNER_ROLE

__all__ = ["APP_ROLE", "DATABASE", "OWNER_ROLE", "LocalStack", "StackError"]
