"""Pages of a listing; they live in `services.kernel.pages`, which handlers may import too."""

from services.kernel.pages import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page, PageToken, page_limit

__all__ = ["DEFAULT_PAGE_SIZE", "MAX_PAGE_SIZE", "Page", "PageToken", "page_limit"]
