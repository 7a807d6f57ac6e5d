"""What the product knows: pure functions and records, no I/O."""
