"""The run's part: federated averaging with the messages of native/src/server_app.c, so that either kind of node will do."""

import time

import torch
from flwr.common import ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.server import ServerApp

from authexample.task import Net

app = ServerApp()
MIN_NODES = 2


def ask(grid, kind, arrays, round_number, nodes):
    """The usable replies to one message to each of the nodes."""
    content = RecordDict({"arrays": arrays, "config": ConfigRecord({"server-round": round_number})})
    messages = [Message(content, dst_node_id=node, message_type=kind) for node in nodes]
    replies = [r for r in grid.send_and_receive(messages) if r.has_content()]
    if not replies:
        raise RuntimeError(f"round {round_number}: no node answered to {kind}")
    return [r.content for r in replies], [r.content["metrics"]["num-examples"] for r in replies]


def mean(values, weights):
    return sum(v * w for v, w in zip(values, weights)) / sum(weights)


@app.main()
def main(grid, context):
    config = context.run_config
    torch.manual_seed(config["seed"])
    state = Net().state_dict()
    for number in range(1, config["num-server-rounds"] + 1):
        while len(nodes := sorted(grid.get_node_ids())) < MIN_NODES:
            time.sleep(1)
        replies, weights = ask(grid, "train", ArrayRecord(state), number, nodes)
        models = [r["arrays"].to_torch_state_dict() for r in replies]
        state = {key: mean([m[key] for m in models], weights) for key in state}
        if config["fraction-evaluate"] > 0:
            some = nodes[: max(int(config["fraction-evaluate"] * len(nodes)), MIN_NODES)]
            replies, weights = ask(grid, "evaluate", ArrayRecord(state), number, some)
            loss, accuracy = (
                mean([r["metrics"][key] for r in replies], weights) for key in ("loss", "accuracy")
            )
            print(f"round {number}: loss {loss:.4f}, accuracy {accuracy:.4f}", flush=True)
