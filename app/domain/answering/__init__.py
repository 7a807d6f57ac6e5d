"""Hits -> the answer: which product it is, and how sure that is (the formulas: README, "How sure it is")."""
