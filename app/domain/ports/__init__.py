"""What the flows need of the world, and what they are promised. Each has a real adapter, and a fake in the tests."""

from app.domain.ports.copies import CopySource, CopyTarget
from app.domain.ports.ledger import Ledger
from app.domain.ports.store import Leadership, Store
from app.domain.ports.world import Catalogue, Downloads, Embedder, Media, Workers

__all__ = [
    "Catalogue",
    "CopySource",
    "CopyTarget",
    "Downloads",
    "Embedder",
    "Leadership",
    "Ledger",
    "Media",
    "Store",
    "Workers",
]
