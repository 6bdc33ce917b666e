"""The edits with which copies are made: what re-uploaders do to a picture, in two or three strengths each.

They follow what is seen on platforms and what the robustness tests of others use (Meta's "The TMK+PDQF
Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019; Thorn's perception benchmarks; AugLy; the Image
Similarity Challenge DISC21, Douze et al. 2021), not by what any detector finds.
"""

from __future__ import annotations

import fnmatch
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from PIL import Image

from hashmatch.evaluate import adjustments, overlays, surroundings
from hashmatch.evaluate.surroundings import BLACK, WHITE, FrameSide

#: Returns a changed RGB picture and leaves the given one as it is.
EditFunction = Callable[[Image.Image, Random], Image.Image]
#: A picture as the bytes of a file.
EncodeFunction = Callable[[Image.Image, Random], bytes]


@dataclass(frozen=True, slots=True)
class Edit:
    """One way to make a copy. `group` is one of those in goals.GOALS.

    `make` takes an RGB picture and a source of randomness, and returns an encoded image file; the same picture and
    seed give the same bytes with the same version of Pillow.
    """

    name: str
    group: str
    make: Callable[[Image.Image, Random], bytes]


def jpeg(image: Image.Image, random: Random, quality: int | None = None) -> bytes:
    """quality: random from 85 to 90 if not given, as most programs write it."""
    return encoded(image, random, "JPEG", quality=quality if quality is not None else random.randint(85, 90))


def encoded(image: Image.Image, random: Random, format: str, **parameters: int) -> bytes:
    """A file of one of Pillow's formats, with the parameters of its writer."""
    out = io.BytesIO()
    image.save(out, format, **parameters)
    return out.getvalue()


def palette(image: Image.Image, random: Random, colours: int) -> bytes:
    """A GIF of at most 256 colours, dithered."""
    chosen = image.resize((96, 96), Image.Resampling.NEAREST).quantize(colours)
    return encoded(image.quantize(palette=chosen, dither=Image.Dither.FLOYDSTEINBERG), random, "GIF")


def passed_on(image: Image.Image, random: Random, times: int) -> bytes:
    """Forward from messenger to messenger: each makes the picture a little smaller and compresses it again."""
    for _time in range(times):
        image = Image.open(io.BytesIO(jpeg(image, random, random.randint(55, 75))))
        image = adjustments.resize(image, random, random.uniform(0.9, 0.97))
    return jpeg(image, random, 70)


def _make(image: Image.Image, random: Random, changes: tuple[EditFunction, ...], encode: EncodeFunction) -> bytes:
    for change in changes:
        image = change(image, random)
    return encode(image, random)


def _edit(name: str, group: str, *changes: EditFunction, encode: EncodeFunction = jpeg) -> Edit:
    return Edit(name, group, partial(_make, changes=changes, encode=encode))  # picklable, for worker processes


def _jpeg(quality: int) -> EncodeFunction:
    return partial(jpeg, quality=quality)


_SIDES: tuple[FrameSide, FrameSide] = ("left", "right")
_ENDS: tuple[FrameSide, FrameSide] = ("top", "bottom")
_MIRROR = partial(adjustments.transpose, how=Image.Transpose.FLIP_LEFT_RIGHT)

EDITS: tuple[Edit, ...] = (
    _edit("jpeg-75", "codec", encode=_jpeg(75)),
    _edit("jpeg-50", "codec", encode=_jpeg(50)),
    _edit("jpeg-30", "codec", encode=_jpeg(30)),
    _edit("jpeg-passed-on", "codec", encode=partial(passed_on, times=4)),
    _edit("webp-75", "codec", encode=partial(encoded, format="WEBP", quality=75)),
    _edit("webp-40", "codec", encode=partial(encoded, format="WEBP", quality=40)),
    _edit("png", "codec", encode=partial(encoded, format="PNG")),
    _edit("avif-50", "codec", encode=partial(encoded, format="AVIF", quality=50, speed=9)),
    _edit("gif-256", "codec", encode=partial(palette, colours=256)),
    _edit("gif-32", "codec", encode=partial(palette, colours=32)),
    _edit("resize-75", "resize", partial(adjustments.resize, factor=0.75)),
    _edit("resize-50", "resize", partial(adjustments.resize, factor=0.5)),
    _edit("resize-37", "resize", partial(adjustments.resize, factor=0.37)),
    _edit("resize-25", "resize", partial(adjustments.resize, factor=0.25)),
    _edit("resize-160", "resize", partial(adjustments.resize, factor=1.6)),
    _edit("resize-200", "resize", partial(adjustments.resize, factor=2.0)),
    _edit("brightness-70", "tone", partial(adjustments.enhance, what="brightness", factor=0.7)),
    _edit("brightness-130", "tone", partial(adjustments.enhance, what="brightness", factor=1.3)),
    _edit("contrast-65", "tone", partial(adjustments.enhance, what="contrast", factor=0.65)),
    _edit("contrast-140", "tone", partial(adjustments.enhance, what="contrast", factor=1.4)),
    _edit("gamma-60", "tone", partial(adjustments.gamma, exponent=0.6)),
    _edit("gamma-160", "tone", partial(adjustments.gamma, exponent=1.6)),
    _edit("saturation-30", "tone", partial(adjustments.enhance, what="saturation", factor=0.3)),
    _edit("saturation-200", "tone", partial(adjustments.enhance, what="saturation", factor=2.0)),
    _edit("greyscale", "tone", adjustments.greyscale),
    _edit("sepia", "tone", adjustments.sepia),
    _edit("hue-20", "tone", partial(adjustments.hue, degrees=20)),
    _edit("cast-warm", "tone", partial(adjustments.cast, red=1.15, green=1.0, blue=0.8)),
    _edit("cast-blue", "tone", partial(adjustments.cast, red=0.75, green=0.95, blue=1.2)),
    _edit("equalised", "tone", adjustments.equalise),
    _edit("sharpen-2", "tone", partial(adjustments.enhance, what="sharpness", factor=2.0)),
    _edit("sharpen-4", "tone", partial(adjustments.enhance, what="sharpness", factor=4.0)),
    _edit("blur-light", "blur", partial(adjustments.blur, share=0.0025)),
    _edit("blur-middle", "blur", partial(adjustments.blur, share=0.005)),
    _edit("blur-strong", "blur", partial(adjustments.blur, share=0.01)),
    _edit("blur-motion", "blur", partial(adjustments.motion_blur, share=0.02)),
    _edit("noise-8", "noise", partial(adjustments.noise, sigma=8)),
    _edit("noise-20", "noise", partial(adjustments.noise, sigma=20)),
    _edit("noise-grain", "noise", partial(adjustments.noise, sigma=14, coloured=False)),
    _edit("noise-salt", "noise", partial(adjustments.salt_and_pepper, share=0.02)),
    _edit("squeeze-wide-10", "squeeze", partial(adjustments.stretch, across=1.1, down=1.0)),
    _edit("squeeze-wide-20", "squeeze", partial(adjustments.stretch, across=1.2, down=1.0)),
    _edit("squeeze-narrow-10", "squeeze", partial(adjustments.stretch, across=0.9, down=1.0)),
    _edit("squeeze-narrow-20", "squeeze", partial(adjustments.stretch, across=0.8, down=1.0)),
    _edit("bars-ends-black-8", "bars", partial(surroundings.bars, sides=_ENDS, share=0.08, colours=(BLACK,))),
    _edit("bars-ends-black-20", "bars", partial(surroundings.bars, sides=_ENDS, share=0.2, colours=(BLACK,))),
    _edit("bars-sides-white-15", "bars", partial(surroundings.bars, sides=_SIDES, share=0.15, colours=(WHITE,))),
    _edit("bars-sides-black-35", "bars", partial(surroundings.bars, sides=_SIDES, share=0.35, colours=(BLACK,))),
    _edit("bars-coloured-20", "bars", partial(surroundings.bars, sides=_ENDS, share=0.2)),
    _edit("bar-below-white-25", "bars", partial(surroundings.bars, sides=("bottom",), share=0.25, colours=(WHITE,))),
    _edit("bar-left-coloured-15", "bars", partial(surroundings.bars, sides=("left",), share=0.15)),
    _edit(
        "bars-unequal-40", "bars", partial(surroundings.bars, sides=_ENDS, share=0.4, colours=(BLACK,), unequal=True)
    ),
    _edit(
        "bars-two-colour-20", "bars", partial(surroundings.bars, sides=_ENDS, share=0.2, colours=((178, 34, 34), WHITE))
    ),
    _edit("frame-white-6", "bars", partial(surroundings.bars, sides=(*_SIDES, *_ENDS), share=0.06, colours=(WHITE,))),
    _edit("letterbox-square", "bars", partial(surroundings.fit, shape=1.0)),
    _edit("letterbox-9x16", "bars", partial(surroundings.fit, shape=9 / 16)),
    _edit("letterbox-9x16-white", "bars", partial(surroundings.fit, shape=9 / 16, paper=WHITE)),
    _edit("pillarbox-16x9", "bars", partial(surroundings.fit, shape=16 / 9)),
    _edit("pillarbox-21x9", "bars", partial(surroundings.fit, shape=21 / 9)),
    _edit("blurred-9x16", "blurred-border", partial(surroundings.blurred_border, shape=9 / 16)),
    _edit("blurred-9x16-dark", "blurred-border", partial(surroundings.blurred_border, shape=9 / 16, brightness=0.6)),
    _edit("blurred-9x16-weak", "blurred-border", partial(surroundings.blurred_border, shape=9 / 16, strength=0.015)),
    _edit("blurred-16x9", "blurred-border", partial(surroundings.blurred_border, shape=16 / 9)),
    _edit("blurred-square", "blurred-border", partial(surroundings.blurred_border, shape=1.0)),
    _edit("mirror", "orientation", _MIRROR),
    _edit("flip", "orientation", partial(adjustments.transpose, how=Image.Transpose.FLIP_TOP_BOTTOM)),
    _edit("rotate-90", "orientation", partial(adjustments.transpose, how=Image.Transpose.ROTATE_90)),
    _edit("rotate-180", "orientation", partial(adjustments.transpose, how=Image.Transpose.ROTATE_180)),
    _edit("rotate-270", "orientation", partial(adjustments.transpose, how=Image.Transpose.ROTATE_270)),
    _edit("logo-15", "overlay", partial(overlays.logo, share=0.15)),
    _edit("logo-25", "overlay", partial(overlays.logo, share=0.25)),
    _edit("logo-20-half-transparent", "overlay", partial(overlays.logo, share=0.2, opacity=0.5)),
    _edit("banner-12", "overlay", partial(overlays.banner, share=0.12)),
    _edit("banner-22", "overlay", partial(overlays.banner, share=0.22)),
    _edit("subtitle-1", "overlay", partial(overlays.subtitle, rows=1)),
    _edit("subtitle-2", "overlay", partial(overlays.subtitle, rows=2)),
    _edit("caption", "overlay", overlays.caption),
    _edit("emoji-30", "overlay", partial(overlays.emoji, share=0.3)),
    _edit("emoji-15-four", "overlay", partial(overlays.emoji, share=0.15, count=4)),
    _edit("watermark-once", "overlay", partial(overlays.watermark, opacity=0.4, tiled=False)),
    _edit("watermark-tiled", "overlay", partial(overlays.watermark, opacity=0.3, tiled=True)),
    _edit("censored-25", "overlay", partial(overlays.censor, share=0.25)),
    _edit("meme-above", "meme", partial(surroundings.meme, above=0.25, below=0.0)),
    _edit("meme-both", "meme", partial(surroundings.meme, above=0.18, below=0.18)),
    _edit("meme-black", "meme", partial(surroundings.meme, above=0.0, below=0.25, paper=BLACK, margin=0.06)),
    _edit("phone-post-light", "phone", partial(surroundings.phone_post, dark=False)),
    _edit("phone-post-dark", "phone", partial(surroundings.phone_post, dark=True)),
    _edit("phone-post-margin", "phone", partial(surroundings.phone_post, dark=False, margin=0.05)),
    _edit("phone-chat-light", "phone", partial(surroundings.phone_chat, dark=False)),
    _edit("phone-chat-dark", "phone", partial(surroundings.phone_chat, dark=True)),
    _edit("phone-gallery-light", "phone", partial(surroundings.phone_gallery, dark=False)),
    _edit("phone-gallery-dark", "phone", partial(surroundings.phone_gallery, dark=True)),
    _edit("crop-centre-10", "crop-grid", partial(adjustments.crop_centre, share=0.1)),
    _edit("crop-centre-20", "crop-grid", partial(adjustments.crop_centre, share=0.2)),
    _edit("crop-side-20", "crop-grid", partial(adjustments.crop_side, share=0.2)),
    _edit("crop-random-10", "crop-20", partial(adjustments.crop_random, most=0.1)),
    _edit("crop-random-20", "crop-20", partial(adjustments.crop_random, most=0.2)),
    _edit("crop-centre-30", "crop-grid", partial(adjustments.crop_centre, share=0.3)),
    _edit("crop-random-30", "crop-30", partial(adjustments.crop_random, most=0.3)),
    _edit("rotate-1", "rotation", partial(adjustments.rotate, degrees=1, inner=False)),
    _edit("rotate-2", "rotation", partial(adjustments.rotate, degrees=2, inner=False)),
    _edit("rotate-5", "rotation", partial(adjustments.rotate, degrees=5, inner=False)),
    _edit("rotate-10", "rotation", partial(adjustments.rotate, degrees=10, inner=False)),
    _edit("rotate-2-inner", "rotation", partial(adjustments.rotate, degrees=2, inner=True)),
    _edit("rotate-5-inner", "rotation", partial(adjustments.rotate, degrees=5, inner=True)),
    _edit("rotate-10-inner", "rotation", partial(adjustments.rotate, degrees=10, inner=True)),
    _edit("pip-50-75", "pip-50", partial(overlays.picture_in_picture, smallest=0.5, largest=0.75)),
    _edit("pip-33-50", "pip-33", partial(overlays.picture_in_picture, smallest=0.33, largest=0.5)),
    _edit("collage-2", "collage", partial(overlays.collage, columns=2, rows=1)),
    _edit("collage-4", "collage", partial(overlays.collage, columns=2, rows=2)),
    _edit("collage-4-gaps", "collage", partial(overlays.collage, columns=2, rows=2, gap=0.04)),
    _edit("inverted", "inversion", adjustments.invert),
    _edit(
        "mirror+bars",
        "combination",
        _MIRROR,
        partial(surroundings.bars, sides=_ENDS, share=0.15, colours=(BLACK,)),
    ),
    _edit("mirror+crop", "combination", _MIRROR, partial(adjustments.crop_random, most=0.15)),
    _edit(
        "crop+subtitle",
        "combination",
        partial(adjustments.crop_random, most=0.12),
        partial(overlays.subtitle, rows=1),
    ),
    _edit(
        "letterbox+logo+jpeg",
        "combination",
        partial(surroundings.fit, shape=9 / 16),
        partial(overlays.logo, share=0.2),
        encode=_jpeg(50),
    ),
    _edit(
        "meme+resize",
        "combination",
        partial(surroundings.meme, above=0.2, below=0.0),
        partial(adjustments.resize, factor=0.5),
    ),
    _edit(
        "banner+phone",
        "combination",
        partial(overlays.banner, share=0.15),
        partial(surroundings.phone_post, dark=True),
    ),
    _edit(
        "rotate+bars",
        "combination",
        partial(adjustments.rotate, degrees=3, inner=True),
        partial(surroundings.bars, sides=_SIDES, share=0.2, colours=(WHITE,)),
    ),
    _edit(
        "mirror+blurred",
        "combination",
        _MIRROR,
        partial(surroundings.blurred_border, shape=9 / 16),
    ),
    _edit(
        "greyscale+watermark+noise",
        "combination",
        adjustments.greyscale,
        partial(overlays.watermark, opacity=0.3, tiled=True),
        partial(adjustments.noise, sigma=10),
    ),
    _edit(
        "crop+cast+jpeg",
        "combination",
        partial(adjustments.crop_random, most=0.1),
        partial(adjustments.cast, red=1.1, green=1.0, blue=0.85),
        encode=_jpeg(40),
    ),
)


def matching(pattern: str) -> tuple[Edit, ...]:
    """The edits whose name or group fits a pattern such as "jpeg-*", "combination" or "crop*"."""
    return tuple(
        edit for edit in EDITS if fnmatch.fnmatchcase(edit.name, pattern) or fnmatch.fnmatchcase(edit.group, pattern)
    )


def randomness(seed: int, edit: Edit, name: str) -> Random:
    """The source of randomness for one edit of one picture: the same whatever else is made, and in which order."""
    return Random(f"{seed}/{edit.name}/{name}")
