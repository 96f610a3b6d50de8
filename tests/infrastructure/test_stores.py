import json

import pytest

from chalicelib.jobs import walks, worker
from chalicelib.model import limits
from chalicelib.storage import quarantine, queues, tables

DEAD_LETTERS = {
    "EventsQueue": "EventsDeadLetters",
    "PreprocessQueue": "PreprocessDeadLetters",
    "PreprocessLargeQueue": "PreprocessLargeDeadLetters",
    "FetchesQueue": "FetchesDeadLetters",
    "JobsQueue": "JobsDeadLetters",
    "WalksQueue": "WalksDeadLetters",
}
KEPT = (
    "DataBucket",
    "ArtifactsBucket",
    "DataTable",
    "LakesTable",
    "ConnectorsTable",
    "OrganizationsTable",
    "KeysTable",
    "LabelsTable",
    "TaggingsTable",
    "SigningKey",
)

TABLES = {
    "DataTable": tables.DataItem,
    "LakesTable": tables.LakeItem,
    "ConnectorsTable": tables.ConnectorItem,
    "OrganizationsTable": tables.OrganizationItem,
    "KeysTable": tables.KeyItem,
    "ClaimsTable": tables.ClaimItem,
    "LabelsTable": tables.LabelItem,
    "TaggingsTable": tables.TaggingItem,
    "JobsTable": tables.JobItem,
    "RangesTable": tables.KeyRangeItem,
    "TracesTable": tables.TracesItem,
}


@pytest.fixture(scope="session")
def alarms(of_type):
    """(metric, what it watches) → threshold."""
    return {
        (alarm["MetricName"], json.dumps(alarm["Dimensions"][0]["Value"])): alarm["Threshold"]
        for alarm in of_type("Alarm").values()
    }


@pytest.fixture(scope="session")
def statements(of_type):
    """What the policies of queues and buckets say, by the resource that each says it of."""
    found: dict[str, list] = {}
    for kind, target in (("QueuePolicy", "Queues"), ("BucketPolicy", "Bucket")):
        for policy in of_type(kind).values():
            of = policy[target][0] if isinstance(policy[target], list) else policy[target]
            said = [
                statement.get("Fn::If", [None, statement])[1]
                for statement in policy["PolicyDocument"]["Statement"]
            ]
            found.setdefault(of["Ref"], []).extend(said)
    return found


def test_every_queue_has_dead_letters_of_its_own(of_type):
    queues = of_type("Queue")
    assert queues.keys() == DEAD_LETTERS.keys() | set(DEAD_LETTERS.values())
    for name, dead in DEAD_LETTERS.items():
        assert queues[name]["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [dead, "Arn"]}
        allowed = queues[dead]["RedriveAllowPolicy"]
        assert allowed["redrivePermission"] == "byQueue"
        (source,) = allowed["sourceQueueArns"]
        assert source["Fn::Sub"].endswith(":" + queues[name]["QueueName"]["Fn::Sub"])


def test_dead_letters_outlive_the_queue_that_they_come_from(of_type):
    queues = of_type("Queue")
    for name, dead in DEAD_LETTERS.items():
        assert queues[dead]["MessageRetentionPeriod"] == 14 * 86400
        assert queues[name].get("MessageRetentionPeriod", 4 * 86400) < 14 * 86400


def test_a_message_is_tried_more_than_twice(of_type):
    tries = {name: of_type("Queue")[name]["RedrivePolicy"]["maxReceiveCount"] for name in DEAD_LETTERS}
    assert tries["EventsQueue"] >= 5
    # The second delivery of an image hands it on to the large function; one more is for when that failed.
    assert tries["PreprocessQueue"] == 3
    assert tries["PreprocessLargeQueue"] >= 3
    # The last one ends a job whose worker died each time.
    assert tries["JobsQueue"] == worker.DELIVERIES + 1
    assert tries["WalksQueue"] == walks.DELIVERIES + 1


def test_queues_and_buckets_are_encrypted_and_refuse_what_comes_without_tls(of_type, statements):
    assert all(queue["SqsManagedSseEnabled"] for queue in of_type("Queue").values())
    for bucket in of_type("Bucket").values():
        rules = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rules[0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    for name in of_type("Queue").keys() | of_type("Bucket").keys():
        refused = next(statement for statement in statements[name] if statement["Effect"] == "Deny")
        assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert refused["Principal"] == "*"


def test_tls_is_required_and_tables_are_protected_unless_the_deploy_says_otherwise(template):
    parameters = template["Parameters"]
    assert parameters["RequireTls"]["Default"] == parameters["DeletionProtection"]["Default"] == "true"


def test_only_buckets_of_this_account_and_the_stacks_rules_may_send_events(statements):
    accepted = {
        statement["Principal"]["Service"]: statement
        for said in statements.values()
        for statement in said
        if statement["Effect"] == "Allow"
    }
    assert {json.dumps(each["Resource"]) for each in accepted.values()} == {
        json.dumps({"Fn::GetAtt": ["EventsQueue", "Arn"]})
    }
    assert {each["Action"] for each in accepted.values()} == {"sqs:SendMessage"}
    assert {name: each["Condition"] for name, each in accepted.items()} == {
        "s3.amazonaws.com": {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
            "ArnLike": {"aws:SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:s3:::*"}},
        },
        "events.amazonaws.com": {
            "ArnLike": {
                "aws:SourceArn": {
                    "Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}"
                    ":rule/${AWS::StackName}-*"
                }
            }
        },
    }
    assert queues.OTHERS not in str(statements)


def test_the_lakes_bucket_tells_of_what_is_created_removed_and_expired(resources, template):
    told = resources["DataBucket"]["NotificationConfiguration"]["QueueConfigurations"]
    assert {event["Event"] for event in told} == {
        "s3:ObjectCreated:*",
        "s3:ObjectRemoved:*",
        "s3:LifecycleExpiration:*",
    }
    assert all(event["Queue"] == {"Fn::GetAtt": ["EventsQueue", "Arn"]} for event in told)
    assert template["Resources"]["DataBucket"]["DependsOn"] == "EventsQueuePolicy"


def test_derived_files_start_no_event(resources):
    assert "NotificationConfiguration" not in resources["ArtifactsBucket"]


def test_buckets_are_private_and_forget_unfinished_uploads(of_type):
    for bucket in of_type("Bucket").values():
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
        assert {rule["Status"] for rule in rules.values()} == {"Enabled"}
        aborted = rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"]
        assert 1 <= aborted["DaysAfterInitiation"] <= 7


def test_pages_may_send_to_buckets_and_read_what_is_presigned(of_type):
    for bucket in of_type("Bucket").values():
        (rule,) = bucket["CorsConfiguration"]["CorsRules"]
        assert rule["AllowedOrigins"] == ["*"]
        assert set(rule["AllowedMethods"]) == {"GET", "HEAD", "POST", "PUT"}
        assert rule["ExposedHeaders"] == ["ETag"]


def test_only_what_was_left_in_quarantine_and_files_of_jobs_expire(of_type):
    expiring = {
        (name, rule["Prefix"], rule["ExpirationInDays"])
        for name, bucket in of_type("Bucket").items()
        for rule in bucket["LifecycleConfiguration"]["Rules"]
        if "ExpirationInDays" in rule
    }
    assert expiring == {
        ("ArtifactsBucket", quarantine.FOLDER, 2),
        ("ArtifactsBucket", "imports/", limits.JOB_DAYS),
        ("ArtifactsBucket", "exports/files/", limits.JOB_DAYS),
        ("ArtifactsBucket", "exports/parts/", 3),
    }


def test_what_cannot_be_made_again_outlives_the_stack(template):
    for name in KEPT:
        assert template["Resources"][name]["DeletionPolicy"] == "RetainExceptOnCreate", name
        assert template["Resources"][name]["UpdateReplacePolicy"] == "Retain", name


def test_tables_are_paid_by_use_encrypted_protected_and_recoverable(of_type):
    for table in of_type("Table").values():
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["SSESpecification"] == {"SSEEnabled": True}
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["DeletionProtectionEnabled"] == {"Fn::If": ["TablesAreProtected", True, False]}


def test_what_expires_expires(resources):
    lives = {
        name: table["TimeToLiveSpecification"]["AttributeName"]
        for name, table in resources.items()
        if "TimeToLiveSpecification" in table
    }
    assert lives == {
        "DataTable": "expires_at",
        "KeysTable": "expires_epoch",
        "JobsTable": "expires_at",
        "RangesTable": "expires_at",
        "TracesTable": "expires_at",
        "ClaimsTable": "expires_at",
        "CountersTable": "expires_at",
    }


@pytest.mark.parametrize(("name", "model"), TABLES.items())
def test_the_code_and_the_template_agree_about_a_table(name, model, resources):
    table, schema = resources[name], model._get_schema()
    assert attributes(table["AttributeDefinitions"]) == attributes(schema["attribute_definitions"])
    assert keys(table["KeySchema"]) == keys(schema["key_schema"])
    assert indexes(table.get("GlobalSecondaryIndexes", [])) == indexes(
        [
            {
                "IndexName": index["index_name"],
                "KeySchema": index["key_schema"],
                "Projection": index["projection"],
            }
            for index in schema["global_secondary_indexes"]
        ]
    )


def attributes(definitions):
    return {definition["AttributeName"]: definition["AttributeType"] for definition in definitions}


def keys(schema):
    return {key["KeyType"]: key["AttributeName"] for key in schema}


def indexes(found):
    return {
        index["IndexName"]: (keys(index["KeySchema"]), index["Projection"]["ProjectionType"])
        for index in found
    }


def test_every_dead_letter_raises_an_alarm(alarms):
    for dead in DEAD_LETTERS.values():
        watched = json.dumps({"Fn::GetAtt": [dead, "QueueName"]})
        assert alarms["ApproximateNumberOfMessagesVisible", watched] == 0


def test_every_queue_that_falls_behind_raises_an_alarm(alarms):
    for queue in DEAD_LETTERS:
        assert (
            alarms["ApproximateAgeOfOldestMessage", json.dumps({"Fn::GetAtt": [queue, "QueueName"]})] <= 3600
        )


def test_counters_that_fall_behind_or_fail_raise_an_alarm(alarms):
    changes = json.dumps({"Ref": "Changes"})
    assert alarms["IteratorAge", changes] <= 600_000
    assert alarms["Errors", changes] == 0


def test_every_function_that_fails_raises_an_alarm(alarms, of_type):
    assert {("Errors", json.dumps({"Ref": name})) for name in of_type("Function")} <= alarms.keys()


def test_alarms_report_to_the_topic_that_the_deploy_names(of_type):
    actions = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    for alarm in of_type("Alarm").values():
        assert alarm["AlarmActions"] == actions
        assert alarm["TreatMissingData"] == "notBreaching"
