"""The shapes of crashes: where they begin and end, and that their noise is the seed's."""

from datetime import timedelta

import pytest

from execution.contracts.parameters import PPM
from execution.margin import StrikeState
from node.demo.shapes import BTC, ETH, SHAPES, Shape
from node.keepers.prices import parse_prices, prices_json
from state.types import Timestamp

EVERY_SHAPE = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


@EVERY_SHAPE
def test_scenes_of_shape_start_at_first_prices_and_end_at_last_waypoint(shape: Shape) -> None:
    first, *rest = shape.scenes(seed=7)

    assert first.parts == {BTC: PPM, ETH: PPM}
    assert len(rest) == shape.reports
    assert [scene.number for scene in rest] == list(range(1, shape.reports + 1))
    assert (first.time, rest[-1].time) == (shape.waypoints[0].time, shape.waypoints[-1].time)
    assert rest[-1].volatility == shape.waypoints[-1].volatility


@EVERY_SHAPE
def test_scenes_of_shape_stay_within_six_deviations_of_its_waypoints(shape: Shape) -> None:
    scenes = shape.scenes(seed=3)
    number = 0
    for waypoint in shape.waypoints:
        number += waypoint.reports
        for market, part in ((BTC, waypoint.btc), (ETH, waypoint.eth)):
            assert abs(scenes[number].parts[market] - part) <= 6 * shape.noise
        assert scenes[number].time == waypoint.time


@EVERY_SHAPE
def test_scenes_of_one_seed_are_same_and_of_another_differ(shape: Shape) -> None:
    assert shape.scenes(seed=1) == shape.scenes(seed=1)
    assert shape.scenes(seed=1) != shape.scenes(seed=2)


@EVERY_SHAPE
def test_time_of_shape_only_goes_on(shape: Shape) -> None:
    times = [scene.time for scene in shape.scenes(seed=1)]

    assert all(later - earlier > timedelta(0) for earlier, later in zip(times, times[1:]))


@EVERY_SHAPE
def test_lowest_price_of_shape_is_at_its_lowest_waypoint(shape: Shape) -> None:
    lowest = min(scene.parts[BTC] for scene in shape.scenes(seed=1))

    assert abs(lowest - min(one.btc for one in shape.waypoints)) <= 6 * shape.noise


def test_prices_of_scene_name_every_market_and_strike_as_feed_reads_them() -> None:
    scene = SHAPES["march-2020"].scenes(seed=1)[9]
    start = {BTC: 64_250 * 10**8, ETH: 318_764 * 10**6, 2: 10**8}
    strikes = {64: StrikeState(BTC, Timestamp(1), 60_000 * 10**8, 0)}

    prices = parse_prices(prices_json(scene.prices(start, strikes)))

    assert prices.index == {id_: scene.price(id_, price) for id_, price in start.items()}
    assert prices.index[2] == start[2]
    assert prices.options[64].forward == prices.index[BTC]
    assert prices.options[64].volatility == scene.volatility * 10**12
