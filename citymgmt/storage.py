"""Static files under names that carry their hash, so that browsers may keep them for good."""

from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestStaticFilesStorage

_imports_of_modules = HashedFilesMixin._js_module_import_aggregation_patterns[1]


class StaticStorage(ManifestStaticFilesStorage):
    # Django would also rewrite "sourceMappingURL" and fail on each published file that comes without its map.
    patterns = (
        (
            "*.css",
            (
                r"""(?P<matched>url\(['"]{0,1}\s*(?P<url>.*?)["']{0,1}\))""",
                (r"""(?P<matched>@import\s*["']\s*(?P<url>.*?)["'])""", """@import url("%(url)s")"""),
            ),
        ),
        # Our own scripts are plain modules that import each other: the hashed name must stand in the import too.
        ("js/*.js", _imports_of_modules),
    )
