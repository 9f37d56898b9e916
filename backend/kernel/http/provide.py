"""Litestar dependencies that are made once."""

from litestar.di import Provide


def provide(**instances: object) -> dict[str, Provide]:
    """Litestar dependencies that are the same objects for every request."""

    def constant(instance: object) -> Provide:
        return Provide(lambda: instance, sync_to_thread=False)

    return {name: constant(instance) for name, instance in instances.items()}
