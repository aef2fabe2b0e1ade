from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest
import ssrfguard
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture import policy as policy_module
from archiver.capture.addresses import why_not_public
from archiver.capture.policy import AddressPolicy, Refused, confirm_peer, dial, system_resolver
from archiver.errors import SettingsError
from archiver.evidence.exchange import Failure

PUBLIC = AddressPolicy.from_settings([], [80, 443])

REFUSED = """
0.0.0.0 0.1.2.3 0.255.255.255 10.0.0.0 10.1.2.3 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255
127.0.0.1 127.0.0.53 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255
172.16.0.0 172.20.1.1 172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.170 192.0.0.192 192.0.2.1 192.31.196.1
192.52.193.1 192.88.99.1 192.168.0.0 192.168.1.1 192.168.255.255 192.175.48.1 198.18.0.0 198.19.255.255
198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 254.1.1.1 255.255.255.255
:: ::1 ::2 ::7f00:1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::8.8.8.8 100::1 100:0:0:1::1
400::1 1000::1 1fff:ffff::1 2001::1 2001:0:808:808::f7f7:f7f7 2001:1::1 2001:2::1 2001:4:112::1 2001:10::1
2001:20::1 2001:30::1 2001:1ff:ffff::1 2001:db8::1 2001:db8:ffff::1 2002:7f00:1::1 2002:a00:1::1
2002:a9fe:a9fe::1 2002:c0a8:101::1 2620:4f:8000::1 3ffe::1 3fff::1 3fff:fff::1 4000::1 5f00::1 8000::1 c000::1
fc00::1 fd00:ec2::254 fdff::1 fe00::1 fe80::1 fe80::1%1 fe80::1%eth0 febf::1 fec0::1 feff::1 ff02::1 ff0e::1
2a00:1450:4001:81b:0:5efe:7f00:1 2a00:1450:4001:81b:200:5efe:10.0.0.1
""".split()
PERMITTED = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1
168.63.129.15 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.88.98.1
192.88.100.1 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.1 203.0.112.1 223.255.255.255
::ffff:8.8.8.8 64:ff9b::8.8.8.8 2000::1 2001:200::1 2001:4860:4860::8888 2001:db7:ffff::1 2001:db9::1
2002:808:808::1 2003::1 2606:4700:4700::1111 2a00:1450:4001:81b::200e 2a00:1450:4001:81b:0:5efe:8.8.8.8
2620:fe::fe 3ffd::1 3fff:1000::1
""".split()


@pytest.mark.parametrize("ip", REFUSED)
def test_special_addresses_are_refused(ip: str) -> None:
    failure = PUBLIC.check_address(ip)
    assert failure is not None
    assert failure.code == "address_refused"
    assert ip in failure.detail


@pytest.mark.parametrize("ip", PERMITTED)
def test_public_addresses_are_permitted(ip: str) -> None:
    assert PUBLIC.check_address(ip) is None


@pytest.mark.parametrize(
    "ip", ["", "localhost", "127.1", "2130706433", "0x7f.1", "\uff11.1.1.1", "1.2.3.4/32", "[::1]"]
)
def test_what_is_no_address_is_refused(ip: str) -> None:
    failure = PUBLIC.check_address(ip)
    assert failure is not None
    assert failure.code == "address_refused"


STRICTER = [
    ipaddress.ip_network(network)
    for network in (
        "::/96",  # v4-compatible: deprecated, no host uses it
        "2001::/23",  # with Teredo, AMT, AS112, ORCHID
        "192.0.0.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "168.63.129.16/32",
        "2620:4f:8000::/48",
        "3ffe::/16",
    )
]


def _is_stricter(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether we refuse an address on purpose that the other implementation permits."""
    if any(address in network for network in STRICTER):
        return True
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None and _is_stricter(inner):
            return True
        isatap = (int(address) >> 32) & 0xFDFFFFFF == 0x5EFE
        return isatap or address not in ipaddress.ip_network("2000::/3")
    return False


def _edges() -> list[str]:
    edges = []
    for block in ssrfguard.DEFAULT_DENIED.blocks:
        first, last = int(block.network.network_address), int(block.network.broadcast_address)
        limit = block.network.max_prefixlen
        kind = ipaddress.IPv4Address if limit == 32 else ipaddress.IPv6Address
        edges += [str(kind(at)) for at in (first - 1, first, last, last + 1) if 0 <= at < 2**limit]
    return edges


_ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=6, network="2000::/3").map(str),
    st.sampled_from(_edges()),
    st.tuples(st.sampled_from(["::{}", "::ffff:{}", "64:ff9b::{}", "2606:4700::5efe:{}"]), st.ip_addresses(v=4)).map(
        lambda pair: pair[0].format(pair[1])
    ),
    st.ip_addresses(v=4).map(lambda v4: str(ipaddress.IPv6Address((0x2002 << 112) | (int(v4) << 80) | 1))),
)


def _agree(ip: str) -> None:
    ours = PUBLIC.check_address(ip) is None
    theirs = not ssrfguard.DEFAULT_DENIED.classify(ip).blocked
    assert ours == theirs or (theirs and _is_stricter(ipaddress.ip_address(ip)))


@given(_ADDRESSES)
def test_another_implementation_agrees_except_where_we_are_stricter(ip: str) -> None:
    _agree(ip)


@pytest.mark.parametrize("ip", [*_edges(), *(ip for ip in REFUSED + PERMITTED if "%" not in ip)])
def test_another_implementation_agrees_at_every_edge(ip: str) -> None:
    _agree(ip)


@given(st.ip_addresses(v=6))
def test_nothing_outside_global_unicast_is_public_but_translated(address: ipaddress.IPv6Address) -> None:
    if address not in ipaddress.ip_network("2000::/3") and address not in ipaddress.ip_network("64:ff9b::/96"):
        assert why_not_public(address) is not None


def test_allowed_networks_widen_and_nothing_else() -> None:
    policy = AddressPolicy.from_settings(["127.0.0.0/8", "fd00::/8", "10.1.2.3"], [8080])
    for ip in ("127.0.0.1", "::ffff:127.9.9.9", "fd00::1", "10.1.2.3", "8.8.8.8"):
        assert policy.check_address(ip) is None
    for ip in ("10.1.2.4", "::127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::1", "fc00::1", "fd00::1%lo", "::1"):
        assert policy.check_address(ip) is not None


def test_ports() -> None:
    assert PUBLIC.check_port(443) is None
    for port in (22, 0, -1, 65536, 8080):
        failure = PUBLIC.check_port(port)
        assert failure is not None
        assert failure.code == "port_refused"
        assert str(port) in failure.detail


@pytest.mark.parametrize(
    "bad", ["10.0.0.1/8", "10.0.0.0/33", "example.org", "", "0.0.0.0/0", "::/0", "fe80::%lo/64", 2130706433, None]
)
def test_settings_name_the_bad_network(bad: str) -> None:
    with pytest.raises(SettingsError) as caught:
        AddressPolicy.from_settings(["127.0.0.0/8", bad], [80])
    assert repr(bad) in str(caught.value)
    assert "network.allow_private" in str(caught.value)


@pytest.mark.parametrize("bad", [0, -80, 65536, True, "80", 80.0])
def test_settings_name_the_bad_port(bad: int) -> None:
    with pytest.raises(SettingsError) as caught:
        AddressPolicy.from_settings([], [443, bad])
    assert repr(bad) in str(caught.value)
    assert "network.ports" in str(caught.value)


class Listener:
    """A listening socket that remembers who connected."""

    def __init__(self, ip: str, port: int = 0) -> None:
        self._sock = socket.create_server((ip, port))
        self._sock.settimeout(10)
        self.port: int = self._sock.getsockname()[1]

    def accepted(self) -> socket.socket:
        return self._sock.accept()[0]

    def saw_nothing(self) -> bool:
        """On loopback a finished connect is in the accept queue at once."""
        self._sock.setblocking(False)
        try:
            self._sock.accept()[0].close()
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        self._sock.close()


@pytest.fixture
def inside() -> Iterator[Listener]:
    """A service on 127.0.0.1 that must not be reached."""
    listener = Listener("127.0.0.1")
    yield listener
    listener.close()


@pytest.fixture
def outside(inside: Listener) -> Iterator[Listener]:
    """The same port on 127.0.0.2, which the tests allow as if it were public."""
    listener = Listener("127.0.0.2", inside.port)
    yield listener
    listener.close()


def _policy(port: int, *networks: str) -> AddressPolicy:
    return AddressPolicy.from_settings(networks or ["127.0.0.2/32"], [port])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[127.0.0.1]",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7F.1",
        "017700000001",
        "0177.0.0.1",
        "0",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
        "\uff11\uff12\uff17.0.0.1",
        "\u2460\u2461\u2466.0.0.1",
        "127。0。0。1",
        "[::ffff:127.0.0.1]",
        "::ffff:7f00:1",
        "[::1]",
        "[::]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1%lo]",
    ],
)
def test_every_spelling_of_an_inside_host_is_refused(host: str, inside: Listener) -> None:
    with pytest.raises(Refused) as caught:
        dial(host, inside.port, policy=_policy(inside.port), resolver=system_resolver, timeout_s=10)
    assert caught.value.failure.code == "address_refused"
    assert host in caught.value.failure.detail
    assert inside.saw_nothing()


def test_a_rebinding_name_never_reaches_the_inside(inside: Listener, outside: Listener) -> None:
    asked = []

    def rebinding(host: str, port: int) -> tuple[str, ...]:
        asked.append(host)
        return ("127.0.0.2",) if len(asked) == 1 else ("127.0.0.1",)

    policy = _policy(inside.port)
    dialled = dial("rebind.test", inside.port, policy=policy, resolver=rebinding, timeout_s=10)
    dialled.sock.close()
    assert asked == ["rebind.test"], "one question a connection: what was judged is what was dialled"
    assert dialled.peer_ip == "127.0.0.2"
    with pytest.raises(Refused) as caught:
        dial("rebind.test", inside.port, policy=policy, resolver=rebinding, timeout_s=10)
    assert caught.value.failure.code == "address_refused"
    assert "rebind.test" in caught.value.failure.detail
    assert "127.0.0.1" in caught.value.failure.detail
    outside.accepted().close()
    assert inside.saw_nothing()


def test_of_a_mixed_answer_only_the_permitted_address_is_dialled(inside: Listener, outside: Listener) -> None:
    answer = ("127.0.0.1", "10.0.0.1", "127.0.0.2", "::1")
    dialled = dial(
        "mixed.test", inside.port, policy=_policy(inside.port), resolver=lambda host, port: answer, timeout_s=10
    )
    dialled.sock.close()
    assert dialled.resolved == answer, "what was refused is stated too"
    assert dialled.peer_ip == "127.0.0.2"
    assert dialled.local_ip.startswith("127.")
    outside.accepted().close()
    assert inside.saw_nothing()


class SecondThoughts(AddressPolicy):
    """Permits every address once, as if the way led elsewhere after the first judgement."""

    __slots__ = ()
    judged: ClassVar[list[str]] = []

    def check_address(self, ip: str) -> Failure | None:
        self.judged.append(ip)
        return Failure("address_refused", f"{ip} again") if self.judged.count(ip) > 1 else None


def test_the_peer_is_judged_again_after_connecting(inside: Listener) -> None:
    policy = SecondThoughts((), frozenset({inside.port}))
    with pytest.raises(Refused) as caught:
        dial("127.0.0.1", inside.port, policy=policy, resolver=system_resolver, timeout_s=10)
    assert caught.value.failure.code == "address_refused"
    assert "led elsewhere" in caught.value.failure.detail
    accepted = inside.accepted()
    assert accepted.recv(1) == b"", "closed without a byte"
    accepted.close()


def test_the_peer_of_a_socket_is_judged_by_where_it_leads(inside: Listener) -> None:
    with socket.create_connection(("127.0.0.1", inside.port)) as sock:
        assert confirm_peer(sock, _policy(inside.port, "127.0.0.1/32")) == "127.0.0.1"
        with pytest.raises(Refused) as caught:
            confirm_peer(sock, _policy(inside.port, "127.0.0.2/32"))
        assert "127.0.0.1" in caught.value.failure.detail
    inside.accepted().close()


def test_a_literal_needs_no_resolver_and_the_socket_is_ready(outside: Listener) -> None:
    def never(host: str, port: int) -> tuple[str, ...]:
        raise AssertionError("an address was resolved")

    dialled = dial("127.0.0.2", outside.port, policy=_policy(outside.port), resolver=never, timeout_s=10)
    with dialled.sock as sock, outside.accepted() as other:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        sock.sendall(b"x")
        assert other.recv(1) == b"x"
    assert dialled.resolved == ("127.0.0.2",)


def test_a_refused_port_is_not_even_resolved() -> None:
    def never(host: str, port: int) -> tuple[str, ...]:
        raise AssertionError("resolved")

    with pytest.raises(Refused) as caught:
        dial("ports.test", 25, policy=PUBLIC, resolver=never, timeout_s=10)
    assert caught.value.failure.code == "port_refused"


def _no_such_name(host: str, port: int) -> tuple[str, ...]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("resolver", "words"), [(_no_such_name, "Name or service not known"), (lambda host, port: (), "no address")]
)
def test_a_name_without_address_is_a_dns_failure(resolver: policy_module.Resolver, words: str) -> None:
    with pytest.raises(Refused) as caught:
        dial("none.test", 80, policy=PUBLIC, resolver=resolver, timeout_s=10)
    assert caught.value.failure.code == "dns"
    assert "none.test" in caught.value.failure.detail
    assert words in caught.value.failure.detail


@pytest.mark.parametrize("host", ["a" * 64 + ".test", "a..test", "nul\0.test", "ü" * 80])
def test_what_is_no_name_is_a_dns_failure(host: str) -> None:
    with pytest.raises(Refused) as caught:
        dial(host, 80, policy=PUBLIC, resolver=system_resolver, timeout_s=10)
    assert caught.value.failure.code == "dns"


def test_a_resolver_answering_rubbish_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        dial("odd.test", 80, policy=PUBLIC, resolver=lambda host, port: ("evil.test",), timeout_s=10)
    assert caught.value.failure.code == "address_refused"


def test_a_bug_in_a_resolver_is_not_swallowed() -> None:
    def broken(host: str, port: int) -> tuple[str, ...]:
        raise KeyError(host)

    with pytest.raises(KeyError):
        dial("bug.test", 80, policy=PUBLIC, resolver=broken, timeout_s=10)


def test_the_time_limit_covers_resolving_and_stuck_resolvers_do_not_pile_up() -> None:
    released = threading.Event()
    asked = []

    def stuck(host: str, port: int) -> tuple[str, ...]:
        asked.append(host)
        released.wait()
        return ("127.0.0.1",)

    try:
        for _ in range(policy_module.MAX_RESOLVING + 3):
            with pytest.raises(Refused) as caught:
                dial("slow.test", 80, policy=PUBLIC, resolver=stuck, timeout_s=0.01)
            assert caught.value.failure.code == "timeout"
            assert "slow.test" in caught.value.failure.detail
        assert len(asked) == policy_module.MAX_RESOLVING
    finally:
        released.set()
    with pytest.raises(Refused) as caught:
        dial("none.test", 80, policy=PUBLIC, resolver=_no_such_name, timeout_s=30)
    assert caught.value.failure.code == "dns", "the places are free again"


def test_a_closed_port_is_a_connect_failure_naming_each_address() -> None:
    listener = Listener("127.0.0.2")
    listener.close()
    policy = _policy(listener.port, "127.0.0.0/8")
    with pytest.raises(Refused) as caught:
        dial(
            "closed.test",
            listener.port,
            policy=policy,
            resolver=lambda host, port: ("127.0.0.2", "127.0.0.3", "127.0.0.2"),
            timeout_s=10,
        )
    failure = caught.value.failure
    assert failure.code == "connect"
    assert failure.detail.count("127.0.0.2") == 1
    assert "127.0.0.3" in failure.detail


def test_the_next_address_is_tried_and_silent_ones_share_the_time(outside: Listener) -> None:
    with socket.socket() as silent, socket.socket() as first, socket.socket() as second:
        silent.bind(("127.0.0.3", outside.port))
        silent.listen(0)
        for filler in (first, second):  # a full queue: the kernel drops further SYNs
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.3", outside.port))
        policy = _policy(outside.port, "127.0.0.0/8")
        with pytest.raises(Refused) as caught:
            dial("127.0.0.3", outside.port, policy=policy, resolver=system_resolver, timeout_s=0.2)
        assert caught.value.failure.code == "timeout"
        dialled = dial(
            "slow.test",
            outside.port,
            policy=policy,
            resolver=lambda host, port: ("127.0.0.3", "127.0.0.2"),
            timeout_s=1.0,
        )
        dialled.sock.close()
        assert dialled.peer_ip == "127.0.0.2"


def test_a_zone_of_thousands_of_addresses_is_not_walked(outside: Listener) -> None:
    silent = tuple(f"127.1.{at // 256}.{at % 256}" for at in range(3000))
    before, after = silent[: policy_module.MAX_DIALLED - 1], silent
    policy = _policy(outside.port, "127.0.0.0/8")
    dialled = dial(
        "some.test",
        outside.port,
        policy=policy,
        resolver=lambda host, port: (*before, "127.0.0.2", *after),
        timeout_s=10,
    )
    dialled.sock.close()
    assert dialled.peer_ip == "127.0.0.2"
    with pytest.raises(Refused) as caught:
        dial(
            "many.test",
            outside.port,
            policy=policy,
            resolver=lambda host, port: (*before, silent[-1], "127.0.0.2"),
            timeout_s=10,
        )
    assert caught.value.failure.code == "connect"
    assert len(caught.value.failure.detail) < 400


def test_the_system_resolver_names_no_address_twice() -> None:
    answers = system_resolver("127.1", 80)
    assert answers == ("127.0.0.1",)
