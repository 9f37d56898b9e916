"""Hypothesis without a clock: a busy machine is slow, and that is no fault of what is tested."""

from hypothesis import HealthCheck, settings

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
