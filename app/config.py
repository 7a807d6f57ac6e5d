"""Every setting: its LOOKALIKE_ variable, its default, its unit, its meaning. Settings stop at wiring."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyNetwork, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_LEAST_DIMENSIONS: Final = 16
_MODELS: Final = Path(__file__).resolve().parent.parent / "models"


def _loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def _listed(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _none_or_enough(dimensions: int | None) -> int | None:
    if dimensions and dimensions < _LEAST_DIMENSIONS:
        message = f"{dimensions} numbers tell too little: at least {_LEAST_DIMENSIONS}, or 0 for all"
        raise ValueError(message)
    return dimensions


def _name_server(text: str) -> str:
    address, port = (text, "53") if text.count(":") != 1 and not text.startswith("[") else text.rsplit(":", 1)
    try:
        ip_address(address.strip("[]"))
        in_range = 0 < int(port) < 65_536  # noqa: PLR2004 - as ports are
    except ValueError:
        in_range = False
    if not in_range:
        message = f"{text} is no name server's address, such as 9.9.9.9 or 127.0.0.1:5353"
        raise ValueError(message)
    return text


class Settings(BaseSettings):
    """What the service is told from outside; read once, at start-up."""

    model_config = SettingsConfigDict(env_prefix="LOOKALIKE_", frozen=True, extra="forbid", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address to listen on; beyond loopback only with `insecure`.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    insecure: bool = Field(default=False, description="Listen beyond loopback although no key protects the service.")
    access_log: bool = Field(default=False, description="Write a line for each request.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")

    data_dir: Path = Field(Path("data"), description="Folder for everything that the service keeps.")
    catalog: Path | None = Field(
        None,
        description="Folder of photos (<root>/<label>/[<product>/]*.jpg), a data set's file or folder, or a table.",
    )
    catalogs: Path | None = Field(None, description="TOML file that names several catalogues, in place of `catalog`.")
    queries: Path | None = Field(
        None, description="Catalogue of labelled photos that ask in evaluations, and are never indexed."
    )
    keep: Literal["original", "thumbnail", "none"] = Field(
        "original", description="What is kept of a downloaded photo, beside its vector."
    )
    min_free_bytes: int = Field(
        1_000_000_000, ge=0, description="Disk space that stays free, in bytes: with less, jobs wait."
    )
    product_from: Literal["auto", "label", "folder", "image"] = Field(
        "auto",
        description="What a product is: the product folder, else the image (auto); the label; the folder; the image.",
    )
    store: str = Field(
        "embedded",
        pattern=r"^(embedded|elasticsearch(\+https)?://[^\s,/@]+(,[^\s,/@]+)*/?)$",
        description="Where vectors live: `embedded`, or `elasticsearch://host:9200` (`elasticsearch+https://`: TLS),"
        " of a cluster several nodes.",
    )
    store_api_key: SecretStr | None = Field(None, description="API key for Elasticsearch, as it encodes them.")
    store_user: str | None = Field(None, description="User for Elasticsearch, in place of a key.")
    store_password: SecretStr | None = Field(None, description="That user's password.")
    store_ca_file: Path | None = Field(None, description="Certificates (PEM) that Elasticsearch's own is checked with.")
    store_namespace: str = Field(
        "lookalike",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$",
        description="First word of the names of indices on Elasticsearch: one for each service that shares a cluster.",
    )
    alias_prefix: str = Field(
        "",
        pattern=r"^([a-z0-9][a-z0-9._-]{0,31})?$",
        description="What stands before a label's id in the name of its alias on Elasticsearch.",
    )
    store_vector_index: Literal["int8_hnsw", "hnsw", "flat", "bbq_hnsw"] = Field(
        "int8_hnsw", description="How Elasticsearch indexes vectors; for an index that is made anew."
    )
    store_candidates: int = Field(
        200, ge=10, le=10_000, description="Candidates that Elasticsearch looks at in each shard (num_candidates)."
    )
    store_shards: int = Field(1, ge=1, le=64, description="Primary shards of an index that is made anew.")
    store_replicas: str = Field(
        "0-1",
        pattern=r"^\d{1,2}(-(\d{1,2}|all))?$",
        description="Copies of each shard of an index that is made anew, or as many as there are nodes for.",
    )
    store_timeout_s: float = Field(10, gt=0, description="Seconds for an answer of Elasticsearch, on each node tried.")
    store_lease_s: float = Field(
        10, ge=1, description="Seconds after which another process takes over from one that is gone."
    )
    prior_unknown: float = Field(
        0.1, ge=0, le=1, description="Share of searches whose product is not indexed, as answers assume it."
    )
    match_threshold: float = Field(0.9, ge=0, le=1, description="Confidence from which an answer is a match.")
    no_match_threshold: float = Field(0.3, ge=0, le=1, description="Confidence below which an answer is no match.")
    adapt: Literal["manual", "auto"] = Field(
        "manual", description="Whether products are learned again when the gallery has grown by a tenth (auto)."
    )
    space_dimensions: Annotated[int | None, AfterValidator(_none_or_enough)] = Field(
        None,
        ge=0,
        le=4096,
        description="Numbers that a learned vector is cut to; 0: none, by default as the store does.",
    )
    media: Path | None = Field(
        None, description="Folder of kept photos that several processes share; by default in the data folder."
    )
    url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/]+$",
        description="Where other processes and callers reach this one; by default its address and port.",
    )

    model: Path = Field(_MODELS / "mobilenet_v2.onnx", description="The network; SHA256SUMS beside it must list it.")
    views: int = Field(
        1, ge=1, le=2, description="Crops of a photo that are embedded; 2 is more accurate, at twice the time."
    )
    colour_weight: float = Field(
        0.25, ge=0, le=4, description="Weight of the colour histogram beside the network; 0: none."
    )

    max_image_bytes: int = Field(20_000_000, ge=1_000, description="Largest image file, in bytes.")
    max_image_pixels: int = Field(50_000_000, ge=1_000, description="Largest image, in pixels.")
    min_image_side: int = Field(16, ge=1, description="Shortest side of an image, in pixels.")

    workers: int | None = Field(
        None, ge=1, description="Threads for searches; by default the cores the process may use."
    )
    index_workers: int | None = Field(None, ge=1, description="Threads for indexing; by default as many.")
    search_queue: int = Field(64, ge=0, description="Searches that may wait for a thread; more are answered 503.")
    index_batch: int = Field(16, ge=1, le=64, description="Images decoded and embedded together when indexing.")

    jobs_at_once: int = Field(4, ge=1, le=64, description="Jobs that run at once; they share all limits.")

    downloads: int = Field(64, ge=1, le=1024, description="Requests in flight when images are downloaded.")
    downloads_per_owner: int = Field(
        8, ge=1, le=1024, description="Of these, to the hosts of one owner (the registrable domain)."
    )
    download_attempts: int = Field(3, ge=1, le=10, description="Requests for an address that may answer yet.")
    download_connect_timeout_s: float = Field(10, gt=0, description="Seconds until a connection is there.")
    download_read_timeout_s: float = Field(20, gt=0, description="Seconds without a byte.")
    download_timeout_s: float = Field(60, gt=0, description="Seconds for a request, its redirects included.")
    query_url_timeout_s: float = Field(5, gt=0, description="Seconds for the `image_url` of a search.")
    robots: Literal["obey", "ignore"] = Field("obey", description="robots.txt and X-Robots-Tag.")
    contact: str | None = Field(
        None,
        pattern=r"^[!-~]{3,200}$",
        description="Address of a page or mailbox, told to every host in the User-Agent.",
    )
    allow_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="Networks that are no public ones and may be downloaded from all the same, by comma."
    )
    nameservers: Annotated[
        tuple[Annotated[str, AfterValidator(_name_server)], ...], NoDecode, BeforeValidator(_listed)
    ] = Field(
        (), description="Name servers for downloads (address or address:port), by comma; by default the system's."
    )

    @model_validator(mode="after")
    def _one_way_to_name_catalogues(self) -> Self:
        if self.catalog and self.catalogs:
            message = "set LOOKALIKE_CATALOG or LOOKALIKE_CATALOGS, not both"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _one_way_to_be_known(self) -> Self:
        if self.store_api_key and (self.store_user or self.store_password):
            message = "set LOOKALIKE_STORE_API_KEY or LOOKALIKE_STORE_USER and _PASSWORD, not both"
            raise ValueError(message)
        if bool(self.store_user) != bool(self.store_password):
            message = "LOOKALIKE_STORE_USER and LOOKALIKE_STORE_PASSWORD go together"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _a_match_is_surer_than_none(self) -> Self:
        if self.match_threshold < self.no_match_threshold:
            message = "LOOKALIKE_MATCH_THRESHOLD must not be below LOOKALIKE_NO_MATCH_THRESHOLD"
            raise ValueError(message)
        return self

    @property
    def needs_insecure(self) -> bool:
        """Whether the address asks for `insecure`, which is not set."""
        return not self.insecure and not _loopback(self.host)
