"""The node's part: the messages, records and metrics of native/src/client_app.c."""

from flwr.client import ClientApp
from flwr.common import ArrayRecord, Message, MetricRecord, RecordDict

from authexample.task import Net, load, test, train

app = ClientApp()


def receive(message):
    """The network that the message carries."""
    net = Net()
    net.load_state_dict(message.content["arrays"].to_torch_state_dict())
    return net


@app.train()
def on_train(message, context):
    net, config, folder = receive(message), context.run_config, context.node_config["dataset-path"]
    images = load(folder, "train")
    seed = config["seed"] + message.content["config"]["server-round"]
    train_loss = train(
        net, images, config["local-epochs"], config["learning-rate"], config["batch-size"], seed
    )
    loss, accuracy = test(net, load(folder, "test"), config["batch-size"])
    metrics = {
        "num-examples": len(images[1]),
        "train_loss": train_loss,
        "val_loss": loss,
        "val_accuracy": accuracy,
    }
    records = {"arrays": ArrayRecord(net.state_dict()), "metrics": MetricRecord(metrics)}
    return Message(RecordDict(records), reply_to=message)


@app.evaluate()
def on_evaluate(message, context):
    images = load(context.node_config["dataset-path"], "test")
    loss, accuracy = test(receive(message), images, context.run_config["batch-size"])
    metrics = {"num-examples": len(images[1]), "loss": loss, "accuracy": accuracy}
    return Message(RecordDict({"metrics": MetricRecord(metrics)}), reply_to=message)
