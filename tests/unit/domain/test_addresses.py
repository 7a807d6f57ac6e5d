from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.addresses import Site, WebAddress, host_of, is_allowed, parse_address, redirect_target
from app.domain.errors import Reason

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "93.184.216.34", "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
    "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
    "2001:4860:4860::8888", "2606:2800:220:1::1", "2a00:1450::1", "2001:200::1", "2003::1",
    "64:ff9b::8.8.8.8",
]  # fmt: skip
FORBIDDEN = [
    "0.0.0.0", "0.1.2.3",  # noqa: S104
    "10.0.0.1", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
    "127.255.255.254", "169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170",
    "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8",
    "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8",
    "64:ff9b:0:1::8.8.8.8", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1",
    "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3ffe::1", "3fff::1", "5f00::1", "4000::1",
    "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "2001:4860::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_globally_routable_may_be_connected_to(address: str) -> None:
    assert is_allowed(ip_address(address))


@pytest.mark.parametrize("address", FORBIDDEN)
def test_what_is_not_globally_routable_may_not(address: str) -> None:
    assert not is_allowed(ip_address(address))


@given(st.ip_addresses())
def test_what_the_standard_library_calls_not_global_is_never_allowed(address: object) -> None:
    assert isinstance(address, IPv6Address) or address.is_global or not is_allowed(address)  # type: ignore[attr-defined, arg-type]


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:", "::", "64:ff9b:1::", "2002:"]))
def test_no_wrapping_makes_an_address_allowed(wrapped: object, prefix: str) -> None:
    number = int(wrapped)  # type: ignore[call-overload]
    text = f"2002:{number >> 16:x}:{number & 0xFFFF:x}::" if prefix == "2002:" else f"{prefix}{wrapped}"
    assert not is_allowed(ip_address(text))


@given(st.ip_addresses(v=4))
def test_behind_nat64_the_wrapped_address_decides(wrapped: object) -> None:
    assert is_allowed(wrapped) == is_allowed(ip_address(f"64:ff9b::{wrapped}"))  # type: ignore[arg-type]


def test_a_network_is_allowed_by_name_and_nothing_beside_it() -> None:
    networks = [ip_network("127.0.1.0/24"), ip_network("fd00:1::/32")]
    allowed = ["127.0.1.0", "127.0.1.255", "fd00:1::1", "8.8.8.8"]
    others = ["127.0.0.255", "127.0.2.0", "fd00:2::1", "::ffff:127.0.1.1", "64:ff9b::127.0.1.1", "fd00:1::1%lo"]
    assert allowed == [each for each in allowed + others if is_allowed(ip_address(each), networks)]


def test_an_address_is_read_into_its_parts() -> None:
    url = "https://img10.360buyimg.com:9201/n0/a!q80.jpg?x=1"
    origin, endpoint = "https://img10.360buyimg.com:9201", "img10.360buyimg.com:9201"
    expected = WebAddress(url, Site("https", "img10.360buyimg.com", 9201, None, origin, endpoint))
    assert expected == parse_address(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h.example/a/../b/./c//d", "http://h.example/a/../b/./c//d"),
        ("http://h.example/%2C,%21!%zz%", "http://h.example/%2C,%21!%zz%"),
        ("HTTP://H.Example/A", "http://h.example/A"),
        ("http://h.example", "http://h.example/"),
        ("http://h.example?q", "http://h.example/?q"),
        ("http://h.example:/a", "http://h.example/a"),
        ("http://h.example:80/a", "http://h.example/a"),
        ("http://h.example./a", "http://h.example/a"),
        ("http://a_b.example/c", "http://a_b.example/c"),
        ("http://h.example/a#b", "http://h.example/a"),
        ("  http://h.example/a b \n", "http://h.example/a%20b"),
        ("http://h.example/é?é", "http://h.example/%C3%A9?%C3%A9"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://[2001:DB8::1]:88/a", "http://[2001:db8::1]:88/a"),
        ("http://h.example/http://u:p@other/", "http://h.example/http://u:p@other/"),
    ],
)
def test_an_address_goes_on_the_wire_as_it_is(url: str, expected: str) -> None:
    found = parse_address(url)
    assert isinstance(found, WebAddress)
    assert expected == found.url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h.example/", "http://h.example"),
        ("http://h.example:80/", "http://h.example"),
        ("https://h.example:443/", "https://h.example"),
        ("https://h.example:80/", "https://h.example:80"),
        ("http://[2001:db8::1]/", "http://[2001:db8::1]"),
    ],
)
def test_a_schemes_own_port_is_no_part_of_an_origin(url: str, expected: str) -> None:
    found = parse_address(url)
    assert isinstance(found, WebAddress)
    assert expected == found.site.origin


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "127.1", "127.0.1", "0", "0x", "1.2.3.4.5", "256.1.1.1",
     "127.0.0.01", "1.2.3.0x4", "08.8.8.8", "2130706433.", "a.1", "①②⑦.1"],
)  # fmt: skip
def test_a_number_in_disguise_is_blocked(host: str) -> None:
    assert Reason.BLOCKED_ADDRESS == parse_address(f"http://{host}/a")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1.", "①②⑦.0.0.1", "127。0。0。1", "１２７.0.0.1"])  # noqa: RUF001
def test_an_address_is_known_as_one_however_it_is_written(host: str) -> None:
    found = parse_address(f"http://{host}/a")
    assert isinstance(found, WebAddress)
    assert ip_address("127.0.0.1") == found.site.ip


@pytest.mark.parametrize(
    "url",
    ["", "h", "/a", "//h/a", "ftp://h/", "javascript:alert(1)", "http:/h", "http://", "http:///a", "http://?a",
     "http://u@h/", "http://u:p@h/", "http://@h/", "http://a\\@h/", "http://h\\a", "http://h:0/", "http://h:65536/",
     "http://h:-1/", "http://h:8 0/", "http://h:999999999999/", "http://.h/", "http://a..b/", "http://h../",
     f"http://{'a' * 64}/", f"http://{'a.' * 130}b/", "http://%31/", "http://h%00/", "http://a b/", "http://[::1/",
     "http://[::g]/", "http://[fe80::1%25lo]/", "http://[1.2.3.4]/", "http://::1/", "http://h/\0", "http://h/a\nb",
     "http://h/\x7f", "http://h/\ud800", "http://\ud800/", "http://h/" + "a" * 20_000],
)  # fmt: skip
def test_what_is_no_address_is_a_bad_url(url: str) -> None:
    assert Reason.BAD_URL == parse_address(url)


@given(st.text(st.characters(), max_size=60))
def test_whatever_it_is_reading_an_address_never_raises_and_what_is_sent_is_legal(text: str) -> None:
    for url in (text, f"http://{text}", f"http://h/{text}"):
        found = parse_address(url)
        if isinstance(found, WebAddress):
            assert found.url.isascii()
            assert found.url.isprintable()
            assert " " not in found.url
            assert found == parse_address(found.url)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/x/../y", "http://h:81/x/../y"),
        ("../z", "http://h:81/a/z"),
        ("d.jpg", "http://h:81/a/b/d.jpg"),
        ("?q", "http://h:81/a/b/c.jpg?q"),
        ("", "http://h:81/a/b/c.jpg?x=1"),
        ("#f", "http://h:81/a/b/c.jpg?x=1"),
        ("//o/p", "http://o/p"),
        ("https://o/a/../b?%2C", "https://o/a/../b?%2C"),
        (" /a b ", "http://h:81/a%20b"),
        ("ftp://o/", Reason.BAD_URL),
        ("mailto:a@b", Reason.BAD_URL),
        ("http://[::1", Reason.BAD_URL),
        ("http://u@o/", Reason.BAD_URL),
        ("//0x7f.1/", Reason.BLOCKED_ADDRESS),
        ("http://2130706433/", Reason.BLOCKED_ADDRESS),
    ],
)
def test_a_redirect_leads_where_its_location_says(location: str, expected: str | Reason) -> None:
    base = parse_address("http://h:81/a/b/c.jpg?x=1")
    assert isinstance(base, WebAddress)
    found = redirect_target(base, location)
    assert expected == (found.url if isinstance(found, WebAddress) else found)


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://H.example:80/a", "h.example"), ("https://[::1]/", "::1"), ("not an address", ""), ("http://[", "")],
)
def test_the_host_of_an_address(url: str, expected: str) -> None:
    assert expected == host_of(url)
