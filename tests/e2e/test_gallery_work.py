"""The gallery's working panels, used as people use them. The page is mostly opened by another name of this
machine than the storage has, so that all that goes between them is between two origins, as it is in AWS."""

import base64
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.e2e.browsing import Tab
from tests.e2e.lake import Stack, eventually, png
from tests.e2e.test_access import send
from tests.e2e.test_connectors import Neighbour

MIB = 1024**2
MARKUP = "<img src=x onerror=alert(1)>.png"

LOSES_THE_FIRST = """
    const send = XMLHttpRequest.prototype.send;
    let lost = 0;
    XMLHttpRequest.prototype.send = function (body) {
      lost += 1;
      if (lost > 2) return send.call(this, body);
      setTimeout(() => this.onerror());
    };
"""
"""Two requests to the storage never arrive."""

WAITS = """
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) { window.go = () => send.call(this, body); };
"""
"""A request to the storage leaves when it is told to."""

WITHOUT_SUMS = "Object.defineProperty(crypto, 'subtle', { value: undefined })"
"""As on pages that come by http from another machine."""


@pytest.fixture
def folder(stack: Stack) -> Iterator[str]:
    name = f"gallery-{uuid.uuid4().hex[:8]}"
    yield name
    stack.clear(f"{name}/")


@pytest.fixture
def elsewhere_opened(stack: Stack, tab: Tab) -> Any:
    address = tab.address.replace("127.0.0.1", "localhost")
    assert urlsplit(address).hostname == "localhost"

    def open_view(view: str, script: str = "") -> Tab:
        if script:
            tab.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        tab.open(f"#/default/{view}", stack.handle["api_key"], address)
        tab.find("h1")
        return tab

    return open_view


def drop(tab: Tab, *paths: Path, on: str = ".drop") -> None:
    zone = tab.find(on).rect
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    place = {"x": zone["x"] + 20, "y": zone["y"] + 20, "data": data}
    for kind in ("dragEnter", "dragOver", "drop"):
        tab.driver.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, **place})


def rows(tab: Tab) -> dict[str, str]:
    """What is said of each file, by its name."""
    cells = [[cell.text for cell in row.find_elements("tag name", "td")] for row in tab.all("tbody tr")]
    return {name: state for name, _, state in cells}


def test_files_and_folders_are_dropped_and_become_data(
    stack: Stack, elsewhere_opened: Any, folder: str, tmp_path: Path
) -> None:
    tab = elsewhere_opened("upload", LOSES_THE_FIRST)
    (tmp_path / "shift" / "deep").mkdir(parents=True)
    for name in ("a.png", f"deep/{MARKUP}", "deep/c.png", ".DS_Store"):
        (tmp_path / "shift" / name).write_bytes(png(20, 10))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    tab.require_usable()
    drop(tab, tmp_path / "shift", tmp_path / "broken.jpg")
    tab.says("4 files")
    tab.named("Folder").send_keys(folder)
    tab.named("Source").send_keys("camera-one")
    tab.require_usable()
    tab.named("Tags, with commas between").send_keys("car, night", Keys.ENTER)
    tab.says("All done.")
    assert rows(tab) == {
        f"{folder}/shift/a.png": "Ready",
        f"{folder}/shift/deep/{MARKUP}": "Ready",
        f"{folder}/shift/deep/c.png": "Ready",
        f"{folder}/broken.jpg": "Indexed: corrupt",
    }
    tab.require_usable()
    assert tab.all("img") == []
    found = {each["object_name"]: each for each in stack.index(f"{folder}/")}
    assert found.keys() == rows(tab).keys()
    assert {(tuple(each["tags"]), each["source"]) for each in found.values()} == {
        (("car", "night"), "camera-one")
    }


def test_files_that_are_dropped_on_the_pictures_are_for_upload(
    stack: Stack, tab: Tab, folder: str, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png())
    tab.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WITHOUT_SUMS})
    tab.open("#/default", stack.handle["api_key"])
    tab.says("admin")
    drop(tab, tmp_path / "a.png", on=".browse")
    tab.named("Folder").send_keys(folder)
    tab.press("Upload 1 file")
    tab.says("All done.")
    assert [each["filename"] for each in stack.index(f"{folder}/")] == ["a.png"]


def test_what_is_there_already_is_left_or_reported_as_one_chooses(
    stack: Stack, elsewhere_opened: Any, folder: str, tmp_path: Path
) -> None:
    stack.s3.put_object(Bucket=stack.bucket, Key=f"{folder}/a.png", Body=png())
    tab = elsewhere_opened("upload")
    (tmp_path / "a.png").write_bytes(png(9))
    (picker, _) = tab.all("input.picker")
    said = []
    for choice in ("error", "skip", "overwrite"):
        picker.send_keys(str(tmp_path / "a.png"))
        tab.named("Folder").send_keys(folder)
        tab.find(f"option[value={choice}]").click()
        tab.press("Upload 1 file")
        tab.says("All done.")
        said += rows(tab).values()
        tab.press("Clear what is done")
        tab.until(lambda: not tab.all("tbody"))
    assert said == ["Failed: there is an object of this name", "Left: there is one of this name", "Ready"]
    (record,) = stack.index(f"{folder}/")
    assert record["width"] == 9


def test_what_comes_meanwhile_is_not_overwritten(
    stack: Stack, elsewhere_opened: Any, folder: str, tmp_path: Path
) -> None:
    tab = elsewhere_opened("upload", WAITS)
    (tmp_path / "a.png").write_bytes(png(9))
    tab.all("input.picker")[0].send_keys(str(tmp_path / "a.png"))
    tab.named("Folder").send_keys(folder)
    tab.press("Upload 1 file")
    tab.until(lambda: tab.run("return window.go !== undefined"))
    stack.s3.put_object(Bucket=stack.bucket, Key=f"{folder}/a.png", Body=png(5))
    tab.forgiven.append("412")
    tab.run("go()")
    tab.says("All done.")
    assert [*rows(tab).values()] == ["Failed: there is an object of this name"]
    there = stack.s3.get_object(Bucket=stack.bucket, Key=f"{folder}/a.png")
    assert there["Body"].read() == png(5)


def test_a_large_file_goes_in_parts_and_can_be_given_up(
    stack: Stack, elsewhere_opened: Any, folder: str, tmp_path: Path
) -> None:
    path = tmp_path / "large.mp4"
    path.write_bytes(os.urandom(MIB) * 65)
    tab = elsewhere_opened("upload")
    tab.driver.execute_cdp_cmd("Network.enable", {})
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 8 * MIB}
    tab.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
    tab.all("input.picker")[0].send_keys(str(path))
    tab.named("Folder").send_keys(folder)
    tab.press("Upload 1 file")
    tab.until(lambda: any("%" in state and "0 %" not in state for state in rows(tab).values()))
    tab.press("Cancel")
    tab.says("Canceled")
    tab.until(lambda: not stack.s3.list_multipart_uploads(Bucket=stack.bucket).get("Uploads"))
    tab.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    tab.press("Try what failed again")
    tab.says("unsupported type")
    (record,) = stack.index(f"{folder}/")
    assert (record["size"], record["status"]) == (65 * MIB, "skipped")


def test_a_csv_file_is_tried_before_it_is_imported(
    stack: Stack, elsewhere_opened: Any, folder: str, tmp_path: Path
) -> None:
    picture = base64.b64encode(png(21)).decode()
    lines = [
        "url,image_bytes,name",
        *(f",{picture},{n}.png" for n in range(3)),
        f'nothing,,"{MARKUP}, ""b"""',
    ]
    (tmp_path / f"{folder}.csv").write_text("\n".join(lines))
    tab = elsewhere_opened("import")
    tab.require_usable()
    drop(tab, tmp_path / f"{folder}.csv")
    tab.find("option[value=upload]").click()
    tab.press("Try it: nothing is changed")
    tab.says("1 row has a problem")
    assert [cell.text for cell in tab.all("tbody td")] == [
        *("5", f'{MARKUP}, "b"', "invalid url", "url: A URL should begin with https:// or s3://")
    ]
    assert list(stack.index(f"{folder}/")) == []
    tab.require_usable()
    tab.press("Import 3 rows")
    tab.until(lambda: len(tab.all("caption")) == 2)
    assert {each["filename"] for each in stack.index(f"{folder}/")} == {"0.png", "1.png", "2.png"}
    tab.open("#/default/jobs")
    tab.says("CSV import")
    tab.require_usable()


def test_jobs_are_seen_as_they_go_and_ended(stack: Stack, tab: Tab) -> None:
    begun = send(stack, "POST", "/v1/datalakes/default/imports/csv", {"filename": "never-sent.csv"}).body[
        "job"
    ]
    tab.open("#/default/jobs", stack.handle["api_key"])
    tab.find("main li[data-state=running]")
    tab.press("Cancel: CSV import")
    tab.until(lambda: "Canceled" in tab.all("main li")[0].text)
    assert send(stack, "GET", f"/v1/jobs/{begun['id']}").body["state"] == "canceled"


def test_a_report_is_downloaded(stack: Stack, tab: Tab, downloads: Path) -> None:
    body = {"filename": "report.csv", "content": "url\nnothing\n"}
    job = send(stack, "POST", "/v1/datalakes/default/imports/csv", body).body["job"]
    assert eventually(lambda: send(stack, "GET", f"/v1/jobs/{job['id']}").body["state"] == "succeeded")
    tab.open("#/default/jobs", stack.handle["api_key"])
    tab.press("Download the report")
    tab.until(lambda: [each for each in downloads.glob("*.csv") if "invalid_url" in each.read_text()])


def test_a_bucket_is_connected_granted_checked_and_made_a_datalake(stack: Stack, tab: Tab) -> None:
    neighbour = Neighbour(stack)
    user, name = neighbour.make_user(), f"plant-{uuid.uuid4().hex[:8]}"
    keys = neighbour.make_keys(user)
    tab.open("#/default/connectors", stack.handle["api_key"])
    tab.press("Connect a bucket")
    tab.named("By access keys").click()
    tab.require_usable()
    given = {"Name": name, "Bucket": neighbour.bucket, "Region": "us-east-1"}
    given |= {"Access key id": keys["access_key_id"], "Secret access key": keys["secret_access_key"]}
    for label, text in given.items():
        tab.named(label).send_keys(text)
    tab.press("Make the connector")
    tab.press(f"Check {name}")
    tab.says("does not work")
    tab.require_usable()
    # Others may wait to be granted something, too.
    card = next(each for each in tab.all("li.panel") if name in each.text)
    policy = card.find_element(By.CSS_SELECTOR, "section[aria-label^=Policy] pre").text
    neighbour.grant(user, json.loads(policy))
    tab.press(f"Check {name}")
    findings = f"ul[aria-label='What {name} may do'] li"
    tab.until(lambda: len(tab.all(f"{findings}[data-works=true]")) == 5)
    (missing,) = tab.all(f"{findings}[data-works=false]")
    assert "Delete objects does not work" in missing.text
    assert "grant s3:DeleteObject" in missing.text
    tab.press(f"Make a datalake on {name}")
    tab.find("form[aria-label^='A datalake on'] input[name=name]").send_keys(name, Keys.ENTER)
    tab.says("Scan of the bucket")
    assert tab.run("return location.hash") == f"#/{name}/jobs"
    # It begins once all functions know the datalake; that it ends well is test_lakes.py's matter.
    assert tab.find("main li").get_attribute("data-state") in ("queued", "running")


def test_a_mistake_in_a_form_is_said_where_it_is(stack: Stack, tab: Tab) -> None:
    tab.forgiven.append("status of 400")
    tab.open("#/default/connectors", stack.handle["api_key"])
    tab.press("Connect a bucket")
    for label, text in {
        "Name": "x",
        "Bucket": "No Bucket",
        "Region": "us-east-1",
        "ARN of the role": "arn:x",
    }.items():
        tab.named(label).send_keys(text)
    tab.press("Make the connector")
    tab.says("Bucket: String should match")
    assert "Role_arn: String should match" in tab.find("[role=alert]").text


def test_viewers_are_offered_what_viewers_may_do(stack: Stack, tab: Tab) -> None:
    made = send(stack, "POST", "/v1/keys", {"name": "looks", "role": "viewer"}).body
    tab.open("#/default/jobs", made["key"])
    tab.says("viewer")
    assert [each.text for each in tab.all("nav a")] == ["Browse", "Jobs"]
    send(stack, "DELETE", f"/v1/keys/{made['id']}")


def test_csv_is_read_as_it_is_written(chromium: Any) -> None:
    source = (Path(__file__).parents[2] / "chalicelib" / "web" / "csv.js").read_text().replace("export ", "")
    script = """
        const [parts, tell] = arguments;
        async function* texts() { yield* parts; }
        const rows = [];
        const read = async () => { for await (const row of rowsOf(texts())) rows.push(row); };
        read().then(() => tell(rows));
    """
    parts = ['a,"b""c,\r\nd', '",é\r\n"x"', '"",', '""\n"', '",\n1,2']
    chromium.get("about:blank")
    assert chromium.execute_async_script(source + script, parts) == [
        ["a", 'b"c,\r\nd', "é"],
        ['x"', ""],
        ["", ""],
        ["1", "2"],
    ]
