"""Lines of the log, without the secrets that stand in addresses."""

import logging
import re

# A citizen's link, a crew's link, a ticket to the live channel, a program's token.
SECRETS = re.compile(r"(/citizen/follow/|/l/|[?&]ticket=|\bcity_(?=[\w-]{43}))[^/&\s\"']+")


class Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return SECRETS.sub(r"\1…", super().format(record))
