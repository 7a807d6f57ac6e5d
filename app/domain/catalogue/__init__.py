"""What the records of a catalogue's files mean: pure, no I/O."""
