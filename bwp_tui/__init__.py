"""A terminal console for privacy requests with Amazon's Buy with Prime API."""

from typing import Final

VERSION: Final = "0.1.0"
