"""Images: decoded once, whole, so that a broken one is found at import and not in a training run."""

import io

from PIL import Image, UnidentifiedImageError

from services.dataset.domain import SampleContent
from services.kernel.problems import Problem, Refused

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_DECODERS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # the decoder of JPEG takes MPO too
_EXPECTED = "an image that Pillow decodes: PNG, JPEG, BMP, GIF, WebP or TIFF"
MAX_PIXELS = 80_000_000


def read_image(path: str, content: bytes) -> SampleContent:
    """The image as it is. Raises Refused when it is empty, has too many pixels or does not decode."""
    if not content:
        raise Refused(Problem("is empty", _EXPECTED, "SAMPLE_EMPTY", path))
    try:
        with Image.open(io.BytesIO(content), formats=_DECODERS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise _too_large(path, f"has {width} × {height} pixels")
            image.load()
    except Image.DecompressionBombError as error:
        raise _too_large(path, "has too many pixels") from error
    except UnidentifiedImageError as error:
        raise Refused(Problem("is not an image", _EXPECTED, "IMAGE_UNDECODABLE", path)) from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, KeyError, OverflowError) as error:
        # Pillow's decoders let errors of their parsing through.
        told = str(error)[:200] or type(error).__name__
        raise Refused(Problem(f"does not decode as an image: {told}", _EXPECTED, "IMAGE_UNDECODABLE", path)) from error
    return SampleContent(content)


def _too_large(path: str, message: str) -> Refused:
    return Refused(Problem(message, f"at most {MAX_PIXELS} pixels", "IMAGE_TOO_LARGE", path))
