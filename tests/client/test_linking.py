"""Links and CSV files: over the real API, in this process."""

from tidelake import Link

from tests.client.stack import lost


def test_links_are_data_whose_bytes_stay_where_they_are(stack, lake):
    outcome = lake.add_links(
        [
            "https://images.example.com/a.jpg",
            Link(
                "https://images.example.com/b.jpg?x=1",
                name="bee.jpg",
                folder="linked",
                tags=["car"],
                source="web",
                metadata={"weather": "rain"},
                custom_metadata={"lot": 1},
                description="from afar",
            ),
            "ftp://images.example.com/c.jpg",
        ]
    )
    first, second = outcome.ok
    assert (first.kind, first.url, first.object_name) == ("link", "https://images.example.com/a.jpg", "a.jpg")
    assert (second.object_name, second.tags, second.source) == ("linked/bee.jpg", ["car"], "web")
    assert (second.metadata["weather"], second.custom_metadata) == ("rain", {"lot": 1})
    [failed] = outcome.failed
    assert (failed.what, failed.code) == ("ftp://images.example.com/c.jpg", "invalid_request")
    assert stack.world.s3.events == []


def test_a_link_that_is_there_fails_is_skipped_or_updated_as_one_wants(lake):
    url = "https://images.example.com/a.jpg"
    assert len(lake.add_links(url).ok) == 1
    assert [each.code for each in lake.add_links(url).failed] == ["conflict"]
    assert [each.code for each in lake.add_links(url, if_exists="skip").skipped] == ["exists"]
    [data] = lake.add_links(Link(url, tags=["car"]), if_exists="update").ok
    assert data.tags == ["car"]
    assert lake.add_links([]).ok == lake.list_data(ids=[])


def test_many_links_are_few_calls(stack, lake):
    stack.sent.clear()
    outcome = lake.add_links(f"https://images.example.com/{n}.jpg" for n in range(1000))
    assert len(outcome.ok) == 1000
    assert len(stack.calls()) == 2


def test_after_a_lost_answer_the_same_may_be_asked_again(stack, lake):
    stack.faults.append(("POST .*/links", lost))
    outcome = lake.add_links("https://images.example.com/a.jpg", if_exists="skip")
    assert (len(outcome.ok), len(outcome.skipped)) == (0, 1)


def test_links_are_checked_by_a_job(lake):
    lake.add_links("https://images.example.com/a.jpg")
    assert lake.check_links().kind == "check_links"
    assert lake.check_links(q='kind = "link"').kind == "check_links"
