import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.adapters.downloading.downloads import open_downloads
from app.adapters.downloading.options import DownloadOptions
from app.domain.downloads import Fetched, NotFetched
from app.domain.errors import Reason
from tests.unit.adapters.loopback import ALLOWED, PHOTO, Site, fetched, naming, pages, reply, serving

# Made for these tests, good for a hundred years, worth nothing: names shop.test and a_b.test.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBoDCCAUWgAwIBAgIUFt6Bn8CqmttY3mqvXz64JmSl/iowCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJc2hvcC50ZXN0MCAXDTI2MTEyMjIyNTUzN1oYDzIxMjYxMDI5
MjI1NTM3WjAUMRIwEAYDVQQDDAlzaG9wLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARb1FBOXVBkVOGza55rL3Y5IATOWpR4y8VzgHH8ypPxZGvGZjtUbeS1
W6y/UvI70+/CAZ35K1ni5nZgvIZlYF6fo3MwcTAdBgNVHQ4EFgQUa0g8/kYNFRxL
JnKIyHclZG9SXG0wHwYDVR0jBBgwFoAUa0g8/kYNFRxLJnKIyHclZG9SXG0wDwYD
VR0TAQH/BAUwAwEB/zAeBgNVHREEFzAVgglzaG9wLnRlc3SCCGFfYi50ZXN0MAoG
CCqGSM49BAMCA0kAMEYCIQDlqMNVMHOzf/enjBsEfxMB60dArK0t4Vu0iFTCiiq2
8AIhALoPvwfusbqd7r0CZxmwXVHB1np4m8Dciieml0jG/jRs
-----END CERTIFICATE-----
"""
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfU/0f9M81Oy4g0Yo
XWfDKswFHsHgm1/tSECZX2qLY+qhRANCAARb1FBOXVBkVOGza55rL3Y5IATOWpR4
y8VzgHH8ypPxZGvGZjtUbeS1W6y/UvI70+/CAZ35K1ni5nZgvIZlYF6f
-----END PRIVATE KEY-----
"""


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "certificate.pem"
    path.write_text(CERTIFICATE + KEY, "ascii")
    return path


@pytest.fixture
async def site(certificate: Path) -> AsyncIterator[Site]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with serving(pages({"/a": reply(200, PHOTO)}), tls=tls) as site:
        yield site


@pytest.fixture
async def options() -> AsyncIterator[DownloadOptions]:
    zone = {name: [[ALLOWED]] for name in ("shop.test", "other.test")}
    async with naming(zone) as (_, options):
        yield options


async def test_a_site_with_a_trusted_certificate_is_asked(
    site: Site, options: DownloadOptions, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url = f"https://shop.test:{site.port}/a"
    async with open_downloads(options) as downloads:
        assert Fetched(url, PHOTO, 1) == await fetched(downloads, url)


async def test_a_certificate_for_another_name_is_refused_without_another_try(
    site: Site, options: DownloadOptions, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url = f"https://other.test:{site.port}/a"
    async with open_downloads(options) as downloads:
        assert NotFetched(url, Reason.TLS, 1) == await fetched(downloads, url)
    assert [] == site.all_calls


async def test_a_certificate_that_nobody_vouches_for_is_refused_without_another_try(
    site: Site, options: DownloadOptions
) -> None:
    url = f"https://shop.test:{site.port}/a"
    async with open_downloads(options) as downloads:
        assert NotFetched(url, Reason.TLS, 1) == await fetched(downloads, url)
    assert [] == site.all_calls


@pytest.mark.parametrize("word", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_a_handshake_that_is_cut_is_tried_again(options: DownloadOptions, word: bytes) -> None:
    connections = 0

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(100)
        writer.write(word)
        writer.close()

    server = await asyncio.start_server(cut, ALLOWED, 0)
    url = f"https://shop.test:{server.sockets[0].getsockname()[1]}/a"
    async with server, open_downloads(options) as downloads:
        assert NotFetched(url, Reason.TLS, 3) == await fetched(downloads, url)
    assert 3 == connections
