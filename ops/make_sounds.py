"""Write the four short tones of static/sounds: different in rhythm and not only in pitch, soft at both ends.

python ops/make_sounds.py

new        ·        a case has come to this desk
urgent     · · ·    it is an urgent one
returned   — ·      it came back: returned, or rework
overdue    — —      a deadline has passed
"""

import math
import wave
from pathlib import Path

RATE = 8000
FADE_S = 0.012
# Pitch in hertz, length in seconds; pitch 0 is a pause.
TONES: dict[str, tuple[tuple[int, float], ...]] = {
    "new": ((784, 0.14),),
    "urgent": ((988, 0.09), (0, 0.07), (988, 0.09), (0, 0.07), (988, 0.13)),
    "returned": ((659, 0.30), (0, 0.08), (523, 0.12)),
    "overdue": ((440, 0.26), (0, 0.16), (440, 0.26)),
}


def samples(pitch: int, seconds: float) -> bytes:
    """Return one tone as unsigned bytes, 8000 a second."""
    number = int(RATE * seconds)
    shape = (min(1.0, place / (RATE * FADE_S), (number - place) / (RATE * FADE_S)) for place in range(number))
    return bytes(
        round(128 + 90 * loud * math.sin(2 * math.pi * pitch * place / RATE)) for place, loud in enumerate(shape)
    )


def main() -> None:
    folder = Path(__file__).parents[1] / "static" / "sounds"
    folder.mkdir(exist_ok=True)
    for name, parts in TONES.items():
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 1, RATE, 0, "NONE", "not compressed"))
            file.writeframes(b"".join(samples(*part) for part in parts))


if __name__ == "__main__":
    main()
