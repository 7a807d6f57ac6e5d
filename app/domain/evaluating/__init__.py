"""Labelled photos that asked, and what they were answered -> figures (the definitions: README, "How good it is")."""
