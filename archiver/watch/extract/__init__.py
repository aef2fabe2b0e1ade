"""From the bytes of a page to lines of text: one reader a media type, put together by a named normaliser."""
