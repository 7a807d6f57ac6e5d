"""The limit of a start: import what the service imports from others, load the network, say so. None of our own code.

Run as `python -m benchmarks.bare_start MODEL`; prints `ready`. The imports are there for their cost alone.
"""
# ruff: noqa: F401

import argparse
import asyncio
import os
import sqlite3
from pathlib import Path

import asgi_correlation_id
import faiss
import fastapi
import fastapi.exceptions
import fastapi.responses
import fastapi_offline
import filelock
import httptools
import imagehash
import numpy as np

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # as the service does

import onnxruntime
import pydantic
import pydantic_settings
import python_multipart
import starlette.formparsers
import uvicorn
import uvloop
from PIL import ExifTags, Image


def main() -> None:
    """Load the network on one thread, as the service does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    model = parser.parse_args().model.read_bytes()
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    print("ready", flush=True)


if __name__ == "__main__":
    main()
