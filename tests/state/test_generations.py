"""The cache that forgets."""

from hypothesis import given
from hypothesis import strategies as st

from state.generations import GenerationCache


def test_get_after_many_puts_keeps_the_last_ones_only():
    cache: GenerationCache[int, int] = GenerationCache(10)
    for key in range(100):
        cache.put(key, key)
    assert all(cache.get(key) == key for key in range(90, 100))
    assert cache.get(50) is None


def test_get_keeps_what_is_used():
    cache: GenerationCache[int, int] = GenerationCache(10)
    cache.put(-1, -1)
    for key in range(100):
        cache.put(key, key)
        assert cache.get(-1) == -1


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30))))
def test_get_is_right_or_nothing(steps: list[tuple[bool, int]]):
    cache: GenerationCache[int, int] = GenerationCache(5)
    model: dict[int, int] = {}
    for number, (put, key) in enumerate(steps):
        if put:
            cache.put(key, number)
            model[key] = number
        else:
            assert cache.get(key) in (None, model.get(key))
