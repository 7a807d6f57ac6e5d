"""Lookalike: which products look like this photo?"""

__version__ = "0.1.0"
