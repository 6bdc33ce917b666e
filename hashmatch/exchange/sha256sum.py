"""The `sha256sum` format: see `checksums`. Bare hex of 64 digits may as well be PDQ."""

from hashmatch.exchange.checksums import checksum_format

FORMAT = checksum_format("sha256sum", "sha256", tag=rb"SHA-?(?:2-)?256", bare_is_telling=False)
