import json

import pytest

WITHOUT_RESOURCE = {("Changes", "dynamodb:ListStreams")}
"""The only actions that may be allowed on `*`: AWS knows no resource for them."""

CONSUMING = {
    (f"sqs:{action}", "{'Fn::GetAtt': ['FetchesQueue', 'Arn']}")
    for action in ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes")
}

TRIALS = "${DataBucket}/.tidelake/check/*"
"""Below it the API tries what may be done with a bucket."""

EVENTS = {"Fn::GetAtt": ["EventsQueue", "Arn"]}

REACHING = {"APIHandler", "Jobs", "Preprocess", "PreprocessLarge", "Upstream", "Walk"}
"""Functions that reach lakes' buckets."""


@pytest.fixture(scope="session")
def rights(resources, of_type):
    """(function, action, resource) of all that is allowed."""
    return [
        (name, action, resource)
        for name, function in of_type("Function").items()
        for policy in resources[function["Role"]["Fn::GetAtt"][0]]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
        for resource in as_list(statement["Resource"])
    ]


def as_list(value):
    return value if isinstance(value, list) else [value]


def allowed(rights, action):
    return {(name, str(resource)) for name, allowed_action, resource in rights if allowed_action == action}


def test_everything_that_is_said_of_rights_allows(of_type):
    for role in of_type("Role").values():
        assert "ManagedPolicyArns" not in role
        for policy in role["Policies"]:
            assert {statement["Effect"] for statement in policy["PolicyDocument"]["Statement"]} == {"Allow"}


def test_no_action_is_a_pattern(rights):
    assert not [action for _, action, _ in rights if "*" in action]


def test_no_right_is_for_everything_but_where_aws_knows_no_resource(rights):
    assert {(name, action) for name, action, resource in rights if resource == "*"} == WITHOUT_RESOURCE


def test_patterns_end_a_resource_of_the_stack(rights):
    for name, action, resource in rights:
        if resource != "*" and "*" in str(resource):
            ending = (
                *("${DataBucket}/*", TRIALS, "${ArtifactsBucket}/*", ".Arn}/index/*"),
                *(":secret:tidelake/${AWS::StackName}/connectors/*", ":iam::*:role/${ConnectorRoles}"),
                "${ArtifactsBucket}/quarantine/*",
                ":rule/${AWS::StackName}-*",
                *("${ArtifactsBucket}/imports/*", "${ArtifactsBucket}/exports/*"),
                *("${ArtifactsBucket}/exports/files/*", "${ArtifactsBucket}/*.webp"),
            )
            assert resource["Fn::Sub"].endswith(ending), (name, action)


def test_only_uploads_and_imports_write_to_the_lakes_bucket(rights):
    writing = {
        (name, action)
        for name, action, resource in rights
        if _is_write(action) and "DataBucket" in str(resource) and TRIALS not in str(resource)
    }
    assert writing == {
        ("APIHandler", "s3:PutObject"),
        ("APIHandler", "s3:AbortMultipartUpload"),
        ("APIHandler", "s3:DeleteObject"),
        ("Jobs", "s3:DeleteObject"),
        ("Jobs", "s3:PutObject"),
    }


def test_whoever_hears_of_changes_in_a_bucket_writes_to_no_lakes_bucket(rights):
    """So that nothing can go round in circles, and no deletion lead to another."""
    hearing = {"Upstream", "Preprocess", "PreprocessLarge", "Changes"}
    written = {str(r) for name, action, r in rights if name in hearing and _is_write(action)}
    assert written
    assert not [resource for resource in written if "ArtifactsBucket" not in resource]


def _is_write(action):
    return action.startswith(("s3:Put", "s3:Delete", "s3:Abort"))


def test_whoever_reaches_buckets_may_have_the_credentials_of_connectors_and_nobody_else(rights):
    for action in ("sts:AssumeRole", "secretsmanager:GetSecretValue"):
        assert {name for name, _ in allowed(rights, action)} == REACHING
    reading = {
        name for name, resource in allowed(rights, "dynamodb:GetItem") if "ConnectorsTable" in resource
    }
    assert reading == REACHING


def test_only_the_api_keeps_keys_and_no_other_secret_is_anybodys(rights):
    of_secrets = [
        (name, action, resource) for name, action, resource in rights if action.startswith("secretsmanager:")
    ]
    assert {json.dumps(resource) for *_, resource in of_secrets} == {
        json.dumps(
            {
                "Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}"
                ":secret:tidelake/${AWS::StackName}/connectors/*"
            }
        )
    }
    assert {name for name, action, _ in of_secrets if "Get" not in action} == {"APIHandler"}


def test_others_than_the_api_may_say_of_a_connector_only_that_it_fails(resources, of_type):
    for name in REACHING - {"APIHandler"}:
        statements = [
            statement
            for policy in resources[of_type("Function")[name]["Role"]["Fn::GetAtt"][0]]["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
            if "ConnectorsTable" in str(statement["Resource"])
        ]
        # Links name buckets, whose connectors are looked for.
        finding = [] if name in ("Upstream", "Walk") else ["dynamodb:Query"]
        assert [statement["Action"] for statement in statements] == [
            ["dynamodb:GetItem", *finding],
            ["dynamodb:UpdateItem"],
        ]
        assert statements[1]["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"] == [
            *("organization", "id", "state", "state_reason", "revision"),
            # Of a lake that was deleted.
            *(["lakes"] if name == "Jobs" else []),
        ]


def test_roles_that_may_be_assumed_are_the_deploys_choice(template):
    assert template["Parameters"]["ConnectorRoles"]["Default"] == "*"


def test_no_endpoint_is_exempt_from_being_public_unless_the_deploy_says_so(template):
    assert template["Parameters"]["TestEndpoint"]["Default"] == ""


def test_credentials_are_looked_after_within_a_minute(template):
    assert template["Parameters"]["ConnectorSeconds"]["MaxValue"] <= 50


def test_only_jobs_delete_records(rights):
    deleting = {
        (name, str(resource))
        for name, action, resource in rights
        if action.startswith(("dynamodb:Delete", "dynamodb:BatchWrite"))
    }
    assert {name for name, resource in deleting if "DataTable" in resource} == {"Jobs"}


def test_who_asks_buckets_to_tell_of_their_changes_lets_them_in(rights):
    admitting = {("APIHandler", str(EVENTS)), ("Jobs", str(EVENTS))}
    assert allowed(rights, "sqs:SetQueueAttributes") == admitting
    for action in ("events:PutRule", "events:PutTargets", "events:RemoveTargets", "events:DeleteRule"):
        assert {name for name, _ in allowed(rights, action)} == {"APIHandler", "Jobs"}


def test_only_changes_writes_counters(rights):
    writing = {
        name for name, action, resource in rights if "Update" in action and "CountersTable" in str(resource)
    }
    assert writing == {"Changes"}


def test_the_authorizer_reads_keys_and_only_the_api_manages_them(rights):
    allowed = [(name, action) for name, action, resource in rights if "KeysTable" in str(resource)]
    assert {name for name, _ in allowed} == {"Authorize", "APIHandler"}
    assert [action for name, action in allowed if name == "Authorize"] == ["dynamodb:GetItem"]


def test_no_function_makes_organizations(rights):
    assert not [name for name, _, resource in rights if "OrganizationsTable" in str(resource)]


@pytest.mark.parametrize(("function", "more"), [("APIHandler", {"WalksQueue"}), ("Jobs", set())])
def test_only_jobs_walks_looks_and_targets_of_links_are_asked_for(rights, function, more):
    asked = {"JobsQueue", "EventsQueue", "FetchesQueue", "PreprocessQueue"} | more
    assert {queue for name, queue in allowed(rights, "sqs:SendMessage") if name == function} == {
        f"{{'Fn::GetAtt': ['{queue}', 'Arn']}}" for queue in asked
    }


def test_the_api_itself_writes_nothing_but_files_to_import(rights):
    written = {str(resource) for name, resource in allowed(rights, "s3:PutObject") if name == "APIHandler"}
    assert written == {
        "{'Fn::Sub': 'arn:${AWS::Partition}:s3:::${DataBucket}/*'}",
        "{'Fn::Sub': 'arn:${AWS::Partition}:s3:::${DataBucket}/.tidelake/check/*'}",
        "{'Fn::Sub': 'arn:${AWS::Partition}:s3:::${ArtifactsBucket}/imports/*'}",
    }


def test_who_reaches_other_hosts_can_only_quarantine_what_they_say_and_pass_on_a_message(rights):
    assert {(action, str(resource)) for name, action, resource in rights if name == "Fetch"} - CONSUMING == {
        ("logs:CreateLogStream", "{'Fn::GetAtt': ['FetchLogs', 'Arn']}"),
        ("logs:PutLogEvents", "{'Fn::GetAtt': ['FetchLogs', 'Arn']}"),
        (
            "s3:PutObject",
            "{'Fn::Sub': 'arn:${AWS::Partition}:s3:::${ArtifactsBucket}/quarantine/*'}",
        ),
        ("sqs:SendMessage", "{'Fn::GetAtt': ['PreprocessQueue', 'Arn']}"),
    }


def test_whoever_reads_quarantine_can_tell_missing_bytes_from_forbidden_ones(rights):
    reading = {name for name, resource in allowed(rights, "s3:GetObject") if "quarantine" in resource}
    listing = {name for name, resource in allowed(rights, "s3:ListBucket") if "Artifacts" in resource}
    assert reading == {"Jobs", "Preprocess", "PreprocessLarge"}
    # Walks list the parts of their reports, and look for thumbnails.
    assert listing == reading | {"APIHandler", "Walk"}


def test_of_derived_files_jobs_reach_imports_exports_and_quarantine_alone(rights):
    assert {
        (action, resource["Fn::Sub"].partition("}/")[2])
        for name, action, resource in rights
        if name == "Jobs" and "ArtifactsBucket" in str(resource) and "Fn::Sub" in resource
    } == {
        ("s3:GetObject", "imports/*"),
        ("s3:GetObject", "exports/files/*"),
        ("s3:PutObject", "imports/*"),
        ("s3:GetObject", "quarantine/*"),
        ("s3:DeleteObject", "quarantine/*"),
        ("s3:GetObject", "*.webp"),
    }


def test_each_function_consumes_its_own_queue_alone(rights, of_type):
    for action in (
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes",
    ):
        reading_policies = {("APIHandler", str(EVENTS)), ("Jobs", str(EVENTS))}
        others = reading_policies if action == "sqs:GetQueueAttributes" else set()
        assert allowed(rights, action) - others == {
            ("Upstream", "{'Fn::GetAtt': ['EventsQueue', 'Arn']}"),
            ("Preprocess", "{'Fn::GetAtt': ['PreprocessQueue', 'Arn']}"),
            ("PreprocessLarge", "{'Fn::GetAtt': ['PreprocessLargeQueue', 'Arn']}"),
            ("Fetch", "{'Fn::GetAtt': ['FetchesQueue', 'Arn']}"),
            ("Jobs", "{'Fn::GetAtt': ['JobsQueue', 'Arn']}"),
            ("Walk", "{'Fn::GetAtt': ['WalksQueue', 'Arn']}"),
        }


def test_each_function_logs_to_its_own_group(rights, of_type):
    groups = {
        name: function["LoggingConfig"]["LogGroup"]["Ref"] for name, function in of_type("Function").items()
    }
    logging = {(name, str({"Fn::GetAtt": [group, "Arn"]})) for name, group in groups.items()}
    assert allowed(rights, "logs:CreateLogStream") == allowed(rights, "logs:PutLogEvents") == logging


def test_whoever_asks_for_an_object_can_tell_a_missing_one_from_a_forbidden_one(rights):
    looking = {name for name, resource in allowed(rights, "s3:GetObject") if "DataBucket" in resource}
    assert {
        name for name, resource in allowed(rights, "s3:ListBucket") if "DataBucket" in resource
    } == looking | {"Walk"}


def test_walks_read_what_is_in_buckets_and_write_files_of_jobs_alone(rights):
    mine = {(action, str(resource)) for name, action, resource in rights if name == "Walk"}
    reading = {"s3:ListBucket", "s3:GetObject"}
    assert {action for action, resource in mine if "DataBucket" in resource} == reading
    imports, exports, thumbnails = (
        f"{{'Fn::Sub': 'arn:${{AWS::Partition}}:s3:::${{ArtifactsBucket}}/{which}'}}"
        for which in ("imports/*", "exports/*", "*.webp")
    )
    assert {resource for action, resource in mine if action == "s3:PutObject"} == {imports, exports}
    read = {resource for action, resource in mine if action == "s3:GetObject"}
    assert {resource for resource in read if "Artifacts" in resource} == {imports, exports, thumbnails}


def test_walks_insert_records_and_write_what_people_say_and_delete_nothing(rights):
    mine = {(action, str(resource)) for name, action, resource in rights if name == "Walk"}
    assert not [action for action, _ in mine if "Delete" in action and action != "sqs:DeleteMessage"]
    assert {action for action, resource in mine if "DataTable" in resource} == {
        *("dynamodb:BatchGetItem", "dynamodb:PartiQLInsert", "dynamodb:Query", "dynamodb:UpdateItem"),
    }
