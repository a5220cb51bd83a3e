"""The picture of docs/classify/images.md: where on drawn shoes and mugs the answer "shoe" or "mug" comes from.

python -m benchmarks.saliency_picture docs/img/saliency.png
"""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from wares.checks import shop
from wares.classify.imagecnn import ImageCNN
from wares.data.catalog import Catalog
from wares.tasks.saliency import saliency

SHOWN = (0, 2, 4, 5)


def main(path: Path) -> None:
    catalog = shop.catalog()
    kinds = ["shoe" if row in shop.SHOES else "mug" for row in range(len(catalog))]
    labeller = ImageCNN(size=160).fit(catalog, {"kind": kinds})
    frame = catalog.scan.collect()
    columns = []
    for row in SHOWN:
        found = saliency(labeller, Catalog(frame[[row]]), "kind", grid=6, size=160)
        print(frame["title"][row], found.answer, round(found.probability, 3))
        columns.append(np.concatenate([found.photo, np.asarray(Image.open(io.BytesIO(found.png())))]))
    Image.fromarray(np.concatenate(columns, axis=1)).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
