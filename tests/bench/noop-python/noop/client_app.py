"""ClientApp that computes next to nothing: one value in 65536 changes, as in the native app."""

from flwr.client import ClientApp, NumPyClient


class Client(NumPyClient):
    def fit(self, parameters, config):
        changed = [p.copy() for p in parameters]
        for p in changed:
            p[::65536] += 1
        return changed, 1, {}

    def evaluate(self, parameters, config):
        return 0.0, 1, {}


def client_fn(context):
    return Client().to_client()


app = ClientApp(client_fn=client_fn)
