"""A cache whose silence is a miss: when Redis is down, pages are slower, never broken."""

import logging

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError, TimeoutError

logger = logging.getLogger(__name__)
UNREACHABLE = (ConnectionError, TimeoutError, OSError)


class ForgivingRedisCache(RedisCache):
    def _ask(self, method, default, *args, **kwargs):
        try:
            return method(*args, **kwargs)
        except UNREACHABLE as error:
            logger.warning("the cache does not answer: %s", error)
            return default

    def add(self, key, value, *args, **kwargs):
        return self._ask(super().add, False, key, value, *args, **kwargs)

    def get(self, key, default=None, version=None):
        return self._ask(super().get, default, key, default, version)

    def set(self, key, value, *args, **kwargs):
        self._ask(super().set, None, key, value, *args, **kwargs)

    def touch(self, key, *args, **kwargs):
        return self._ask(super().touch, False, key, *args, **kwargs)

    def delete(self, key, version=None):
        return self._ask(super().delete, False, key, version)

    def get_many(self, keys, version=None):
        return self._ask(super().get_many, {}, keys, version)

    def has_key(self, key, version=None):
        return self._ask(super().has_key, False, key, version)

    def incr(self, key, delta=1, version=None):
        # As for a key that is not there: callers that count must expect ValueError from any cache.
        try:
            return super().incr(key, delta, version)
        except UNREACHABLE as error:
            raise ValueError(f"the cache does not answer: {error}") from error

    def set_many(self, data, *args, **kwargs):
        return self._ask(super().set_many, list(data), data, *args, **kwargs)

    def delete_many(self, keys, version=None):
        self._ask(super().delete_many, None, keys, version)

    def clear(self):
        return self._ask(super().clear, False)
