"""The public surface: a change here is a change for everything that is built on it."""

import inspect

import crypto

SURFACE = {
    "Binding": "(tenant_id, table, column, row)",
    "DecryptionError": "()",
    "Keyring": "(masters)",
    "Keyring.derive": "(self, purpose, key_id)",
    "Keyring.key_ids": "property",
    "Keyring.needs_reseal": "(self, envelope)",
    "Keyring.needs_rewrap": "(self, wrapped)",
    "Keyring.new_tenant_key": "(self, tenant_id)",
    "Keyring.open_system": "(self, envelope, binding)",
    "Keyring.reseal_system": "(self, envelope, binding)",
    "Keyring.rewrap": "(self, tenant_id, wrapped)",
    "Keyring.seal_system": "(self, plaintext, binding)",
    "Keyring.unwrap": "(self, tenant_id, wrapped)",
    "MasterKey": "(id, secret)",
    "MasterKey.derive": "(self, kind, subject)",
    "MasterKey.id": "attribute",
    "MasterKey.same_secret": "(self, other)",
    "SealingKey": "(seed)",
    "SealingKey.generate": "()",
    "SealingKey.open": "(keyring, envelope, binding)",
    "SealingKey.public": "attribute",
    "SealingKey.sealed": "(self, keyring, binding)",
    "SealingKey.sign": "(self, message)",
    "TenantKey": "(tenant_id, key_id, secret)",
    "TenantKey.id": "attribute",
    "TenantKey.open": "(self, envelope, binding)",
    "TenantKey.seal": "(self, plaintext, binding)",
    "TenantKey.tenant_id": "attribute",
    "VerifyKey": "(raw)",
    "VerifyKey.base64": "property",
    "VerifyKey.from_base64": "(text)",
    "VerifyKey.verify": "(self, message, signature)",
    "generate_master_key": "(key_id)",
    "hash_password": "(password)",
    "hash_token": "(token)",
    "new_token": "()",
    "parse_master_keys": "(text)",
    "password_needs_rehash": "(stored_hash)",
    "verify_password": "(stored_hash, password)",
}


def _shape(member: object) -> str:
    if isinstance(member, property):
        return "property"
    if not callable(member):
        return "attribute"
    return f"({', '.join(inspect.signature(member).parameters)})"


def _surface() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in crypto.__all__:
        thing = getattr(crypto, name)
        found[name] = _shape(thing)
        if inspect.isclass(thing) and thing.__module__ != "crypto._binding" and not issubclass(thing, Exception):
            members = {member: getattr(thing, member) for member in dir(thing) if not member.startswith("_")}
            found |= {f"{name}.{member}": _shape(value) for member, value in members.items()}
    return found


def test_the_public_surface_is_exactly_this() -> None:
    assert _surface() == SURFACE


def test_nothing_else_is_reachable_without_an_underscore() -> None:
    assert {name for name in vars(crypto) if not name.startswith("_")} == set(crypto.__all__)


def test_no_caller_can_pass_a_nonce() -> None:
    assert not [name for name, shape in _surface().items() if "nonce" in shape.lower()]
