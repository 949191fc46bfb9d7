"""Draws photograph-like pictures of a street: what was found there, and the same street after it was put right.

Not photographs, and marked DEMO: enough to see what a case is about, to compare before and after, and to be large.
"""

import io
from collections.abc import Callable
from functools import partial
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = (960, 720)
HORIZON = 300
KERB_Y = 470
VARIANTS = 2

Draw = ImageDraw.ImageDraw
Painter = Callable[[Draw, Random], None]


def photograph(scene: str, *, put_right: bool, variant: int) -> bytes:
    """Return a JPEG of a street with this scene in it, or of the same street put right."""
    chance = Random(f"yunxi/picture/{scene}/{variant}")
    picture = _street(chance, at_night=scene == "night")
    painter = STAYS.get(scene) if put_right else SCENES[scene]
    if painter is not None:
        painter(ImageDraw.Draw(picture), chance)
    picture = _through_a_lens(picture, chance, at_night=scene == "night")
    ImageDraw.Draw(picture).text((SIZE[0] - 110, SIZE[1] - 40), "DEMO", fill="white", font=_font())
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=82)
    return data.getvalue()


def _font():
    return ImageFont.load_default(size=26)


def _street(chance: Random, *, at_night: bool) -> Image.Image:
    """Houses, a pavement in perspective, a kerb, asphalt."""
    picture = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(picture)
    top, low = ((12, 16, 34), (40, 44, 70)) if at_night else ((126, 168, 208), (214, 224, 232))
    for y in range(HORIZON):
        share = y / HORIZON
        draw.line([(0, y), (SIZE[0], y)], fill=tuple(round(a + (b - a) * share) for a, b in zip(top, low, strict=True)))
    x = -chance.randint(0, 80)
    while x < SIZE[0]:
        width, height = chance.randint(150, 290), chance.randint(140, 280)
        tone = chance.randint(120, 205)
        wall = (tone, tone - chance.randint(4, 18), tone - chance.randint(14, 40))
        _house(draw, chance, x, width, height, wall, at_night=at_night)
        x += width
    draw.polygon([(0, HORIZON + 60), (SIZE[0], HORIZON + 60), (SIZE[0], KERB_Y), (0, KERB_Y)], fill=(172, 166, 156))
    for x in range(-900, SIZE[0] + 900, 75):
        draw.line([(SIZE[0] / 2 + (x - SIZE[0] / 2) * 0.6, HORIZON + 60), (x, KERB_Y)], fill=(150, 144, 136))
    for y in range(HORIZON + 60, KERB_Y, 22):
        draw.line([(0, y), (SIZE[0], y)], fill=(150, 144, 136))
    draw.rectangle([0, KERB_Y, SIZE[0], KERB_Y + 16], fill=(198, 196, 190))
    draw.rectangle([0, KERB_Y + 16, SIZE[0], SIZE[1]], fill=(88, 90, 94))
    slope = chance.randint(-40, 40)
    for x in range(-100, SIZE[0], 230):
        draw.polygon(
            [(x, 640), (x + 120, 640 + slope / 9), (x + 118, 654 + slope / 9), (x - 4, 654)], fill=(222, 222, 214)
        )
    return picture


def _house(draw: Draw, chance: Random, x: int, width: int, height: int, wall, *, at_night: bool) -> None:
    top = HORIZON + 60 - height
    draw.rectangle([x, top, x + width, HORIZON + 60], fill=wall)
    lit, dark = ((250, 214, 130), (46, 52, 66)) if at_night else ((206, 220, 228), (92, 112, 128))
    for row in range(top + 18, HORIZON - 40, 52):
        for column in range(x + 16, x + width - 34, 48):
            draw.rectangle([column, row, column + 28, row + 32], fill=lit if chance.random() < 0.35 else dark)
    sign = chance.choice([(168, 44, 40), (32, 92, 150), (40, 120, 72), (190, 140, 40)])
    draw.rectangle([x + 6, HORIZON - 26, x + width - 6, HORIZON], fill=sign)
    draw.rectangle([x + 14, HORIZON + 4, x + width - 14, HORIZON + 60], fill=tuple(c // 2 for c in wall))


def _through_a_lens(picture: Image.Image, chance: Random, *, at_night: bool) -> Image.Image:
    """Grain, a soft lens, darker corners, the warmth of the hour."""
    noise = np.random.default_rng(chance.getrandbits(32))
    pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.9)), dtype=np.float32)
    blotches = Image.fromarray(noise.normal(0, 6, (SIZE[1] // 12, SIZE[0] // 12)).astype(np.float32))
    patchy = np.asarray(blotches.resize(SIZE, Image.Resampling.BICUBIC))[..., None]
    pixels = pixels + patchy + noise.normal(0, 4, (SIZE[1], SIZE[0], 1))
    y, x = np.ogrid[-1 : 1 : SIZE[1] * 1j, -1 : 1 : SIZE[0] * 1j]
    pixels = pixels * (1.06 - 0.3 * (x * x + y * y) / 2)[..., None]
    warmth = chance.uniform(-0.05, 0.07)
    light = 0.5 if at_night else chance.uniform(0.86, 1.08)
    pixels = pixels * np.array([1 + warmth, 1, 1 - warmth]) * light
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


# --- What is in the picture ------------------------------------------------------------------------------------------


def _heap(
    draw: Draw, chance: Random, colours, *, pieces: int, size: tuple[int, int], middle: tuple[int, int], spread: int
):
    for _piece in range(pieces):
        x = chance.gauss(middle[0], spread)
        y = middle[1] - abs(chance.gauss(0, spread / 5))
        width, height = chance.randint(*size), chance.randint(*size) * 0.7
        colour = chance.choice(colours)
        draw.ellipse([x - width, y - height, x + width, y + height], fill=colour)
        draw.arc([x - width, y - height, x + width, y + height], 200, 320, fill=tuple(c // 2 for c in colour), width=2)


def _rubbish(draw: Draw, chance: Random) -> None:
    bags = [(40, 42, 46), (210, 206, 198), (190, 60, 52), (60, 110, 170), (224, 196, 90)]
    _heap(draw, chance, bags, pieces=26, size=(12, 34), middle=(chance.randint(320, 620), 455), spread=95)


def _rubble(draw: Draw, chance: Random) -> None:
    stones = [(150, 132, 118), (168, 92, 74), (190, 182, 170), (120, 112, 104)]
    _heap(draw, chance, stones, pieces=90, size=(6, 22), middle=(chance.randint(340, 600), 500), spread=120)


def _leaves(draw: Draw, chance: Random) -> None:
    for _leaf in range(420):
        x, y = chance.randint(0, SIZE[0]), chance.randint(HORIZON + 80, SIZE[1])
        size = 2 + (y - HORIZON) / 60
        draw.ellipse(
            [x - size, y - size / 2, x + size, y + size / 2],
            fill=chance.choice([(170, 128, 50), (130, 96, 40), (196, 160, 70)]),
        )


def _lawn(draw: Draw, chance: Random) -> None:
    draw.polygon([(0, 390), (SIZE[0], 370), (SIZE[0], KERB_Y), (0, KERB_Y)], fill=(78, 112, 54))
    for _blade in range(500):
        x, y = chance.randint(0, SIZE[0]), chance.randint(390, KERB_Y)
        draw.line(
            [(x, y), (x + chance.randint(-4, 4), y - chance.randint(6, 18))], fill=(60, chance.randint(90, 140), 46)
        )


def _green(draw: Draw, chance: Random) -> None:
    _lawn(draw, chance)
    litter = [(230, 230, 226), (180, 60, 60), (80, 130, 190)]
    _heap(draw, chance, litter, pieces=18, size=(4, 12), middle=(480, 440), spread=240)


def _boxes(draw: Draw, chance: Random) -> None:
    for _box in range(14):
        x, y = chance.randint(260, 640), chance.randint(330, 430)
        width, height = chance.randint(50, 110), chance.randint(40, 80)
        tone = chance.randint(120, 185)
        draw.rectangle([x, y, x + width, y + height], fill=(tone, tone - 36, tone - 78), outline=(70, 54, 36), width=2)
        draw.line([(x, y + height / 2), (x + width, y + height / 2)], fill=(210, 190, 150), width=3)


def _laundry(draw: Draw, chance: Random) -> None:
    draw.line([(120, 250), (840, 270)], fill=(60, 60, 60), width=3)
    for x in range(160, 800, 82):
        colour = chance.choice([(200, 80, 90), (90, 130, 190), (236, 232, 220), (120, 160, 100)])
        draw.polygon(
            [(x, 252), (x + 62, 256), (x + 56, 256 + chance.randint(70, 130)), (x + 6, 252 + chance.randint(80, 130))],
            fill=colour,
        )


def _road(draw: Draw, chance: Random) -> None:
    x, y = chance.randint(360, 560), 590
    edge = [
        (x + 150 * np.cos(a) * chance.uniform(0.7, 1.1), y + 50 * np.sin(a) * chance.uniform(0.7, 1.1))
        for a in np.linspace(0, 6.2, 22)
    ]
    draw.polygon(edge, fill=(46, 44, 42), outline=(130, 126, 120))
    for _crack in range(14):
        a, b = chance.randint(80, 880), chance.randint(510, 700)
        draw.line([(a, b), (a + chance.randint(-70, 70), b + chance.randint(-20, 20))], fill=(48, 48, 50), width=3)


def _bin(draw: Draw, chance: Random) -> None:
    _upright_bin(draw)
    _heap(
        draw,
        chance,
        [(36, 38, 42), (206, 200, 190), (180, 70, 60)],
        pieces=16,
        size=(12, 28),
        middle=(470, 452),
        spread=70,
    )


def _upright_bin(draw: Draw) -> None:
    for x, colour in ((400, (44, 104, 64)), (490, (70, 78, 88))):
        draw.rectangle([x, 320, x + 82, 440], fill=colour, outline=(24, 30, 28), width=3)
        draw.rectangle([x + 14, 338, x + 68, 358], fill=(20, 22, 24))


def _night(draw: Draw, chance: Random) -> None:
    for x in range(140, 820, 170):
        draw.polygon([(x, 350), (x + 130, 350), (x + 112, 308), (x + 18, 308)], fill=(190, 50, 40))
        draw.ellipse([x + 40, 354, x + 84, 398], fill=(255, 226, 150))
        draw.rectangle([x + 10, 400, x + 120, 446], fill=(110, 80, 54))
    for _smoke in range(30):
        x, y, size = chance.randint(150, 800), chance.randint(170, 330), chance.randint(14, 40)
        draw.ellipse([x, y, x + size, y + size / 2], fill=(84, 84, 98))


def _kerb(draw: Draw, chance: Random) -> None:
    x = chance.randint(330, 520)
    draw.rectangle([x, KERB_Y - 2, x + 130, KERB_Y + 18], fill=(104, 92, 78))
    _heap(draw, chance, [(190, 188, 182), (160, 156, 148)], pieces=12, size=(8, 26), middle=(x + 80, 520), spread=50)


def _pavement(draw: Draw, chance: Random, *, tiles: int = 9) -> None:
    for _tile in range(tiles):
        x, y = chance.randint(280, 640), chance.randint(385, 450)
        draw.polygon(
            [(x, y), (x + 62, y - 4), (x + 70, y + 18), (x + 6, y + 22)], fill=(110, 92, 72), outline=(80, 70, 60)
        )
    draw.rectangle([0, 424, SIZE[0], 440], fill=(208, 176, 70))


def _water(draw: Draw, chance: Random, *, pieces: int = 24) -> None:
    draw.rectangle([0, KERB_Y + 16, SIZE[0], SIZE[1]], fill=(72, 98, 92))
    for _wave in range(70):
        x, y = chance.randint(0, SIZE[0]), chance.randint(500, SIZE[1])
        draw.line([(x, y), (x + chance.randint(30, 90), y)], fill=(104, 130, 120), width=2)
    flotsam = [(230, 232, 230), (90, 150, 90), (200, 90, 70)]
    _heap(draw, chance, flotsam, pieces=pieces, size=(5, 15), middle=(500, 620), spread=200)


def _building(draw: Draw, chance: Random) -> None:
    draw.polygon([(280, 250), (680, 230), (720, 268), (250, 290)], fill=(70, 110, 168), outline=(40, 50, 70))
    for x in (300, 420, 540, 660):
        draw.line([(x, 262), (x, 460)], fill=(130, 130, 132), width=9)
    _heap(draw, chance, [(168, 92, 74), (190, 184, 172)], pieces=20, size=(8, 20), middle=(480, 455), spread=90)


def _poster(draw: Draw, chance: Random, *, sheets: int = 11) -> None:
    draw.rectangle([420, 120, 470, 462], fill=(142, 140, 134))
    for _sheet in range(sheets):
        x, y = chance.randint(404, 450), chance.randint(190, 400)
        draw.rectangle(
            [x, y, x + 44, y + 56],
            fill=chance.choice([(240, 238, 226), (246, 226, 120), (240, 160, 170)]),
            outline=(120, 110, 90),
        )
        for line in range(y + 10, y + 50, 9):
            draw.line([(x + 6, line), (x + 38, line)], fill=(70, 70, 80), width=2)


def _sign(draw: Draw, chance: Random, *, leans: bool = True) -> None:
    lean = chance.randint(30, 90) if leans else 0
    draw.line([(450, 460), (450 + lean, 170)], fill=(110, 114, 120), width=14)
    draw.polygon(
        [(370 + lean, 150), (610 + lean, 170 + lean / 3), (606 + lean, 236 + lean / 3), (366 + lean, 216)],
        fill=(26, 80, 160),
        outline=(240, 240, 240),
    )


def _works(draw: Draw, chance: Random) -> None:
    draw.polygon([(200, 560), (760, 550), (820, 640), (160, 650)], fill=(122, 98, 70))
    for x in range(150, 860, 100):
        draw.rectangle([x, 470, x + 84, 530], fill=(226, 140, 40), outline=(60, 60, 60), width=2)
        draw.line([(x, 530), (x + 84, 470)], fill=(245, 245, 240), width=9)
    _heap(draw, chance, [(140, 112, 80), (110, 88, 64)], pieces=60, size=(8, 24), middle=(480, 600), spread=130)


def _stall(draw: Draw, chance: Random) -> None:
    for x, canopy in ((220, (196, 60, 52)), (480, (52, 110, 170))):
        draw.polygon([(x, 330), (x + 220, 330), (x + 196, 276), (x + 24, 276)], fill=canopy)
        draw.rectangle([x + 14, 396, x + 206, 462], fill=(150, 116, 80), outline=(70, 50, 34), width=2)
        goods = [(214, 70, 50), (230, 170, 50), (90, 150, 60), (240, 220, 120)]
        _heap(draw, chance, goods, pieces=34, size=(6, 12), middle=(x + 110, 396), spread=50)


def _shop(draw: Draw, chance: Random) -> None:
    for x in range(120, 800, 96):
        draw.rectangle([x, 400, x + 70, 450], fill=(136, 104, 70), outline=(60, 44, 30), width=2)
        _heap(
            draw,
            chance,
            [(220, 80, 60), (236, 190, 70), (120, 160, 80)],
            pieces=12,
            size=(6, 11),
            middle=(x + 35, 402),
            spread=18,
        )
        draw.rectangle([x + 10, 452, x + 60, 462], fill=(60, 60, 64))


def _bikes(draw: Draw, chance: Random) -> None:
    for x in range(150, 800, 62):
        colour = chance.choice([(236, 190, 30), (60, 130, 190), (60, 60, 64), (190, 60, 50)])
        lean = chance.randint(-26, 26)
        for wheel in (x, x + 74):
            draw.ellipse([wheel + lean, 400, wheel + 46 + lean, 452], outline=(34, 34, 38), width=5)
        draw.line([(x + 22 + lean, 426), (x + 60, 372), (x + 98 + lean, 426)], fill=colour, width=8)


def _wires(draw: Draw, chance: Random) -> None:
    draw.rectangle([120, 60, 142, 462], fill=(120, 114, 104))
    draw.rectangle([820, 80, 840, 462], fill=(120, 114, 104))
    for sag in range(6):
        low = 300 + sag * chance.randint(16, 30)
        draw.line([(130, 90), (320, low), (560, low + 20), (830, 110)], fill=(28, 28, 32), width=4, joint="curve")


def _cover(draw: Draw, chance: Random) -> None:
    x, y = chance.randint(380, 520), 590
    draw.ellipse([x - 150, y - 62, x + 150, y + 62], fill=(60, 58, 58), outline=(136, 130, 124), width=8)
    draw.pieslice([x - 130, y - 52, x + 130, y + 52], 20, 250, fill=(14, 14, 16))
    draw.ellipse([x + 60, y - 110, x + 330, y - 10], fill=(78, 76, 76), outline=(40, 40, 42), width=6)


def _sound_cover(draw: Draw, chance: Random) -> None:
    x, y = chance.randint(380, 520), 590
    draw.ellipse([x - 150, y - 62, x + 150, y + 62], fill=(76, 74, 74), outline=(140, 134, 128), width=8)
    for ring in (110, 70, 30):
        draw.ellipse([x - ring, y - ring * 0.41, x + ring, y + ring * 0.41], outline=(46, 46, 48), width=5)


def _box(draw: Draw, chance: Random) -> None:
    draw.rectangle([400, 290, 560, 460], fill=(112, 128, 120), outline=(50, 56, 54), width=4)
    draw.polygon([(400, 290), (330, 316), (330, 470), (400, 460)], fill=(92, 106, 100), outline=(50, 56, 54))
    for _wire in range(9):
        x = chance.randint(414, 546)
        draw.line(
            [(x, 300), (x + chance.randint(-12, 12), 440)],
            fill=chance.choice([(190, 50, 40), (40, 60, 150), (210, 180, 50)]),
            width=4,
        )


def _lamp(draw: Draw, chance: Random, *, leans: bool = True) -> None:
    lean = chance.randint(20, 70) if leans else 0
    draw.line([(470, 462), (470 + lean, 60)], fill=(128, 132, 138), width=12)
    draw.line([(470 + lean, 66), (590 + lean, 50)], fill=(128, 132, 138), width=9)
    draw.polygon([(580 + lean, 44), (650 + lean, 60), (640 + lean, 78), (576 + lean, 60)], fill=(52, 54, 60))


def _rail(draw: Draw, chance: Random, *, fell: bool = True) -> None:
    for x in range(0, SIZE[0], 120):
        fallen = fell and 300 < x < 620
        drop = 60 if fallen else 0
        draw.line([(x, 420 + drop), (x + 112, 416 + drop * 1.4)], fill=(236, 238, 240), width=9)
        draw.line([(x, 510), (x + chance.randint(0, 50) if fallen else x, 420 + drop)], fill=(220, 222, 226), width=9)


def _tree(draw: Draw, chance: Random, *, leans: bool = True) -> None:
    lean = chance.randint(120, 220) if leans else 0
    draw.line([(400, 470), (400 + lean, 200)], fill=(92, 68, 46), width=30)
    for _leaf in range(150):
        x, y, size = chance.gauss(400 + lean, 90), chance.gauss(160, 60), chance.randint(12, 30)
        draw.ellipse(
            [x - size, y - size, x + size, y + size], fill=(chance.randint(50, 90), chance.randint(100, 140), 48)
        )


SCENES: dict[str, Painter] = {
    "bikes": _bikes,
    "bin": _bin,
    "box": _box,
    "boxes": _boxes,
    "building": _building,
    "cover": _cover,
    "green": _green,
    "kerb": _kerb,
    "lamp": _lamp,
    "laundry": _laundry,
    "leaves": _leaves,
    "night": _night,
    "pavement": _pavement,
    "poster": _poster,
    "rail": _rail,
    "road": _road,
    "rubbish": _rubbish,
    "rubble": _rubble,
    "shop": _shop,
    "sign": _sign,
    "stall": _stall,
    "tree": _tree,
    "water": _water,
    "wires": _wires,
    "works": _works,
}
# What is still there when it was put right; everything else is simply gone.
STAYS: dict[str, Painter] = {
    "bin": lambda draw, _chance: _upright_bin(draw),
    "cover": _sound_cover,
    "green": _lawn,
    "lamp": partial(_lamp, leans=False),
    "pavement": partial(_pavement, tiles=0),
    "poster": partial(_poster, sheets=0),
    "rail": partial(_rail, fell=False),
    "sign": partial(_sign, leans=False),
    "tree": partial(_tree, leans=False),
    "water": partial(_water, pieces=0),
}
