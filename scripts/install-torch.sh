#!/bin/sh
# install-torch.sh PYTHON: makes `import torch` work, with a build for the CPU wherever one is to be had.
#
# In this order: what is installed already; a wheel on a local disk that pip's `find-links` names;
# PyTorch's own index of CPU builds; whatever the default index gives, which on Linux is a CUDA build.
# Only torch itself is fetched here: what it depends on comes with the package that needs it.
set -eu
python=$1
requirement=$("$python" -c '
import pathlib, tomllib
extras = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]["optional-dependencies"]
print(*(wanted for wanted in extras["torch"] if wanted.startswith("torch")))')

if "$python" -c 'import torch' 2>/dev/null; then
    echo "PyTorch is installed already."
elif "$python" -m pip install --quiet --no-deps --no-index "$requirement" 2>/dev/null; then
    echo "PyTorch: took the wheel that find-links names."
elif "$python" -m pip install --quiet --no-deps --retries 1 --timeout 15 \
        --index-url https://download.pytorch.org/whl/cpu "$requirement"; then
    echo "PyTorch: took the CPU build of PyTorch's own index."
else
    echo "PyTorch: no CPU build was found; taking the default one." >&2
    echo "On Linux that is a CUDA build: several GB to download. Press Ctrl-C to stop." >&2
    "$python" -m pip install --quiet "$requirement"
fi
