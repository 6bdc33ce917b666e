"""The edits of families in which a picture is shown, filmed, cut, turned, marked or repainted; in the order of GOALS."""

from __future__ import annotations

from functools import partial

from PIL import Image

from hashmatch.evaluate import adjustments, overlays
from hashmatch.evaluate.families import (
    apps,
    camera,
    marks,
    mosaics,
    pdq_attack,
    recolourings,
    stories,
    television,
    warps,
)
from hashmatch.evaluate.making import Edit, edit, jpeg_of

_MIRROR = partial(adjustments.transpose, how=Image.Transpose.FLIP_LEFT_RIGHT)
_STORY = partial(stories.story, share=(0.62, 0.9), tilt=(0, 0), stickers=3)
_TILTED_STORY = partial(stories.story, share=(0.55, 0.8), tilt=(4, 14), stickers=3)
_CHAIN = partial(recolourings.recompress, times=6, lowest=20)

#: Posts of apps, stories, television.
SHOWN: tuple[Edit, ...] = (
    *(
        edit(f"post-{app}-{'dark' if dark else 'light'}", "social", partial(apps.post, app=app, dark=dark))
        for app in apps.LAYOUTS
        for dark in (False, True)
    ),
    edit("post-quoting-light", "social", partial(apps.quoting_post, dark=False)),
    edit("post-quoting-dark", "social", partial(apps.quoting_post, dark=True)),
    edit("post-of-screenshot-light", "social", partial(apps.reposted_screenshot, dark=False)),
    edit("post-of-screenshot-dark", "social", partial(apps.reposted_screenshot, dark=True)),
    edit("post-laptop-light", "social", partial(apps.laptop_post, dark=False)),
    edit("post-laptop-dark", "social", partial(apps.laptop_post, dark=True)),
    edit("story-upright", "story", _STORY),
    edit("story-small", "story", partial(stories.story, share=(0.4, 0.6), tilt=(0, 0), stickers=4)),
    edit("story-tilted", "story", _TILTED_STORY),
    edit("story-tilted-far", "story", partial(stories.story, share=(0.5, 0.7), tilt=(14, 28), stickers=3)),
    edit("tv-lower-third", "television", partial(television.lower_third, ticker=False)),
    edit("tv-lower-third-ticker", "television", partial(television.lower_third, ticker=True)),
    edit("tv-lower-third-cut", "television", partial(television.lower_third, ticker=False, cut=True)),
    edit("tv-ticker", "television", television.only_ticker),
    edit("tv-studio-box-50", "television", partial(television.studio_box, share=(0.45, 0.54))),
    edit("tv-studio-box-35", "television", partial(television.studio_box, share=(0.32, 0.42))),
)

FILMED: tuple[Edit, ...] = (
    edit("camera-screen", "camera", partial(camera.of_screen, tilt=0.03, moire=0), encode=jpeg_of(80)),
    edit("camera-screen-moire", "camera", partial(camera.of_screen, tilt=0.05, moire=14), encode=jpeg_of(75)),
    edit("camera-screen-glare", "camera", partial(camera.of_screen, tilt=0.05, moire=8, glare=120), encode=jpeg_of(75)),
    edit("camera-screen-slanting", "camera", partial(camera.of_screen, tilt=0.1, moire=8), encode=jpeg_of(75)),
    edit("camera-print", "camera", partial(camera.of_print, tilt=0.04), encode=jpeg_of(80)),
    edit("camera-print-slanting", "camera", partial(camera.of_print, tilt=0.1), encode=jpeg_of(75)),
    edit("camera-print-glare", "camera", partial(camera.of_print, tilt=0.06, glare=110), encode=jpeg_of(75)),
    edit("camera-phone-post", "camera", partial(camera.of_phone_post, app="microblog"), encode=jpeg_of(75)),
    edit("camera-laptop-post", "camera", camera.of_laptop_post, encode=jpeg_of(80)),
)

COLLAGES: tuple[Edit, ...] = (
    edit("mosaic-2x1", "mosaic", partial(mosaics.mosaic, cells=mosaics.SIDE_BY_SIDE, longest=1200)),
    edit("mosaic-2x1-whole", "mosaic", partial(mosaics.before_and_after, longest=1200)),
    edit("mosaic-2x2", "mosaic", partial(mosaics.mosaic, cells=mosaics.grid(2, 2), longest=1200)),
    edit(
        "mosaic-2x2-gaps",
        "mosaic",
        partial(mosaics.mosaic, cells=mosaics.grid(2, 2), longest=1080, gap=0.02, whole=True),
    ),
    edit("mosaic-1+3", "mosaic", partial(mosaics.mosaic, cells=mosaics.ONE_AND_THREE, longest=1200, gap=0.01)),
    edit("mosaic-3x3", "mosaic", partial(mosaics.mosaic, cells=mosaics.grid(3, 3), longest=1200)),
    edit("mosaic-3x3-gaps", "mosaic", partial(mosaics.mosaic, cells=mosaics.grid(3, 3), longest=1080, gap=0.015)),
)

MOVED: tuple[Edit, ...] = (
    edit("keep-70", "crop-keeps-50", partial(warps.keep, share=0.7)),
    edit("keep-50", "crop-keeps-50", partial(warps.keep, share=0.5)),
    edit("keep-40", "crop-keeps-30", partial(warps.keep, share=0.4)),
    edit("keep-30", "crop-keeps-30", partial(warps.keep, share=0.3)),
    edit("perspective-5", "perspective", partial(warps.perspective, share=0.05)),
    edit("perspective-10", "perspective", partial(warps.perspective, share=0.1)),
    edit("perspective-20", "perspective", partial(warps.perspective, share=0.2)),
    *(
        edit(f"turn-{degrees}{'-cut' if cut else ''}", "turn", partial(warps.turn, degrees=degrees, cut=cut))
        for cut in (False, True)
        for degrees in (10, 20, 30, 45)
    ),
    edit("stretch-130-keep-80", "stretch-crop", partial(warps.stretch_and_keep, across=1.3, share=0.8)),
    edit("stretch-130-keep-65", "stretch-crop", partial(warps.stretch_and_keep, across=1.3, share=0.65)),
    edit("stretch-70-keep-80", "stretch-crop", partial(warps.stretch_and_keep, across=0.7, share=0.8)),
    edit("stretch-70-keep-65", "stretch-crop", partial(warps.stretch_and_keep, across=0.7, share=0.65)),
)

REPAINTED: tuple[Edit, ...] = (
    edit("signed-50", "mark", partial(marks.signed, opacity=0.5)),
    edit("flag-30", "mark", partial(marks.under_flag, opacity=0.3)),
    edit("emblem-50", "mark", partial(marks.emblem, share=0.5, opacity=0.7)),
    edit("sparks-60", "mark", partial(marks.sparks, count=60)),
    edit("pixelated-30-two", "hiding", partial(marks.pixelate, share=0.3, count=2)),
    edit("black-bars-4", "hiding", partial(marks.black_bars, count=4)),
    edit("scribbles-7", "hiding", partial(marks.scribble, strokes=7)),
    edit("against-pdq-2", "attack", partial(pdq_attack.against_pdq, error=2)),
    edit("against-pdq-5", "attack", partial(pdq_attack.against_pdq, error=5)),
    edit("against-pdq-7", "attack", partial(pdq_attack.against_pdq, error=7)),
    edit("recompressed-6", "recompression", _CHAIN, encode=jpeg_of(40)),
    edit("recompressed-12", "recompression", partial(recolourings.recompress, times=12, lowest=12), encode=jpeg_of(30)),
    edit("smoothed-4", "recompression", partial(recolourings.smooth, times=4)),
    edit("upscaled-25", "recompression", partial(recolourings.upscale, factor=0.25)),
    edit("solarised", "filter", partial(recolourings.solarise, threshold=128)),
    edit("thermal", "filter", recolourings.thermal),
    edit("duotone", "filter", recolourings.duotone),
    edit("posterised-2", "filter", partial(recolourings.posterise, bits=2)),
    edit("stylised", "filter", recolourings.stylise),
    edit("sketch", "filter", recolourings.sketch),
    edit("embossed", "filter", recolourings.emboss),
    edit("halftone-120", "halftone", partial(recolourings.halftone, dots=120, coloured=False)),
    edit("halftone-180-colour", "halftone", partial(recolourings.halftone, dots=180, coloured=True)),
    edit("grain-35", "halftone", partial(recolourings.grain, sigma=35)),
    edit("cartoon", "halftone", recolourings.cartoon),
    edit("wave-1", "distortion", partial(warps.wave, share=0.01)),
    edit("pinch-35", "distortion", partial(warps.pinch, strength=0.35)),
    edit("bulge-35", "distortion", partial(warps.pinch, strength=-0.35)),
    edit("swirl-40", "distortion", partial(warps.swirl, degrees=40)),
    edit("glass-1", "distortion", partial(warps.glass, share=0.012, cells=24)),
)

#: Two or three of them.
SEVERAL: tuple[Edit, ...] = (
    edit("keep-70+story-tilted", "several", partial(warps.keep, share=0.7), _TILTED_STORY),
    edit("mirror+post", "several", _MIRROR, partial(apps.post, app="channel", dark=True)),
    edit("mirror+mosaic", "several", _MIRROR, partial(mosaics.mosaic, cells=mosaics.grid(2, 2), longest=1200)),
    edit("ticker+keep-80", "several", television.only_ticker, partial(warps.keep, share=0.8)),
    edit(
        "lower-third+camera",
        "several",
        partial(television.lower_third, ticker=True),
        partial(camera.of_screen, tilt=0.04, moire=8),
    ),
    edit("turn+signed", "several", partial(warps.turn, degrees=15, cut=True), partial(marks.signed, opacity=0.5)),
    edit("duotone+post", "several", recolourings.duotone, partial(apps.post, app="gallery", dark=False)),
    edit("keep-60+recompressed", "several", partial(warps.keep, share=0.6), _CHAIN, encode=jpeg_of(40)),
    edit(
        "perspective+scribbles", "several", partial(warps.perspective, share=0.08), partial(marks.scribble, strokes=5)
    ),
    edit(
        "stretch+lower-third",
        "several",
        partial(adjustments.stretch, across=1.25, down=1.0),
        partial(television.lower_third, ticker=False),
    ),
    edit(
        "keep-70+post+camera",
        "several",
        partial(warps.keep, share=0.7),
        partial(apps.post, app="network", dark=False),
        partial(camera.of_screen, tilt=0.03, moire=6),
    ),
    edit("caption+keep-75+jpeg", "several", overlays.caption, partial(warps.keep, share=0.75), encode=jpeg_of(40)),
)

FAMILY_EDITS: tuple[Edit, ...] = (*SHOWN, *FILMED, *COLLAGES, *MOVED, *REPAINTED, *SEVERAL)

_CARDS_ARE = (
    *("post-channel-light", "post-microblog-dark", "post-network-light", "post-laptop-light", "tv-studio-box-50"),
    *("keep-70", "keep-50", "camera-screen", "camera-screen-moire", "camera-print"),
)
#: How made-up cards are copied: shown, cut, filmed.
CARD_EDITS: tuple[Edit, ...] = tuple(
    Edit(f"card-{each.name}", "card", each.make) for each in FAMILY_EDITS if each.name in _CARDS_ARE
)
