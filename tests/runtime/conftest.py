"""Torch on one thread: maps are small here, and threads that wait for each other on a busy machine take many times as
long."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)
