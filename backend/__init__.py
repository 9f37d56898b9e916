"""OCSuite's server side: HTTP API, workers, command line."""
