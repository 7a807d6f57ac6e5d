from app.adapters.ledger.ledger import SqliteLedger
from app.domain.errors import Reason
from app.domain.jobs import AlreadyThere, HostOutcomes, Indexed, Tried
from tests.unit.adapters.ledger_steps import end, failed, planned


async def test_what_became_of_a_label_is_summed_by_host_over_all_its_jobs(ledger: SqliteLedger) -> None:
    gone = [Tried(f"http://A.example:88/{number}.jpg", Reason.HTTP_404, 1) for number in range(3)]
    slow = Tried("https://b.example/1.jpg", Reason.TIMEOUT, 3)
    for _ in range(2):
        job_id = await planned(ledger, 4)
        await ledger.record({job_id: [Indexed(0, url="http://b.example/0.jpg"), AlreadyThere(1)]})
        await ledger.record({job_id: [failed(2, Reason.TIMEOUT, *gone[:2], slow), failed(3, Reason.HTTP_404, gone[2])]})
        await end(ledger, job_id)
    expected = [
        HostOutcomes("a.example", 0, {Reason.HTTP_404: 6}),
        HostOutcomes("b.example", 2, {Reason.TIMEOUT: 2}),
    ]
    assert expected == await ledger.host_outcomes("shoes")


async def test_the_busiest_host_comes_first_and_equals_by_name(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 6)
    hosts = ["z.example", "b.example", "a.example", "z.example", "z.example", "c.example"]
    served = [Indexed(position, url=f"http://{host}/x") for position, host in enumerate(hosts[:4])]
    refused = [failed(position, Reason.DNS, Tried(f"http://{hosts[position]}/x", Reason.DNS, 0)) for position in (4, 5)]
    await ledger.record({job_id: [*served, *refused]})
    expected = ["z.example", "a.example", "b.example", "c.example"]
    assert expected == [each.host for each in await ledger.host_outcomes("shoes")]


async def test_files_and_addresses_without_a_host_count_for_none(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 4)
    bad = [Tried(url, Reason.BAD_URL, 0) for url in ("/no/host.jpg", "http://[half", "")]
    await ledger.record({job_id: [Indexed(0), failed(1, Reason.FILE_MISSING), failed(2, Reason.BAD_URL, *bad)]})
    await ledger.cancel(job_id)
    assert not await ledger.host_outcomes("shoes")


async def test_an_outcome_that_comes_twice_counts_once_for_its_host(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 2)
    tried = Tried("http://a.example/1", Reason.TLS, 2)
    for _ in range(2):
        await ledger.record({job_id: [Indexed(0, url="http://a.example/0"), failed(1, Reason.TLS, tried)]})
    assert [HostOutcomes("a.example", 1, {Reason.TLS: 1})] == await ledger.host_outcomes("shoes")


async def test_each_label_has_its_own_hosts(ledger: SqliteLedger) -> None:
    one, other = await planned(ledger, 1, "a"), await planned(ledger, 1, "b")
    await ledger.record({one: [Indexed(0, url="http://a.example/")], other: [Indexed(0, url="http://b.example/")]})
    assert [HostOutcomes("a.example", 1, {})] == await ledger.host_outcomes("a")
    assert [HostOutcomes("b.example", 1, {})] == await ledger.host_outcomes("b")
    assert not await ledger.host_outcomes("unknown")


async def test_a_host_that_is_no_text_does_not_stop_the_record(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 2)
    tried = Tried("http://half\udc00.example/", Reason.BAD_URL, 0)
    await ledger.record({job_id: [failed(0, Reason.BAD_URL, tried), Indexed(1, url="http://a.example/")]})
    assert [tried] == [one for each in await ledger.failures(job_id, count=9) for one in each.tried]
    assert [HostOutcomes("a.example", 1, {}), HostOutcomes("half?.example", 0, {Reason.BAD_URL: 1})] == (
        await ledger.host_outcomes("shoes")
    )
