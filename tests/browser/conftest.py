"""A browser for the tests of this folder, and for each test pages of its own."""

from .pages import chromium, open_page, page, watch

__all__ = ["chromium", "open_page", "page", "watch"]
