"""Make the packed MNIST of the package from the four original IDX files, always the same bytes from the same files.

    python tools/pack_mnist.py FOLDER [OUTPUT]

FOLDER holds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain
or as .gz. OUTPUT is the package's own file unless given. Prints the SHA-256, which belongs in `resnets/data/mnist.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from resnets.data import idx, mnist


def main(folder: Path, output: Path) -> None:
    """Read, pack, write."""
    images, labels, _ = idx.read_set(folder)
    digest = mnist.write(output, images, labels)
    print(f"{output}: {output.stat().st_size:,} bytes, SHA-256 {digest}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else mnist.FILE)
