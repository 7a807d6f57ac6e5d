"""A small demo catalogue, drawn so that a first start without `--catalog` has something to search.

These are drawings, not photos: good for a first look, no measure of how well photos of your own are found. They are
laid out as any catalogue is, FOLDER/<label>/<product>/<view>.jpg, and come out the same each time. The folder may be
deleted; scripts/demo_catalogue.py draws it again.
"""

import argparse
import math
import operator
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Point = tuple[float, float]
Outline = Sequence[Point]
Colour = tuple[int, int, int]

SIDE, FINE = 320, 960
"""The side of a view, and of the sheet that its product is drawn on: three times as fine, for smooth edges."""
PRODUCTS, VIEWS = 12, 3
WHITE, INK, CREAM, GOLD, LEAF = (252, 252, 252), (22, 22, 28), (246, 238, 220), (226, 190, 90), (66, 136, 70)
TRIMS = ((150, 100, 60), (66, 48, 40), (176, 182, 190), (218, 182, 124), (52, 54, 62))
PALETTE = {
    "red": (200, 40, 44), "orange": (238, 124, 36), "yellow": (240, 196, 52), "olive": (126, 134, 56),
    "green": (34, 132, 82), "teal": (28, 150, 158), "sky-blue": (112, 184, 232), "blue": (40, 84, 190),
    "purple": (122, 68, 160), "pink": (240, 132, 168), "brown": (124, 78, 48), "black": (50, 52, 60),
}  # fmt: skip


def oval(centre: Point, radii: Point, start: float = 0, end: float = 360) -> list[Point]:
    """An ellipse or an arc of one; degrees, clockwise from the right. A sheet measures 100 by 100, y downwards."""
    angles = [math.radians(start + (end - start) * step / 48) for step in range(49)]
    return [(centre[0] + radii[0] * math.cos(angle), centre[1] + radii[1] * math.sin(angle)) for angle in angles]


def box(left: float, top: float, right: float, bottom: float, radius: float = 0) -> list[Point]:
    """A rectangle, with round corners if asked."""
    x, y = (left + radius, right - radius), (top + radius, bottom - radius)
    corners = ((x[1], y[1]), (x[0], y[1]), (x[0], y[0]), (x[1], y[0]))
    return [point for turn, at in enumerate(corners) for point in oval(at, (radius, radius), turn * 90, turn * 90 + 90)]


def curve(*points: Point) -> list[Point]:
    """A smooth line through the points (Catmull-Rom); a point given twice is a corner."""
    knots, line = (points[0], *points, points[-1]), list[Point]()
    for near in (knots[start : start + 4] for start in range(len(points) - 1)):
        for t in (step / 12 for step in range(13) if near[1] != near[2]):
            weights = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
            x, y = (sum(map(operator.mul, weights, axis)) / 2 for axis in zip(*near, strict=True))
            line.append((x, y))
    return line


def both_sides(left: Outline) -> list[Point]:
    """A left half and its mirror image, as one outline."""
    return [*left, *((100 - x, y) for x, y in reversed(left))]


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """One colour with a share of another in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


MOTIFS: dict[str, list[list[Point]]] = {
    "plain": [], "striped": [box(0, 0, 1, 0.45)], "pinstriped": [box(0, 0, 0.3, 1)],
    "dotted": [oval((0.25, 0.25), (0.2, 0.2)), oval((0.75, 0.75), (0.2, 0.2))],
    "checked": [box(0, 0, 0.5, 0.5), box(0.5, 0.5, 1, 1)],
    "zigzag": [[(0, 0), (0.5, 0.5), (1, 0), (1, 0.4), (0.5, 0.9), (0, 0.4)]],
}  # fmt: skip
"""What is painted in the second colour, in one repeat of a pattern."""
SHADING = Image.linear_gradient("L").rotate(90).point([int(150 * abs(x / 255 - 0.3) ** 1.6) for x in range(256)])
"""How dark a round thing gets from its left to its right, lit from the left."""


def cloth(pattern: str, ground: Colour, second: Colour, repeat: int) -> Image.Image:
    """A sheet covered with a pattern that repeats after so many pixels."""
    tile, sheet = Image.new("RGB", (repeat, repeat), ground), Image.new("RGB", (FINE, FINE))
    for outline in MOTIFS[pattern]:
        ImageDraw.Draw(tile).polygon([(x * repeat, y * repeat) for x, y in outline], second)
    for place in ((x, y) for x in range(0, FINE, repeat) for y in range(0, FINE, repeat)):
        sheet.paste(tile, place)
    return sheet


class Look(NamedTuple):
    """What tells a product from the others of its label."""

    kind: int
    main: Colour
    shade: Colour
    second: Colour
    trim: Colour
    cloth: Image.Image
    sizes: tuple[float, ...]

    def size(self, index: int, low: float, high: float) -> float:
        """One of the proportions, between two bounds."""
        return low + (high - low) * self.sizes[index]


class Part(NamedTuple):
    """An area of a product, or a line when it has a width."""

    path: Outline
    paint: Colour | Image.Image
    width: float = 0


def bag(look: Look) -> list[Part]:
    """An open bag, one with a flap, or a wide one."""
    wide, top, bottom = look.size(0, 24, 34), look.size(1, 38, 46), look.size(2, 78, 90)
    belly, corner = 49 - wide - 9 * (look.kind == 2), (50 - wide, top)
    handle = oval((50, top + 3), (look.size(3, 11, 20), top - look.size(4, 10, 22)), 180, 360)
    body = curve(corner, (belly, 66), (54 - wide, bottom), (60 - wide, bottom + 1))
    parts = [Part(handle, look.trim, 3.5), Part(both_sides(body), look.cloth)]
    if look.kind == 1:
        flap = both_sides(curve(corner, (51 - wide, top + 16), (50, top + 26)))
        return [*parts, Part(flap, look.shade), Part(oval((50, top + 24), (3.4, 3.4)), GOLD)]
    return [*parts, Part(box(49 - wide, top - 2, 51 + wide, top + 3, 2), look.trim)]


def bottle(look: Look) -> list[Part]:
    """A bottle with sloping shoulders, square ones or a belly; some have a paper label."""
    wide, neck, top = 50 - look.size(0, 12, 20), 50 - look.size(1, 4.5, 7), look.size(2, 10, 22)
    low = top + look.size(3, 20, 30)
    left = (
        curve((neck, top), (neck, low - 8), (wide, low + 10), (wide, 88)),
        [(neck, top), (neck, low - 4), (wide + 3, low), (wide, low + 4), (wide, 88)],
        curve((neck, top), (neck, low), (wide - 6, 70), (wide, 86), (wide + 4, 90)),
    )[look.kind]
    paper = [Part(box(wide, 58, 100 - wide, 76), CREAM), Part([(wide + 8, 67), (92 - wide, 67)], look.shade, 2)]
    cap = Part(box(neck - 1, top - 4, 101 - neck, top + 4, 1), look.trim)
    return [Part(both_sides(left), look.cloth), cap, *(paper if look.sizes[4] < 0.5 else [])]


def lamp(look: Look) -> list[Part]:
    """A table lamp with a straight, slanted or domed shade; some stand on a ball."""
    wide, edge, foot = look.size(0, 22, 33), look.size(1, 42, 52), look.size(2, 12, 20)
    slant, dome = (51 - wide if look.kind == 0 else 40), oval((50, edge), (wide, edge - 12), 180, 270)
    shade = Part(both_sides(dome if look.kind == 2 else [(50 - wide, edge), (slant, 13)]), look.cloth)
    stem = Part([(50, 30), (50, 84)], look.trim, look.size(3, 2, 4))
    ball = [Part(oval((50, 72), (foot * 0.8, 14)), look.second)] if look.sizes[4] < 0.5 else []
    base, bulb = box(50 - foot, 84, 50 + foot, 89, 2), oval((50, edge), (wide - 3, 3))
    return [stem, *ball, Part(base, look.trim), Part(bulb, (255, 236, 170)), shade]


def mug(look: Look) -> list[Part]:
    """A mug with a round, square or ear-shaped handle."""
    wide, high, taper = look.size(0, 19, 27), look.size(1, 20, 31), look.size(2, 0, 8)
    top, bottom, right = 50 - high, 50 + high, 42 + wide
    handle = (
        oval((right - 3, 50), (16, high * 0.6)),
        [(right - 9, top + 9), (right + 13, top + 9), (right + 13, bottom - 12), (right - 9, bottom - 12)],
        curve((right - 3, top + 8), (right + 15, top + 12), (right + 12, 54), (right - 9, bottom - 9)),
    )[look.kind]
    body = [(42 - wide, top), (right, top), *oval((42, bottom - 5), (wide - taper, 5), 0, 180)]
    inside = Part(oval((42, top + 0.6), (wide - 2.4, 3.8)), mix(look.main, INK, 0.6))
    rim = Part(oval((42, top), (wide, 5)), mix(look.main, WHITE, 0.5))
    return [Part(handle, look.shade, look.size(3, 4.5, 7.5)), Part(body, look.cloth), rim, inside]


def plant_pot(look: Look) -> list[Part]:
    """A pot with broad leaves, a cactus or blades."""
    left, top, count = 50 - look.size(0, 16, 26), look.size(1, 54, 66), round(look.size(4, 5, 9))
    green = mix(LEAF, (150, 180, 60), look.sizes[3])
    arms = ([(44, top - 12), (32, top - 14), (32, top - 26)], [(56, top - 20), (68, top - 22), (68, top - 33)])
    plant = [Part(box(42, top - 44, 58, top + 4, 8), green), *(Part(arm, green, 7) for arm in arms)]
    if look.kind != 1:
        leaves = [leaf(top, step / (count - 1) * 2 - 1, 3 if look.kind else 9) for step in range(count)]
        plant = [Part(path, mix(green, INK, index % 2 / 4)) for index, path in enumerate(leaves)]
    pot = Part(both_sides([(left, top), (left + look.size(2, 2, 10), 90)]), look.cloth)
    return [*plant, pot, Part(box(left - 2, top - 3, 102 - left, top + 5, 1.5), look.shade)]


def leaf(foot: float, lean: float, broad: float) -> list[Point]:
    """A leaf that leans to the left (-1) or the right (1) as it grows."""
    tip, x, y = (50 + lean * 32, 12 + abs(lean) * 18), 50 + lean * 15, foot / 2 + 2 + abs(lean) * 9
    return curve((50, foot), (x - broad, y), tip, tip, (x + broad, y), (50, foot))


def shoe(look: Look) -> list[Part]:
    """A shoe: low with laces, high with laces, or low with straps."""
    top, thick, toe = look.size(0, 38, 46) - 16 * (look.kind == 1), look.size(1, 5, 10), look.size(2, 52, 58)
    corner, tongue, tip, straps = (13, top), (40, top + 5), ((86, 62), (89, 70)), look.kind == 2
    upper = curve((12, 70), (11, 56), corner, corner, (26, top + 5), tongue, tongue, (52, 50), (70, toe), *tip)
    cap = curve((72, 70), (71, 62), (74, toe + 1), (74, toe + 1), *tip)
    heel = curve((12, 70), (11, 56), corner, corner, (20, 54), (24, 70))
    sole = Part(box(10, 68, 91, 68 + thick, thick / 2), CREAM if look.sizes[3] < 0.6 else look.trim)
    shares = (0.3, 0.85) if straps else (0, 0.25, 0.5, 0.75, 1)
    starts = [(39 + 17 * share, top + 8 + (46 - top) * share) for share in shares]
    laces = [Part([(x, y), (x - 9, y + 6)], look.trim if straps else WHITE, 6 if straps else 2) for x, y in starts]
    return [Part(upper, look.cloth), Part(cap, look.trim), Part(heel, look.shade), sole, *laces]


def t_shirt(look: Look) -> list[Part]:
    """A T-shirt with a round neck, a V-neck or a pocket; some have hemmed sleeves."""
    wide, sleeve, hem = 50 - look.size(0, 19, 25), look.size(2, 14, 32), look.size(1, 74, 90)
    cuff = [(wide - 12 - sleeve * 0.3, 22 + sleeve), (wide - 4, 27 + sleeve)]
    body = both_sides([(40, 14), (wide - 3, 19), *cuff, (wide + 1, 40), (wide + 1, hem)])
    neck = [(39, 13), (50, 31), (61, 13)] if look.kind == 1 else oval((50, 14), (11, look.size(3, 6, 11)), 180, 0)
    hems = [Part(line, look.second, 3) for line in (cuff, [(100 - x, y) for x, y in cuff]) if look.sizes[4] < 0.5]
    pocket = [Part(box(54, 36, 64, 48, 1), look.trim)] if look.kind == 2 else []
    return [Part(body, look.cloth), Part(neck, mix(look.main, INK, 0.55)), Part(neck, look.second, 2.4), *hems, *pocket]


def watch(look: Look) -> list[Part]:
    """A watch: round, square or upright case."""
    strap, radius, rim = look.size(0, 9, 13), look.size(1, 19, 25), look.size(2, 2, 4.5)
    high = radius * (1.2 if look.kind == 2 else 1)
    case, dial = (
        oval((50, 50), (x, y)) if look.kind == 0 else box(50 - x, 50 - y, 50 + x, 50 + y, 5)
        for x, y in ((radius, high), (radius - rim, high - rim))
    )
    inner, outer = (oval((50, 50), (reach, reach))[::4] for reach in (radius - rim - 4, radius - rim - 2))
    ticks = [Part(tick, INK, 1.2) for tick in zip(inner, outer, strict=True)]
    turns = [(look.size(index, 0, 360), radius * share) for index, share in ((3, 0.45), (4, 0.65))]
    hands = [Part([(50, 50), oval((50, 50), (reach, reach), turn)[0]], INK, 2) for turn, reach in turns]
    crown, face = Part([(50, 50), (53 + radius, 50)], look.trim, 5), Part(dial, mix(look.second, WHITE, 0.55))
    band = Part(box(50 - strap, 4, 50 + strap, 96, 4), look.cloth)
    return [band, crown, Part(case, look.trim), face, *ticks, *hands]


LABELS: dict[str, tuple[str, Callable[[Look], list[Part]]]] = {
    "Bags": ("bag", bag), "Bottles": ("bottle", bottle), "Lamps": ("lamp", lamp), "Mugs": ("mug", mug),
    "Plant pots": ("plant-pot", plant_pot), "Shoes": ("shoe", shoe), "T-Shirts": ("t-shirt", t_shirt),
    "Watches": ("watch", watch),
}  # fmt: skip


def looks(label: str) -> dict[str, Look]:
    """The products of a label by name; the last ones have the first ones' colours in another pattern."""
    chance, found = random.Random(label), dict[str, Look]()
    colours, patterns = chance.sample(sorted(PALETTE), 9), chance.sample(sorted(MOTIFS), len(MOTIFS))
    for index, kind in enumerate(chance.sample((0, 1, 2) * (PRODUCTS // 3), PRODUCTS)):
        colour, pattern = colours[index % 9], patterns[(index + index // 9) % len(patterns)]
        main = PALETTE[colour]
        second = chance.choice([other for other in (*PALETTE.values(), CREAM, WHITE) if math.dist(main, other) > 120])
        woven = cloth(pattern, main, second, chance.randrange(70, 130))
        trim, sizes = chance.choice(TRIMS), tuple(chance.random() for _ in range(5))
        look = Look(kind, main, mix(main, INK, 0.3), second, trim, woven, sizes)
        found[f"{pattern}-{colour}-{LABELS[label][0]}"] = look
    return found


def draw(parts: list[Part]) -> Image.Image:
    """A product on a see-through ground, part upon part."""
    sheet = Image.new("RGBA", (FINE, FINE))
    for path, paint, width in parts:
        points, thick = [(x * FINE / 100, y * FINE / 100) for x, y in path], round(width * FINE / 100)
        left, top = (int(min(axis)) - thick for axis in zip(*points, strict=True))
        right, bottom = (int(max(axis)) + thick + 2 for axis in zip(*points, strict=True))
        place, mask = (left, top, right, bottom), Image.new("L", (right - left, bottom - top))
        trace(ImageDraw.Draw(mask), [(x - left, y - top) for x, y in points], thick)
        sheet.paste(paint.crop(place) if isinstance(paint, Image.Image) else paint, place, mask)
        sheet.paste(INK, place, ImageChops.multiply(mask, SHADING.resize(mask.size, Image.Resampling.NEAREST)))
    return sheet.reduce(FINE // SIDE)


def trace(pen: ImageDraw.ImageDraw, points: Outline, thick: int) -> None:
    """An area, or a line with round ends when it is thick."""
    if not thick:
        pen.polygon(points, 255)
        return
    pen.line(points, 255, thick, joint="curve")
    for end in (points[0], points[-1]):
        pen.circle(end, thick / 2, 255)


def stand(product: Image.Image, chance: random.Random) -> Image.Image:
    """A product somewhat turned, moved, nearer or farther, and at times mirrored."""
    half, turn = SIDE / 2, math.radians(chance.uniform(-9, 9))
    zoom, squeeze = chance.uniform(0.98, 1.2), chance.uniform(1, 1.12) * chance.choice((1, 1, -1))
    a, b = zoom * squeeze * math.cos(turn), zoom * squeeze * math.sin(turn)
    c, d = -zoom * math.sin(turn), zoom * math.cos(turn)
    x, y = (half * chance.uniform(0.9, 1.1) for _ in range(2))
    matrix = (a, b, half - a * x - b * y, c, d, half - c * x - d * y)
    return product.transform(product.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def view(product: Image.Image, seed: str) -> Image.Image:
    """A product as a camera might see it: on a tinted ground, with a soft shadow, in some light."""
    chance = random.Random(seed)
    placed = stand(product, chance)
    tint = mix(WHITE, chance.choice(list(PALETTE.values())), chance.uniform(0.05, 0.2))
    floor = mix(tint, INK, chance.uniform(0.05, 0.2))
    scene = ImageOps.colorize(Image.linear_gradient("L").resize(placed.size), mix(tint, WHITE, 0.4), floor)
    shadow = placed.getchannel("A").reduce(4).filter(ImageFilter.GaussianBlur(3)).point(lambda value: value * 0.6)
    scene.paste(mix(tint, INK, 0.55), (chance.randrange(4, 15), chance.randrange(5, 14)), shadow.resize(placed.size))
    scene.paste(placed, mask=placed)
    return ImageEnhance.Brightness(scene).enhance(chance.uniform(0.86, 1.1))


def save_catalogue(folder: Path) -> None:
    """Every label, product and view, and a word on what they are."""
    for label, (_, parts) in LABELS.items():
        for name, look in looks(label).items():
            product, place = draw(parts(look)), folder / label / name
            place.mkdir(parents=True)
            for number in range(1, VIEWS + 1):
                view(product, f"{name} {number}").save(place / f"{number}.jpg", quality=88)
    (folder / "README.txt").write_text(__doc__ or "")


def save_queries(folder: Path) -> None:
    """One more view of one product of each label."""
    for label, (_, parts) in LABELS.items():
        name, look = random.Random(label).choice(list(looks(label).items()))
        view(draw(parts(look)), f"{name} {VIEWS + 1}").save(folder / f"{label}--{name}.jpg", quality=88)


def publish(folder: Path, save: Callable[[Path], None]) -> None:
    """Fill a folder that appears when it is complete, or not at all."""
    if folder.exists():
        print(f"{folder} exists already; left as it is.")
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        draft = Path(scratch, folder.name)
        draft.mkdir()
        save(draft)
        draft.rename(folder)
    print(f"{folder}: drawings, not photos, to try the search with.")


def main() -> None:
    """Draw the catalogue, and the queries if asked; nothing at all if the catalogue is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where they go; nothing is done if it exists")
    parser.add_argument("--queries", type=Path, help="where one more view per label goes, to search for")
    options = parser.parse_args()
    if options.queries and options.queries.resolve().is_relative_to(options.folder.resolve()):
        parser.error("the queries must not lie in the catalogue")
    if options.queries and not options.folder.exists():
        publish(options.queries, save_queries)
    publish(options.folder, save_catalogue)


if __name__ == "__main__":
    main()
