"""Prints genuine-vectors.h: every message of the wire contract as genuine Flower serialises it.

Run by hand, with a Python that has Flower 1.20 (newer fields are appended as bytes, newer messages made of them; those
are what 1.26 and 1.27 give):
    python genuine-vectors.py > genuine-vectors.h
"""

import struct

from flwr.proto import (
    appio_pb2 as appio,
    clientappio_pb2 as clientappio,
    error_pb2 as error,
    exec_pb2 as control,
    fab_pb2 as fab,
    fleet_pb2 as fleet,
    heartbeat_pb2 as heartbeat,
    log_pb2 as log,
    message_pb2 as message,
    node_pb2 as node,
    run_pb2 as run,
    serverappio_pb2 as serverappio,
    transport_pb2 as transport,
    recorddict_pb2 as records,
)

ID_A, ID_B, ID_C = "a1" * 32, "b2" * 32, "c3" * 32
BIG = 0xFEDCBA9876543210


def varint(v):
    out = b""
    while v >= 0x80:
        out += bytes([v & 0x7F | 0x80])
        v >>= 7
    return out + bytes([v])


def field(number, wire_type, payload):
    return varint(number << 3 | wire_type) + payload


def text(number, s):
    s = s if isinstance(s, bytes) else s.encode()
    return field(number, 2, varint(len(s)) + s)


def number(n, v):
    return field(n, 0, varint(v))


def double(n, v):
    return field(n, 1, struct.pack("<d", v))


def tree():
    return message.ObjectTree(
        object_id=ID_A,
        children=[
            message.ObjectTree(object_id=ID_B),
            message.ObjectTree(object_id=ID_C, children=[message.ObjectTree(object_id=ID_B)]),
        ],
    )


def instruction():
    m = message.Message(
        metadata=message.Metadata(
            run_id=BIG,
            message_id=ID_A,
            src_node_id=1,
            dst_node_id=77,
            group_id="3",
            ttl=43200.0,
            message_type="train",
            created_at=1760000000.123456,
        )
    )
    m.content.CopyFrom(records.RecordDict())
    return m


def error_reply():
    return message.Message(
        metadata=message.Metadata(
            run_id=5,
            message_id=ID_C,
            src_node_id=BIG,
            dst_node_id=1,
            reply_to_message_id=ID_A,
            ttl=0.5,
            message_type="evaluate.mine",
            created_at=1760000001.0,
        ),
        error=error.Error(code=2, reason="Grund: ä"),
    )


def a_run():
    r = run.Run(
        run_id=BIG,
        fab_id="me/app",
        fab_version="1.0.0",
        fab_hash=ID_B,
        pending_at="2026-03-30T05:13:14.123456+00:00",
        starting_at="2026-03-30T05:13:15+00:00",
        status=run.RunStatus(status="finished", sub_status="failed", details="why"),
        flwr_aid="<none>",
    )
    r.override_config["lr"].double = 0.5
    newer = text(12, "@none/default") + number(13, 1000) + number(14, 2000) + double(15, 2.25)
    return r.SerializeToString(deterministic=True) + newer + text(16, "serverapp")


def a_fab(content=b"PK zip"):
    return fab.Fab(hash_str=ID_C, content=content).SerializeToString() + text(3, text(1, "key") + text(2, "signature"))


def start_run():
    r = control.StartRunRequest()
    r.override_config["n"].sint64 = -3
    r.federation_options.CopyFrom(records.ConfigRecord())
    rest = r.SerializeToString(deterministic=True)
    return text(1, a_fab()) + rest + text(4, "@me/app") + text(5, "@none/default")


def scalars():
    return text(1, b"") + b"".join(
        text(2, text(1, key) + text(2, value))
        for key, value in [
            ("b", number(13, 0)),
            ("d", double(1, 1.5)),
            ("i", number(8, 5)),
            ("s", text(14, "ü")),
            ("u", number(6, BIG)),
            ("x", text(15, b"\x00\xff")),
        ]
    )


def list_runs():
    return text(1, number(1, BIG) + text(2, a_run())) + text(2, "2026-03-30T05:13:14+00:00")


n = node.Node(node_id=BIG)
context = text(1, message.Context(run_id=4, node_id=5).SerializeToString())
def node_info():
    """Since 1.24."""
    return (
        number(1, BIG)
        + text(2, "<id:none>")
        + text(3, "none")
        + text(4, "offline")
        + text(5, "2026-01-02T03:04:05.678901+00:00")
        + text(6, "2026-01-02T03:05:05+00:00")
        + text(7, "2026-01-02T03:06:05+00:00")
        + double(9, 1767323165.5)
        + double(10, 30.0)
        + text(11, "-----BEGIN PUBLIC KEY-----\n")
    )


def never_seen():
    return number(1, 3) + text(2, "<id:none>") + text(4, "registered") + text(5, "2026-01-02T03:04:05+00:00")


def federation():
    """Since 1.27."""
    member = text(1, text(1, "<id:none>") + text(2, "none")) + text(2, "owner")
    return (
        text(1, "@none/default")
        + text(2, node_info())
        + text(2, never_seen())
        + text(3, a_run())
        + text(4, "For tests.")
        + text(5, member)
        + number(6, 1)
    )


def federation_124():
    """1.24 to 1.26."""
    return (
        text(1, "default")
        + text(2, "<id:none>")
        + text(3, node_info())
        + text(4, a_run())
        + text(5, "For tests.")
        + text(6, text(1, "<id:none>") + text(2, "none"))
    )


ROWS = [
    ("CREATE_NODE_REQUEST", fleet.CreateNodeRequest(heartbeat_interval=30.0)),
    ("DELETE_NODE_REQUEST", fleet.DeleteNodeRequest(node=n)),
    ("REGISTER_NODE_FLEET_REQUEST", text(1, "-----BEGIN PUBLIC KEY-----\n")),
    ("ACTIVATE_NODE_REQUEST", text(1, "-----BEGIN PUBLIC KEY-----\n") + double(2, 30.0)),
    ("DEACTIVATE_NODE_REQUEST", number(1, BIG)),
    ("UNREGISTER_NODE_FLEET_REQUEST", number(1, BIG)),
    ("SEND_NODE_HEARTBEAT_REQUEST", heartbeat.SendNodeHeartbeatRequest(node=n, heartbeat_interval=30.0)),
    ("PULL_MESSAGES_REQUEST", fleet.PullMessagesRequest(node=n)),
    ("CREATE_NODE_RESPONSE", fleet.CreateNodeResponse(node=n)),
    ("REGISTER_NODE_FLEET_RESPONSE", number(1, BIG)),
    ("ACTIVATE_NODE_RESPONSE", number(1, BIG)),
    ("SEND_NODE_HEARTBEAT_RESPONSE", heartbeat.SendNodeHeartbeatResponse(success=True)),
    ("SEND_APP_HEARTBEAT_RESPONSE", heartbeat.SendAppHeartbeatResponse(success=True)),
    ("STOP_RUN_RESPONSE", control.StopRunResponse(success=True)),
    ("PULL_MESSAGES_RESPONSE", fleet.PullMessagesResponse(messages_list=[instruction()], message_object_trees=[tree()])),
    (
        "PUSH_MESSAGES_REQUEST",
        fleet.PushMessagesRequest(node=n, messages_list=[error_reply()], message_object_trees=[tree()]).SerializeToString()
        + text(4, struct.pack("<dd", 1.5, 0.0)),
    ),
    (
        "PUSH_APP_MESSAGES_REQUEST",
        appio.PushAppMessagesRequest(
            token="t", messages_list=[instruction(), error_reply()], run_id=BIG, message_object_trees=[tree(), tree()]
        ),
    ),
    (
        "PULL_APP_MESSAGES_RESPONSE",
        appio.PullAppMessagesResponse(messages_list=[error_reply()], message_object_trees=[tree()]),
    ),
    ("PUSH_APP_MESSAGES_RESPONSE", appio.PushAppMessagesResponse(message_ids=[ID_A, ""], objects_to_push=[ID_B])),
    ("PULL_APP_MESSAGES_REQUEST", appio.PullAppMessagesRequest(token="t", message_ids=["", ID_A], run_id=7)),
    ("PUSH_OBJECT_REQUEST", message.PushObjectRequest(node=n, run_id=7, object_id=ID_A, object_content=b"\x00bytes")),
    ("PULL_OBJECT_REQUEST", message.PullObjectRequest(node=n, run_id=7, object_id=ID_A)),
    (
        "CONFIRM_MESSAGE_RECEIVED_REQUEST",
        message.ConfirmMessageReceivedRequest(node=n, run_id=7, message_object_id=ID_A),
    ),
    ("PUSH_OBJECT_RESPONSE", message.PushObjectResponse(stored=True)),
    (
        "PULL_OBJECT_RESPONSE",
        message.PullObjectResponse(object_found=True, object_available=True, object_content=b"\x00bytes"),
    ),
    ("GET_RUN_REQUEST", run.GetRunRequest(node=n, run_id=7)),
    ("GET_FAB_REQUEST", fab.GetFabRequest(node=n, hash_str=ID_A, run_id=7)),
    ("REQUEST_TOKEN_REQUEST", clientappio.RequestTokenRequest(run_id=BIG)),
    ("PULL_APP_INPUTS_REQUEST", text(1, "tok")),
    ("SEND_APP_HEARTBEAT_REQUEST", heartbeat.SendAppHeartbeatRequest(run_id=BIG, heartbeat_interval=30.0)),
    ("SEND_APP_HEARTBEAT_REQUEST", heartbeat.SendAppHeartbeatRequest(heartbeat_interval=30.0)),
    ("SEND_APP_HEARTBEAT_REQUEST", text(1, "tok")),
    (
        "UPDATE_RUN_STATUS_REQUEST",
        run.UpdateRunStatusRequest(run_id=7, run_status=run.RunStatus(status="finished", sub_status="failed", details="d")),
    ),
    ("GET_NODES_REQUEST", serverappio.GetNodesRequest(run_id=7)),
    ("STOP_RUN_REQUEST", control.StopRunRequest(run_id=7)),
    ("STREAM_LOGS_REQUEST", control.StreamLogsRequest(run_id=7, after_timestamp=1.25)),
    ("LIST_RUNS_REQUEST", control.ListRunsRequest()),
    ("LIST_RUNS_REQUEST", control.ListRunsRequest(run_id=0).SerializeToString() + number(2, 10)),
    ("GET_RUN_RESPONSE", text(1, a_run())),
    ("GET_RUN_RESPONSE", run.GetRunResponse()),
    ("GET_FAB_RESPONSE", text(1, a_fab())),
    ("PULL_APP_INPUTS_RESPONSE", context + text(2, a_run()) + text(3, a_fab())),
    ("PUSH_APP_OUTPUTS_REQUEST", text(1, "tok") + number(2, BIG) + text(3, b"\x08\x04")),
    ("REQUEST_TOKEN_RESPONSE", clientappio.RequestTokenResponse(token="tok").SerializeToString() + number(1000, 1)),
    ("LIST_APPS_TO_LAUNCH_RESPONSE", clientappio.GetRunIdsWithPendingMessagesResponse(run_ids=[BIG, 0, 5])),
    ("GET_NODES_RESPONSE", serverappio.GetNodesResponse(nodes=[n, node.Node(node_id=3)])),
    ("PUSH_LOGS_REQUEST", log.PushLogsRequest(node=n, run_id=7, logs=["lïne\n"])),
    ("START_RUN_REQUEST", start_run()),
    ("START_RUN_REQUEST", scalars()),
    ("START_RUN_RESPONSE", control.StartRunResponse()),
    ("START_RUN_RESPONSE", control.StartRunResponse(run_id=0)),
    ("STREAM_LOGS_RESPONSE", control.StreamLogsResponse(log_output="öut\n", latest_timestamp=2.5)),
    ("LIST_RUNS_RESPONSE", list_runs()),
    (
        "GET_LOGIN_DETAILS_RESPONSE",
        control.GetLoginDetailsResponse(
            auth_type="oidc", device_code="dc", verification_uri_complete="https://x", expires_in=-1, interval=5
        ),
    ),
    ("LIST_NODES_RESPONSE", text(1, node_info()) + text(1, never_seen()) + text(2, "2026-01-02T04:00:00+00:00")),
    ("LIST_FEDERATIONS_RESPONSE", text(1, text(1, "@none/default"))),
    ("LIST_FEDERATIONS_RESPONSE", text(1, federation())),
    ("SHOW_FEDERATION_REQUEST", text(1, "@none/default")),
    ("SHOW_FEDERATION_RESPONSE", text(1, federation()) + text(2, "2026-01-02T04:00:00+00:00")),
    ("SHOW_FEDERATION_RESPONSE", text(1, federation_124()) + text(2, "2026-01-02T04:00:00+00:00")),
    ("HEALTH_CHECK_RESPONSE", number(1, 1)),
]

print("/* Made by genuine-vectors.py. */\n#pragma once\n")
print("static const struct {\n        RpcKind kind;\n        const char *hex;\n} GENUINE_VECTORS[] = {")
for kind, m in ROWS:
    data = m if isinstance(m, bytes) else m.SerializeToString(deterministic=True)
    hexed = data.hex()
    print(f"        {{RPC_{kind},")
    chunks = [hexed[i : i + 90] for i in range(0, len(hexed), 90)] or [""]
    print("\n".join(f'                "{c}"' for c in chunks) + "},")
print("};")
