"""Put two records of the default pages side by side: `python docs/screens/before_after.py before`.

The folder has the pictures that `pages.py` made with an earlier version of the package, which
`PYTHONPATH` names. One picture for each page, in `before-after/`: before and after beside each
other, light above dark, wide and narrow.
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
GAP = 6  # pixels between the pictures
HEADING = 24  # pixels above them
WIDTHS = (640, 195)  # of the four pictures of a record, light and then dark
BACKGROUND = "#8a8f98"


def split(record: Image.Image) -> list[list[Image.Image]]:
    """Return the wide and the narrow picture of each theme."""
    parts, left = [], 0
    for width in WIDTHS * 2:
        parts.append(record.crop((left, 0, left + width, record.height)))
        left += width + GAP
    return [parts[:2], parts[2:]]


def side_by_side(before: Image.Image, after: Image.Image) -> Image.Image:
    """Return one picture of both."""
    rows = [
        [old_wide, new_wide, old_narrow, new_narrow]
        for (old_wide, old_narrow), (new_wide, new_narrow) in zip(
            split(before), split(after), strict=True
        )
    ]
    width = 2 * sum(WIDTHS) + 3 * GAP
    made = Image.new("RGB", (width, HEADING + 2 * (before.height + GAP) - GAP), BACKGROUND)
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(14)
    for down, row in enumerate(rows):
        left = 0
        for index, one in enumerate(row):
            if down == 0:
                draw.text((left + GAP, 3), ("Before", "After")[index % 2], "white", font)
            made.paste(one, (left, HEADING + down * (before.height + GAP)))
            left += one.width + GAP
    return made


if __name__ == "__main__":
    folder = HERE / "before-after"
    folder.mkdir(exist_ok=True)
    for path in sorted((HERE / "pages").glob("*.webp")):
        with Image.open(Path(sys.argv[1], path.name)) as before, Image.open(path) as after:
            side_by_side(before, after).save(folder / path.name, quality=80)
