"""Everything a route may use: one record, built by wiring, handed to the HTTP layer."""

from dataclasses import dataclass

from app.domain.ports import Embedder, Ledger, Store
from app.flows.browsing import Browsing
from app.flows.comparing import Comparing
from app.flows.duplicates import Duplicates
from app.flows.editing import Editing
from app.flows.evaluations import Evaluations
from app.flows.jobs import Jobs
from app.flows.leading import Leading
from app.flows.removing import Removing
from app.flows.search_batches import SearchBatches
from app.flows.searching import Searching
from app.flows.spaces import Spaces
from app.flows.uploading import Uploading
from app.flows.watching import Watching


@dataclass(frozen=True, slots=True)
class Services:
    """The activities, and the parts whose state is shown as it is."""

    searching: Searching
    search_batches: SearchBatches
    comparing: Comparing
    duplicates: Duplicates
    browsing: Browsing
    uploading: Uploading
    editing: Editing
    jobs: Jobs
    leading: Leading
    watching: Watching
    removing: Removing
    spaces: Spaces
    evaluations: Evaluations
    embedder: Embedder
    store: Store
    ledger: Ledger
    max_upload_bytes: int
