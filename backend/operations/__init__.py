"""Work that a person starts by hand with the `ocsuite` command: demonstration data, key rotation, smoke test."""
