"""The model and the data of the native side, in PyTorch."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    """The 62,006 parameters of native/src/cnn.c, under the same names."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


def load(folder, part):
    """Images and labels of train.bin or test.bin, as prepare_dataset wrote them."""
    records = np.fromfile(Path(folder) / f"{part}.bin", dtype=np.uint8).reshape(-1, 3073)
    images = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32))
    return (images / 255 - 0.5) / 0.5, torch.from_numpy(records[:, 0].astype(np.int64))


def train(net, data, epochs, rate, batch_size, seed):
    """Mean loss of the batches."""
    images, labels = data
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    shuffler = torch.Generator().manual_seed(seed)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(labels), generator=shuffler).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return float(np.mean(losses))


def test(net, data, batch_size):
    """Mean of the batches' losses, and accuracy."""
    losses, correct = [], 0
    with torch.no_grad():
        for images, labels in zip(data[0].split(batch_size), data[1].split(batch_size)):
            out = net(images)
            losses.append(F.cross_entropy(out, labels).item())
            correct += (out.argmax(1) == labels).sum().item()
    return float(np.mean(losses)), correct / len(data[1])
