"""What can go wrong, one class for each arrow of the flow; foreign errors are wrapped where they arise.

LookalikeError                     has a stable `code` and a sentence that says what to do
├── InvalidRequestError            the caller's parameters            -> nothing was done
├── ImageRejectedError             image bytes -> pixels              (also a reason for a failed image of a job)
├── ModelError                     pixels -> vector                   the model cannot be used
├── StoreUnavailableError          vector -> store -> hits            the store does not answer
├── ModelMismatchError             vector -> store                    vectors of another space
├── NotTheIndexerError             a change                           another process does the changing
├── MediaElsewhereError            a kept photo                       another process keeps it
├── ConflictError                  what is asked for does not go with how things stand
├── NotFoundError                  a label, an image or a job that is not there
├── CatalogueError                 the catalogue cannot be read
├── DataFolderError                the data folder cannot be used
├── SetupError                     what is set leads nowhere: the service does not start
└── BusyError                      too much at once; try again
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why an image of a job failed: a closed list, a promise to callers."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    INCOMPLETE_BODY = "incomplete_body"
    BAD_URL = "bad_url"
    HTTP_403 = "http_403"
    HTTP_404 = "http_404"
    HTTP_410 = "http_410"
    HTTP_429 = "http_429"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    BLOCKED_ADDRESS = "blocked_address"
    ROBOTS = "robots"
    FILE_MISSING = "file_missing"
    TOO_LARGE = "too_large"
    TOO_SMALL = "too_small"
    TOO_MANY_PIXELS = "too_many_pixels"
    PLACEHOLDER = "placeholder"
    UNSUPPORTED_TYPE = "unsupported_type"
    NOT_AN_IMAGE = "not_an_image"
    UNDECODABLE = "undecodable"
    STORE_REJECTED = "store_rejected"
    CANCELLED = "cancelled"


_CODE_OF_REASON = {
    Reason.TOO_LARGE: "image_too_large",
    Reason.TOO_SMALL: "image_too_small",
    Reason.PLACEHOLDER: "image_too_small",
    Reason.TOO_MANY_PIXELS: "image_too_many_pixels",
    Reason.UNSUPPORTED_TYPE: "unsupported_image_type",
    Reason.NOT_AN_IMAGE: "unsupported_image_type",
    Reason.UNDECODABLE: "image_undecodable",
}


class LookalikeError(Exception):
    """The root: `code` is stable snake_case, `str(error)` a sentence for the caller without paths or addresses."""

    def __init__(self, code: str, detail: str) -> None:
        """Keep the code beside the sentence."""
        super().__init__(detail)
        self.code = code


class InvalidRequestError(LookalikeError):
    """A parameter that cannot be acted on.

    Codes: query_source, invalid_crop, invalid_filter, invalid_request, malformed_body, url_not_fetchable,
    exact_too_large, store_rejected.
    """


class ImageRejectedError(LookalikeError):
    """Bytes that do not become pixels; `reason` is the word a job counts it under."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Derive the caller's code from the reason."""
        super().__init__(_CODE_OF_REASON[reason], detail)
        self.reason = reason


class ModelError(LookalikeError):
    """The model's file is missing, altered or not a model of ours; code model_not_ready."""

    def __init__(self, detail: str) -> None:
        """One code for all: nothing can be searched."""
        super().__init__("model_not_ready", detail)


class StoreUnavailableError(LookalikeError):
    """The store does not answer now; the same call may succeed later; code store_unavailable."""

    def __init__(self, detail: str) -> None:
        """One code for all: try again."""
        super().__init__("store_unavailable", detail)


class NotTheIndexerError(LookalikeError):
    """Another process makes the changes, or none does yet; code not_the_indexer."""

    def __init__(self, where: str | None) -> None:
        """`where` is the address of the process that does, if it is known."""
        there = f"send this to {where}" if where else "none has taken over yet, so try again soon"
        super().__init__("not_the_indexer", f"This process answers searches and reads only; {there}.")


class MediaElsewhereError(LookalikeError):
    """A photo is kept in the folder of another process; code media_elsewhere."""

    def __init__(self) -> None:
        """One code for all: ask there, or share the folder."""
        detail = (
            "The image's file is kept by the process that indexed it: ask that one, or let all processes have one"
            " folder of kept photos (LOOKALIKE_MEDIA)."
        )
        super().__init__("media_elsewhere", detail)


class SetupError(LookalikeError):
    """A setting, or what it leads to, cannot be worked with; code setup."""

    def __init__(self, detail: str) -> None:
        """One code for all: the service does not start."""
        super().__init__("setup", detail)


class ModelMismatchError(LookalikeError):
    """What is asked for was indexed with another model or other settings of it; code model_mismatch."""

    def __init__(self, detail: str) -> None:
        """One code for all: spaces are never mixed."""
        super().__init__("model_mismatch", detail)


class SpaceChangedError(LookalikeError):
    """Another space is live than the one that was to be searched; code space_changed. The same call again is right."""

    def __init__(self, space_id: str) -> None:
        """`space_id` is live now."""
        super().__init__("space_changed", f"Space '{space_id}' is live now; try again.")


class NotFoundError(LookalikeError):
    """Codes: {label,image,job,catalogue,product,space}_not_found, label_not_indexed, image_not_kept, not_calibrated."""


class ConflictError(LookalikeError):
    """Codes: job_live, nothing_to_retry, name_taken, space_live."""


class CatalogueError(LookalikeError):
    """The catalogue cannot be read now; code catalogue_unavailable."""

    def __init__(self, detail: str) -> None:
        """One code for all: nothing can be indexed from it."""
        super().__init__("catalogue_unavailable", detail)


class DataFolderError(LookalikeError):
    """The data folder is in use by another process or is not ours; code data_folder."""

    def __init__(self, detail: str) -> None:
        """One code for all: the service does not start."""
        super().__init__("data_folder", detail)


class BusyError(LookalikeError):
    """More at once than is admitted; code busy, the caller tries again after a second."""

    def __init__(self, detail: str) -> None:
        """One code for all: wait."""
        super().__init__("busy", detail)
