"""The command line: `serve` runs the service, the other verbs are clients of its HTTP API."""
