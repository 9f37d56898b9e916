"""What a domain records in the audit log, and how it reads."""

from typing import NamedTuple


class Action(NamedTuple):
    """One kind of entry, in words.

    Attributes:
        key: ``<area>.<verb in the past>``, as it is stored.
        title: What happened, on its own: ``Role created``.
        verb: What follows the actor's name: ``created the role``.
        thing: The key of the meta that says what the thing is called, which follows the verb.
        bare: Takes the verb's place where the meta does not say that.
        roles: The key of the meta that lists roles, which end the sentence.
    """

    key: str
    title: str
    verb: str
    thing: str = ""
    bare: str = ""
    roles: str = ""

    @property
    def area(self) -> str:
        """What it is about."""
        return self.key.partition(".")[0]
