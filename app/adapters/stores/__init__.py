"""Where entries and their vectors live."""
