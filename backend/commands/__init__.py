"""The subcommands of `ocsuite`, one module each."""
