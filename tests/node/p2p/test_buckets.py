"""Token buckets."""

from node.p2p.buckets import Buckets


def test_bucket_full_allows_a_burst_and_then_its_rate() -> None:
    buckets = Buckets((2.0, 4.0))
    assert [buckets.take("a", 0.0) for _ in range(5)] == [True] * 4 + [False]
    assert not buckets.take("a", 0.4)
    assert buckets.take("a", 0.5)
    assert not buckets.take("a", 0.5)


def test_bucket_of_one_name_leaves_others_alone() -> None:
    buckets = Buckets((1.0, 1.0))
    assert buckets.take("a", 0.0)
    assert buckets.take("b", 0.0)
    assert not buckets.take("a", 0.0)


def test_bucket_takes_nothing_when_it_has_too_little() -> None:
    buckets = Buckets((1.0, 10.0))
    assert not buckets.take("a", 0.0, 11)
    assert buckets.take("a", 0.0, 10)


def test_buckets_forget_the_longest_unused_name() -> None:
    buckets = Buckets((0.0, 1.0), names_max=2)
    assert buckets.take("a", 0.0)
    assert buckets.take("b", 0.0)
    assert not buckets.take("a", 0.0)
    assert buckets.take("c", 0.0)
    assert not buckets.take("a", 0.0), "a was used after b"
    assert buckets.take("b", 0.0), "b starts anew"


def test_charge_takes_what_there_is_and_no_more() -> None:
    buckets = Buckets((1.0, 4.0))
    buckets.charge("a", 0.0, 3.0)
    assert buckets.take("a", 0.0)
    buckets.charge("a", 0.0, 100.0)
    assert not buckets.take("a", 0.5)
    assert buckets.take("a", 1.0)
