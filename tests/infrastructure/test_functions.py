import re
from pathlib import Path

import pytest

from chalicelib.model import limits

FUNCTIONS = {
    "APIHandler",
    "Authorize",
    "Changes",
    "Fetch",
    "Jobs",
    "Preprocess",
    "PreprocessLarge",
    "SyncAll",
    "WatchQuotas",
    "Upstream",
    "Walk",
}
QUEUES = {
    "Upstream": "EventsQueue",
    "Preprocess": "PreprocessQueue",
    "PreprocessLarge": "PreprocessLargeQueue",
    "Fetch": "FetchesQueue",
    "Jobs": "JobsQueue",
    "Walk": "WalksQueue",
}


@pytest.fixture(scope="session")
def functions(of_type):
    return of_type("Function")


@pytest.fixture(scope="session")
def sources(functions):
    """The one event source of each function that has one."""
    found = {name: list(function.get("Events", {}).values()) for name, function in functions.items()}
    assert all(len(events) <= 1 for events in found.values())
    return {name: events[0]["Properties"] for name, events in found.items() if events}


def referred(value):
    """The logical id that a Ref, a GetAtt or a Sub of one resource names."""
    if "Ref" in value:
        return value["Ref"]
    if "Fn::GetAtt" in value:
        return value["Fn::GetAtt"][0]
    return re.search(r"\$\{(\w+)", value["Fn::Sub"]).group(1)


def test_every_handler_is_in_app_py_so_that_its_middleware_runs(functions):
    assert functions.keys() == FUNCTIONS
    assert all(function["Handler"].startswith("app.") for function in functions.values())


def test_functions_run_on_the_python_that_they_were_packaged_with(functions):
    assert {function["Runtime"] for function in functions.values()} == {"python3.13"}


def test_a_failed_message_is_reported_by_itself_but_a_failed_batch_of_the_stream_as_a_whole(sources):
    for name in QUEUES:
        assert sources[name]["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
    assert "FunctionResponseTypes" not in sources["Changes"]


def test_what_a_queue_may_start_at_once_is_limited_in_every_size(sources, template):
    sizes = template["Mappings"]["Concurrency"]
    assert set(template["Parameters"]["Size"]["AllowedValues"]) == sizes.keys()
    for name in QUEUES:
        limit = sources[name]["ScalingConfig"]["MaximumConcurrency"]
        assert limit == {"Fn::FindInMap": ["Concurrency", {"Ref": "Size"}, name]}
        assert all(2 <= size[name] <= 1000 for size in sizes.values())


def test_each_queue_feeds_its_function(sources):
    assert {name: referred(sources[name]["Queue"]) for name in QUEUES} == QUEUES


def test_events_come_in_large_batches_and_images_in_small_ones(sources):
    sizes = {
        name: (source["BatchSize"], source["MaximumBatchingWindowInSeconds"])
        for name, source in sources.items()
        if name not in ("SyncAll", "WatchQuotas")
    }
    assert sizes == {
        "Upstream": (500, 1),
        "Preprocess": (10, 0),
        "PreprocessLarge": (1, 0),
        "Fetch": (10, 0),
        "Jobs": (1, 0),
        "Walk": (1, 0),
        "Changes": (1000, 1),
    }


def test_a_message_stays_hidden_for_six_timeouts(functions, sources, resources):
    for name, queue in QUEUES.items():
        needed = 6 * functions[name]["Timeout"] + sources[name]["MaximumBatchingWindowInSeconds"]
        assert resources[queue]["VisibilityTimeout"] >= needed, name


def test_every_lake_is_synced_once_a_night_unless_the_deploy_says_otherwise(sources, template):
    assert sources["SyncAll"]["Schedule"] == "cron(0 3 * * ? *)"
    assert sources["SyncAll"]["State"] == {"Fn::If": ["SyncsNightly", "ENABLED", "DISABLED"]}
    assert template["Parameters"]["NightlySync"]["Default"] == "true"


def test_quotas_are_watched_and_the_alarm_is_about_this_stack_alone(sources, resources):
    assert sources["WatchQuotas"]["Schedule"] == "rate(5 minutes)"
    alarm = resources["QuotasAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("Tidelake", "DatalakesOverQuota")
    assert {"Name": "function_name", "Value": {"Ref": "WatchQuotas"}} in alarm["Dimensions"]
    assert alarm["Period"] > 300


def test_a_walk_has_as_many_open_ranges_as_there_may_be_workers_and_little_memory(functions, sources):
    walk = functions["Walk"]
    text, names = walk["Environment"]["Variables"]["RANGES_AT_ONCE"]["Fn::Sub"]
    assert text == "${Walks}"
    assert names["Walks"] == sources["Walk"]["ScalingConfig"]["MaximumConcurrency"]
    assert walk["MemorySize"] <= 512


def test_the_api_answers_before_its_gateway_gives_up(functions):
    assert functions["APIHandler"]["Timeout"] <= 29


def test_the_second_tier_of_preprocess_is_larger_and_slower(functions):
    small, large = functions["Preprocess"], functions["PreprocessLarge"]
    assert large["MemorySize"] > 2 * small["MemorySize"]
    assert large["Timeout"] > 2 * small["Timeout"]


def test_a_change_is_never_skipped(sources, resources):
    source = sources["Changes"]
    assert source["Stream"] == {"Fn::GetAtt": ["DataTable", "StreamArn"]}
    assert resources["DataTable"]["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert source["StartingPosition"] == "TRIM_HORIZON"
    assert (source["MaximumRetryAttempts"], source["MaximumRecordAgeInSeconds"]) == (-1, -1)
    assert source["BisectBatchOnFunctionError"] is False


def test_changes_are_told_their_shard(sources):
    assert sources["Changes"]["TumblingWindowInSeconds"] > 0


def test_every_function_has_a_role_and_a_log_group_of_its_own(functions, of_type):
    roles = {name: referred(function["Role"]) for name, function in functions.items()}
    groups = {name: function["LoggingConfig"]["LogGroup"]["Ref"] for name, function in functions.items()}
    assert set(roles.values()) == of_type("Role").keys()
    assert set(groups.values()) == of_type("LogGroup").keys()
    assert len(set(roles.values())) == len(set(groups.values())) == len(functions)
    for group in of_type("LogGroup").values():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_functions_are_given_only_variables_that_the_code_reads(functions):
    config = Path(__file__).parents[2] / "chalicelib" / "config.py"
    read = set(re.findall(r'os\.environ(?:\.get\(|\[)"(\w+)"', config.read_text()))
    given = {variable for function in functions.values() for variable in function["Environment"]["Variables"]}
    assert given <= read


def test_every_variable_but_the_number_of_workers_is_taken_from_the_stack(functions):
    for function in functions.values():
        variables = function["Environment"]["Variables"].items()
        assert all(isinstance(value, dict) for name, value in variables if name != "WORKERS")


def test_the_signing_key_is_a_reference_and_only_where_keys_and_cursors_are_checked(functions, resources):
    variables = {name: function["Environment"]["Variables"] for name, function in functions.items()}
    holders = {name for name in functions if "SIGNING_KEY" in variables[name]}
    assert holders == {"APIHandler", "Authorize"}
    for name in holders:
        reference = {"Fn::Sub": "{{resolve:secretsmanager:${SigningKey}:SecretString}}"}
        assert variables[name]["SIGNING_KEY"] == reference
    assert resources["SigningKey"]["GenerateSecretString"]["PasswordLength"] >= 43


def test_a_deleted_lake_is_swept_again_when_all_that_knew_it_have_ended(functions):
    longest = max(function["Timeout"] for function in functions.values())
    assert longest + limits.LAKE_KNOWN_SECONDS < limits.SETTLE_SECONDS
