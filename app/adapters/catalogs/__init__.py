"""Where a label's images come from."""
