"""Field encryption with a cached tenant key against the raw PyNaCl call.

Both arms encrypt the same bytes under associated data of the same length. Ours includes what a caller does per value:
building the `Binding` of its row. Arms alternate in short rounds within one process; the figures are medians of rounds.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from nacl.secret import Aead

from crypto import Binding, Keyring, TenantKey, generate_master_key, parse_master_keys

GOAL: Final = 1.5
SIZES: Final = (256, 1024, 4096)
_ROUNDS: Final = 301
_CALLS: Final = 50
_TENANT: Final = UUID("0198c0de-0000-7000-8000-00000000000a")
_ROW: Final = "0198c0de-0000-7000-8000-00000000000b"


def _binding() -> Binding:
    return Binding(_TENANT, "integration_secrets", "access_token", _ROW)


def _round(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(_CALLS):
        call()
    return (time.perf_counter() - started) / _CALLS * 1e6


def _interleaved(ours: Callable[[], object], baseline: Callable[[], object]) -> tuple[float, float]:
    """Median microseconds per call of both arms."""
    _round(ours), _round(baseline)
    samples: tuple[list[float], list[float]] = ([], [])
    for index in range(_ROUNDS):
        # Whoever goes second in a round may find warmer caches: take turns.
        for arm in (0, 1) if index % 2 else (1, 0):
            samples[arm].append(_round((ours, baseline)[arm]))
    return statistics.median(samples[0]), statistics.median(samples[1])


def _row(what: str, against: str, ours: float, baseline: float) -> dict[str, Any]:
    ratio = ours / baseline
    return {
        "what": what,
        "against": against,
        "goal": f"≤ {GOAL}",
        "ours": round(ours, 2),
        "baseline": round(baseline, 2),
        "ratio": round(ratio, 3),
        "unit": "µs",
        "reached": ratio <= GOAL,
        "note": f"medians of {_ROUNDS} interleaved rounds of {_CALLS} calls; building the binding included",
    }


def _measure(key: TenantKey, raw: Aead, size: int) -> list[dict[str, Any]]:
    plaintext = bytes(index % 251 for index in range(size))
    # Label, version and key id come before the place in the associated data.
    aad = bytes(len(b"ocsuite/value") + 17) + _binding().encode()
    envelope, raw_envelope = key.seal(plaintext, _binding()), bytes(raw.encrypt(plaintext, aad))
    sealing = _interleaved(lambda: key.seal(plaintext, _binding()), lambda: raw.encrypt(plaintext, aad))
    opening = _interleaved(lambda: key.open(envelope, _binding()), lambda: raw.decrypt(raw_envelope, aad))
    return [
        _row(f"encrypt a field of {size} B, cached tenant key", "raw PyNaCl Aead.encrypt", *sealing),
        _row(f"decrypt a field of {size} B, cached tenant key", "raw PyNaCl Aead.decrypt", *opening),
    ]


def run() -> list[dict[str, Any]]:
    """One row per size and direction."""
    keyring = Keyring(parse_master_keys(generate_master_key("bench")))
    key = keyring.unwrap(_TENANT, keyring.new_tenant_key(_TENANT))
    raw = Aead(bytes(range(Aead.KEY_SIZE)))
    return [row for size in SIZES for row in _measure(key, raw, size)]


if __name__ == "__main__":
    for row in run():
        verdict = "reached" if row["reached"] else "MISSED"
        figures = f"{row['ours']:.2f} against {row['baseline']:.2f} {row['unit']}, ratio {row['ratio']:.2f}"
        print(f"{row['what']}: {figures} (goal {row['goal']}, {verdict})")
